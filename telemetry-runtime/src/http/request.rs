//! What a server span says about its request.

use super::query;
use crate::record::{Callsite, SpanKind};
use crate::span::{Opened, Span};
use http::uri::Authority;
use http::{Method, Request, Version, header};
use std::net::SocketAddr;

/// Room for the attributes of an ordinary request; what does not fit travels on its own.
pub(super) const ROOM: usize = 64;

pub(super) static SERVER: Callsite =
    Callsite::new("", module_path!(), file!(), line!(), KEYS).with_name("HTTP").with_kind(SpanKind::Server);

macro_rules! keys {
    ($($key:ident = $name:literal,)*) => {
        /// The span's attributes.
        #[derive(Clone, Copy)]
        pub(super) enum Key { $($key),* }

        const KEYS: &[&str] = &[$($name),*];
    };
}

// Source of the names: OpenTelemetry semantic conventions 1.37, "HTTP server span".
keys! {
    Method = "http.request.method",
    MethodOriginal = "http.request.method_original",
    Path = "url.path",
    Scheme = "url.scheme",
    Query = "url.query",
    Route = "http.route",
    ServerAddress = "server.address",
    ServerPort = "server.port",
    ClientAddress = "client.address",
    ProtocolVersion = "network.protocol.version",
    UserAgent = "user_agent.original",
    Status = "http.response.status_code",
    ErrorType = "error.type",
}

/// Records what is known before the service is asked.
pub(super) fn describe<B>(span: &mut Opened<ROOM>, request: &Request<B>, route: Option<&'static str>) {
    let uri = request.uri();
    describe_method(span, request.method(), route);
    span.value(Key::Path as u8, uri.path());
    span.value(Key::Scheme as u8, uri.scheme_str().unwrap_or("http"));
    span.value(Key::Query as u8, uri.query().map(query::redacted));
    span.value(Key::Route as u8, route);
    if let Some(authority) = authority(request) {
        span.value(Key::ServerAddress as u8, authority.host().trim_matches(['[', ']']));
        span.value(Key::ServerPort as u8, authority.port_u16());
    }
    span.value(Key::ProtocolVersion as u8, protocol_version(request.version()));
    let client =
        request.extensions().get::<SocketAddr>().map(|client| client.ip().to_canonical().to_string());
    span.value(Key::ClientAddress as u8, client);
    let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    span.value(Key::UserAgent as u8, user_agent);
}

/// Records the method and names the span. Anybody can invent a method, so that unknown ones share a name.
fn describe_method(span: &mut Opened<ROOM>, method: &Method, route: Option<&'static str>) {
    let name = if is_known(method) {
        span.value(Key::Method as u8, method.as_str());
        method.as_str()
    } else {
        span.value(Key::Method as u8, "_OTHER");
        span.value(Key::MethodOriginal as u8, method.as_str());
        "HTTP"
    };
    span.scope(|| match route {
        Some(route) => Span::current().set_name(&format!("{name} {route}")),
        None => Span::current().set_name(name),
    });
}

/// Source: RFC 9110, section 9.3, and RFC 5789 (`PATCH`).
fn is_known(method: &Method) -> bool {
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    known.contains(method)
}

/// The host and port that the client asked for.
fn authority<B>(request: &Request<B>) -> Option<Authority> {
    let host = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    request.uri().authority().cloned().or_else(host)
}

fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}
