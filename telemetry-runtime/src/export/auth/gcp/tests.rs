//! Tokens by a file or by the metadata service, handed out by services on the loopback interface that check who asks.

use super::*;
use crate::export::auth::Auth;
use crate::export::otlp::{Otlp, Protocol, Target};
use crate::export::{ExportError, Exported, Exporter};
use crate::record::Signal;
use crate::record::sample::{Sample, batch};
use serde_json::{Value, json};
use telemetry_tests::{Answer, GrpcReceiver, Receiver, Request, SERVICE_ACCOUNT_KEY, check_assertion};

fn file(name: &str, content: &Value) -> PathBuf {
    let path = std::env::temp_dir().join(format!("telemetry-gcp-{}-{name}", std::process::id()));
    std::fs::write(&path, content.to_string()).expect("a file");
    path
}

fn by_file(file: PathBuf) -> Adc {
    Adc { file: Some(file), metadata: "http://127.0.0.1:1".to_owned(), quota_project: None }
}

fn exporter(target: Target, adc: Adc) -> Otlp {
    let authorize = Auth::Gcp(adc).authorizer(Signal::Traces).expect("it is part of this build");
    Otlp::new(target).expect("a target").authorized_by(Signal::Traces, authorize)
}

fn export(receiver: &Receiver, adc: Adc) -> Result<Exported, ExportError> {
    exporter(Target::new(receiver.traces_url()), adc).export(&batch(&[Sample::root("a", 1)]))
}

/// Takes what has this token, and hands it out to whom `is_right`.
fn google(is_right: impl Fn(&Request) -> bool + Send + 'static) -> Receiver {
    Receiver::judged_by(move |request| match request.header("authorization") {
        Some("Bearer canary-token") => Answer::ok(),
        Some(_) => Answer::error(401, "no such token"),
        None if is_right(request) => {
            Answer::json(200, r#"{"access_token":"canary-token","expires_in":3599,"token_type":"Bearer"}"#)
        }
        None => Answer::json(401, r#"{"error":"invalid_grant","error_description":"canary"}"#),
    })
}

#[test]
fn a_service_account_signs_for_its_token() {
    let google = google(|request| {
        let grant = request.field("grant_type");
        let Some(Ok(claims)) = request.field("assertion").map(|text| check_assertion(&text)) else {
            return false;
        };
        let claims: Value = serde_json::from_str(&claims).expect("JSON");
        let lasts = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(end, begin)| end - begin);
        grant.as_deref() == Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
            && claims["iss"] == "orders@example.iam.gserviceaccount.com"
            && claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
            && claims["aud"].as_str().is_some_and(|url| url.ends_with("/token"))
            && lasts == Some(3600)
    });
    let account = json!({
        "type": "service_account", "project_id": "orders", "private_key_id": "1", "private_key": SERVICE_ACCOUNT_KEY,
        "client_email": "orders@example.iam.gserviceaccount.com", "token_uri": format!("{}/token", google.endpoint()),
    });
    let file = file("account", &account);
    assert_eq!(
        AdcFile::read(&file).map(|file| file.project().map(str::to_owned)).ok(),
        Some(Some("orders".to_owned()))
    );
    assert_eq!(export(&google, by_file(file.clone())).ok(), Some(Exported::all()));
    assert_eq!(google.requests()[1].header("x-goog-user-project"), None);
    std::fs::remove_file(file).expect("the file");
}

#[test]
fn a_user_s_refresh_token_gives_a_token_that_the_quota_project_pays_for() {
    let google = google(|request| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "id"),
            ("client_secret", "canary 1"),
            ("refresh_token", "canary/2"),
        ]
        .iter()
        .all(|(name, value)| request.field(name).as_deref() == Some(value))
    });
    let user = json!({
        "type": "authorized_user", "client_id": "id", "client_secret": "canary 1", "refresh_token": "canary/2",
        "quota_project_id": "payer", "token_uri": google.endpoint(),
    });
    let file = file("user", &user);
    assert!(export(&google, by_file(file.clone())).is_ok());
    assert_eq!(google.requests()[1].header("x-goog-user-project"), Some("payer"));
    let other = Adc { quota_project: Some("other".to_owned()), ..by_file(file.clone()) };
    assert!(export(&google, other).is_ok());
    assert_eq!(google.requests()[3].header("x-goog-user-project"), Some("other"));
    std::fs::remove_file(file).expect("the file");
}

#[test]
fn the_metadata_service_gives_the_machine_s_own_token_over_http_and_grpc() {
    let is_right = |request: &Request| {
        request.line == "GET /computeMetadata/v1/instance/service-accounts/default/token"
            && request.header("metadata-flavor") == Some("Google")
    };
    let google = google(is_right);
    let adc = Adc { file: None, metadata: google.endpoint(), quota_project: None };
    assert!(export(&google, adc.clone()).is_ok());
    let receiver = GrpcReceiver::start();
    let target = Target { protocol: Protocol::Grpc, ..Target::new(receiver.endpoint()) };
    assert!(exporter(target, adc).export(&batch(&[Sample::root("a", 1)])).is_ok());
    assert_eq!(receiver.calls()[0].header("authorization"), Some("Bearer canary-token"));
}

#[test]
fn without_a_token_nothing_is_sent_and_the_error_shows_nothing_secret() {
    let google = google(|_| false);
    let user = json!({
        "type": "authorized_user", "client_id": "id", "client_secret": "canary-1", "refresh_token": "canary-2",
        "token_uri": google.endpoint(),
    });
    let file = file("refused", &user);
    let error = export(&google, by_file(file.clone())).expect_err("it is refused");
    assert!(
        error.is_retryable() && error.to_string().ends_with("answered 401 Unauthorized: invalid_grant"),
        "{error}"
    );
    let shown = format!("{error} {error:?} {:?}", AdcFile::read(&file));
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(google.requests().len(), 1);
    std::fs::remove_file(&file).expect("the file");
    let error = export(&google, by_file(file)).expect_err("there is no file");
    assert!(error.is_retryable(), "{error}");
}

/// An account of another issuer's, whose token is there.
fn federated(source: Value) -> Value {
    json!({
        "type": "external_account", "audience": "//iam.googleapis.com/pool", "credential_source": source,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    })
}

/// The same with more members.
fn with(mut object: Value, more: Value) -> Value {
    let (object_, Value::Object(more)) = (object.as_object_mut().expect("an object"), more) else {
        panic!("an object")
    };
    object_.extend(more);
    object
}

/// Whether somebody shows this token of another issuer.
fn exchanges(request: &Request, subject: &str) -> bool {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("audience", "//iam.googleapis.com/pool"),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", subject),
    ];
    request.line == "POST /v1/token"
        && fields.iter().all(|(name, value)| request.field(name).as_deref() == Some(value))
}

#[test]
fn the_token_of_another_issuer_is_exchanged_as_it_is_in_a_file_by_then() {
    let google = google(|request| exchanges(request, "canary-1") || exchanges(request, "canary-2"));
    let (subject, url) = (file("subject", &json!({"token": "canary-1"})), google.endpoint());
    let format = json!({"type": "json", "subject_token_field_name": "token"});
    let account = federated(json!({"file": subject, "format": format}));
    let account = with(
        account,
        json!({"token_url": format!("{url}/v1/token"), "workforce_pool_user_project": "payer"}),
    );
    let account = file("federated", &account);
    assert!(export(&google, by_file(account.clone())).is_ok());
    assert_eq!(google.requests()[0].field("options").as_deref(), Some(r#"{"userProject":"payer"}"#));
    std::fs::write(&subject, r#"{"token":"canary-2"}"#).expect("a file");
    assert!(export(&google, by_file(account.clone())).is_ok());
    assert_eq!(google.requests()[2].field("subject_token").as_deref(), Some("canary-2"));
    std::fs::write(&subject, r#"{"another":"canary-3"}"#).expect("a file");
    let error = export(&google, by_file(account.clone())).expect_err("there is no token");
    assert!(error.is_retryable() && error.to_string().ends_with("has no `token`"), "{error}");
    std::fs::remove_file(account).expect("the file");
    std::fs::remove_file(subject).expect("the file");
}

#[test]
fn a_service_that_has_the_other_token_is_told_what_the_file_says_and_another_account_s_token_may_follow() {
    let google = Receiver::judged_by(|request| match (&*request.line, request.header("authorization")) {
        ("GET /other", None) if request.header("metadata") == Some("canary-0") => {
            Answer::json(200, "canary-1\n")
        }
        ("POST /v1/token", None) if exchanges(request, "canary-1") => {
            Answer::json(200, r#"{"access_token":"canary-2","expires_in":3600}"#)
        }
        ("POST /accounts/a:generateAccessToken", Some("Bearer canary-2")) => {
            let wish: Value = serde_json::from_slice(&request.body).expect("JSON");
            let expected = json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"], "delegates": [], "lifetime": "600s"});
            assert_eq!(wish, expected);
            Answer::json(200, r#"{"accessToken":"canary-3","expireTime":"2099-11-26T12:00:00Z"}"#)
        }
        ("POST /v1/traces", Some("Bearer canary-3")) => Answer::ok(),
        _ => Answer::error(403, "canary"),
    });
    let url = google.endpoint();
    let account = federated(json!({"url": format!("{url}/other"), "headers": {"Metadata": "canary-0"}}));
    let account = with(
        account,
        json!({
            "token_url": format!("{url}/v1/token"),
            "service_account_impersonation_url": format!("{url}/accounts/a:generateAccessToken"),
            "service_account_impersonation": {"token_lifetime_seconds": 600},
        }),
    );
    let account = file("service", &account);
    export(&google, by_file(account.clone())).expect("it is let in");
    assert_eq!(google.requests().len(), 4);
    std::fs::remove_file(account).expect("the file");
}

#[test]
fn a_user_may_act_for_a_service_account_through_others() {
    let google = Receiver::judged_by(|request| match (&*request.line, request.header("authorization")) {
        ("POST /", None) => Answer::json(200, r#"{"access_token":"canary-1","expires_in":3600}"#),
        ("POST /a:generateAccessToken", Some("Bearer canary-1")) => {
            let wish: Value = serde_json::from_slice(&request.body).expect("JSON");
            assert_eq!((&wish["delegates"], &wish["lifetime"]), (&json!(["between"]), &json!("3600s")));
            Answer::json(200, r#"{"accessToken":"canary-2","expireTime":"2099-11-26T12:00:00Z"}"#)
        }
        ("POST /v1/traces", Some("Bearer canary-2")) => Answer::ok(),
        _ => Answer::error(403, "canary"),
    });
    let url = google.endpoint();
    let user = json!({"type": "authorized_user", "client_id": "id", "client_secret": "canary", "refresh_token": "canary", "token_uri": url});
    let account = json!({
        "type": "impersonated_service_account", "source_credentials": user, "delegates": ["between"],
        "service_account_impersonation_url": format!("{url}/a:generateAccessToken"), "quota_project_id": "payer",
    });
    let account = file("impersonated", &account);
    export(&google, by_file(account.clone())).expect("it is let in");
    assert_eq!(google.requests()[2].header("x-goog-user-project"), Some("payer"));
    std::fs::remove_file(account).expect("the file");
}

#[test]
fn other_issuers_tokens_go_to_google_s_exchange_and_its_own_accounts_elsewhere_unless_the_file_says_so() {
    let user =
        json!({"type": "authorized_user", "client_id": "id", "client_secret": "s", "refresh_token": "r"});
    for (name, content, expected) in [
        ("exchange", federated(json!({"file": "/token"})), "https://sts.googleapis.com/v1/token"),
        ("own", user, "https://oauth2.googleapis.com/token"),
    ] {
        let file = file(name, &content);
        assert_eq!(AdcFile::read(&file).expect("it is right").token_url, expected);
        std::fs::remove_file(file).expect("the file");
    }
}

#[test]
fn another_account_s_token_is_asked_for_anew_before_it_expires_with_all_that_leads_to_it() {
    let google = Receiver::judged_by(|request| match (&*request.line, request.header("authorization")) {
        ("POST /v1/token", None) if exchanges(request, "canary-1") => {
            Answer::json(200, r#"{"access_token":"canary-2","expires_in":3600}"#)
        }
        ("POST /a:generateAccessToken", Some("Bearer canary-2")) => {
            Answer::json(200, r#"{"accessToken":"canary-3","expireTime":"2020-01-01T00:00:00Z"}"#)
        }
        ("POST /v1/traces", Some("Bearer canary-3")) => Answer::ok(),
        _ => Answer::error(403, "canary"),
    });
    let (subject, account) = impersonating("expiring", &google);
    let mut otlp = exporter(Target::new(google.traces_url()), by_file(account.clone()));
    for _ in 0..2 {
        otlp.export(&batch(&[Sample::root("a", 1)])).expect("it is let in");
    }
    assert_eq!(google.requests().len(), 6);
    std::fs::remove_file(account).expect("the file");
    std::fs::remove_file(subject).expect("the file");
}

/// A file with the token `canary-1` of another issuer, and one of credentials that leads from there to another account.
fn impersonating(name: &str, google: &Receiver) -> (PathBuf, PathBuf) {
    let (subject, url) = (file(&format!("{name}-subject"), &json!("")), google.endpoint());
    std::fs::write(&subject, "canary-1\n").expect("a file");
    let account = with(
        federated(json!({"file": subject, "format": {}})),
        json!({
            "token_url": format!("{url}/v1/token"),
            "service_account_impersonation_url": format!("{url}/a:generateAccessToken"),
        }),
    );
    (subject, file(name, &account))
}

#[test]
fn an_exchange_or_an_impersonation_that_fails_is_told_with_its_reason_and_nothing_secret() {
    let refused = r#"{"error":"invalid_grant","error_description":"canary-1"}"#;
    let token = r#"{"access_token":"canary-2","expires_in":3600}"#;
    for (name, exchange, impersonation, expected) in [
        ("refuses", Answer::json(400, refused), Answer::ok(), "answered 400 Bad Request: invalid_grant"),
        ("gives-none", Answer::json(200, "canary"), Answer::ok(), "gave none"),
        ("hangs-up", Answer::hang_up(), Answer::ok(), ", or it broke"),
        ("may-not", Answer::json(200, token), Answer::json(403, "canary-2"), "answered 403 Forbidden"),
        ("says-nothing", Answer::json(200, token), Answer::json(200, "{}"), "gave no token"),
    ] {
        let google = Receiver::scripted([exchange, impersonation]);
        let (subject, account) = impersonating(name, &google);
        let error = export(&google, by_file(account.clone())).expect_err("there is no token");
        assert!(error.is_retryable() && error.to_string().ends_with(expected), "{name}: {error}");
        let shown = format!("{error:?}");
        assert!(!shown.contains("canary"), "{shown}");
        std::fs::write(&subject, "\n").expect("a file");
        let error = export(&google, by_file(account.clone())).expect_err("there is nothing to show");
        assert!(error.to_string().ends_with("is empty"), "{error}");
        std::fs::remove_file(account).expect("the file");
        std::fs::remove_file(subject).expect("the file");
    }
}

#[test]
fn a_file_that_cannot_work_is_refused_and_not_shown() {
    let account =
        |key: &str| json!({"type": "service_account", "client_email": "canary", "private_key": key});
    let wrong_uri = json!({"type": "authorized_user", "client_id": "canary", "client_secret": "canary",
        "refresh_token": "canary", "token_uri": "http://evil.example/canary"});
    for (name, content, expected) in [
        ("kind", json!({"type": "gdch_service_account"}), "another `type`"),
        ("federated", json!({"type": "external_account"}), "no `credential_source`"),
        (
            "executable",
            federated(json!({"executable": {"command": "canary"}})),
            "executables and AWS are not",
        ),
        (
            "aws",
            federated(json!({"environment_id": "aws1", "url": "http://169.254.169.254/canary"})),
            "AWS are not",
        ),
        (
            "plain",
            federated(json!({"url": "http://evil.example/canary"})),
            "`url` in the file of credentials is neither",
        ),
        (
            "format",
            federated(json!({"file": "/canary", "format": {"type": "xml"}})),
            "another `type` than `text` or `json`",
        ),
        (
            "field",
            federated(json!({"file": "/canary", "format": {"type": "json"}})),
            "no `subject_token_field_name`",
        ),
        ("nobody", json!({"type": "impersonated_service_account"}), "no `source_credentials`"),
        ("key", account("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"), "no RSA key"),
        ("no-key", json!({"type": "service_account", "client_email": "canary"}), "no `private_key`"),
        ("uri", wrong_uri, "neither `https://` nor on this machine"),
        ("json", json!("canary"), "another `type`"),
    ] {
        let file = file(&format!("wrong-{name}"), &content);
        let error = AdcFile::read(&file).expect_err(name);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected) && !shown.contains("canary"), "{shown}");
        std::fs::remove_file(file).expect("the file");
    }
}
