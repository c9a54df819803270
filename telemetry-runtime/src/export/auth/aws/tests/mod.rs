//! Keys from each place where they may be, handed out by services on the loopback interface that check who asks.

mod chain;

use super::*;
use crate::export::auth::Auth;
use crate::export::otlp::{Otlp, Target};
use crate::export::{ExportError, Exported, Exporter};
use crate::record::sample::{Sample, batch};
use std::path::Path;
use telemetry_tests::{Answer, Receiver, Request, check_signature};

const SECRET: &str = "canary-secret";

/// A key as metadata services have it.
fn key_json(secret: &str, expiration: &str) -> Answer {
    Answer::json(
        200,
        format!(
            r#"{{"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"{secret}","Token":"canary-session","Expiration":"{expiration}"}}"#
        ),
    )
}

/// The same as the Security Token Service has it.
fn key_xml(secret: &str) -> Answer {
    Answer::json(
        200,
        format!(
            "<Response><Credentials><SessionToken>canary-session</SessionToken>\
             <SecretAccessKey>{secret}</SecretAccessKey><Expiration>2999-01-01T00:00:00Z</Expiration>\
             <AccessKeyId>AKID</AccessKeyId></Credentials></Response>"
        ),
    )
}

/// An exporter of spans whose requests are signed by the first key that is found.
fn exporter(receiver: &Receiver, keys: Vec<KeySource>) -> Otlp {
    let auth = Auth::Aws(AwsSigV4 { region: "eu-west-1".to_owned(), keys });
    let authorize = auth.authorizer(Signal::Traces).expect("it is part of this build");
    Otlp::new(Target::new(receiver.traces_url())).expect("a target").authorized_by(Signal::Traces, authorize)
}

fn export(otlp: &mut Otlp) -> Result<Exported, ExportError> {
    otlp.export(&batch(&[Sample::root("a", 1)]))
}

/// Takes what is signed by this secret.
fn back_end(secret: &'static str) -> Receiver {
    Receiver::judged_by(move |request| match check_signature(request, secret, "eu-west-1", "xray") {
        Ok(()) => Answer::ok(),
        Err(_) => Answer::error(403, "the signature is another one"),
    })
}

fn is_taken(keys: Vec<KeySource>) -> Receiver {
    let receiver = back_end(SECRET);
    let exported = export(&mut exporter(&receiver, keys));
    assert_eq!(exported.ok(), Some(Exported::all()));
    receiver
}

/// The metadata service of a virtual machine, version 2.
fn machine(secret: &'static str) -> Receiver {
    Receiver::judged_by(move |request| {
        let has_session = request.header("x-aws-ec2-metadata-token") == Some("canary-metadata");
        match &*request.line {
            "PUT /latest/api/token" if request.header("x-aws-ec2-metadata-token-ttl-seconds").is_some() => {
                Answer::json(200, "canary-metadata")
            }
            "GET /latest/meta-data/iam/security-credentials/" if has_session => {
                Answer::json(200, "orders@1\n")
            }
            "GET /latest/meta-data/iam/security-credentials/orders%401" if has_session => {
                key_json(secret, "2999-01-01T00:00:00Z")
            }
            _ => Answer::status(401),
        }
    })
}

fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("telemetry-aws-{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("a file");
    path
}

fn profile(name: &str, credentials_file: &Path, is_named: bool) -> KeySource {
    let nowhere = || "http://127.0.0.1:1".to_owned();
    KeySource::Profile(Profile {
        name: name.to_owned(),
        is_named,
        credentials_file: credentials_file.into(),
        config_file: "/does/not/exist".into(),
        sso_cache: "/does/not/exist".into(),
        sso_url: Some(nowhere()),
        sts_url: nowhere(),
        region: "eu-west-1".to_owned(),
    })
}

#[test]
fn a_machine_s_role_gives_a_key_that_is_asked_for_once() {
    let machine = machine(SECRET);
    let receiver = back_end(SECRET);
    let mut otlp = exporter(&receiver, vec![KeySource::Machine { base: machine.endpoint() }]);
    assert!(export(&mut otlp).is_ok() && export(&mut otlp).is_ok());
    assert_eq!((machine.requests().len(), receiver.requests().len()), (3, 2));
    assert_eq!(receiver.requests()[0].header("x-amz-security-token"), Some("canary-session"));
}

#[test]
fn a_container_s_agent_wants_its_token_which_is_read_each_time() {
    let token = file("container-token", "canary-container\n");
    let agent = Receiver::judged_by(|request| match request.header("authorization") {
        Some("canary-container") => key_json(SECRET, "2999-01-01T00:00:00Z"),
        _ => Answer::status(401),
    });
    let url = format!("{}/v1/credentials", agent.endpoint());
    is_taken(vec![KeySource::Container {
        url: url.clone(),
        token: Some(ContainerToken::File(token.clone())),
    }]);
    let text = ContainerToken::Text(Secret::new("canary-container"));
    is_taken(vec![KeySource::Container { url, token: Some(text) }]);
    std::fs::remove_file(token).expect("the file");
}

fn identity(sts_url: String, token_file: PathBuf) -> KeySource {
    KeySource::WebIdentity(WebIdentity {
        role_arn: "arn:aws:iam::123:role/orders".to_owned(),
        session_name: "telemetry".to_owned(),
        token_file,
        sts_url,
    })
}

#[test]
fn a_web_identity_is_exchanged_for_a_key() {
    let token = file("identity", "canary.web+identity\n");
    let is_right = |request: &Request| {
        [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", "arn:aws:iam::123:role/orders"),
            ("RoleSessionName", "telemetry"),
            ("WebIdentityToken", "canary.web+identity"),
        ]
        .iter()
        .all(|(name, value)| request.field(name).as_deref() == Some(value))
    };
    let sts = Receiver::judged_by(move |request| match is_right(request) {
        true => key_xml(SECRET),
        false => Answer::status(400),
    });
    is_taken(vec![identity(sts.endpoint(), token.clone())]);
    std::fs::remove_file(token).expect("the file");
}

#[test]
fn the_first_place_that_has_a_key_is_taken_and_no_other_is_asked() {
    let file =
        file("profile", &format!("[default]\naws_access_key_id=AKID\naws_secret_access_key={SECRET}\n"));
    let machine = machine("another");
    let base = || KeySource::Machine { base: machine.endpoint() };
    is_taken(vec![profile("default", &file, false), base()]);
    assert_eq!(machine.requests().len(), 0);
    let receiver = back_end("another");
    assert!(export(&mut exporter(&receiver, vec![profile("orders", &file, false), base()])).is_ok());
    let error = export(&mut exporter(&receiver, vec![profile("orders", &file, true), base()]));
    let error = error.expect_err("somebody has asked for that profile");
    assert!(
        error.is_retryable() && error.to_string().contains("the profile `orders` leads to none in "),
        "{error}"
    );
    let nothing = export(&mut exporter(&receiver, vec![profile("orders", &file, false)]));
    assert!(nothing.is_err_and(|error| error.is_retryable()));
    std::fs::remove_file(file).expect("the file");
}

#[test]
fn a_key_that_is_refused_is_asked_for_anew_once_and_one_that_expires_with_the_next_request() {
    let secrets = ["first", "second"];
    let count = std::sync::atomic::AtomicUsize::new(0);
    let agent = Receiver::judged_by(move |_| {
        let next = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        key_json(secrets[next.min(1)], "2999-01-01T00:00:00Z")
    });
    let receiver = back_end("second");
    let url = agent.endpoint();
    assert!(export(&mut exporter(&receiver, vec![KeySource::Container { url, token: None }])).is_ok());
    assert_eq!((agent.requests().len(), receiver.requests().len()), (2, 2));

    let agent = Receiver::judged_by(|_| key_json("wrong", "2020-01-01T00:00:00Z"));
    let mut otlp = exporter(&receiver, vec![KeySource::Container { url: agent.endpoint(), token: None }]);
    let error = export(&mut otlp).expect_err("the key is wrong each time");
    assert!(!error.is_retryable(), "{error}");
    assert_eq!(agent.requests().len(), 2);
    assert!(export(&mut otlp).is_err());
    assert_eq!((agent.requests().len(), receiver.requests().len()), (3, 5));
}

#[test]
fn without_a_key_nothing_is_sent_and_the_error_says_why_but_nothing_secret() {
    let token = file("identity-refused", "canaryidentity");
    let refused = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>canaryidentity is bad</Message></Error></ErrorResponse>";
    let echoing = "<ErrorResponse><Error><Code>canaryidentity</Code></Error></ErrorResponse>";
    let receiver = back_end(SECRET);
    for (answer, ending) in [
        (Answer::json(400, refused), "answered 400 Bad Request: InvalidIdentityToken"),
        (Answer::json(403, echoing), "answered 403 Forbidden"),
        (Answer::json(200, "canaryidentity"), "gave none"),
        (Answer::hang_up(), ", or it broke"),
    ] {
        let sts = Receiver::scripted([answer]);
        let mut otlp = exporter(&receiver, vec![identity(sts.endpoint(), token.clone())]);
        let error = export(&mut otlp).expect_err("there is no key");
        let shown = format!("{error} {error:?} {otlp:?}");
        assert!(error.is_retryable() && error.to_string().ends_with(ending), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    assert_eq!(receiver.requests().len(), 0);
    std::fs::remove_file(token).expect("the file");
}
