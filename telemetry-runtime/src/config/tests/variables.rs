//! Variables of the environment, and what they win over.

use super::*;

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
