//! Client spans of HTTP: what calls look like in the backend, and what their headers say.

use http::{HeaderMap, Method, Request, Response, StatusCode};
use std::future::{Future, pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use telemetry_runtime::http::{ClientService, ResendCount, UrlTemplate, inject};
use telemetry_runtime::{
    Baggage, Span, SpanContext, SpanData, SpanKind, StatusCode as SpanStatus, ValueBuf, attach, span, testing,
};
use tower_service::Service;

type Answer = Pin<Box<dyn Future<Output = io::Result<Response<()>>>>>;

/// A server that answers everything alike and keeps the headers of the last request.
#[derive(Clone)]
struct Server {
    answer: fn() -> Answer,
    headers: Arc<Mutex<HeaderMap>>,
}

impl Server {
    fn answering(answer: fn() -> Answer) -> Self {
        Self { answer, headers: Arc::default() }
    }

    fn header(&self, name: &str) -> Option<String> {
        let headers = self.headers.lock().expect("nobody panics");
        Some(headers.get(name)?.to_str().expect("it is text").to_owned())
    }
}

impl Service<Request<()>> for Server {
    type Response = Response<()>;
    type Error = io::Error;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Answer {
        *self.headers.lock().expect("nobody panics") = request.headers().clone();
        (self.answer)()
    }
}

fn answer(status: StatusCode) -> Answer {
    let mut response = Response::new(());
    *response.status_mut() = status;
    Box::pin(ready(Ok(response)))
}

fn ok() -> Answer {
    answer(StatusCode::OK)
}

/// The spans of a call that is polled once.
fn spans_of(server: &Server, request: http::request::Builder) -> Vec<SpanData> {
    let mut client = ClientService::new(server.clone());
    testing::capture(|| {
        let mut call = Box::pin(client.call(request.body(()).expect("a request")));
        let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    })
}

fn span_of(server: &Server, request: http::request::Builder) -> SpanData {
    let mut spans = spans_of(server, request);
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

fn text(span: &SpanData, key: &str) -> Option<String> {
    span.attribute(key).map(ValueBuf::to_string)
}

#[test]
fn a_call_is_a_client_span_by_the_conventions() {
    let request = Request::get("http://anna:secret@shop.example:8080/orders/7?sig=secret&limit=2");

    let span = span_of(&Server::answering(ok), request);

    assert_eq!((&*span.name, span.kind, span.status), ("GET", SpanKind::Client, SpanStatus::Unset));
    for (key, value) in [
        ("http.request.method", "GET"),
        ("url.full", "http://REDACTED:REDACTED@shop.example:8080/orders/7?sig=REDACTED&limit=2"),
        ("server.address", "shop.example"),
        ("server.port", "8080"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
    ] {
        assert_eq!(text(&span, key).as_deref(), Some(value), "{key}");
    }
    for absent in ["error.type", "url.template", "http.request.resend_count", "http.request.method_original"]
    {
        assert_eq!(text(&span, absent), None, "{absent}");
    }
}

#[test]
fn a_port_that_is_not_written_is_that_of_the_scheme_and_the_host_may_be_a_header() {
    for (request, address, port) in [
        (Request::get("https://shop.example/"), "shop.example", "443"),
        (Request::get("http://[::1]/"), "::1", "80"),
        (Request::get("/orders").header("host", "shop.example"), "shop.example", "80"),
    ] {
        let span = span_of(&Server::answering(ok), request);
        assert_eq!(text(&span, "server.address").as_deref(), Some(address));
        assert_eq!(text(&span, "server.port").as_deref(), Some(port));
    }
}

#[test]
fn a_template_is_part_of_the_name_and_resends_are_counted() {
    let request =
        Request::get("http://shop/orders/7").extension(UrlTemplate("/orders/{id}")).extension(ResendCount(2));

    let span = span_of(&Server::answering(ok), request);

    assert_eq!(span.name, "GET /orders/{id}");
    assert_eq!(text(&span, "url.template").as_deref(), Some("/orders/{id}"));
    assert_eq!(text(&span, "http.request.resend_count").as_deref(), Some("2"));
}

#[test]
fn invented_methods_share_a_name() {
    let method = Method::from_bytes(b"BREW").expect("a token");

    let span = span_of(&Server::answering(ok), Request::builder().method(method).uri("http://shop/"));

    assert_eq!(span.name, "HTTP");
    assert_eq!(text(&span, "http.request.method").as_deref(), Some("_OTHER"));
    assert_eq!(text(&span, "http.request.method_original").as_deref(), Some("BREW"));
}

#[test]
fn errors_of_client_and_server_fail_the_span() {
    for (answer, status) in [
        ((|| answer(StatusCode::NOT_FOUND)) as fn() -> Answer, "404"),
        (|| answer(StatusCode::SERVICE_UNAVAILABLE), "503"),
    ] {
        let span = span_of(&Server::answering(answer), Request::get("http://shop/"));
        assert_eq!(span.status, SpanStatus::Error);
        assert_eq!(text(&span, "error.type").as_deref(), Some(status));
    }
}

#[test]
fn a_call_without_a_response_fails_and_says_nothing_of_the_address() {
    let refused = || -> Answer { Box::pin(ready(Err(io::Error::other("http://anna:secret@shop/")))) };

    let span = span_of(&Server::answering(refused), Request::get("http://shop/"));

    assert_eq!(span.status, SpanStatus::Error);
    assert_eq!(text(&span, "error.type").as_deref(), Some("std::io::error::Error"));
    assert_eq!(text(&span, "http.response.status_code"), None);
    assert!(!format!("{span:?}").contains("secret"));
}

#[test]
fn a_call_that_is_given_up_is_marked() {
    let span = span_of(&Server::answering(|| Box::pin(pending())), Request::get("http://shop/"));

    assert_eq!(span.attribute("cancelled"), Some(&true.into()));
    assert_eq!(span.status, SpanStatus::Unset);
}

#[test]
fn the_headers_name_the_call_s_own_span_instead_of_what_was_there() {
    let server = Server::answering(ok);
    let request = Request::get("http://shop/")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("tracestate", "stale=1")
        .header("baggage", "stale=1")
        .header("accept", "text/html");

    let span = span_of(&server, request);

    let expected = format!("00-{}-{}-03", span.trace_id, span.span_id);
    let sent = server.header("traceparent").expect("it is sent");
    assert_eq!(sent[..53], expected[..53]);
    assert_eq!(server.headers.lock().expect("nobody panics").get_all("traceparent").iter().count(), 1);
    assert_eq!((server.header("tracestate"), server.header("baggage")), (None, None));
    assert_eq!(server.header("accept").as_deref(), Some("text/html"));
}

#[test]
fn the_headers_bear_vendors_state_and_baggage() {
    let server = Server::answering(ok);
    let parent = telemetry_runtime::propagation::tracecontext::parse(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "vendor=1",
    );
    let mut client = ClientService::new(server.clone());
    // The installation that records.
    testing::capture(|| {
        let _parent = attach(&parent.expect("well formed"));
        let _baggage = Baggage::default().with("tenant", "a b").expect("a member").attach();
        let _span = span!("below");
        drop(client.call(Request::get("http://shop/").body(()).expect("a request")));
    });

    assert_eq!(server.header("tracestate").as_deref(), Some("vendor=1"));
    assert_eq!(server.header("baggage").as_deref(), Some("tenant=a%20b"));
    assert!(server.header("traceparent").expect("sent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
}

#[test]
fn below_a_span_that_is_not_sampled_the_flag_says_so() {
    let server = Server::answering(ok);
    let parent = SpanContext::new(
        "0af7651916cd43dd8448eb211c80319c".parse().expect("an id"),
        "b7ad6b7169203331".parse().expect("an id"),
        Default::default(),
    );
    let spans = testing::capture(|| {
        let _parent = attach(&parent);
        drop(
            ClientService::new(server.clone())
                .call(Request::get("http://shop/").body(()).expect("a request")),
        );
    });

    assert_eq!(spans, []);
    let sent = server.header("traceparent").expect("sent");
    assert_eq!(sent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
}

#[test]
fn without_a_span_headers_stay_as_they_are() {
    assert!(!Span::current().context().is_valid());
    let mut headers = HeaderMap::from_iter([(
        "traceparent".parse().expect("a name"),
        "as it was".parse().expect("a value"),
    )]);
    inject(&mut headers);
    assert_eq!(headers["traceparent"], "as it was");
}

mod reqwest {
    use super::{one_request, text};
    use std::time::Duration;
    use telemetry_runtime::http::ExecuteTraced;
    use telemetry_runtime::{SpanKind, StatusCode, testing};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    #[test]
    fn a_request_is_a_client_span_and_bears_its_context() {
        let server = one_request("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        let client = reqwest::Client::new();
        let request =
            client.get(format!("http://anna:secret@{}/orders/7", server.address)).build().expect("valid");

        let mut spans = testing::capture(|| {
            let response = runtime().block_on(client.execute_traced(request, "/orders/{id}"));
            assert_eq!(response.expect("it answers").status(), 404);
        });

        assert_eq!(spans.len(), 1, "{spans:?}");
        let span = spans.remove(0);
        assert_eq!(
            (&*span.name, span.kind, span.status),
            ("GET /orders/{id}", SpanKind::Client, StatusCode::Error)
        );
        assert_eq!(text(&span, "error.type").as_deref(), Some("404"));
        assert!(
            text(&span, "url.full").is_some_and(|url| !url.contains("secret") && url.ends_with("/orders/7"))
        );
        let request = server.request.join().expect("it was asked");
        assert!(
            request.contains(&format!("traceparent: 00-{}-{}-", span.trace_id, span.span_id)),
            "{request}"
        );
    }

    #[test]
    fn a_request_that_is_given_up_is_marked() {
        let client = reqwest::Client::new();
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = silent.local_addr().expect("it is bound");
        let request = client.get(format!("http://{address}/")).build().expect("valid");

        let spans = testing::capture(|| {
            let call = client.execute_traced(request, None);
            runtime().block_on(async {
                assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
            });
        });

        assert_eq!(spans[0].attribute("cancelled"), Some(&true.into()));
    }
}

/// A server that takes one request.
struct OneRequest {
    address: std::net::SocketAddr,
    request: std::thread::JoinHandle<String>,
}

/// Gives one request this answer, and its head to the test.
fn one_request(answer: &'static str) -> OneRequest {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let request = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a whole head");
            head.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).expect("it listens");
        String::from_utf8(head).expect("it is text")
    });
    OneRequest { address, request }
}
