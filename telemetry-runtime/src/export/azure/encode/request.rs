//! What a server's or consumer's span says as a request.

use super::key::{Key, Known};
use super::url::{Url, redacted};
use crate::record::{SpanView, StatusCode};
use std::borrow::Cow;

/// A `RequestData`, as far as the span's kind and attributes decide.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) response_code: i64,
    pub(super) success: bool,
    pub(super) url: Option<Cow<'a, str>>,
    pub(super) source: Option<Cow<'a, str>>,
}

impl<'a> Request<'a> {
    /// Source: the vendor's exporter for Python, `_convert_span_to_envelope`.
    pub(super) fn of(span: &SpanView<'a>, known: &Known<'a>) -> Self {
        let is_ok = span.status().code != StatusCode::Error;
        let plain = Self {
            name: Cow::Borrowed(span.name()),
            response_code: 0,
            success: is_ok,
            url: None,
            source: None,
        };
        if known.has(Key::AzureNamespace) {
            Self { source: address_and_destination(known), ..plain }
        } else if let Some(method) = known.text(Key::HttpMethod) {
            let url = url(known).map(redacted);
            let response_code = known.integer(Key::HttpStatus).unwrap_or(0);
            let success = is_ok && response_code != 0 && !(400..500).contains(&response_code);
            let name = name(&method, url.as_deref(), known).map_or(plain.name, Cow::Owned);
            Self { name, response_code, success, url, source: None }
        } else if known.has(Key::MessagingSystem) {
            Self { source: source(known), ..plain }
        } else {
            plain
        }
    }
}

/// `GET /orders/{id}`, or the path where the route is not known.
fn name(method: &str, url: Option<&str>, known: &Known<'_>) -> Option<String> {
    let route = known.text(Key::HttpRoute);
    let path = route.as_deref().or_else(|| url.and_then(Url::parse).map(|url| url.path))?;
    Some(format!("{method} {path}"))
}

fn url<'a>(known: &Known<'a>) -> Option<Cow<'a, str>> {
    if let Some(url) = known.text(Key::UrlFull) {
        return Some(url);
    }
    let scheme = known.text(Key::UrlScheme)?;
    let path = match (known.text(Key::UrlPath), known.text(Key::UrlQuery)) {
        (Some(path), Some(query)) => Cow::Owned(format!("{path}?{query}")),
        (Some(path), None) => path,
        (None, _) => known.text(Key::HttpTarget)?,
    };
    let host = with_port(known, Key::ServerAddress, Key::ServerPort)
        .or_else(|| known.text(Key::HttpHost))
        .or_else(|| with_port(known, Key::HttpServerName, Key::NetHostPort))
        .or_else(|| with_port(known, Key::NetHostName, Key::NetHostPort))?;
    Some(Cow::Owned(format!("{scheme}://{host}{path}")))
}

fn with_port<'a>(known: &Known<'a>, host: Key, port: Key) -> Option<Cow<'a, str>> {
    let host = known.text(host)?;
    Some(match known.text(port) {
        Some(port) => Cow::Owned(format!("{host}:{port}")),
        None => host,
    })
}

fn source<'a>(known: &Known<'a>) -> Option<Cow<'a, str>> {
    let destination = known.text(Key::MessagingDestination)?;
    Some(match known.first(&[Key::ClientAddress, Key::NetPeerName, Key::NetPeerIp]) {
        Some(peer) => Cow::Owned(format!("{peer}/{destination}")),
        None => destination,
    })
}

/// Where the vendor's own libraries send messages to, or have them from.
pub(super) fn address_and_destination<'a>(known: &Known<'a>) -> Option<Cow<'a, str>> {
    let address = known.first(&[Key::ServerAddress, Key::NetPeerName, Key::PeerAddress])?;
    let destination = known.text(Key::MessagingDestination)?;
    Some(Cow::Owned(format!("{address}/{destination}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{Sample, batch};
    use crate::record::{SpanKind, Value};

    fn request(attributes: &[(&str, Value<'_>)], status: StatusCode) -> [String; 5] {
        let sample = Sample::root("span", 1).kind(SpanKind::Server).status(status, "");
        let sample =
            attributes.iter().fold(sample, |sample, (key, value)| sample.later_attribute(key, *value));
        let batch = batch(&[sample]);
        let span = batch.spans().next().expect("a span");
        let request = Request::of(&span, &Known::of(span.attributes()));
        let Request { name, response_code, success, url, source } = request;
        let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        [name.into_owned(), response_code.to_string(), success.to_string(), text(url), text(source)]
    }

    const OK: StatusCode = StatusCode::Unset;

    #[test]
    fn an_http_request_has_its_route_url_and_status() {
        let stable = [
            ("http.request.method", "GET".into()),
            ("http.route", "/orders/{id}".into()),
            ("url.scheme", "https".into()),
            ("server.address", "shop".into()),
            ("server.port", 8443.into()),
            ("url.path", "/orders/7".into()),
            ("url.query", "sig=secret&a=1".into()),
            ("http.response.status_code", 200.into()),
        ];
        let expected = ["GET /orders/{id}", "200", "true", "https://shop:8443/orders/7?sig=REDACTED&a=1", ""];
        assert_eq!(request(&stable, OK), expected);
        let old = [
            ("http.method", "GET".into()),
            ("http.scheme", "http".into()),
            ("http.host", "shop".into()),
            ("http.target", "/a?b".into()),
            ("http.status_code", "201".into()),
        ];
        assert_eq!(request(&old, OK), ["GET /a", "201", "true", "http://shop/a?b", ""]);
    }

    #[test]
    fn a_request_fails_by_its_status_with_4xx_or_without_an_answer() {
        let success = |code: i64, status| {
            request(
                &[("http.request.method", "GET".into()), ("http.response.status_code", code.into())],
                status,
            )[2] == "true"
        };
        assert!(success(200, OK) && success(500, OK) && success(302, StatusCode::Ok));
        assert!(!success(404, OK) && !success(0, OK) && !success(200, StatusCode::Error));
    }

    #[test]
    fn a_message_says_where_it_comes_from() {
        let message = [
            ("messaging.system", "kafka".into()),
            ("messaging.destination.name", "orders".into()),
            ("net.peer.name", "broker".into()),
        ];
        assert_eq!(request(&message, OK), ["span", "0", "true", "", "broker/orders"]);
        let azure = [
            ("az.namespace", "Microsoft.ServiceBus".into()),
            ("message_bus.destination", "q".into()),
            ("peer.address", "bus".into()),
        ];
        assert_eq!(request(&azure, OK)[4], "bus/q");
    }
}
