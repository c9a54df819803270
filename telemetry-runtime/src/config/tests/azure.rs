//! Azure Monitor: where its resource is said.

use super::*;

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
