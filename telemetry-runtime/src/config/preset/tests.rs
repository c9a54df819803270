//! What each preset fills in, and whom the environment says we are.

#![cfg(all(feature = "aws", feature = "azure-entra", feature = "gcp"))]

use crate::config::source::Source;
use crate::config::{Environment, ExporterKind, Settings, SettingsError};
use crate::export::auth::{Auth, ContainerToken, Identity, KeySource};
use crate::export::destination::Destination;
use crate::record::Signal;

fn read(otlp: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let text = format!("telemetry: {{exporters: [{{provider: otlp, otlp: {{{otlp}}}}}]}}");
    Settings::read(Source::new("settings.yaml", text), &Environment::Fixed(variables.collect()))
}

fn destination(otlp: &str, variables: &[(&str, &str)], signal: Signal) -> Destination {
    let settings = read(otlp, variables).expect("settings");
    let ExporterKind::Otlp(destinations) = &settings.exporters[0].kind else { panic!("it is otlp") };
    destinations[signal].clone().expect("it takes the signal")
}

fn error(otlp: &str, variables: &[(&str, &str)]) -> String {
    read(otlp, variables).expect_err("a mistake").to_string()
}

#[test]
fn google_takes_both_signals_at_one_place() {
    let metadata = [("GCE_METADATA_HOST", "127.0.0.1:1"), ("GOOGLE_CLOUD_QUOTA_PROJECT", "payer")];
    for (signal, url) in [
        (Signal::Traces, "https://telemetry.googleapis.com/v1/traces"),
        (Signal::Logs, "https://telemetry.googleapis.com/v1/logs"),
    ] {
        let destination = destination("preset: gcp", &metadata, signal);
        assert_eq!(destination.endpoint.url(signal), url);
        let Some(Auth::Gcp(adc)) = destination.auth.as_deref() else { panic!("it has a token") };
        assert_eq!((&*adc.metadata, adc.quota_project.as_deref()), ("http://127.0.0.1:1", Some("payer")));
    }
    let grpc = destination("preset: gcp, protocol: grpc", &[], Signal::Traces);
    assert_eq!(
        (grpc.endpoint.as_given(), grpc.endpoint.has_path()),
        ("https://telemetry.googleapis.com/", false)
    );
    let error = error("preset: gcp", &[("GCE_METADATA_HOST", "a b")]);
    assert!(error.contains("GCE_METADATA_HOST: expected a host"), "{error}");
    let error = self::error("preset: gcp", &[("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist")]);
    assert!(
        error.contains("GOOGLE_APPLICATION_CREDENTIALS: the file of credentials cannot be read: No such"),
        "{error}"
    );
}

#[test]
fn an_account_of_another_issuer_whose_token_a_program_or_aws_has_is_refused_at_the_start() {
    for source in
        [r#"{"executable":{"command":"canary"}}"#, r#"{"environment_id":"aws1","url":"https://canary"}"#]
    {
        let file = std::env::temp_dir().join(format!("telemetry-preset-{}", std::process::id()));
        let account = format!(
            r#"{{"type":"external_account","audience":"a","subject_token_type":"t","credential_source":{source}}}"#
        );
        std::fs::write(&file, account).expect("a file");
        let path = file.to_str().expect("text");
        let error = error("preset: gcp", &[("GOOGLE_APPLICATION_CREDENTIALS", path)]);
        let expected = "has neither a `file` nor a `url` with a token: executables and AWS are not supported";
        assert!(error.contains(expected) && !error.contains("canary"), "{error}");
        std::fs::remove_file(file).expect("the file");
    }
}

#[test]
fn azure_has_a_stream_for_each_signal_at_the_rule_that_is_named() {
    let rule =
        "preset: azure, endpoint: 'https://a.weu-1.ingest.monitor.azure.com/dataCollectionRules/dcr-1'";
    let at = "https://a.weu-1.ingest.monitor.azure.com/dataCollectionRules/dcr-1/streams";
    for (signal, stream) in [
        (Signal::Traces, "Microsoft-OTLP-Traces/otlp/v1/traces"),
        (Signal::Logs, "Microsoft-OTLP-Logs/otlp/v1/logs"),
    ] {
        assert_eq!(destination(rule, &[], signal).endpoint.url(signal), format!("{at}/{stream}"));
    }
    let collector = "preset: azure, endpoint: 'https://collector.example', auth: none";
    let collector = destination(collector, &[], Signal::Traces);
    assert_eq!(collector.endpoint.url(Signal::Traces), "https://collector.example/v1/traces");
    let exact = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://a.example/x")];
    assert_eq!(destination(rule, &exact, Signal::Traces).endpoint.url(Signal::Traces), "https://a.example/x");
    let error = error(&format!("{rule}, protocol: grpc"), &[]);
    assert!(error.contains("Azure takes no OTLP over gRPC") || error.contains("has no path"), "{error}");
}

fn identity(variables: &[(&str, &str)]) -> Identity {
    let destination = destination("auth: azure_entra", variables, Signal::Traces);
    let Some(Auth::Entra(entra)) = destination.auth.map(|auth| *auth) else { panic!("it has a token") };
    assert_eq!(entra.resource, "https://monitor.azure.com");
    assert!(!format!("{entra:?}").contains("canary"));
    entra.identity
}

#[test]
fn the_first_identity_of_azure_that_the_environment_has_is_taken() {
    let all = [
        ("AZURE_TENANT_ID", "t-1"),
        ("AZURE_CLIENT_ID", "orders"),
        ("AZURE_CLIENT_SECRET", "canary"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
        ("IDENTITY_HEADER", "canary"),
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi"),
    ];
    let url = "https://login.microsoftonline.com/t-1/oauth2/v2.0/token";
    assert!(
        matches!(identity(&all), Identity::Secret { token_url, client_id, .. } if token_url == url && client_id == "orders")
    );
    let without = |left_out: usize| [&all[..2], &all[2 + left_out..]].concat();
    assert!(matches!(identity(&without(1)), Identity::Federated { token_url, .. } if token_url == url));
    let service = identity(&without(2));
    assert!(
        matches!(service, Identity::AppService { url, client_id: Some(_), .. } if url == "http://127.0.0.1:1/msi")
    );
    let machine = Identity::Machine { base: "http://169.254.169.254".to_owned(), client_id: None };
    assert_eq!(identity(&[]), machine);
}

#[test]
fn what_an_identity_of_azure_lacks_is_a_mistake_and_so_is_a_place_that_others_can_read() {
    let missing = error("auth: azure_entra", &[("AZURE_CLIENT_SECRET", "canary")]);
    for expected in [
        "AZURE_CLIENT_SECRET: it needs AZURE_TENANT_ID, too",
        "AZURE_CLIENT_SECRET: it needs AZURE_CLIENT_ID, too",
    ] {
        assert!(missing.contains(expected) && !missing.contains("canary"), "{missing}");
    }
    let application = [("AZURE_CLIENT_SECRET", "canary"), ("AZURE_CLIENT_ID", "a")];
    let with = |variable| {
        error("auth: azure_entra", &[&application[..], &[("AZURE_TENANT_ID", "t"), variable]].concat())
    };
    let insecure = with(("AZURE_AUTHORITY_HOST", "http://evil.example"));
    assert!(insecure.contains("AZURE_AUTHORITY_HOST: expected a URL of `https://`"), "{insecure}");
    let tenant = with(("AZURE_TENANT_ID", "../canary"));
    assert!(tenant.contains("AZURE_TENANT_ID: expected letters") && !tenant.contains("canary"), "{tenant}");
    let header = [("IDENTITY_HEADER", "canary"), ("IDENTITY_ENDPOINT", "http://evil.example")];
    assert!(error("auth: azure_entra", &header).contains("IDENTITY_ENDPOINT: expected a URL"));
}

fn keys(variables: &[(&str, &str)]) -> Vec<KeySource> {
    let otlp = "auth: aws_sigv4, aws: {region: eu-west-1}";
    let Some(Auth::Aws(signature)) = destination(otlp, variables, Signal::Traces).auth.map(|auth| *auth)
    else {
        panic!("it is signed");
    };
    signature.keys
}

#[test]
fn keys_of_aws_are_looked_for_where_the_environment_says_and_in_this_order() {
    let all = [
        ("HOME", "/home/orders"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ("AWS_ROLE_ARN", "arn:1"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary"),
    ];
    let keys_of_all = keys(&all);
    let [
        KeySource::Profile(profile),
        KeySource::WebIdentity(identity),
        KeySource::Container { url, token: Some(ContainerToken::Text(_)) },
        KeySource::Machine { base },
    ] = &*keys_of_all
    else {
        panic!("{keys_of_all:?}")
    };
    assert!(profile.credentials_file.ends_with("orders/.aws/credentials") && !profile.is_named);
    assert!(profile.sso_cache.ends_with("orders/.aws/sso/cache") && profile.sso_url.is_none());
    assert_eq!((&*profile.sts_url, &*profile.region), ("https://sts.eu-west-1.amazonaws.com", "eu-west-1"));
    assert_eq!(identity.sts_url, "https://sts.eu-west-1.amazonaws.com");
    assert_eq!((&**url, &**base), ("http://169.254.170.2/v2/credentials/1", "http://169.254.169.254"));
    assert!(!format!("{keys_of_all:?}").contains("canary"));
    let alone = [("AWS_EC2_METADATA_DISABLED", "TRUE"), ("AWS_PROFILE", "shop"), ("HOME", "/")];
    assert!(
        matches!(&*keys(&alone), [KeySource::Profile(profile)] if profile.is_named && profile.name == "shop")
    );
    let pod = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")];
    assert!(matches!(&*keys(&pod), [KeySource::Container { token: None, .. }, KeySource::Machine { .. }]));
}

#[test]
fn a_service_of_aws_that_others_can_read_and_half_a_key_are_mistakes() {
    let otlp = "auth: aws_sigv4, aws: {region: eu-west-1}";
    let evil = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/canary")];
    let shown = error(otlp, &evil);
    assert!(
        shown.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI: expected a URL") && !shown.contains("canary"),
        "{shown}"
    );
    let half = error(otlp, &[("AWS_SECRET_ACCESS_KEY", "canary")]);
    assert!(
        half.contains("AWS_SECRET_ACCESS_KEY: an access key of AWS needs AWS_ACCESS_KEY_ID, too"),
        "{half}"
    );
    assert!(!half.contains("canary"), "{half}");
}

#[test]
fn a_preset_bounds_requests_unless_something_else_is_written() {
    let aws = "preset: aws, auth: none, endpoint: 'http://127.0.0.1:1', aws: {log_group: a, log_stream: b}";
    let bounds = |otlp, signal| {
        let destination = destination(otlp, &[], signal);
        (destination.max_request_bytes, destination.max_item_bytes)
    };
    assert_eq!(bounds(aws, Signal::Traces), (Some(5_000_000), Some(200_000)));
    assert_eq!(bounds(aws, Signal::Logs), (Some(1_000_000), None));
    assert_eq!(bounds("preset: gcp, auth: none", Signal::Traces), (Some(4 << 20), None));
    assert_eq!(bounds("preset: self_hosted", Signal::Logs), (None, None));
    let written = format!("{aws}}}, max_batch_bytes: 1MiB, retry: {{");
    assert_eq!(bounds(&written, Signal::Traces), (Some(1 << 20), Some(200_000)));
}
