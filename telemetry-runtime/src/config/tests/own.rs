//! The sections that are the application's own.

use super::*;
use serde::Deserialize;

#[test]
fn application_reads_its_own_section_as_its_own_type() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Server {
        host: String,
        port: u16,
        #[serde(default)]
        mode: Mode,
        data_dir: Option<String>,
        limits: Option<BTreeMap<String, f64>>,
    }
    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        #[default]
        Fast,
        Safe {
            retries: u8,
        },
    }
    let server = |text: &str| {
        let settings = settings_with(&format!("server:\n{text}"), [("CANARY", "canary")]);
        settings.section::<Server>("server").map_err(|error| error.to_string())
    };
    let plain = Server { host: "::1".into(), port: 8000, mode: Mode::Fast, data_dir: None, limits: None };
    assert_eq!(server("  {host: \"::1\", port: 8000, mode: fast, data_dir: null}"), Ok(Some(plain)));
    let full = server("  {host: 1.0, port: '1', mode: {safe: {retries: 3}}, data_dir: x, limits: {a: 1}}");
    let expected = Server {
        host: "1.0".into(),
        port: 1,
        mode: Mode::Safe { retries: 3 },
        data_dir: Some("x".into()),
        limits: Some(BTreeMap::from([("a".into(), 1.0)])),
    };
    assert_eq!(full, Ok(Some(expected)));
    assert_eq!(server(""), Ok(None));

    for (text, message) in [
        (
            "  host: h\n  port: 70000",
            "settings.yaml:3:9: expected a whole number from 0 to 65535\n  |\n3 |   port: 70000\n  |         ^^^^^",
        ),
        (
            "  host: h\n  prot: 1",
            "settings.yaml:3:3: unknown key `prot`\n  |\n3 |   prot: [REDACTED]\n  |   ^^^^\n  = did you mean `port`?",
        ),
        ("  host: h", "settings.yaml:2:3: the key `port` is missing\n  |\n2 |   host: h\n  |   ^^^^^^^"),
        (
            "  host: [h]\n  port: 1",
            "settings.yaml:2:9: expected a single value, found a list\n  |\n2 |   host: [h]\n  |         ^^^",
        ),
        (
            "  host: h\n  port: 1\n  mode: quick",
            "settings.yaml:4:9: expected `fast` or `safe`\n  |\n4 |   mode: quick\n  |         ^^^^^",
        ),
        (
            "  host: h\n  port: ${PORT}",
            "settings.yaml:3:9: ${PORT} has no value: set the variable, or write `${NAME:-default}`\n  |\n3 |   port: ${PORT}\n  |         ^^^^^^^",
        ),
        (
            "  host: h\n  port: ${CANARY}",
            "settings.yaml:3:9: expected a whole number from 0 to 65535\n  |\n3 |   port: ${CANARY}\n  |         ^^^^^^^^^",
        ),
    ] {
        assert_eq!(server(text), Err(message.to_owned()));
    }
}

#[test]
fn application_s_own_words_do_not_repeat_a_secret() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Server {
        password: Short,
        port: Short,
    }
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Short;
    impl TryFrom<String> for Short {
        type Error = String;
        fn try_from(text: String) -> Result<Self, String> {
            if text.len() < 4 { Ok(Self) } else { Err(format!("`{text}` is too long")) }
        }
    }
    let message = |text| settings(text).section::<Server>("server").expect_err("too long").to_string();
    assert_eq!(
        message("server: {password: canary, port: 1}"),
        "settings.yaml:1:20: this value does not fit\n  |\n1 | server: {password: [REDACTED], port: 1}\n  |                    ^^^^^^^^^^"
    );
    assert!(message("server: {password: x, port: 10000}").contains("`10000` is too long"));
}
