//! A server span around every request of a service.

use super::incoming::Caller;
use super::request;
use crate::record::StatusCode;
use crate::span::{
    Carried, InCurrentSpan, Instrumented, Opened, Recording, Span, enter_caller, instrument, open_request,
};
use http::{Method, Request, Response};
use request::{Key, ROOM, SERVER};
use std::fmt;
use std::task::{Context, Poll};
use tower_service::Service;

/// A service whose every request is a server span.
///
/// The span follows OpenTelemetry's semantic conventions for HTTP servers. It continues the caller's trace, in whatever format of
/// `telemetry.propagators` the headers name it, unless `telemetry.incoming` says otherwise, and has the caller's
/// [`Baggage`](crate::Baggage). It bears the name `{method} {route}`, sees the final status, whatever in the service gave it, and fails with 5xx. A panic fails it; a client
/// that goes away leaves it marked `cancelled`. It ends with the head of the response: what streams afterwards is not part of it.
///
/// While telemetry is off there is no span, but the caller's context and baggage are current all the same, so that
/// [`ClientService`](super::ClientService) and [`inject`](super::inject) pass them on as they came.
///
/// A request that the sampling policy drops, such as one for a path in `exclude_endpoints`, costs no attribute, and nothing below it is
/// recorded.
///
/// `client.address` is the `std::net::SocketAddr` among the request's extensions, where an accept loop may put it; headers that
/// anybody could have written are not believed.
///
/// Source: OpenTelemetry semantic conventions, "HTTP server span".
///
/// # Examples
/// ```
/// use http::{Method, Request, Response};
/// use telemetry_runtime::http::TraceService;
/// # use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
/// # struct App;
/// # impl tower_service::Service<Request<()>> for App {
/// #     type Response = Response<()>;
/// #     type Error = Infallible;
/// #     type Future = Ready<Result<Response<()>, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> { Poll::Ready(Ok(())) }
/// #     fn call(&mut self, _: Request<()>) -> Self::Future { ready(Ok(Response::new(()))) }
/// # }
/// # let app = App;
///
/// fn route(_method: &Method, path: &str) -> Option<&'static str> {
///     path.starts_with("/orders/").then_some("/orders/{id}")
/// }
///
/// let service = TraceService::new(app, route); // `app`: for Warp, `warp::service(filter)`
/// # drop(service);
/// ```
#[derive(Clone)]
pub struct TraceService<S> {
    inner: S,
    route: RouteLookup,
}

type RouteLookup = fn(&Method, &str) -> Option<&'static str>;

impl<S> TraceService<S> {
    /// Traces the requests of `inner`.
    ///
    /// `route` gives the template of the route that answers a method and path, which becomes `http.route` and part of the span's
    /// name: `/orders/{id}`, never the path itself, of which there are too many. `None` stands for a request that no route answers.
    pub fn new(inner: S, route: fn(&Method, &str) -> Option<&'static str>) -> Self {
        Self { inner, route }
    }
}

impl<S, B, R> Service<Request<B>> for TraceService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<ROOM, Opened<ROOM>, Carried<S::Future>, Observe<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let caller = Caller::of(request.headers());
        let _caller = enter_caller(caller.parent, caller.baggage);
        let mut span = open_request(&SERVER, path);
        if span.is_recording() {
            request::describe(&mut span, &request, (self.route)(request.method(), path));
            span.links(caller.link);
        }
        // Carried, because there may be no span: what is off passes on what came in.
        let future = span.scope(|| self.inner.call(request).in_current_span());
        instrument(span, future, finish)
    }
}

/// What looks at the outcome before the span ends.
type Observe<R, E> = fn(&mut Recording<ROOM>, &Result<R, E>);

/// Records the outcome, while the span is current. What the client did wrong is not the server's error.
fn finish<R, E>(span: &mut Recording<ROOM>, outcome: &Result<Response<R>, E>) {
    match outcome {
        Ok(response) => {
            let status = response.status();
            span.value(Key::Status as u8, status.as_u16());
            if status.is_server_error() {
                span.value(Key::ErrorType as u8, status.as_str());
                Span::current().set_status(StatusCode::Error, "");
            }
        }
        Err(_) => {
            span.value(Key::ErrorType as u8, std::any::type_name::<E>());
            Span::current().set_status(StatusCode::Error, "the service gave no response");
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for TraceService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
