//! Tokens for each identity, handed out by services on the loopback interface that check who asks.

use super::*;
use crate::export::auth::Auth;
use crate::export::otlp::{Otlp, Target};
use crate::export::{ExportError, Exported, Exporter};
use crate::record::Signal;
use crate::record::sample::{Sample, batch};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use telemetry_tests::{Answer, Authority, Receiver, Request, SERVICE_ACCOUNT_KEY, check_assertion};

/// Takes what has this token, and hands it out to whom `is_right`.
fn azure(is_right: impl Fn(&Request) -> bool + Send + 'static) -> Receiver {
    Receiver::judged_by(move |request| match request.header("authorization") {
        Some("Bearer canary-token") => Answer::ok(),
        Some(_) => Answer::error(401, "no such token"),
        None if is_right(request) => Answer::json(
            200,
            r#"{"access_token":"canary-token","expires_on":"32503680000","token_type":"Bearer"}"#,
        ),
        None => Answer::json(
            401,
            r#"{"error":"invalid_client","error_description":"canary","error_codes":[7000215]}"#,
        ),
    })
}

fn entra(identity: Identity) -> Entra {
    Entra { identity, resource: "https://monitor.azure.com".to_owned() }
}

fn export(receiver: &Receiver, identity: Identity) -> Result<Exported, ExportError> {
    let authorize =
        Auth::Entra(entra(identity)).authorizer(Signal::Traces).expect("it is part of this build");
    let otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a target");
    otlp.authorized_by(Signal::Traces, authorize).export(&batch(&[Sample::root("a", 1)]))
}

fn has_fields(request: &Request, fields: &[(&str, &str)]) -> bool {
    fields.iter().all(|(name, value)| request.field(name).as_deref() == Some(value))
}

/// An application with a secret that may hold anything.
fn application(azure: &Receiver, secret: &str) -> Identity {
    let token_url = format!("{}/tenant/oauth2/v2.0/token", azure.endpoint());
    Identity::Secret { token_url, client_id: "orders".to_owned(), secret: Secret::new(secret) }
}

#[test]
fn an_application_shows_its_secret() {
    let azure = azure(|request| {
        let scope = ("scope", "https://monitor.azure.com/.default");
        request.line == "POST /tenant/oauth2/v2.0/token"
            && has_fields(request, &[("grant_type", "client_credentials"), ("client_id", "orders"), scope])
            && has_fields(request, &[("client_secret", "canary~1&=")])
    });
    assert_eq!(export(&azure, application(&azure, "canary~1&=")).ok(), Some(Exported::all()));
}

#[test]
fn a_workload_shows_the_token_of_its_cluster() {
    let azure = azure(|request| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        has_fields(
            request,
            &[
                ("client_assertion_type", kind),
                ("client_assertion", "canary.federated"),
                ("client_id", "orders"),
            ],
        )
    });
    let token_file = std::env::temp_dir().join(format!("telemetry-entra-{}", std::process::id()));
    std::fs::write(&token_file, "canary.federated\n").expect("a file");
    let (token_url, client_id) = (azure.endpoint(), "orders".to_owned());
    let identity = Identity::Federated { token_url, client_id, token_file: token_file.clone() };
    assert!(export(&azure, identity).is_ok());
    std::fs::remove_file(token_file).expect("the file");
}

#[test]
fn an_application_shows_by_its_key_that_the_certificate_is_its_own() {
    let azure = azure(|request| {
        let Some(Ok(claims)) = request.field("client_assertion").map(|text| check_assertion(&text)) else {
            return false;
        };
        let claims: serde_json::Value = serde_json::from_str(&claims).expect("JSON");
        let lasts = claims["exp"].as_u64().zip(claims["nbf"].as_u64()).map(|(end, begin)| end - begin);
        let is_ours = claims["iss"] == "orders" && claims["sub"] == "orders" && claims["jti"] != "";
        is_ours && lasts == Some(600) && claims["aud"].as_str().is_some_and(|url| url.ends_with("/token"))
    });
    let file = std::env::temp_dir().join(format!("telemetry-entra-certificate-{}", std::process::id()));
    let certificate = Authority::default().pem();
    let identity = Identity::Certificate {
        token_url: format!("{}/token", azure.endpoint()),
        client_id: "orders".to_owned(),
        file: file.clone(),
    };
    for (content, missing) in [(SERVICE_ACCOUNT_KEY, "certificate"), (&*certificate, "RSA key")] {
        std::fs::write(&file, content).expect("a file");
        let error = export(&azure, identity.clone()).expect_err("half of it");
        let expected = format!("has no {missing} in the form PEM");
        assert!(error.is_retryable() && error.to_string().ends_with(&expected), "{error}");
    }
    std::fs::write(&file, format!("{SERVICE_ACCOUNT_KEY}\n{certificate}")).expect("a file");
    assert_eq!(export(&azure, identity).ok(), Some(Exported::all()));
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    let print = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, &der));
    let assertion = azure.requests()[0].field("client_assertion").expect("it is shown");
    let head = URL_SAFE_NO_PAD.decode(assertion.split('.').next().expect("a head")).expect("base64");
    let head: serde_json::Value = serde_json::from_slice(&head).expect("JSON");
    assert_eq!(head, serde_json::json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": print }));
    std::fs::remove_file(file).expect("the file");
}

#[test]
fn a_managed_identity_is_known_by_where_it_runs() {
    let query = "api-version=2018-02-01&resource=https%3A%2F%2Fmonitor.azure.com&client_id=orders";
    let line = format!("GET /metadata/identity/oauth2/token?{query}");
    let machine = azure(move |request| request.line == line && request.header("metadata") == Some("true"));
    let client_id = Some("orders".to_owned());
    assert!(export(&machine, Identity::Machine { base: machine.endpoint(), client_id }).is_ok());

    let line = "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmonitor.azure.com";
    let service = azure(move |request| {
        request.line == line && request.header("x-identity-header") == Some("canary-header")
    });
    let (url, header) = (format!("{}/msi/token", service.endpoint()), Secret::new("canary-header"));
    assert!(export(&service, Identity::AppService { url, header, client_id: None }).is_ok());
}

#[test]
fn without_a_token_nothing_is_sent_and_the_error_says_why_but_nothing_secret() {
    let azure = azure(|_| false);
    let identity = application(&azure, "canary-secret");
    let shown = format!("{:?}", entra(identity.clone()));
    let error = export(&azure, identity).expect_err("it is refused");
    let expected = "answered 401 Unauthorized: invalid_client (AADSTS7000215)";
    assert!(error.is_retryable() && error.to_string().ends_with(expected), "{error}");
    let shown = format!("{shown} {error:?}");
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(azure.requests().len(), 1);
}

#[cfg(feature = "azure")]
#[test]
fn azure_monitor_s_own_protocol_has_the_token_too_and_asks_for_it_anew_where_it_is_refused() {
    use crate::export::azure::{AzureMonitor, Target};
    use std::sync::atomic::{AtomicUsize, Ordering};
    let count = AtomicUsize::new(0);
    let azure = Receiver::judged_by(move |request| match request.header("authorization") {
        Some("Bearer canary-2") => Answer::json(200, r#"{"itemsReceived":1,"itemsAccepted":1,"errors":[]}"#),
        Some(token) => Answer::json(401, format!("who is {token}?")),
        None => {
            let count = count.fetch_add(1, Ordering::Relaxed) + 1;
            Answer::json(200, format!(r#"{{"access_token":"canary-{count}","expires_in":"3600"}}"#))
        }
    });
    let target = |azure: &Receiver, identity| {
        let key = "InstrumentationKey=00000000-0000-0000-0000-000000000000";
        let target = Target::new(&format!("{key};IngestionEndpoint={}", azure.endpoint()));
        let mut target = target.expect("a connection string");
        target.auth = Some(entra(identity));
        target
    };
    let spans = batch(&[Sample::root("a", 1)]);
    let mut exporter = AzureMonitor::new(target(&azure, application(&azure, "canary-secret")));
    assert!(exporter.export(&spans).is_ok());
    assert_eq!(azure.requests().len(), 4);

    let closed = Receiver::judged_by(|request| match request.header("authorization") {
        Some(token) => Answer::json(403, format!("who is {token}?")),
        None => Answer::json(200, r#"{"access_token":"canary-1","expires_in":3600}"#),
    });
    let mut exporter = AzureMonitor::new(target(&closed, application(&closed, "canary-secret")));
    let error = exporter.export(&spans).expect_err("no token is good");
    let shown =
        format!("{error} {error:?} {exporter:?} {:?}", target(&closed, application(&closed, "canary")));
    assert!(error.is_retryable() && error.to_string().contains("answered 403"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
