//! Whole files: those that are right and what they mean, and those that are wrong and what they are told.

mod aws;
mod azure;
mod own;
mod secrets;
mod variables;

use super::*;
use crate::export::destination::{Compression, Protocol};
use crate::logging::Format;
use crate::record::{PerSignal, Signal, ValueBuf};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

const ORIGIN: &str = r#"
service:
  name: orders
telemetry:
  sampling_ratio: 0.1
  exclude_endpoints: ["/health", "/metrics"]
  exporters:
    - provider: "console"
      enabled: true
    - provider: "otlp"
      enabled: true
      otlp:
        endpoint: "http://localhost:4318"
    - provider: "azure_monitor"
      enabled: false
      azure_monitor:
        connection_string: "${AZURE_MONITOR_CONNECTION_STRING}"
logging:
  level: info
  format: json        # or text
server:
  host: 127.0.0.1
  port: 8000
"#;

fn read(text: &str, environment: &Environment) -> Result<Settings, SettingsError> {
    Settings::read(Source::new("settings.yaml", text), environment)
}

fn settings(text: &str) -> Settings {
    settings_with(text, [])
}

fn settings_with<const N: usize>(text: &str, variables: [(&str, &str); N]) -> Settings {
    read(text, &Environment::from(variables)).expect("valid settings")
}

/// Names and where traces go.
fn exporters(settings: &Settings) -> Vec<(&str, &'static str)> {
    targets(settings, Signal::Traces)
}

/// Names, and where this signal goes. Tests are short-lived: what they leak is gone with them.
fn targets(settings: &Settings, signal: Signal) -> Vec<(&str, &'static str)> {
    let exporters = settings.exporters.iter().filter_map(|exporter| {
        let target = match &exporter.kind {
            ExporterKind::Console(_) => (signal == Signal::Traces).then_some("console"),
            ExporterKind::File(destinations) => destinations[signal].as_ref().map(|_| "file"),
            ExporterKind::Otlp(destinations) => {
                destinations[signal].as_ref().map(|destination| &*destination.endpoint.url(signal).leak())
            }
            ExporterKind::AzureMonitor(ingestion) => ingestion.takes[signal].then_some("azure_monitor"),
        };
        Some((exporter.name.as_str(), target?))
    });
    exporters.collect()
}

fn only_destination(settings: &Settings) -> &Destination {
    match &*settings.exporters {
        [
            ExporterSettings {
                kind: ExporterKind::Otlp(PerSignal { traces: Some(destination), .. }), ..
            },
        ] => destination,
        other => panic!("expected one otlp exporter, found {other:?}"),
    }
}

fn attribute<'s>(settings: &'s Settings, key: &str) -> Option<&'s ValueBuf> {
    settings.resource.get(key)
}

#[test]
fn an_exporter_has_its_own_selection_and_patience_or_the_defaults() {
    use crate::dispatch::{Fsync, Mode, Options, Pattern, RetryOptions, Selection, SpoolOptions, SpoolPlace};
    use crate::record::Level;
    let file = "telemetry: {exporters: [{provider: console}, {provider: otlp, sampling_ratio: 0.5, level: warn, \
                include: [{a: 1, b: \"2\"}], exclude: [{c: true}], max_batch_items: 7, concurrency: 3, \
                export_timeout: 5s, retry: {initial: 1ms, budget: 2m}, \
                spool: {path: a, max_size: 1MiB, max_age: 2h, fsync: never, mode: always}}]}";
    let settings = settings(file);
    let [console, otlp] = &*settings.exporters else { panic!("expected two exporters") };
    assert_eq!(console.delivery, Options::default());
    let pattern = |entries: &[(&str, ValueBuf)]| {
        Pattern(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    };
    let selection = Selection {
        threshold: 1 << 55,
        level: Some(Level::Warn),
        include: vec![pattern(&[("a", 1_i64.into()), ("b", "2".into())])],
        exclude: vec![pattern(&[("c", true.into())])],
    };
    let retry = RetryOptions {
        initial: Duration::from_millis(1),
        budget: Duration::from_secs(120),
        ..RetryOptions::default()
    };
    let expected = Options {
        max_batch_items: 7,
        concurrency: 3,
        export_timeout: Duration::from_secs(5),
        retry,
        selection,
        spool: Some(SpoolPlace {
            path: "a".into(),
            mode: Mode::Always,
            options: SpoolOptions {
                max_size_bytes: 1 << 20,
                max_age: Duration::from_secs(7200),
                fsync: Fsync::Never,
            },
        }),
        ..Options::default()
    };
    assert_eq!(otlp.delivery, expected);
}

#[test]
fn the_file_of_the_origin_is_understood() {
    let settings = settings(ORIGIN);
    assert_eq!(settings.resource.service_name(), "orders");
    assert_eq!(Some(settings.policy.sampling.ratio), Ratio::new(0.1));
    assert!(settings.policy.sampling.parent_based);
    let excluded: Vec<String> = settings.policy.exclude.iter().cloned().map(String::from).collect();
    assert_eq!(excluded, ["/health", "/metrics"]);
    assert_eq!(exporters(&settings), [("console", "console"), ("otlp", "http://localhost:4318/v1/traces")]);
    assert_eq!(settings.logging.format, Format::Json);
    assert_eq!(settings.warnings(), [""; 0]);
}

#[test]
fn the_example_in_the_repository_is_valid() {
    let example = include_str!("../../../../settings.yaml");
    let settings = settings(example);
    assert_eq!(exporters(&settings), [("console", "console")]);
    let port =
        settings.section::<BTreeMap<String, serde_json::Value>>("server").expect("valid").expect("present");
    assert_eq!(port["port"], 8000);
}

#[test]
fn nothing_said_means_everything_to_the_console() {
    for text in
        ["", "# nothing\n", "telemetry:\n", "telemetry: {exporters: null}\nservice: {name: ''}", "---\n"]
    {
        let settings = settings(text);
        assert_eq!(exporters(&settings), [("console", "console")], "{text}");
        assert_eq!(settings.policy, policy::Options::default());
        assert_eq!(settings.logging.filter, logging::Filter::default());
        assert_eq!(settings.resource.service_name(), "unknown_service");
        assert_eq!(attribute(&settings, "telemetry.sdk.language"), Some(&ValueBuf::from("rust")));
        assert!(!settings.disabled);
    }
    let program = Settings::default();
    assert!(program.resource.service_name().starts_with("unknown_service:telemetry_runtime"));
}

#[test]
fn settings_can_be_changed_in_code() {
    let settings =
        Settings::default().with_service_name("billing").with_sampling_ratio(0.5).without_exporters();
    assert_eq!(settings.resource.service_name(), "billing");
    assert_eq!(Some(settings.policy.sampling.ratio), Ratio::new(0.5));
    assert_eq!(exporters(&settings), []);
    assert!(settings.section::<u16>("server").is_ok_and(|section| section.is_none()));
}

#[test]
fn list_of_exporters_may_be_empty_and_names_tell_equals_apart() {
    assert_eq!(exporters(&settings("telemetry: {exporters: []}")), []);
    let two = "telemetry:\n  exporters:\n    - {provider: otlp, name: a, otlp: {endpoint: 'https://a/x/'}}\n    - provider: otlp\n";
    assert_eq!(
        exporters(&settings(two)),
        [("a", "https://a/x/v1/traces"), ("otlp", "http://localhost:4318/v1/traces")]
    );
}

#[test]
fn every_option_of_otlp_arrives() {
    let text = "telemetry: {exporters: [{provider: OTLP, otlp: {endpoint: http://h:1, protocol: http/json, headers: {a: b, c: '1'}, timeout: 2s, compression: gzip, code_attributes: false}}]}";
    let settings = settings(text);
    let destination = only_destination(&settings).clone();
    assert_eq!(destination.timeout, Duration::from_secs(2));
    assert_eq!(destination.compression, Compression::Gzip);
    assert_eq!(destination.protocol, Protocol::HttpJson);
    assert!(!destination.code_attributes);
    assert_eq!(headers(destination), [("a".into(), "b".into()), ("c".into(), "1".into())]);
}

fn headers(destination: Destination) -> Vec<(String, String)> {
    let exposed = |header: crate::export::destination::Header| {
        let (name, value) = header.into_parts();
        (name, value.expose().to_owned())
    };
    destination.headers.into_iter().map(exposed).collect()
}

#[test]
fn substituted_values_have_the_type_that_is_wanted() {
    let variables = [("RATIO", "0.25"), ("ON", "true"), ("PORT", "9000")];
    for text in [
        "telemetry: {sampling_ratio: \"${RATIO}\", enabled: \"${ON}\"}\nserver: {port: \"${PORT:-8000}\"}",
        "telemetry: {sampling_ratio: \"${RATIO}\", enabled: \"${OFF:-true}\"}\nserver: {port: '9000'}",
        "telemetry:\n  sampling_ratio: ${RATIO}\n  enabled: ${ON}\nserver:\n  port: ${UNSET:-9000}",
    ] {
        let settings = settings_with(text, variables);
        assert_eq!(Some(settings.policy.sampling.ratio), Ratio::new(0.25));
        assert!(!settings.disabled);
        let server = settings.section::<BTreeMap<String, u16>>("server").expect("valid").expect("present");
        assert_eq!(server["port"], 9000);
    }
}

#[test]
fn what_is_disabled_needs_no_variables() {
    let exporter = "  exporters:\n    - {provider: otlp, enabled: false, otlp: {endpoint: \"${WHERE}\", timeout: \"${SOON}\"}}\n";
    assert_eq!(exporters(&settings_with(&format!("telemetry:\n{exporter}"), [("SOON", "soon")])), []);
    let enabled = exporter.replace("false", "true");
    assert!(settings(&format!("telemetry:\n  enabled: false\n{enabled}")).disabled);
    assert!(settings_with(&format!("telemetry:\n{enabled}"), [("OTEL_SDK_DISABLED", "true")]).disabled);
    assert!(read(&format!("telemetry:\n{enabled}"), &Environment::from([])).is_err());
}

#[test]
fn sampler_is_a_word_with_or_without_a_ratio() {
    for (text, ratio, parent_based) in [
        ("{sampler: always_off}", 0.0, false),
        ("{sampler: traceidratio, sampling_ratio: 0.5}", 0.5, false),
        ("{sampler: parentbased_traceidratio}", 1.0, true),
        ("{sampling_ratio: 0}", 0.0, true),
    ] {
        let sampling = settings(&format!("telemetry: {text}")).policy.sampling;
        assert_eq!(
            (Some(sampling.ratio), sampling.parent_based),
            (Ratio::new(ratio), parent_based),
            "{text}"
        );
    }
}

#[test]
fn port_4317_means_grpc_unless_the_protocol_says_otherwise() {
    let protocol = |otlp: &str| {
        let text = format!("telemetry: {{exporters: [{{provider: otlp, otlp: {otlp}}}]}}");
        only_destination(&settings(&text)).protocol
    };
    assert_eq!(protocol("{endpoint: 'http://localhost:4317'}"), Protocol::Grpc);
    assert_eq!(
        protocol("{endpoint: 'http://localhost:4317', protocol: http/protobuf}"),
        Protocol::HttpProtobuf
    );
    assert_eq!(protocol("{endpoint: 'http://localhost:4318'}"), Protocol::HttpProtobuf);
    let settings = settings_with(
        "telemetry: {exporters: [{provider: otlp}]}",
        [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf")],
    );
    let destination = only_destination(&settings);
    assert_eq!(destination.protocol, Protocol::Grpc);
    assert_eq!(destination.endpoint.as_given(), "http://localhost:4317/");
    assert_eq!(targets(&settings, Signal::Logs), [("otlp", "http://localhost:4318/v1/logs")]);
}

#[test]
fn files_have_a_signal_each_and_bounds() {
    use crate::export::file::{Destination, Target};
    let of = |text: &str| {
        let settings = settings(&format!("telemetry: {{exporters: [{{provider: file, {text}}}]}}"));
        match &*settings.exporters {
            [ExporterSettings { kind: ExporterKind::File(destinations), .. }] => destinations.clone(),
            other => panic!("expected one exporter to files, found {other:?}"),
        }
    };
    let file = |path: &str| Some(Destination::File(Target::new(path)));
    let both = PerSignal { traces: file("traces.jsonl"), logs: file("logs.jsonl") };
    assert_eq!(of(""), both);
    assert_eq!(of("file: {path: '{signal}.jsonl'}"), both);
    let one = PerSignal { traces: None, logs: file("all.jsonl") };
    assert_eq!(of("signals: [logs], file: {path: all.jsonl}"), one);
    let stdout = Some(Destination::Stdout);
    assert_eq!(of("file: {path: stdout}"), PerSignal { traces: stdout.clone(), logs: stdout });
    let bounded = Target { max_size_bytes: 2 << 20, max_files: 1, ..Target::new("a") };
    let bounded = PerSignal { traces: Some(Destination::File(bounded)), logs: None };
    assert_eq!(of("signals: [traces], file: {path: a, max_size: 2MiB, max_files: 1}"), bounded);
}

#[test]
fn otlp_takes_both_signals_unless_told_otherwise() {
    let both = settings("telemetry: {exporters: [{provider: otlp}]}");
    assert_eq!(targets(&both, Signal::Traces), [("otlp", "http://localhost:4318/v1/traces")]);
    assert_eq!(targets(&both, Signal::Logs), [("otlp", "http://localhost:4318/v1/logs")]);

    let text = "telemetry: {exporters: [{provider: otlp, name: t, signals: [traces]}, {provider: otlp, name: l, signals: [Logs]}]}";
    let each = settings(text);
    assert_eq!(targets(&each, Signal::Traces), [("t", "http://localhost:4318/v1/traces")]);
    assert_eq!(targets(&each, Signal::Logs), [("l", "http://localhost:4318/v1/logs")]);
}

#[test]
fn span_events_are_off_unless_asked_for() {
    assert!(!settings("").span_events);
    assert!(settings("logging: {span_events: true}").span_events);
}

/// Each file in `mistakes/` ends with the message for it, after `#> `; it may begin with variables, as `# with NAME=value`.
#[test]
fn every_mistake_has_its_message() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/mistakes");
    let files = fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    let mut wrong = Vec::new();
    for file in files {
        let content = fs::read_to_string(&file).expect("a file");
        let (text, expected) = content.split_at(content.find("#> ").unwrap_or(content.len()));
        let variables = text.lines().filter_map(|line| line.strip_prefix("# with ")?.split_once('='));
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let message = match read(text, &Environment::Fixed(variables.collect())) {
            Ok(_) => "no mistake".to_owned(),
            Err(error) => error.to_string(),
        };
        let message: String =
            message.lines().map(|line| format!("#> {line}").trim_end().to_owned() + "\n").collect();
        if message != expected {
            wrong.push(format!("{}\n{message}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "these messages differ:\n{}", wrong.join("\n"));
}

#[test]
fn named_file_must_exist_and_be_text() {
    let missing = Settings::from_path("no/such/settings.yaml").expect_err("there is none");
    assert!(missing.is_not_found());
    assert!(
        Settings::find(Some(Path::new("no/such/settings.yaml"))).is_err_and(|error| error.is_not_found())
    );
    assert_eq!(missing.to_string(), "cannot read settings from no/such/settings.yaml");
    let folder = Settings::from_path(env!("CARGO_MANIFEST_DIR")).expect_err("a folder");
    assert!(!folder.is_not_found() && std::error::Error::source(&folder).is_some());
}
