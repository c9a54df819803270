//! Whole files: those that are right and what they mean, and those that are wrong and what they are told.

use super::*;
#[cfg(feature = "aws")]
use crate::export::auth::{AccessKey, Auth, AwsSigV4, KeySource};
use crate::export::destination::{Compression, Protocol};
use crate::logging::Format;
use crate::record::{PerSignal, Signal, ValueBuf};
use proptest::prelude::*;
use serde::Deserialize;
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
fn limits_have_defaults_and_the_variable_overrides_the_length_of_values() {
    assert_eq!(settings("").limits, Limits::default());
    let file = "telemetry: {limits: {lanes: 8MiB, details: 1MiB, queue: 2048KiB, queue_items: 500, value: 100, \
         schedule_delay: 1s}}";
    let expected = Limits {
        lanes: 8 << 20,
        details: 1 << 20,
        queue: 2 << 20,
        queue_items: 500,
        value: 100,
        schedule_delay: PerSignal::of(|_| Duration::from_secs(1)),
    };
    assert_eq!(settings(file).limits, expected);
    let variables = [("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "50")];
    assert_eq!(settings_with(file, variables).limits, Limits { value: 50, ..expected });
}

#[test]
fn the_variables_of_batching_processors_override_the_file_for_every_exporter() {
    let file = "telemetry: {limits: {queue_items: 500, schedule_delay: 1s}, exporters: [{provider: console}, \
                {provider: otlp, max_batch_items: 7, export_timeout: 5s}]}";
    let settings = settings_with(
        file,
        [
            ("OTEL_BSP_SCHEDULE_DELAY", "5000"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "2048"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "4096"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "256"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "1000"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "20000"),
        ],
    );
    let default = Limits::default();
    let schedule_delay = PerSignal { traces: Duration::from_secs(5), logs: Duration::from_secs(1) };
    assert_eq!(settings.limits, Limits { queue_items: 4096, schedule_delay, ..default });
    for exporter in &settings.exporters {
        let delivery = &exporter.delivery;
        assert_eq!((delivery.max_batch_items, delivery.export_timeout), (256, Duration::from_secs(20)));
    }
    let none = settings_with("", [("OTEL_BLRP_EXPORT_TIMEOUT", "0"), ("OTEL_BLRP_SCHEDULE_DELAY", "")]);
    assert!(none.exporters[0].delivery.export_timeout > Duration::from_secs(1 << 20), "there is no limit");
    assert!(none.warnings().is_empty() && none.limits == Limits::default());
}

#[test]
fn a_variable_of_a_batching_processor_that_is_not_understood_is_named_and_ignored() {
    let settings = settings_with(
        "",
        [
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "30s"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "many"),
        ],
    );
    assert_eq!(
        settings.warnings(),
        [
            "OTEL_BSP_SCHEDULE_DELAY is ignored: expected a number of milliseconds, 1 or more, found `0`",
            "OTEL_BLRP_EXPORT_TIMEOUT is ignored: expected a number of milliseconds, or 0 for no limit, found `30s`",
            "OTEL_BSP_MAX_QUEUE_SIZE is ignored: expected a number of 1 or more, found `-1`",
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE is ignored: expected a number of 1 or more, found `many`",
        ]
    );
    assert_eq!(settings.limits, Limits::default());
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
fn propagators_have_a_default_and_the_variable_overrides_the_file() {
    use crate::propagation::{Incoming, Propagator, Propagators};
    let defaults = settings("").propagation;
    assert_eq!(defaults.propagators, Propagators::new([Propagator::TraceContext, Propagator::Baggage]));
    assert_eq!(defaults.incoming, Incoming::Trust);
    let file = "telemetry: {propagators: [b3, xray], incoming: link}";
    let written = settings(file).propagation;
    assert_eq!(written.propagators, Propagators::new([Propagator::B3, Propagator::XRay]));
    assert_eq!(written.incoming, Incoming::Link);
    for (variable, expected) in [
        ("B3Multi, jaeger,b3multi", Propagators::new([Propagator::B3Multi, Propagator::Jaeger])),
        ("none", Propagators::none()),
        (" , ", written.propagators),
    ] {
        let overridden = settings_with(file, [("OTEL_PROPAGATORS", variable)]);
        assert_eq!(overridden.propagation.propagators, expected, "{variable}");
        assert_eq!(overridden.warnings(), [""; 0]);
    }
    for nothing in ["telemetry: {propagators: []}", "telemetry: {propagators: [none]}"] {
        assert_eq!(settings(nothing).propagation.propagators, Propagators::none(), "{nothing}");
    }
}

#[test]
fn an_unknown_propagator_in_the_variable_is_ignored_with_a_warning() {
    use crate::propagation::{Propagator, Propagators};
    let some = settings_with("", [("OTEL_PROPAGATORS", "b4,jaeger")]);
    assert_eq!(some.propagation.propagators, Propagators::new([Propagator::Jaeger]));
    let expected = "a part of OTEL_PROPAGATORS is ignored: expected `tracecontext` or `baggage` or `b3` or `b3multi` or `jaeger` \
                    or `xray` or `none`, found `b4`";
    assert_eq!(some.warnings(), [expected]);
    let none = settings_with("telemetry: {propagators: [b3]}", [("OTEL_PROPAGATORS", "ottrace")]);
    assert_eq!(none.propagation.propagators, Propagators::new([Propagator::B3]));
    assert_eq!(none.warnings().len(), 1);
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
    let example = include_str!("../../../settings.yaml");
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
fn resource_is_typed_and_variables_come_last() {
    let text = "service: {name: orders, version: 1.0, environment: test}\ntelemetry: {resource: {replicas: 3, zone: \"3\", on: true, load: 0.5, service.name: other}}";
    let plain = settings(text);
    for (key, value) in [
        ("replicas", ValueBuf::I64(3)),
        ("zone", "3".into()),
        ("on", true.into()),
        ("load", 0.5.into()),
        ("service.name", "orders".into()),
        ("service.version", "1.0".into()),
        ("deployment.environment.name", "test".into()),
    ] {
        assert_eq!(attribute(&plain, key), Some(&value), "{key}");
    }
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes,zone=b%2Cc");
    let overridden = settings_with(text, [attributes]);
    assert_eq!(overridden.resource.service_name(), "from-attributes");
    assert_eq!(attribute(&overridden, "zone"), Some(&"b,c".into()));
    let named = settings_with(text, [attributes, ("OTEL_SERVICE_NAME", "from-name")]);
    assert_eq!(named.resource.service_name(), "from-name");
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
fn sampler_of_the_environment_wins() {
    let file = "telemetry: {sampling_ratio: 0.5}";
    let sampling = |variables: &[(&str, &str)]| {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = read(file, &Environment::Fixed(variables)).expect("valid settings");
        (settings.policy.sampling, settings.warnings().len())
    };
    let expected = |word, ratio, warnings| {
        let ratio = Ratio::new(ratio).expect("a ratio");
        (Sampling::from_word(word, ratio).expect("a word"), warnings)
    };
    let sampler = |word| ("OTEL_TRACES_SAMPLER", word);
    let arg = |ratio| ("OTEL_TRACES_SAMPLER_ARG", ratio);
    assert_eq!(sampling(&[sampler("Always_On")]), expected("always_on", 1.0, 0));
    assert_eq!(sampling(&[sampler("traceidratio"), arg("0.25")]), expected("traceidratio", 0.25, 0));
    assert_eq!(sampling(&[sampler("traceidratio"), arg("2")]), expected("traceidratio", 1.0, 1));
    assert_eq!(sampling(&[sampler("xray")]), expected("parentbased_traceidratio", 0.5, 1));
    assert_eq!(sampling(&[sampler(""), arg("")]), expected("parentbased_traceidratio", 0.5, 0));
    assert_eq!(sampling(&[arg("0.25")]), expected("parentbased_traceidratio", 0.5, 1));
}

#[test]
fn variables_override_otlp_exporters_and_those_for_traces_win() {
    let file = "telemetry: {exporters: [{provider: otlp, otlp: {endpoint: 'http://file:1', headers: {a: b}, timeout: 1s, protocol: grpc}}]}";
    let settings = settings_with(
        file,
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318/"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x=1%202,y=3"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ],
    );
    let destination = only_destination(&settings).clone();
    assert_eq!(destination.endpoint.url(Signal::Traces), "http://base:4318/v1/traces");
    assert_eq!(destination.timeout, Duration::from_secs(2));
    assert_eq!(destination.compression, Compression::Gzip);
    assert_eq!(headers(destination), [("x".into(), "1 2".into()), ("y".into(), "3".into())]);
    let expected = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is ignored: expected a number of milliseconds, 1 or more, found `soon`";
    let plain = "an `otlp` exporter sends `headers` to http://base:4318 in plain text: write `https://`";
    assert_eq!(settings.warnings(), [expected, plain]);

    let both = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://exact:4318/as/it/is"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ];
    assert_eq!(exporters(&settings_with(file, both)), [("otlp", "http://exact:4318/as/it/is")]);
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
fn endpoint_in_a_variable_adds_an_exporter_only_where_the_file_lists_none() {
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318")];
    let both = [("console", "console"), ("otlp", "http://base:4318/v1/traces")];
    assert_eq!(exporters(&settings_with("", endpoint)), both);
    assert_eq!(exporters(&settings_with("service: {name: orders}", endpoint)), both);

    let listed = settings_with("telemetry: {exporters: [{provider: console}]}", endpoint);
    assert_eq!(exporters(&listed), [("console", "console")]);
    let expected =
        "OTEL_EXPORTER_OTLP_ENDPOINT is ignored: the settings enable no exporter of provider `otlp`";
    assert_eq!(listed.warnings(), [expected]);
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
fn a_variable_may_keep_log_records_from_otlp_or_ask_for_them() {
    let file = "telemetry: {exporters: [{provider: otlp}, {provider: otlp, name: l, signals: [logs]}]}";
    for without in ["none", "console"] {
        let settings = settings_with(file, [("OTEL_LOGS_EXPORTER", without)]);
        assert_eq!(targets(&settings, Signal::Logs), []);
        assert_eq!(exporters(&settings), [("otlp", "http://localhost:4318/v1/traces")]);
    }
    let asked = settings_with("", [("OTEL_LOGS_EXPORTER", "otlp")]);
    assert_eq!(targets(&asked, Signal::Logs), [("otlp", "http://localhost:4318/v1/logs")]);
    assert_eq!(exporters(&asked), [("console", "console")]);
    let odd = settings_with(file, [("OTEL_LOGS_EXPORTER", "zipkin")]);
    assert_eq!(targets(&odd, Signal::Logs).len(), 2);
    let expected = "OTEL_LOGS_EXPORTER is ignored: expected `otlp`, `console` or `none`, found `zipkin`";
    assert_eq!(odd.warnings(), [expected]);
}

#[test]
fn a_variable_may_keep_spans_from_otlp_or_ask_for_them() {
    let file = "telemetry: {exporters: [{provider: otlp}, {provider: otlp, name: t, signals: [traces]}]}";
    for without in ["none", "console"] {
        let settings = settings_with(file, [("OTEL_TRACES_EXPORTER", without)]);
        assert_eq!(exporters(&settings), []);
        assert_eq!(targets(&settings, Signal::Logs), [("otlp", "http://localhost:4318/v1/logs")]);
    }
    let asked = settings_with("", [("OTEL_TRACES_EXPORTER", "otlp")]);
    let both = [("console", "console"), ("otlp", "http://localhost:4318/v1/traces")];
    assert_eq!((exporters(&asked), targets(&asked, Signal::Logs)), (both.to_vec(), vec![]));
    assert_eq!(
        exporters(&settings_with("", [("OTEL_TRACES_EXPORTER", "console")])),
        [("console", "console")]
    );
    assert_eq!(exporters(&settings_with("", [("OTEL_TRACES_EXPORTER", "none")])), []);
    let odd = settings_with("", [("OTEL_TRACES_EXPORTER", "zipkin")]);
    let expected = "OTEL_TRACES_EXPORTER is ignored: expected `otlp`, `console` or `none`, found `zipkin`";
    assert_eq!((odd.warnings(), exporters(&odd)), (&[expected.to_owned()][..], vec![("console", "console")]));
}

#[cfg(feature = "grpc")]
#[test]
fn an_endpoint_for_grpc_may_lack_its_scheme_in_a_variable() {
    let file = "telemetry: {exporters: [{provider: otlp}]}";
    let as_given = |variables: &[(&str, &str)]| {
        let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        let variables =
            grpc.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = read(file, &Environment::Fixed(variables.collect())).expect("valid settings");
        only_destination(&settings).endpoint.as_given().to_owned()
    };
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
    assert_eq!(as_given(&[endpoint]), "https://collector:4317/");
    assert_eq!(as_given(&[endpoint, insecure]), "http://collector:4317/");
    assert_eq!(as_given(&[insecure, ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a:1")]), "https://a:1/");
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "own:4317");
    assert_eq!(as_given(&[endpoint, own, insecure]), "http://own:4317/");
    let secure = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
    assert_eq!(as_given(&[endpoint, own, insecure, secure]), "https://own:4317/");

    let http = [endpoint, insecure, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")];
    let error = read(file, &Environment::from(http)).expect_err("HTTP always has its scheme").to_string();
    assert!(error.contains("begins with `http://`"), "{error}");
}

#[test]
fn variables_for_log_records_win_for_them_alone() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://base:4318"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://exact:4318/as/it/is"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "3000"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "api-key=1"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
    ];
    let settings = settings_with("telemetry: {exporters: [{provider: otlp}]}", variables);
    assert_eq!(targets(&settings, Signal::Traces), [("otlp", "http://base:4318/v1/traces")]);
    assert_eq!(targets(&settings, Signal::Logs), [("otlp", "http://exact:4318/as/it/is")]);
    let [
        ExporterSettings {
            kind: ExporterKind::Otlp(PerSignal { traces: Some(traces), logs: Some(logs) }),
            ..
        },
    ] = &*settings.exporters
    else {
        panic!("one exporter of both signals: {:?}", settings.exporters)
    };
    assert_eq!((traces.timeout, logs.timeout), (Duration::from_secs(2), Duration::from_secs(3)));
    assert_eq!((traces.compression, logs.compression), (Compression::None, Compression::Gzip));
    assert_eq!((traces.headers.len(), headers(logs.clone())), (0, vec![("api-key".into(), "1".into())]));
}

#[test]
fn an_endpoint_for_one_signal_adds_an_exporter_of_that_signal_alone() {
    let logs = settings_with("", [("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:4318/v1/logs")]);
    assert_eq!(targets(&logs, Signal::Logs), [("otlp", "http://logs:4318/v1/logs")]);
    assert_eq!(exporters(&logs), [("console", "console")]);
    let traces = settings_with("", [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/v1/traces")]);
    assert_eq!(exporters(&traces), [("console", "console"), ("otlp", "http://traces:4318/v1/traces")]);
    assert_eq!(targets(&traces, Signal::Logs), []);
}

#[test]
fn span_events_are_off_unless_asked_for() {
    assert!(!settings("").span_events);
    assert!(settings("logging: {span_events: true}").span_events);
}

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

#[test]
fn a_variable_s_endpoint_does_not_make_the_file_s_tls_a_mistake() {
    let error = read(
        "telemetry: {exporters: [{provider: otlp, otlp: {endpoint: 'https://a', tls: {cert_file: a}}}]}",
        &Environment::from([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b")]),
    );
    let error = error.expect_err("a certificate without a key").to_string();
    assert!(error.contains("`cert_file` is of no use") && !error.contains("an endpoint"), "{error}");
}

#[test]
fn what_is_odd_in_a_variable_is_ignored_with_a_warning() {
    let settings = settings_with(
        "telemetry: {enabled: false}\nlogging: {level: debug}",
        [("OTEL_SDK_DISABLED", "1"), ("OTEL_RESOURCE_ATTRIBUTES", "a=%zz"), ("RUST_LOG", "a=loud")],
    );
    assert!(settings.disabled);
    assert!(settings.logging.filter.as_str().starts_with("debug,"));
    assert_eq!(settings.warnings().len(), 3);
    assert!(!settings_with("telemetry: {enabled: false}", [("OTEL_SDK_DISABLED", "False")]).disabled);
    assert_eq!(
        settings_with("logging: {level: debug}", [("RUST_LOG", "orders")]).logging.filter.as_str(),
        "orders"
    );
}

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

const CONNECTION_STRING: &str = "InstrumentationKey=11112222-3333-4444-5555-66667777aaaa";

#[test]
fn azure_monitor_has_its_resource_from_the_file_or_else_from_the_variable() {
    let ingestion = |text: &str, variable| {
        let settings = settings_with(text, [("APPLICATIONINSIGHTS_CONNECTION_STRING", variable)]);
        match &*settings.exporters {
            [ExporterSettings { kind: ExporterKind::AzureMonitor(ingestion), .. }] => ingestion.clone(),
            other => panic!("expected one exporter, found {other:?}"),
        }
    };
    let nothing = ingestion("telemetry: {exporters: [{provider: azure_monitor}]}", CONNECTION_STRING);
    assert_eq!((nothing.timeout, nothing.compression), (Duration::from_secs(10), Compression::Gzip));
    assert_eq!(nothing.takes, PerSignal { traces: true, logs: true });
    let text = format!(
        "telemetry: {{exporters: [{{provider: azure_monitor, signals: [logs], azure_monitor: {{connection_string: {CONNECTION_STRING}, timeout: 500ms, compression: none}}}}]}}"
    );
    let written = ingestion(&text, "InstrumentationKey=00000000-3333-4444-5555-66667777aaaa");
    assert_eq!(written.connection_string, nothing.connection_string);
    assert_eq!((written.timeout, written.compression), (Duration::from_millis(500), Compression::None));
    assert_eq!(written.takes, PerSignal { traces: false, logs: true });
}

#[test]
fn azure_monitor_takes_the_deprecated_key_where_there_is_no_connection_string() {
    let text = "telemetry: {exporters: [{provider: azure_monitor}]}";
    let key = ("APPINSIGHTS_INSTRUMENTATIONKEY", "11112222-3333-4444-5555-66667777AAAA");
    let by_key = settings_with(text, [key]);
    let by_string = settings_with(text, [("APPLICATIONINSIGHTS_CONNECTION_STRING", CONNECTION_STRING)]);
    assert_eq!(by_key.exporters, by_string.exporters);
    let warning =
        "APPINSIGHTS_INSTRUMENTATIONKEY is deprecated: set APPLICATIONINSIGHTS_CONNECTION_STRING instead";
    assert_eq!((by_key.warnings(), by_string.warnings()), (&[warning.to_owned()][..], &[][..]));
    let idle = settings_with("telemetry: {exporters: []}", [("APPINSIGHTS_INSTRUMENTATIONKEY", "x")]);
    assert!(idle.warnings().is_empty(), "nobody asked for it");

    let wrong = read(text, &Environment::from([("APPINSIGHTS_INSTRUMENTATIONKEY", "c4nary;Location=x")]));
    let error = wrong.expect_err("it is no key").to_string();
    let message = "APPINSIGHTS_INSTRUMENTATIONKEY, for want of a `connection_string`, is no UUID";
    assert!(error.contains(message) && !error.contains("has no `connection_string`"), "{error}");
    assert!(!error.contains("c4nary"), "{error}");
}

#[test]
fn azure_monitor_sends_the_resource_unless_a_variable_says_no() {
    let has_metric = |value| {
        let variables = [
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", CONNECTION_STRING),
            ("APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED", value),
        ];
        let settings = settings_with("telemetry: {exporters: [{provider: azure_monitor}]}", variables);
        match &settings.exporters[0].kind {
            ExporterKind::AzureMonitor(ingestion) => ingestion.resource_metric,
            other => panic!("expected Azure Monitor, found {other:?}"),
        }
    };
    assert_eq!([has_metric(""), has_metric("false"), has_metric("True")], [true, true, false]);
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

#[cfg(feature = "aws")]
const KEY: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "canary-secret"),
    ("AWS_SESSION_TOKEN", "canary-token"),
];

/// The region and the key by which requests are signed.
#[cfg(feature = "aws")]
fn signature(destination: &Destination) -> (String, AccessKey) {
    let Some(Auth::Aws(AwsSigV4 { region, keys })) = destination.auth.as_deref() else {
        panic!("expected a signature, found {:?}", destination.auth);
    };
    let [KeySource::Given(key)] = &**keys else { panic!("expected one key, found {keys:?}") };
    (region.clone(), key.clone())
}

#[cfg(feature = "aws")]
#[test]
fn the_preset_of_aws_fills_in_endpoints_signature_log_headers_and_propagators() {
    use crate::propagation::{Propagator, Propagators};
    let text = "telemetry: {exporters: [{provider: otlp, otlp: {preset: aws, aws: {region: eu-west-1, log_group: /orders, log_stream: main}}}]}";
    let settings = settings_with(text, KEY);
    assert_eq!(
        targets(&settings, Signal::Traces),
        [("otlp", "https://xray.eu-west-1.amazonaws.com/v1/traces")]
    );
    assert_eq!(targets(&settings, Signal::Logs), [("otlp", "https://logs.eu-west-1.amazonaws.com/v1/logs")]);
    let ExporterKind::Otlp(PerSignal { traces: Some(traces), logs: Some(logs) }) =
        &settings.exporters[0].kind
    else {
        panic!("expected one otlp exporter of both signals");
    };
    let (region, key) = signature(traces);
    assert_eq!((&*region, &*key.id), ("eu-west-1", "AKIDEXAMPLE"));
    assert_eq!(key.secret.expose(), "canary-secret");
    assert_eq!(headers(traces.clone()), []);
    assert_eq!(
        headers(logs.clone()),
        [("x-aws-log-group".into(), "/orders".into()), ("x-aws-log-stream".into(), "main".into())]
    );
    let formats = [Propagator::TraceContext, Propagator::Baggage, Propagator::XRay];
    assert_eq!(settings.propagation.propagators, Propagators::new(formats));
    assert!(!format!("{settings:?}").contains("canary"));
}

#[cfg(feature = "aws")]
#[test]
fn a_preset_yields_to_what_is_written_and_the_region_may_be_a_variable() {
    use crate::propagation::{Propagator, Propagators};
    let text = "telemetry: {propagators: [b3], exporters: [{provider: otlp, signals: [traces], otlp: {preset: aws, endpoint: 'http://127.0.0.1:1', auth: none}}]}";
    let written = settings(text);
    assert_eq!(exporters(&written), [("otlp", "http://127.0.0.1:1/v1/traces")]);
    assert_eq!(only_destination(&written).auth, None);
    assert_eq!(written.propagation.propagators, Propagators::new([Propagator::B3]));

    let text = "telemetry: {exporters: [{provider: otlp, signals: [traces], otlp: {preset: aws}}]}";
    let [id, secret, token] = KEY;
    let regions = [id, secret, token, ("AWS_REGION", "cn-north-1"), ("AWS_DEFAULT_REGION", "eu-west-1")];
    let china = settings_with(text, regions);
    assert_eq!(exporters(&china), [("otlp", "https://xray.cn-north-1.amazonaws.com.cn/v1/traces")]);
}

#[cfg(feature = "aws")]
#[test]
fn what_the_preset_of_aws_needs_and_does_not_find_is_a_mistake() {
    let text = "telemetry: {exporters: [{provider: otlp, otlp: {preset: aws}}]}";
    let alone = Environment::from([("AWS_EC2_METADATA_DISABLED", "true")]);
    let error = read(text, &alone).expect_err("nothing is known").to_string();
    for expected in ["3 mistakes", "no region of AWS", "no access key of AWS", "into a group and a stream"] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let variables = [KEY[0], KEY[1], ("AWS_REGION", "canary/evil")];
    let error = read(text, &Environment::from(variables)).expect_err("no region").to_string();
    assert!(error.contains("AWS_REGION: expected a region") && !error.contains("canary"), "{error}");
}

#[cfg(feature = "aws")]
#[test]
fn a_key_of_aws_is_trimmed_and_one_that_cannot_be_sent_is_a_mistake() {
    let text = "telemetry: {exporters: [{provider: otlp, signals: [traces], otlp: {preset: aws, aws: {region: eu-west-1}}}]}";
    let [_, secret, token] = KEY;
    let settings = settings_with(text, [("AWS_ACCESS_KEY_ID", " AKIDEXAMPLE\n"), secret, token]);
    assert_eq!(signature(only_destination(&settings)).1.id, "AKIDEXAMPLE");
    for broken in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        let variables =
            KEY.map(|(name, value)| (name, if name == broken { "canary\ncanary" } else { value }));
        let error = read(text, &Environment::from(variables)).expect_err("a line break").to_string();
        assert!(error.contains(&format!("{broken}: a key of AWS is")), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[cfg(feature = "aws")]
#[test]
fn an_authorization_that_is_written_wins_over_the_signature_of_the_preset() {
    let text = "telemetry: {exporters: [{provider: otlp, signals: [traces], otlp: {preset: aws, aws: {region: eu-west-1}, headers: {Authorization: canary}}}]}";
    let settings = settings(text);
    assert_eq!(exporters(&settings), [("otlp", "https://xray.eu-west-1.amazonaws.com/v1/traces")]);
    assert_eq!(only_destination(&settings).auth, None);
}

#[cfg(feature = "aws")]
#[test]
fn a_signature_in_plain_text_is_warned_about() {
    let text = "telemetry: {exporters: [{provider: otlp, otlp: {endpoint: 'http://a.example', auth: aws_sigv4, aws: {region: eu-west-1}}}]}";
    let expected =
        "an `otlp` exporter sends `auth: aws_sigv4` to http://a.example in plain text: write `https://`";
    assert_eq!(settings_with(text, KEY).warnings(), [expected]);
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_build_without_signatures_refuses_the_preset_of_aws() {
    let text = "telemetry: {exporters: [{provider: otlp, signals: [traces], otlp: {preset: aws, aws: {region: eu-west-1}}}]}";
    let error = read(text, &Environment::from([])).expect_err("no signer").to_string();
    assert!(error.contains("with its feature `aws`"), "{error}");
}

#[test]
fn the_preset_for_oneself_is_the_defaults() {
    let preset = settings("telemetry: {exporters: [{provider: otlp, otlp: {preset: self_hosted}}]}");
    let plain = settings("telemetry: {exporters: [{provider: otlp}]}");
    assert_eq!((preset.exporters, preset.propagation), (plain.exporters, plain.propagation));
}
