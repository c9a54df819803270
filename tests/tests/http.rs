//! Server spans of http services: what a service's requests look like in the backend.

use http::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::http::TraceService;
use telemetry_runtime::policy::{Exclude, ParentBased, Ratio};
use telemetry_runtime::{Guard, Span, SpanData, SpanKind, StatusCode as SpanStatus, ValueBuf, attach};
use tower_service::Service;

type Answer = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>>>>;

/// A service that is one function.
struct App(fn() -> Answer);

impl Service<Request<()>> for App {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Answer {
        self.0()
    }
}

fn answer(status: StatusCode) -> Answer {
    Box::pin(async move {
        let mut response = Response::new(());
        *response.status_mut() = status;
        Ok(response)
    })
}

fn ok() -> Answer {
    answer(StatusCode::OK)
}

fn route(_: &http::Method, path: &str) -> Option<&'static str> {
    path.starts_with("/orders/").then_some("/orders/{id}")
}

/// The installation that all tests share; they tell their spans apart by trace.
fn installed() -> &'static (Guard, Memory) {
    static INSTALLED: OnceLock<(Guard, Memory)> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let memory = Memory::new();
        let policy = Exclude::new(["/health"], ParentBased::new(Ratio::ALWAYS));
        let guard = telemetry_runtime::builder().policy(policy).exporter("memory", memory.clone()).install();
        (guard.expect("nothing else is installed"), memory)
    })
}

const PARENT: &str = "b7ad6b7169203331";

/// The spans that arrive of one trace, in which a request is the only thing that happens.
struct Trace(u64);

impl Trace {
    fn id(&self) -> String {
        format!("0af7651916cd43dd{:016x}", self.0)
    }

    /// A request that belongs to the trace.
    fn request(&self, method: &str, uri: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(uri)
            .header("traceparent", format!("00-{}-{PARENT}-01", self.id()))
    }

    fn spans(&self) -> Vec<SpanData> {
        let (guard, memory) = installed();
        assert!(guard.flush(Duration::from_secs(10)).is_complete());
        memory.spans().into_iter().filter(|span| span.trace_id.to_string() == self.id()).collect()
    }

    /// The one span there is.
    fn span(&self) -> SpanData {
        let mut spans = self.spans();
        assert_eq!(spans.len(), 1, "{spans:?}");
        spans.remove(0)
    }
}

fn call(app: fn() -> Answer, request: http::request::Builder) {
    installed();
    let mut answer = Box::pin(TraceService::new(App(app), route).call(request.body(()).expect("a request")));
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

fn text(span: &SpanData, key: &str) -> Option<String> {
    span.attribute(key).map(ValueBuf::to_string)
}

#[test]
fn a_request_is_a_server_span_by_the_conventions() {
    let trace = Trace(1);
    let mut request = trace
        .request("GET", "/orders/7?sig=secret&limit=2")
        .header("host", "shop.example:8443")
        .header("user-agent", "curl/8");
    request.extensions_mut().expect("extensions").insert(SocketAddr::from(([192, 0, 2, 1], 5555)));

    call(ok, request);

    let span = trace.span();
    assert_eq!(span.name, "GET /orders/{id}");
    assert_eq!(span.kind, SpanKind::Server);
    assert_eq!(span.status, SpanStatus::Unset);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/orders/{id}"),
        ("url.path", "/orders/7"),
        ("url.scheme", "http"),
        ("url.query", "sig=REDACTED&limit=2"),
        ("server.address", "shop.example"),
        ("client.address", "192.0.2.1"),
        ("network.protocol.version", "1.1"),
        ("user_agent.original", "curl/8"),
    ] {
        assert_eq!(text(&span, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(span.attribute("server.port"), Some(&8443.into()));
    assert_eq!(span.attribute("http.response.status_code"), Some(&200.into()));
    assert_eq!(span.attribute("error.type"), None);
}

#[test]
fn the_trace_of_the_caller_is_continued() {
    let trace = Trace(2);

    call(ok, trace.request("GET", "/orders/7").header("tracestate", "a=1").header("tracestate", "b=2"));

    let span = trace.span();
    assert_eq!(span.parent_span_id.map(|id| id.to_string()).as_deref(), Some(PARENT));
    assert!(span.parent_is_remote);
    assert_eq!(span.trace_state.as_str(), "a=1,b=2");
}

#[test]
fn a_caller_that_does_not_record_is_followed() {
    let trace = Trace(3);
    let request = Request::get("/orders/7").header("traceparent", format!("00-{}-{PARENT}-00", trace.id()));

    call(ok, request);

    assert_eq!(trace.spans(), []);
}

#[test]
fn two_parents_are_none() {
    let trace = Trace(4);
    let again = format!("00-{}-{PARENT}-01", trace.id());

    call(ok, trace.request("GET", "/orders/7").header("traceparent", again));

    assert_eq!(trace.spans(), []);
}

#[test]
fn what_no_route_answers_has_no_route_in_its_name() {
    let trace = Trace(5);

    call(|| answer(StatusCode::NOT_FOUND), trace.request("GET", "/secret/path"));

    let span = trace.span();
    assert_eq!(span.name, "GET");
    assert_eq!(span.attribute("http.route"), None);
    assert_eq!(span.attribute("http.response.status_code"), Some(&404.into()));
    assert_eq!(span.status, SpanStatus::Unset, "what the client did wrong is not the server's error");
}

#[test]
fn server_errors_fail_the_span() {
    let trace = Trace(6);

    call(|| answer(StatusCode::SERVICE_UNAVAILABLE), trace.request("GET", "/orders/7"));

    let span = trace.span();
    assert_eq!(span.status, SpanStatus::Error);
    assert_eq!(text(&span, "error.type").as_deref(), Some("503"));
}

#[test]
fn invented_methods_share_a_name() {
    let trace = Trace(7);

    call(ok, trace.request("BREW", "/orders/7"));

    let span = trace.span();
    assert_eq!(span.name, "HTTP /orders/{id}");
    assert_eq!(text(&span, "http.request.method").as_deref(), Some("_OTHER"));
    assert_eq!(text(&span, "http.request.method_original").as_deref(), Some("BREW"));
}

#[test]
fn panics_fail_the_span_wherever_they_come() {
    for (number, app) in
        [(8, (|| panic!("at once")) as fn() -> Answer), (9, || Box::pin(async { panic!("later") }))]
    {
        let trace = Trace(number);

        let outcome = catch_unwind(AssertUnwindSafe(|| call(app, trace.request("GET", "/orders/7"))));

        assert!(outcome.is_err());
        let span = trace.span();
        assert_eq!(span.status, SpanStatus::Error);
        assert!(span.event("exception").is_some());
    }
}

#[test]
fn a_client_that_goes_away_leaves_a_cancelled_span() {
    let trace = Trace(10);
    installed();
    let request = trace.request("GET", "/orders/7").body(()).expect("a request");
    let mut answer =
        Box::pin(TraceService::new(App(|| Box::pin(std::future::pending())), route).call(request));
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    drop(answer);

    assert_eq!(trace.span().attribute("cancelled"), Some(&true.into()));
}

#[test]
fn what_a_request_calls_is_below_its_span() {
    let trace = Trace(11);

    call(
        || {
            let at_once = Span::current().context();
            Box::pin(async move {
                assert_eq!(at_once, Span::current().context());
                Span::current().set_attribute("seen", true);
                ok().await
            })
        },
        trace.request("GET", "/orders/7"),
    );

    assert_eq!(trace.span().attribute("seen"), Some(&true.into()));
}

#[test]
fn below_an_excluded_request_nothing_is_recorded_and_the_flag_says_so() {
    let trace = Trace(12);

    call(
        || {
            let context = Span::current().context();
            assert!(context.is_valid() && !context.is_sampled() && !context.is_remote());
            // What is called elsewhere continues the same trace, unsampled.
            assert_eq!(context.trace_id().to_string(), Trace(12).id());
            call(ok, Request::get("/orders/7"));
            ok()
        },
        trace.request("GET", "/health"),
    );

    assert_eq!(trace.spans(), []);
}

#[test]
fn a_request_within_the_process_is_below_the_span_that_sends_it() {
    let trace = Trace(13);
    let parent =
        telemetry_runtime::propagation::tracecontext::parse(&format!("00-{}-{PARENT}-01", trace.id()), "");
    {
        let _attached = attach(&parent.expect("it is well formed"));
        call(ok, Request::get("/orders/7"));
    }

    assert_eq!(trace.span().parent_span_id.map(|id| id.to_string()).as_deref(), Some(PARENT));
}
