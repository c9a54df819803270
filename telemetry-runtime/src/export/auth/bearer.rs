//! Tokens in the header `authorization`.

use super::cached::{Cached, Fetched, Source};
use super::desk::{no, text};
use crate::clock;
use crate::export::ExportError;
use crate::export::http::Authorize;
use crate::record::Secret;
use serde_json::Value;
use ureq::http::request::Parts;
use ureq::http::{HeaderName, HeaderValue, header};

/// A token, and whom its use is charged to, where that is somebody else.
pub(super) struct Token {
    pub(super) text: Secret,
    pub(super) quota_project: Option<String>,
}

/// Adds a token to each request.
pub(super) struct Bearer<S: Source<Item = Token>>(Cached<S>);

/// Source: Google Cloud, "System parameters".
const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

impl<S: Source<Item = Token>> Bearer<S> {
    pub(super) fn new(source: S) -> Self {
        Self(Cached::new(source))
    }
}

impl<S: Source<Item = Token>> Authorize for Bearer<S> {
    fn authorize(&mut self, parts: &mut Parts, _: &[u8]) -> Result<(), ExportError> {
        let Token { text, quota_project } = self.0.get(clock::unix_seconds())?;
        let mut token = value(&format!("Bearer {}", text.expose()))?;
        token.set_sensitive(true);
        parts.headers.insert(header::AUTHORIZATION, token);
        if let Some(project) = quota_project
            && !parts.headers.contains_key(QUOTA_PROJECT)
        {
            parts.headers.insert(QUOTA_PROJECT, value(project)?);
        }
        Ok(())
    }

    fn renew(&mut self) -> bool {
        self.0.renew(clock::unix_seconds())
    }
}

fn value(text: &str) -> Result<HeaderValue, ExportError> {
    HeaderValue::from_str(text)
        .map_err(|_| no("the token that was handed out cannot be sent: it is malformed"))
}

/// The token of an answer to a request for one. How long it holds is a number, or text that is one.
///
/// Source: RFC 6749, section 5.1; `expires_on`, in Unix seconds, is what Azure's managed identities say.
pub(super) fn token(answer: &[u8], now_s: u64) -> Result<Fetched<Token>, ExportError> {
    let object: Value = serde_json::from_slice(answer).unwrap_or_default();
    let number = |key| {
        let value = object.get(key)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let text = text(&object, "access_token").ok_or_else(|| no("what was to hand out a token gave none"))?;
    let expires_s =
        number("expires_in").map(|seconds| now_s.saturating_add(seconds)).or_else(|| number("expires_on"));
    Ok(Fetched { value: Token { text: Secret::new(text), quota_project: None }, expires_s })
}
