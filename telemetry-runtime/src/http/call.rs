//! What a client span says about the call it stands for.

use super::key::keys;
use super::wire::{OTHER_METHOD, known_method, protocol_version};
use crate::record::query;
use crate::record::{Callsite, SpanKind, StatusCode};
use crate::span::{Opened, Recording, Span};
use http::uri::Authority;
use http::{Extensions, HeaderMap, Method, StatusCode as HttpStatus, Uri, Version, header};

/// Room for the attributes of an ordinary call; what does not fit travels on its own.
pub(super) const ROOM: usize = 64;

static CLIENT: Callsite =
    Callsite::new("", module_path!(), file!(), line!(), KEYS).with_name("HTTP").with_kind(SpanKind::Client);

// Source of the names: OpenTelemetry semantic conventions 1.37, "HTTP client span".
keys! {
    Method = "http.request.method",
    MethodOriginal = "http.request.method_original",
    UrlFull = "url.full",
    UrlTemplate = "url.template",
    ServerAddress = "server.address",
    ServerPort = "server.port",
    ResendCount = "http.request.resend_count",
    ProtocolVersion = "network.protocol.version",
    Status = "http.response.status_code",
    ErrorType = "error.type",
}

/// The template of a request's URL, such as `/orders/{id}`, among the request's extensions: it becomes part of the span's name.
///
/// # Examples
/// ```
/// use telemetry_runtime::http::UrlTemplate;
///
/// let request = http::Request::get("http://shop/orders/7").extension(UrlTemplate("/orders/{id}"));
/// # drop(request.body(()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

/// How often a request has been sent before, among the request's extensions, where a layer that retries may put it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendCount(pub u32);

/// A call that is about to be made.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) template: Option<&'static str>,
    pub(super) resend_count: Option<u32>,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: &'a Method, uri: Uri, headers: &'a HeaderMap) -> Self {
        Self { method, uri, headers, template: None, resend_count: None }
    }

    pub(super) fn with_extensions(mut self, extensions: &Extensions) -> Self {
        self.template = extensions.get::<UrlTemplate>().map(|template| template.0);
        self.resend_count = extensions.get::<ResendCount>().map(|count| count.0);
        self
    }
}

/// Starts the span of a call below the current one; what the call is, is asked only if that is recorded.
pub(super) fn open<'a>(call: impl FnOnce() -> Call<'a>) -> Opened<ROOM> {
    let mut span = Opened::new();
    span.open(&CLIENT);
    if span.is_recording() {
        describe(&mut span, &call());
    }
    span
}

fn describe(span: &mut Opened<ROOM>, call: &Call<'_>) {
    describe_method(span, call);
    let host = || call.headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority: Option<Authority> = call.uri.authority().cloned().or_else(host);
    let scheme = call.uri.scheme_str().unwrap_or("http");
    if let Some(authority) = &authority {
        span.value(Key::UrlFull as u8, full_url(scheme, authority, &call.uri));
        span.value(Key::ServerAddress as u8, authority.host().trim_matches(['[', ']']));
        span.value(Key::ServerPort as u8, authority.port_u16().or_else(|| default_port(scheme)));
    }
    span.value(Key::UrlTemplate as u8, call.template);
    span.value(Key::ResendCount as u8, call.resend_count.filter(|count| *count > 0));
}

/// Records the method and names the span.
fn describe_method(span: &mut Opened<ROOM>, call: &Call<'_>) {
    let known = known_method(call.method);
    span.value(Key::Method as u8, known.unwrap_or(OTHER_METHOD));
    if known.is_none() {
        span.value(Key::MethodOriginal as u8, call.method.as_str());
    }
    let name = known.unwrap_or("HTTP");
    match call.template {
        Some(template) => span.name(format_args!("{name} {template}")),
        None => span.name(name),
    }
}

/// The address without what grants access: user, password, and secret parameters.
///
/// Source: OpenTelemetry semantic conventions, "URL", `url.full`.
fn full_url(scheme: &str, authority: &Authority, uri: &Uri) -> String {
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((_, host)) => ("REDACTED:REDACTED@", host),
        None => ("", authority.as_str()),
    };
    let query = uri.query().map(|query| format!("?{}", query::redacted(query))).unwrap_or_default();
    format!("{scheme}://{user}{host}{}{query}", uri.path())
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Records the head of the response, while the span is current. Unlike a server's, a client's span fails with 4xx, too.
pub(super) fn answered(span: &mut Recording<ROOM>, status: HttpStatus, version: Version) {
    span.value(Key::Status as u8, status.as_u16());
    span.value(Key::ProtocolVersion as u8, protocol_version(version));
    if status.is_client_error() || status.is_server_error() {
        span.value(Key::ErrorType as u8, status.as_str());
        Span::current().set_status(StatusCode::Error, "");
    }
}

/// Records that no response came, while the span is current. The error's text is not: it may hold the address with its secrets.
pub(super) fn unanswered<E>(span: &mut Recording<ROOM>) {
    span.value(Key::ErrorType as u8, std::any::type_name::<E>());
    Span::current().set_status(StatusCode::Error, "no response came");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_no_secrets() {
        for (written, recorded) in [
            ("http://shop:8080/orders/7?limit=2", "http://shop:8080/orders/7?limit=2"),
            (
                "https://anna:secret@shop/a?sig=secret&b=1",
                "https://REDACTED:REDACTED@shop/a?sig=REDACTED&b=1",
            ),
            ("https://token@[::1]:1/", "https://REDACTED:REDACTED@[::1]:1/"),
            ("http://shop", "http://shop/"),
        ] {
            let uri: Uri = written.parse().expect("an address");
            let authority = uri.authority().expect("it has a host");
            assert_eq!(full_url(uri.scheme_str().expect("it has a scheme"), authority, &uri), recorded);
        }
    }
}
