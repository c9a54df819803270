//! Where credentials are handed out: small requests with little patience, and errors without a word of what was secret.

use crate::export::ExportError;
use crate::export::http::{Answer, HttpClient, HttpOptions, Tls, origin};
use crate::record::percent;
use serde_json::Value;
use std::fmt::Write;
use std::time::Duration;
use ureq::http::request::Parts;
use ureq::http::{Method, Request, StatusCode};

/// How long a service on this machine, or next to it, may take.
const NEAR: Duration = Duration::from_secs(1);
/// How long any other may take.
const FAR: Duration = Duration::from_secs(5);

/// A client of services that hand out credentials. As exporters' own, it uses no proxies and follows nobody elsewhere.
pub(super) struct Desk {
    http: HttpClient,
    timeout: Duration,
}

/// Headers' names and values.
pub(super) type Headers<'a> = &'a [(&'a str, &'a str)];

impl Desk {
    /// Of metadata services, which have link-local addresses.
    pub(super) fn near() -> Self {
        Self::new(NEAR)
    }

    /// Of everything else.
    pub(super) fn far() -> Self {
        Self::new(FAR)
    }

    fn new(timeout: Duration) -> Self {
        Self { http: HttpClient::new(HttpOptions { timeout, tls: Tls::default() }), timeout }
    }

    pub(super) fn get(&self, url: &str, headers: Headers<'_>) -> Result<Vec<u8>, ExportError> {
        self.ask(&parts(Method::GET, url, headers)?, "")
    }

    #[cfg(feature = "aws")]
    pub(super) fn put(&self, url: &str, headers: Headers<'_>) -> Result<Vec<u8>, ExportError> {
        self.ask(&parts(Method::PUT, url, headers)?, "")
    }

    /// Posts a form.
    pub(super) fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Vec<u8>, ExportError> {
        self.ask(&parts(Method::POST, url, &[FORM])?, &encoded(form))
    }

    /// Posts a form that somebody authorizes.
    #[cfg(feature = "aws")]
    pub(super) fn post_authorized(
        &self,
        url: &str,
        form: &[(&str, &str)],
        authorize: impl FnOnce(&mut Parts, &[u8]) -> Result<(), ExportError>,
    ) -> Result<Vec<u8>, ExportError> {
        let (mut parts, form) = (parts(Method::POST, url, &[FORM])?, encoded(form));
        authorize(&mut parts, form.as_bytes())?;
        self.ask(&parts, &form)
    }

    /// Posts an object.
    #[cfg(feature = "gcp")]
    pub(super) fn post_json(
        &self,
        url: &str,
        headers: Headers<'_>,
        body: &Value,
    ) -> Result<Vec<u8>, ExportError> {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.ask(&parts(Method::POST, url, &headers)?, &body.to_string())
    }

    fn ask(&self, Parts { method, uri, headers, .. }: &Parts, body: &str) -> Result<Vec<u8>, ExportError> {
        let answer = self.http.send_within(self.timeout, method.clone(), uri, headers, body.as_bytes());
        // Whatever went wrong may be mended while we wait.
        let answer = answer.map_err(|error| no(format!("no credentials: {error}")))?;
        if answer.status == StatusCode::OK {
            return Ok(answer.body);
        }
        let told = headers.values().filter_map(|value| value.to_str().ok()).collect::<String>();
        let reason = reason(&answer, &format!("{body} {told}")).unwrap_or_default();
        Err(no(format!("no credentials: {} answered {}{reason}", origin(uri), answer.status)))
    }
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A request without its body.
fn parts(method: Method, url: &str, headers: Headers<'_>) -> Result<Parts, ExportError> {
    let request = Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request
        .body(())
        .map_err(|_| no("a request for credentials has no URL, or a header that cannot be sent"))?;
    Ok(request.into_parts().0)
}

/// The error for which credentials are not there. All may go better later.
pub(super) fn no(message: impl Into<String>) -> ExportError {
    ExportError::retryable(message, None)
}

/// What a file holds that somebody renews, without blanks around it.
pub(super) fn read(path: &std::path::Path) -> Result<String, ExportError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        no(format!("no credentials: {} cannot be read", path.display())).with_source(error)
    })?;
    Ok(text.trim().to_owned())
}

/// The text of a member of the JSON object.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Whether the byte stands for itself in a URL.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// A query, or a form.
pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(String::new(), |mut form, (key, value)| {
        let and = if form.is_empty() { "" } else { "&" };
        // Writing to a string does not fail.
        let _ = write!(form, "{and}{key}={}", percent::encoded(value, is_plain));
        form
    })
}

/// The code of the error, of what OAuth and AWS answer: a word that we did not use, and a number, since sentences may repeat what we told.
///
/// Source: RFC 6749, section 5.2; AWS Security Token Service, "Common Errors".
fn reason(answer: &Answer, told: &str) -> Option<String> {
    let is_code = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_word = |word: &&str| word.len() <= 64 && word.bytes().all(is_code) && !told.contains(word);
    let text = std::str::from_utf8(&answer.body).ok()?;
    let object: Value = serde_json::from_str(text).unwrap_or_default();
    let number = object.pointer("/error_codes/0").and_then(Value::as_u64);
    let word = self::text(&object, "error").or_else(|| element(text, "Code")).filter(is_word)?;
    let number = number.map(|number| format!(" (AADSTS{number})")).unwrap_or_default();
    Some(format!(": {word}{number}"))
}

/// What is in the first element of this name: as much XML as AWS's answers need.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    after.split_once(&format!("</{name}>")).map(|(inside, _)| inside.trim())
}
