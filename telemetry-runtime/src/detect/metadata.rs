//! Requests to a cloud's metadata service: short, to a link-local address, and past all proxies.

use super::DEADLINE;
use crate::export::http::{HttpClient, HttpOptions, Tls};
use serde_json::Value;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// A service, and what each request to it must say.
pub(super) struct Metadata {
    http: HttpClient,
    base: String,
    headers: HeaderMap,
}

impl Metadata {
    /// The service at this base URL.
    pub(super) fn at(base: &str) -> Self {
        let http = HttpClient::new(HttpOptions { timeout: DEADLINE, tls: Tls::default() });
        Self { http, base: base.trim_end_matches('/').to_owned(), headers: HeaderMap::new() }
    }

    /// The same, with a header in each request. A value that cannot be sent is left out.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// What is at this path, if there is anything.
    pub(super) fn get(&self, path: &str) -> Option<String> {
        self.ask(Method::GET, path)
    }

    pub(super) fn put(&self, path: &str) -> Option<String> {
        self.ask(Method::PUT, path)
    }

    /// The object at this path, if there is one.
    pub(super) fn object(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&self.get(path)?).ok().filter(Value::is_object)
    }

    fn ask(&self, method: Method, path: &str) -> Option<String> {
        let url = format!("{}{path}", self.base).parse().ok()?;
        let answer = self.http.send_within(DEADLINE, method, &url, &self.headers, b"").ok()?;
        let is_text = answer.status == StatusCode::OK;
        String::from_utf8(answer.body).ok().filter(|_| is_text).map(|text| text.trim().to_owned())
    }
}

/// The text of a member.
pub(super) fn text(object: &Value, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}
