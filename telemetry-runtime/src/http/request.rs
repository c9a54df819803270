//! What a server span says about its request.

use super::key::keys;
use super::wire::{OTHER_METHOD, known_method, protocol_version};
use crate::record::query;
use crate::record::{Callsite, SpanKind};
use crate::span::Opened;
use http::uri::Authority;
use http::{Method, Request, header};
use std::net::SocketAddr;

/// Room for the attributes of an ordinary request; what does not fit travels on its own.
pub(super) const ROOM: usize = 64;

pub(super) static SERVER: Callsite =
    Callsite::new("", module_path!(), file!(), line!(), KEYS).with_name("HTTP").with_kind(SpanKind::Server);

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
    let known = known_method(method);
    span.value(Key::Method as u8, known.unwrap_or(OTHER_METHOD));
    if known.is_none() {
        span.value(Key::MethodOriginal as u8, method.as_str());
    }
    let name = known.unwrap_or("HTTP");
    match route {
        Some(route) => span.name(format_args!("{name} {route}")),
        None => span.name(name),
    }
}

/// The host and port that the client asked for.
fn authority<B>(request: &Request<B>) -> Option<Authority> {
    let host = || request.headers().get(header::HOST)?.to_str().ok()?.parse().ok();
    request.uri().authority().cloned().or_else(host)
}
