//! The preset of AWS, with and without its signatures.

use super::*;
#[cfg(feature = "aws")]
use crate::export::auth::{AccessKey, Auth, AwsSigV4, KeySource};

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
