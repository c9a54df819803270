//! Credentials of clouds, handed out or refused by services that repeat what they were told: nobody else hears of them.

use super::*;

/// In the environment and in files.
const OURS: [&str; 4] = ["c4nary-application", "c4nary-agent", "c4nary-client", "c4nary-refresh"];
/// What is handed out for them.
const THEIRS: [(&str, &str); 3] = [
    ("authorization", "Bearer c4nary-google"),
    ("authorization", "Bearer c4nary-entra"),
    ("x-amz-security-token", "c4nary-session"),
];

/// Hands out credentials of every cloud to whom shows ours.
fn issuer() -> Receiver {
    let token = |name| Answer::json(200, format!(r#"{{"access_token": "{name}", "expires_in": 3600}}"#));
    Receiver::judged_by(move |request| {
        let has = |name, value| request.field(name).as_deref() == Some(value);
        match &*request.line {
            "POST /google" if has("refresh_token", "c4nary-refresh") => token("c4nary-google"),
            "POST /shop/oauth2/v2.0/token" if has("client_secret", "c4nary-application") => {
                token("c4nary-entra")
            }
            "GET /agent" if request.header("authorization") == Some("c4nary-agent") => Answer::json(
                200,
                r#"{"AccessKeyId": "A", "SecretAccessKey": "c4nary-secret", "Token": "c4nary-session",
                    "Expiration": "2999-01-01T00:00:00Z"}"#,
            ),
            _ => Answer::status(404),
        }
    })
}

/// What a process says that has ours, and gets its credentials there. Its exporters send to receivers that all fail.
fn said(name: &str, issuer: &Receiver) -> (String, Vec<Request>) {
    let folder = Folder::new(name);
    let elsewhere = Receiver::start();
    let there = elsewhere.endpoint().replace("127.0.0.1", "localhost");
    let mut bad = Bad::none();
    let auths = ["gcp_adc", "azure_entra", "aws_sigv4, aws: {region: eu-west-1}"];
    for (auth, (_, secret)) in auths.into_iter().zip(THEIRS) {
        for (fault, answer) in faults(&format!("no {secret}"), &there) {
            let (name, endpoint) = (format!("{}-{fault}", &auth[..3]), bad.receiver(answer));
            bad.entries.push(otlp(&name, &endpoint, &format!("auth: {auth}"), ""));
        }
    }
    let url = issuer.endpoint();
    let user = format!(
        r#"{{"type": "authorized_user", "client_id": "a", "client_secret": "c4nary-client", "refresh_token": "c4nary-refresh", "token_uri": "{url}/google"}}"#
    );
    let (user, agent) = (folder.file("user.json", &user), format!("{url}/agent"));
    let healthy = Receiver::start();
    let said = folder.run(
        &bad.settings(&healthy, &folder.0),
        &[
            ("GOOGLE_APPLICATION_CREDENTIALS", &user.display().to_string()),
            ("AZURE_TENANT_ID", "shop"),
            ("AZURE_CLIENT_ID", "a"),
            ("AZURE_CLIENT_SECRET", "c4nary-application"),
            ("AZURE_AUTHORITY_HOST", &url),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &agent),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "c4nary-agent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("HOME", &folder.0.display().to_string()),
        ],
    );
    assert!(said.matches("last error").count() >= bad.entries.len(), "each of the exporters failed: {said}");
    assert_clean("the output", &said, &[]);
    assert_clean("the spans and log records", &format!("{:?}{:?}", healthy.spans(), healthy.logs()), &[]);
    assert!(elsewhere.requests().is_empty(), "redirects carry nothing away");
    (said, bad.requests())
}

#[test]
fn no_credential_that_a_cloud_hands_out_is_shown_whatever_fails() {
    let _turn = turn();
    let (_said, requests) = said("handed-out", &issuer());
    for (header, secret) in THEIRS {
        assert!(carried(&requests, header, secret), "{secret} was in use");
    }
}

#[test]
fn no_credential_is_shown_where_a_cloud_refuses_and_repeats_it() {
    let _turn = turn();
    for (status, echo) in [(400, OURS[0]), (401, OURS[1]), (403, OURS[2]), (500, OURS[3])] {
        let json = format!(r#"{{"error": "{echo}", "error_description": "{echo}", "Code": "{echo}"}}"#);
        let issuer = Receiver::judged_by(move |_| Answer::json(status, json.clone()));
        let (said, requests) = said("refused", &issuer);
        assert!(said.contains("no credentials: http://127.0.0.1:"), "it is told why");
        assert!(requests.is_empty() && !issuer.requests().is_empty(), "nothing is sent without credentials");
    }
}
