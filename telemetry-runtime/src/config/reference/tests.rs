//! The tables of keys against the readers, the resolver and the schema.

use super::super::env::{ASKED, Environment};
use super::super::key::{Absent, Kind};
use super::super::resolved::yaml;
use super::super::source::Source;
use super::super::{Settings, SettingsError};
use super::{json, page, places, schema};
use crate::record::ValueBuf;
use std::collections::{BTreeMap, BTreeSet};

fn read(text: &str) -> Result<Settings, SettingsError> {
    Settings::read(Source::new("settings.yaml", text), &Environment::from([CONNECTION]))
}

pub(super) const CONNECTION: (&str, &str) =
    ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=11112222-3333-4444-5555-66667777aaaa");

#[test]
fn every_key_of_the_tables_is_read() {
    for place in places() {
        let wrong = match place.key.kind {
            Kind::Free => continue,
            Kind::Section(_) | Kind::Sections(_) | Kind::Map(_) | Kind::List(_) => "x",
            _ => "[x]",
        };
        let text = place.file(wrong);
        let error = read(&text).expect_err(&text).to_string();
        assert!(error.contains("expected a"), "nobody reads {}: {error}", place.path());
    }
}

#[test]
fn readers_and_the_schema_take_and_refuse_what_the_type_of_a_key_says() {
    let schema = jsonschema::draft7::new(&schema::schema()).expect("a schema");
    for place in places() {
        let (right, wrong) = samples(&place.key.kind);
        for text in right.iter().chain(&["null".to_owned()]).map(|value| place.file(value)) {
            // What contradicts something else is no question of the type.
            let error = read(&text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.contains("expected ") && !error.contains("unknown key"), "{text}\n{error}");
            assert!(schema.is_valid(&json(&text)), "the schema refuses {text}");
        }
        for text in wrong.iter().map(|value| place.file(value)) {
            assert!(read(&text).is_err(), "readers take {text}");
            assert!(!schema.is_valid(&json(&text)), "the schema takes {text}");
        }
    }
}

/// What is right and what is wrong, as YAML.
pub(super) fn samples(kind: &Kind) -> (Vec<String>, Vec<String>) {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (mut right, mut wrong) = match kind {
        Kind::Free => return (owned(&["x", "[x]", "{a: {b: c}}"]), Vec::new()),
        Kind::Section(keys) if keys.iter().any(|key| key.is_required) => {
            return (Vec::new(), owned(&["x", "[]", "{}"]));
        }
        Kind::Section(_) => return (owned(&["{}"]), owned(&["x", "[]", "{no_such_key: 1}"])),
        Kind::Sections(_) => return (owned(&["[]"]), owned(&["x", "{}", "[{no_such_key: 1}]"])),
        Kind::Map(of) => {
            let (mut right, wrong) = nested(of, |value| format!("{{a: {value}}}"));
            // A map of which nothing is left is no pattern.
            right.retain(|text| !text.contains("UNSET"));
            return (right, wrong);
        }
        Kind::List(of) => return nested(of, |value| format!("[{value}]")),
        Kind::Text | Kind::Attribute => (owned(&["x", "1.0", "true", "'a b'"]), Vec::new()),
        Kind::Secret => (vec![yaml(CONNECTION.1)], Vec::new()),
        Kind::Bool => (owned(&["true", "false", "'true'"]), owned(&["yes", "1"])),
        Kind::Word(words) => (owned(&words()), owned(&["no_such_word"])),
        Kind::Ratio => (owned(&["0", "1", "1.0", "0.25", "'0.5'"]), owned(&["2", "-0.1", "half"])),
        Kind::Count { most, .. } => {
            let beyond = most.map_or("-1".to_owned(), |most| (most + 1).to_string());
            (owned(&["1", "2", "'3'"]), [owned(&["0", "-1", "1.5", "some"]), vec![beyond]].concat())
        }
        Kind::Time => (
            owned(&["10s", "500 ms", "2500", "2m", "'24h'"]),
            owned(&["0", "0s", "-1s", "1.5s", "10 seconds", "soon"]),
        ),
        Kind::Size { least, most } => {
            let most = most.unwrap_or(2 << 20);
            let right = vec![least.to_string(), format!("{most}B"), most.to_string(), "1MiB".to_owned()];
            (right, [owned(&["0", "64MB", "1.5MiB", "all"]), vec![(least - 1).to_string()]].concat())
        }
        Kind::WordOr(words, of) => {
            let (right, wrong) = samples(of);
            (right.into_iter().chain(owned(words)).collect(), wrong)
        }
        Kind::Like("path", _) => {
            (owned(&["/health", "/internal/*", "/*"]), owned(&["health", "/a*b", "'/a?b'"]))
        }
        Kind::Like("URL", _) => (
            owned(&["http://localhost:4318", "'HTTPS://[::1]:4318/a/b/'", "https://a.example/@x"]),
            owned(&["localhost:4318", "http://", "http://user:pass@a", "'http://a?b'", "'http://a b'"]),
        ),
        Kind::Like("region", _) => (owned(&["eu-west-1"]), owned(&["EU", "eu/west"])),
        Kind::Like("directives" | "directives by target", _) => (
            owned(&["info", "'info,orders=debug'", "'orders=debug,warn'"]),
            owned(&["inof", "'info,,'", "orders"]),
        ),
        Kind::Like(called, _) => panic!("no samples of the form {called}"),
    };
    right.push("'${UNSET:-}'".to_owned());
    wrong.extend(owned(&["[x]", "{a: b}"]));
    (right, wrong)
}

fn nested(of: &Kind, around: impl Fn(&String) -> String) -> (Vec<String>, Vec<String>) {
    let (right, wrong) = samples(of);
    (right.iter().map(&around).collect(), wrong.iter().map(around).chain(["x".to_owned()]).collect())
}

#[test]
fn every_default_of_the_tables_is_the_resolver_s() {
    for place in places() {
        let Absent::Value(value) = place.key.absent else { continue };
        let facts = |value: &str| {
            read(&place.file(value)).map(|settings| facts(&settings)).map_err(|error| error.to_string())
        };
        let (said, unsaid) = (facts(&yaml(&value())), facts("null"));
        assert!(said.is_ok() && said == unsaid, "{}: {said:#?} {unsaid:#?}", place.path());
    }
}

/// All that settings decide.
pub(super) fn facts(settings: &Settings) -> String {
    let Settings { resource, policy, propagation, exporters, limits, logging, span_events, tracing, .. } =
        settings;
    // Their order says nothing.
    let resource: BTreeMap<&str, &ValueBuf> = resource.attributes().collect();
    let switches = (settings.opentelemetry, settings.disabled, span_events);
    format!("{:#?}", (resource, policy, propagation, exporters, limits, logging, tracing, switches))
}

#[test]
fn every_secret_of_the_tables_is_hidden_in_messages() {
    for place in places() {
        if let Kind::Secret | Kind::Map(Kind::Secret) = place.key.kind {
            assert!(super::super::secrecy::is_secret(place.key.name, ""), "{}", place.path());
        }
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_reference() {
    ASKED.with_borrow_mut(BTreeSet::clear);
    for place in places() {
        for value in samples(&place.key.kind).0 {
            let _ = read(&place.file(&value));
        }
    }
    let azure = Source::new("settings.yaml", "telemetry: {exporters: [{provider: azure_monitor}]}");
    assert!(Settings::read(azure, &Environment::from([])).is_err());
    // More is asked where somebody has set the first of what belongs together.
    let first = [
        ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"],
        ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"],
        ["AWS_ACCESS_KEY_ID", "AZURE_CLIENT_SECRET"],
        ["IDENTITY_HEADER", "IDENTITY_ENDPOINT"],
    ];
    for (auth, first) in
        ["aws_sigv4", "azure_entra"].into_iter().flat_map(|auth| first.map(|names| (auth, names)))
    {
        let otlp = format!("{{auth: {auth}, aws: {{region: a}}}}");
        let text = format!("telemetry: {{exporters: [{{provider: otlp, otlp: {otlp}}}]}}");
        let variables = first.map(|name| (name, "http://127.0.0.1:1"));
        let _ = Settings::read(Source::new("settings.yaml", &*text), &Environment::from(variables));
    }
    let described: BTreeSet<String> =
        page::variables().into_iter().map(|(name, _)| name.to_owned()).collect();
    let mut asked = ASKED.take();
    asked.remove("UNSET");
    let unknown: Vec<_> = asked.difference(&described).collect();
    assert!(unknown.is_empty(), "read, but not described: {unknown:?}");
    // The process's own are read by another door.
    let mut idle: Vec<&str> = described.difference(&asked).map(String::as_str).collect();
    idle.retain(|name| *name != "SETTINGS_FILE");
    #[cfg(all(feature = "aws", feature = "azure-entra", feature = "gcp"))]
    assert_eq!(idle, [""; 0], "described, but not read");
}
