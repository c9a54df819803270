//! Signature Version 4: shows by an access key who makes a request, and that nobody has changed it.
//!
//! Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".

use super::keys::Keys;
use super::{AccessKey, AwsSigV4, aws_service};
use crate::clock;
use crate::export::ExportError;
use crate::export::auth::cached::Cached;
use crate::export::http::Authorize;
use crate::record::{Secret, Signal, date};
use ring::{digest, hmac};
use std::fmt::Write;
use ureq::http::request::Parts;
use ureq::http::{HeaderName, HeaderValue, header};

/// Signs requests to the service of AWS that takes a signal.
pub(in crate::export::auth) struct SigV4 {
    keys: Cached<Keys>,
    scope: Scope,
}

/// What a signature is good for.
pub(super) struct Scope {
    pub(super) region: String,
    pub(super) service: &'static str,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// What is set after signing, or changed on the way.
const UNSIGNED: [HeaderName; 3] = [header::AUTHORIZATION, header::CONTENT_LENGTH, header::USER_AGENT];

impl SigV4 {
    pub(in crate::export::auth) fn new(options: AwsSigV4, signal: Signal) -> Self {
        let scope = Scope { region: options.region, service: aws_service(signal) };
        Self { keys: Cached::new(Keys::new(options.keys)), scope }
    }
}

impl Scope {
    pub(super) fn sign(
        &self,
        key: &AccessKey,
        parts: &mut Parts,
        body: &[u8],
        now_s: u64,
    ) -> Result<(), ExportError> {
        let time = basic_time(now_s);
        let host = parts.uri.authority().map_or("", |authority| authority.as_str()).to_owned();
        parts.headers.insert(header::HOST, value(&host)?);
        parts.headers.insert(DATE, value(&time)?);
        if let Some(token) = &key.session_token {
            parts.headers.insert(SECURITY_TOKEN, secret_value(token.expose())?);
        }
        let headers = signed_headers(parts);
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let request = hex(sha256(canonical_request(parts, &headers, &names, body).as_bytes()).as_ref());
        let scope = format!("{}/{}/{}/aws4_request", &time[..8], self.region, self.service);
        let signature = signature(key, &scope, &format!("{ALGORITHM}\n{time}\n{scope}\n{request}"));
        let id = &key.id;
        let authorization =
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        parts.headers.insert(header::AUTHORIZATION, secret_value(&authorization)?);
        Ok(())
    }
}

/// The text's, by a key that is good for this day, region and service only.
fn signature(key: &AccessKey, scope: &str, text: &str) -> String {
    let secret = Secret::new(format!("AWS4{}", key.secret.expose()));
    let step = |key: &[u8], part: &str| sign_with(key, part.as_bytes());
    let first = secret.expose().as_bytes().to_vec();
    let key = scope.split('/').fold(first, |key, part| step(&key, part));
    hex(&step(&key, text))
}

impl Authorize for SigV4 {
    fn authorize(&mut self, parts: &mut Parts, body: &[u8]) -> Result<(), ExportError> {
        let now_s = clock::unix_seconds();
        self.scope.sign(self.keys.get(now_s)?, parts, body, now_s)
    }

    fn renew(&mut self) -> bool {
        self.keys.renew(clock::unix_seconds())
    }
}

/// Names, in order, and values without needless blanks.
fn signed_headers(parts: &Parts) -> Vec<(String, String)> {
    let signed = parts.headers.iter().filter(|(name, _)| !UNSIGNED.contains(name));
    let mut headers: Vec<_> = signed
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect();
    headers.sort();
    headers
}

fn canonical_request(parts: &Parts, headers: &[(String, String)], names: &str, body: &[u8]) -> String {
    let mut request = format!("{}\n{}\n{}\n", parts.method, path(parts), query(parts));
    for (name, value) in headers {
        // Writing to a string does not fail.
        let _ = writeln!(request, "{name}:{value}");
    }
    let _ = write!(request, "\n{names}\n{}", hex(sha256(body).as_ref()));
    request
}

/// Encoded once more than it is sent, as all services but S3 have it.
fn path(parts: &Parts) -> String {
    let is_plain = |byte: u8| byte == b'/' || byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    crate::record::percent::encoded(parts.uri.path(), is_plain).into_owned()
}

fn query(parts: &Parts) -> String {
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    pairs.sort_unstable();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

fn value(text: &str) -> Result<HeaderValue, ExportError> {
    HeaderValue::from_str(text)
        .map_err(|_| ExportError::permanent("the access key of AWS cannot be sent: it is malformed"))
}

fn secret_value(text: &str) -> Result<HeaderValue, ExportError> {
    let mut value = value(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

fn sign_with(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref().to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `20150830T123600Z`, in UTC.
fn basic_time(unix_s: u64) -> String {
    let (year, month, day) = date(unix_s / 86_400);
    let (hour, minute, second) = (unix_s / 3600 % 24, unix_s / 60 % 60, unix_s % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Exporter;
    use crate::export::auth::KeySource;
    use crate::export::otlp::{Otlp, Target};
    use crate::record::Level;
    use crate::record::sample::{LogSample, Sample, batch, logs};
    use telemetry_tests::{Answer, Receiver, check_signature};
    use ureq::http::Request;

    /// Method, URL, headers, session token and the signature that is expected.
    type Vector = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        Option<&'static str>,
        &'static str,
    );

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// 2015-08-30T12:36:00Z.
    const THEN_S: u64 = 1_440_938_160;

    fn key(session_token: Option<&str>) -> AccessKey {
        AccessKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new(SECRET),
            session_token: session_token.map(Secret::new),
        }
    }

    fn scope(service: &'static str) -> Scope {
        Scope { region: "us-east-1".to_owned(), service }
    }

    fn options() -> AwsSigV4 {
        AwsSigV4 { region: "us-east-1".to_owned(), keys: vec![KeySource::Given(key(Some("canary-token")))] }
    }

    fn authorization(
        service: &'static str,
        key: &AccessKey,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
    ) -> String {
        let request = Request::builder().method(method).uri(format!("https://example.amazonaws.com{url}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        scope(service).sign(key, &mut parts, b"", THEN_S).expect("a key that can be sent");
        parts.headers[header::AUTHORIZATION].to_str().expect("text").to_owned()
    }

    /// Source: AWS, "Signature Version 4 test suite".
    #[test]
    fn signs_as_the_published_vectors_do() {
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let vectors: [Vector; 6] = [
            ("POST", "/", &[], None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "POST",
                "/?Param1=value1",
                &[],
                None,
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
            ),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                &[],
                None,
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "GET",
                "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                &[],
                None,
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            ),
            (
                "GET",
                "/",
                &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
                None,
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                "GET",
                "/",
                &[],
                Some(token),
                "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
            ),
        ];
        for (method, url, headers, token, signature) in vectors {
            let signed = authorization("service", &key(token), method, url, headers);
            assert!(signed.ends_with(&format!("Signature={signature}")), "{method} {url}: {signed}");
        }
    }

    #[test]
    fn what_is_signed_is_named_and_what_is_secret_is_marked() {
        let signed =
            authorization("xray", &key(Some("canary")), "POST", "/v1/traces", &[("user-agent", "x")]);
        let expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/xray/aws4_request, \
                        SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=";
        assert!(signed.starts_with(expected), "{signed}");
        assert!(secret_value("canary").is_ok_and(|value| value.is_sensitive()));
        let error = value("canary\n").expect_err("a control character");
        assert!(!error.is_retryable() && !error.to_string().contains("canary"));
    }

    /// The expected signature is botocore's, 1.43.11.
    #[test]
    fn signs_body_headers_and_an_encoded_path_as_another_signer_does() {
        let request = Request::post("https://xray.us-east-1.amazonaws.com/a%20b/v1/traces")
            .header("content-type", "application/x-protobuf")
            .header("content-encoding", "gzip");
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        scope("xray")
            .sign(&key(Some("canary-token")), &mut parts, b"body", THEN_S)
            .expect("a key that can be sent");
        let signed = parts.headers[header::AUTHORIZATION].to_str().expect("text");
        assert!(
            signed.ends_with(
                "SignedHeaders=content-encoding;content-type;host;x-amz-date;x-amz-security-token, \
                 Signature=759b02db4b37bd0241d791c9405f3e5d4a29a0dc1641ec9639e5eae06c8b7993"
            ),
            "{signed}"
        );
    }

    #[test]
    fn requests_of_each_signal_are_signed_for_its_service_as_they_arrive() {
        let receiver = Receiver::start();
        let target = |url| Target { gzip: true, ..Target::new(url) };
        let mut otlp = Otlp::new(target(receiver.traces_url()))
            .and_then(|otlp| otlp.with_logs(target(receiver.logs_url())))
            .expect("valid targets");
        for signal in Signal::ALL {
            otlp = otlp.authorized_by(signal, Box::new(SigV4::new(options(), signal)));
        }
        assert!(otlp.export(&batch(&[Sample::root("a", 1)])).is_ok());
        assert!(otlp.export(&logs(&[LogSample::new(Level::Info, 1, "sold")])).is_ok());

        let requests = receiver.requests();
        for (request, service, other) in [(&requests[0], "xray", "logs"), (&requests[1], "logs", "xray")] {
            let check = |secret, service| check_signature(request, secret, "us-east-1", service);
            assert_eq!(check(SECRET, service), Ok(()));
            assert!(check("another", service).is_err() && check(SECRET, other).is_err());
            assert_eq!(request.header("x-amz-security-token"), Some("canary-token"));
        }
        let mut changed = requests[0].clone();
        changed.body.push(0);
        assert!(check_signature(&changed, SECRET, "us-east-1", "xray").is_err());
    }

    #[test]
    fn a_signature_that_leaves_out_host_date_or_token_is_not_accepted() {
        struct LeavesOut(SigV4, &'static str);
        impl Authorize for LeavesOut {
            fn authorize(&mut self, parts: &mut Parts, body: &[u8]) -> Result<(), ExportError> {
                self.0.authorize(parts, body)?;
                let signed = parts.headers[header::AUTHORIZATION].to_str().expect("text");
                let less = signed.replace(&format!(";{}", self.1), "").replace(&format!("={};", self.1), "=");
                parts.headers.insert(header::AUTHORIZATION, value(&less)?);
                Ok(())
            }
        }
        for name in ["host", "x-amz-date", "x-amz-security-token"] {
            let receiver = Receiver::start();
            let signer = LeavesOut(SigV4::new(options(), Signal::Traces), name);
            let otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a valid target");
            let mut otlp = otlp.authorized_by(Signal::Traces, Box::new(signer));
            assert!(otlp.export(&batch(&[Sample::root("a", 1)])).is_ok());
            let checked = check_signature(&receiver.requests()[0], SECRET, "us-east-1", "xray");
            assert!(checked.is_err_and(|error| error.contains(&format!("`{name}` is not signed"))), "{name}");
        }
    }

    #[test]
    fn keys_and_tokens_do_not_show() {
        let receiver = Receiver::scripted([Answer::error(403, "the token canary-token has expired")]);
        let options = options();
        let signer = SigV4::new(options.clone(), Signal::Traces);
        let otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a valid target");
        let mut otlp = otlp.authorized_by(Signal::Traces, Box::new(signer));
        let error = otlp.export(&batch(&[Sample::root("a", 1)])).expect_err("an answer of 403");
        let shown = format!("{options:?} {otlp:?} {error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains(SECRET), "{shown}");
    }

    #[test]
    fn a_changed_body_or_moment_is_another_signature() {
        let signature = |body: &[u8], now_s| {
            let (mut parts, ()) =
                Request::post("https://host/v1/traces").body(()).expect("a request").into_parts();
            scope("xray").sign(&key(None), &mut parts, body, now_s).expect("a key that can be sent");
            parts.headers[header::AUTHORIZATION].to_str().expect("text").to_owned()
        };
        assert_eq!(signature(b"a", THEN_S), signature(b"a", THEN_S));
        assert_ne!(signature(b"a", THEN_S), signature(b"b", THEN_S));
        assert_ne!(signature(b"a", THEN_S), signature(b"a", THEN_S + 1));
    }

    #[test]
    fn dates_are_of_the_gregorian_calendar() {
        let cases = [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (4_107_542_399, "21000228T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
        ];
        for (unix_s, time) in cases {
            assert_eq!(basic_time(unix_s), time);
        }
    }
}
