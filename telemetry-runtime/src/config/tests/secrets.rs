//! Secrets in files: warned about, and never shown.

use super::*;
use proptest::prelude::*;

#[test]
fn secrets_in_plain_text_are_warned_about_once() {
    let warnings = |otlp: &str| {
        let text = format!("telemetry: {{exporters: [{{provider: otlp, otlp: {otlp}}}]}}");
        settings(&text).warnings().to_vec()
    };
    let expected =
        "an `otlp` exporter sends `headers` to http://collector.example:4318 in plain text: write `https://`";
    assert_eq!(
        warnings("{endpoint: 'http://collector.example:4318/otlp', headers: {api-key: canary}}"),
        [expected]
    );
    for harmless in [
        "{endpoint: 'http://collector.example:4318'}",
        "{endpoint: 'https://collector.example:4318', headers: {api-key: canary}}",
        "{endpoint: 'http://127.0.0.1:4318', headers: {api-key: canary}}",
    ] {
        assert_eq!(warnings(harmless), [""; 0], "{harmless}");
    }
}

const SECRETS: &str = r#"
service: {name: orders}
telemetry:
  exporters:
    - provider: otlp
      name: collector
      otlp:
        endpoint: http://user:c4nary@localhost:4318
        timeout: 10s
        headers:
          api-key: c4nary # was c4nary
          authorization: "Bearer c4nary"
          x-list: {a: c4nary}
    - provider: azure_monitor
      enabled: false
      azure_monitor:
        connection_string: InstrumentationKey=c4nary;IngestionEndpoint=https://c4nary
server: {password: c4nary, port: 8000, hosts: [a, b]}
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_slip_of_the_pen_shows_a_secret(at in 0..SECRETS.len(), remove in 0..12_usize, insert in "[\\[\\]{}:,'\"#*&!|> \n\ta-]{0,3}") {
        let end = (at + remove).min(SECRETS.len());
        // A slip that hits the secret itself leaves something else.
        prop_assume!(!SECRETS[at.saturating_sub(6)..(end + 6).min(SECRETS.len())].contains("c4nary"));
        let slipped = format!("{}{insert}{}", &SECRETS[..at], &SECRETS[end..]);
        let shown = match read(&slipped, &Environment::from([("KEY", "c4nary")])) {
            Ok(settings) => format!("{settings:?} {:?}", settings.section::<BTreeMap<String, u8>>("server")),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains("c4nary"), "{slipped}\n{shown}");
    }

    #[test]
    fn any_text_is_settings_or_a_mistake(text in "((service|telemetry|exporters|otlp|[a-z$-]{1,3})?[:{}\\[\\], \n]{1,3}){0,12}") {
        let _ = read(&text, &Environment::from([])).map(|settings| settings.section::<BTreeMap<String, u8>>("server").is_ok());
    }
}
