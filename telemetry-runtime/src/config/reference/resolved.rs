//! Settings as they are printed: read again they mean the same, and origins are named.

use super::super::env::Environment;
use super::super::key::{Key, Kind};
use super::super::source::Source;
use super::super::{Settings, SettingsError};
use super::tests::{CONNECTION, facts, samples};
use super::{Place, places};
use proptest::prelude::*;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::read(Source::new("settings.yaml", text), &Environment::Fixed(variables.collect()))
}

fn resolved(text: &str, variables: &[(&str, &str)]) -> String {
    read(text, variables).expect("valid settings").resolved()
}

/// The lines of this key.
fn lines<'t>(resolved: &'t str, key: &str) -> Vec<&'t str> {
    let is_key = |line: &&str| line.trim_start_matches([' ', '-', '#']).starts_with(&format!("{key}: "));
    resolved.lines().filter(is_key).collect()
}

/// What is printed says no less and no more than what holds, as far as there are no secrets in it.
fn assert_means_the_same(settings: &Settings) {
    let resolved = settings.resolved();
    if !resolved.contains("***") {
        let again = read(&resolved, &[]).unwrap_or_else(|error| panic!("{resolved}{error}"));
        assert_eq!(facts(&again), facts(settings), "{resolved}");
    }
}

#[test]
fn what_is_printed_means_the_same_whatever_a_key_says() {
    for place in places() {
        for text in samples(&place.key.kind).0.iter().map(|value| place.file(value)) {
            // Some values need others beside them.
            if let Ok(settings) = read(&text, &[]) {
                assert_means_the_same(&settings);
            }
        }
    }
    assert_means_the_same(&Settings::default());
}

/// What a variable may say for a key of this kind, but for files of TLS, which would have to be there.
fn said_by_variable(place: &Place) -> Option<&'static str> {
    Some(match (&*place.path(), &place.key.kind) {
        ("telemetry.sampler", _) => "traceidratio",
        ("telemetry.exporters.signals", _) => "none",
        (path, Kind::Text) if path.contains(".tls.") => return None,
        (_, Kind::Text) => "x y",
        (_, Kind::Bool) => "True",
        (_, Kind::Ratio) => "0.01",
        (_, Kind::Count { .. }) => "7",
        (_, Kind::Time) => "2500",
        (_, Kind::Size { .. }) => "100",
        (_, Kind::Map(_)) => "a=1,b=x%20y",
        (_, Kind::List(_)) => "B3,xray",
        (_, Kind::WordOr(..)) => "warn,orders=debug",
        (_, Kind::Like("URL", _)) => "http://127.0.0.1:1234",
        ("telemetry.exporters.otlp.protocol", _) => "http/json",
        ("telemetry.exporters.otlp.compression", _) => "GZIP",
        (path, _) => panic!("no variable is known to say anything of {path}"),
    })
}

#[test]
fn every_variable_of_the_tables_is_named_as_the_origin_and_what_is_printed_means_the_same() {
    for place in places() {
        let Key { name, own, overridden_by, .. } = *place.key;
        let variables = overridden_by.iter().chain(own.iter().flatten());
        for variable in variables {
            let Some(text) = said_by_variable(&place) else { continue };
            let beside = ("OTEL_TRACES_SAMPLER", "traceidratio");
            let settings = read(&place.file("null"), &[beside, (variable, text)]).expect("valid settings");
            let resolved = settings.resolved();
            assert!(resolved.contains(&format!("# {variable}")), "{name} by {variable}:\n{resolved}");
            // A file says nothing of one signal.
            if own.is_none_or(|own| !own.contains(variable)) || name == "signals" {
                assert_means_the_same(&settings);
            }
        }
    }
}

#[test]
fn origins_are_places_variables_code_or_defaults() {
    let text = "service: {name: orders}\ntelemetry:\n  limits: {lanes: 8MiB}\n  exporters:\n    - provider: console\n";
    let settings = read(text, &[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "50")]).expect("valid settings");
    let resolved = settings.clone().with_service_name("billing").with_sampling_ratio(0.5).resolved();
    let line = |key: &str| lines(&resolved, key).concat().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(resolved.starts_with("service:\n  name: billing "), "{resolved}");
    for (key, expected) in [
        ("sampling_ratio", "sampling_ratio: 0.5 # code sampling_ratio: 1 # default"),
        ("sampler", "sampler: parentbased_traceidratio # code"),
        ("lanes", "lanes: 8MiB # settings.yaml:3:19"),
        ("value", "value: 50B # OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ("details", "details: 16MiB # default"),
        ("provider", "- provider: console # settings.yaml:5:17"),
    ] {
        assert_eq!(line(key), expected);
    }
    let without = settings.without_exporters().resolved();
    assert!(lines(&without, "exporters").concat().ends_with("# code"), "{without}");
}

#[test]
fn signals_that_differ_have_a_line_each() {
    let variables = [("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"), ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "3000")];
    let both = resolved("telemetry: {exporters: [{provider: otlp}]}", &variables);
    let timeout = lines(&both, "timeout").join("\n").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        timeout,
        "timeout: 2000ms # OTEL_EXPORTER_OTLP_TIMEOUT, for traces # timeout: 3000ms # OTEL_EXPORTER_OTLP_LOGS_TIMEOUT, for logs"
    );
    let headers = [("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b")];
    let one = resolved("telemetry: {exporters: [{provider: otlp}]}", &headers);
    assert!(one.contains("        headers: {} ") && one.contains("# headers: {a: \"***\"} "), "{one}");
    let logs = resolved("telemetry: {exporters: [{provider: otlp, signals: [logs]}]}", &variables);
    assert!(lines(&logs, "timeout").concat().ends_with("# OTEL_EXPORTER_OTLP_LOGS_TIMEOUT"), "{logs}");
}

#[test]
fn the_bounds_of_a_preset_are_in_comments_unless_one_is_written() {
    let preset = |more| {
        let text = format!(
            "telemetry: {{exporters: [{{provider: otlp, otlp: {{preset: gcp, auth: none}}{more}}}]}}"
        );
        let resolved = resolved(&text, &[]);
        lines(&resolved, "max_batch_bytes").join("\n").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let expected = "# max_batch_bytes: 4MiB # preset, for traces # max_batch_bytes: 4MiB # preset, for logs";
    assert_eq!(preset(""), expected);
    assert_eq!(preset(", max_batch_bytes: 1MiB"), "max_batch_bytes: 1MiB # settings.yaml:1:92");
}

#[test]
fn the_origin_is_what_decides() {
    let origin = |text: &str, variables: &[(&str, &str)], key: &str| {
        let resolved = resolved(text, variables);
        let line = (*lines(&resolved, key).first().expect("a line")).to_owned();
        line.split_once("# ").map(|(_, origin)| origin.to_owned()).expect("an origin")
    };
    let otlp = "telemetry: {exporters: [{provider: otlp}]}";
    let console = "telemetry: {exporters: [{provider: console}]}";
    let (asks, forbids) = (("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_LOGS_EXPORTER", "none"));
    assert_eq!(origin(otlp, &[asks, forbids], "signals"), "OTEL_LOGS_EXPORTER");
    assert_eq!(origin(otlp, &[asks], "signals"), "default");
    assert_eq!(origin(console, &[asks, forbids], "signals"), "default");
    let both = [("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "200")];
    assert_eq!(origin("", &both, "queue_items"), "OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BLRP_MAX_QUEUE_SIZE");
    let both = [("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "200")];
    assert_eq!(origin("", &both, "queue_items"), "OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BLRP_MAX_QUEUE_SIZE");
    assert_means_the_same(&read("", &both).expect("valid settings"));
    assert_means_the_same(&read("", &[("OTEL_BSP_EXPORT_TIMEOUT", "0")]).expect("valid settings"));
    assert_eq!(origin("telemetry: {sampler: always_off}", &[], "sampling_ratio"), "settings.yaml:1:22");
    assert_eq!(origin("", &[("OTEL_TRACES_SAMPLER", "always_off")], "sampling_ratio"), "OTEL_TRACES_SAMPLER");
    let made = resolved("", &[("OTEL_TRACES_EXPORTER", "otlp")]);
    assert!(lines(&made, "provider")[1].ends_with("# OTEL_TRACES_EXPORTER"), "{made}");
}

#[test]
fn exporters_that_are_not_enabled_are_named() {
    let far = "{provider: otlp, name: far, enabled: '${ON:-false}', otlp: {endpoint: '${UNSET}'}}";
    let resolved = resolved(&format!("telemetry: {{exporters: [{{provider: console}}, {far}]}}"), &[]);
    let line = resolved.lines().find(|line| line.contains("# far is not enabled")).expect("a line");
    assert!(line.ends_with("# settings.yaml:1:83"), "{line}");
}

#[test]
fn what_a_variable_leaves_empty_is_the_default_and_what_it_says_is_shown() {
    let text = "telemetry: {exclude_endpoints: ['${HEALTH}'], exporters: [{provider: otlp, otlp: {timeout: '${UNSET:-}'}}]}";
    let variables = [
        ("HEALTH", "/health"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let resolved = resolved(text, &variables);
    for (key, expected) in [
        ("exclude_endpoints", "exclude_endpoints: [\"/health\"] # settings.yaml:1:32"),
        ("timeout", "timeout: 10s # default"),
        ("endpoint", "endpoint: https://collector:4317 # OTEL_EXPORTER_OTLP_ENDPOINT"),
    ] {
        let line = lines(&resolved, key).concat().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(line, expected);
    }
}

#[test]
fn no_secret_is_printed() {
    let text = r#"
telemetry:
  resource: {api_key: c4nary, owner: "u:c4nary@h"}
  exporters:
    - provider: otlp
      exclude: [{token: c4nary}]
      otlp: {headers: {api-key: c4nary, authorization: "Bearer ${KEY}"}, endpoint: "http://localhost/@c4nary"}
    - provider: otlp
      name: by-variable
    - provider: azure_monitor
server: {password: c4nary, secret: {c4nary}, token: {a: {c4nary}}, port: "${KEY}", nested: {secret: [c4nary]}}
"#;
    let variables = [
        ("KEY", "c4nary"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-key=c4nary"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://localhost/v1/logs?key=c4nary"),
        ("OTEL_RESOURCE_ATTRIBUTES", "password=c4nary"),
        CONNECTION,
    ];
    let settings = read(text, &variables).expect("valid settings");
    let resolved = settings.resolved();
    assert!(!resolved.contains("c4nary") && !resolved.contains("11112222"), "{resolved}");
    for shown in ["api-key: \"***\"", "{x-key: \"***\"}", "connection_string: \"***\"", "password: \"***\""] {
        assert!(resolved.contains(shown), "{shown}: {resolved}");
    }
    assert!(!format!("{:?}", settings.elsewhere).contains("c4nary"));
}

/// Valid, until somebody's pen slips.
const SECRETS: &str = r#"
service: {name: orders}
telemetry:
  resource: {api_key: c4nary, zone: a}
  exporters:
    - provider: otlp
      exclude: [{token: c4nary}]
      otlp:
        endpoint: http://localhost:4318
        timeout: 10s
        headers:
          api-key: c4nary # was c4nary
          authorization: "Bearer c4nary"
    - provider: azure_monitor
      azure_monitor:
        connection_string: InstrumentationKey=c4c4c4c4-3333-4444-5555-66667777aaaa
logging: {format: text}
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_slip_of_the_pen_that_leaves_settings_valid_prints_a_secret(at in 0..SECRETS.len(), remove in 0..12_usize, insert in "[\\[\\]{}:,'\"#*&!|> \n\ta-]{0,3}") {
        let end = (at + remove).min(SECRETS.len());
        // A slip that hits the secret itself, or makes another word of the one that calls it a secret, leaves something else.
        let line_start = SECRETS[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = SECRETS[end..].find('\n').map_or(SECRETS.len(), |newline| end + newline);
        prop_assume!(!SECRETS[line_start..line_end].contains("api_key") && !SECRETS[line_start..line_end].contains("token"));
        prop_assume!(!SECRETS[at.saturating_sub(6)..(end + 6).min(SECRETS.len())].contains("c4"));
        let slipped = format!("{}{insert}{}", &SECRETS[..at], &SECRETS[end..]);
        if let Ok(settings) = read(&slipped, &[]) {
            let resolved = settings.resolved();
            prop_assert!(!resolved.contains("c4nary") && !resolved.contains("c4c4c4c4"), "{slipped}\n{resolved}");
        }
    }
}

#[cfg(feature = "aws")]
#[test]
fn what_the_preset_of_aws_fills_in_is_shown() {
    let text = "telemetry: {exporters: [{provider: otlp, otlp: {preset: aws, aws: {log_group: /orders, log_stream: main}}}]}";
    let key = [
        ("AWS_ACCESS_KEY_ID", "AKIDc4nary"),
        ("AWS_SECRET_ACCESS_KEY", "c4nary"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let resolved = resolved(text, &key);
    assert!(!resolved.contains("c4nary"), "{resolved}");
    assert!(lines(&resolved, "region").concat().ends_with("# AWS_REGION"), "{resolved}");
    let endpoint = "https://xray.eu-west-1.amazonaws.com/v1/traces # preset, for traces";
    assert!(lines(&resolved, "endpoint").concat().contains(endpoint), "{resolved}");
    assert!(lines(&resolved, "propagators").concat().ends_with("xray]     # preset"), "{resolved}");
}
