//! A client span around every request that a client sends.

use super::call::{Call, ROOM, answered, open, unanswered};
use super::outgoing::inject;
use crate::span::{Instrumented, Opened, Recording, instrument};
use http::{Request, Response};
use std::task::{Context, Poll};
use tower_service::Service;

/// A client whose every request is a client span below the current one, and bears its context in its headers.
///
/// It takes whatever is a `tower_service::Service` of requests: the legacy client of hyper-util, or layers around it. The span follows
/// OpenTelemetry's semantic conventions for HTTP clients. It is called `{method}`, or `{method} {template}` if the request's extensions
/// have a [`UrlTemplate`](super::UrlTemplate), and fails with 4xx, 5xx, or when no response comes. Credentials in the address are
/// redacted. It ends with the head of the response: what streams afterwards is not part of it.
///
/// # Cancel safety
/// Dropping the future of a call ends its span, marked `cancelled`.
///
/// Source: OpenTelemetry semantic conventions, "HTTP client span".
///
/// # Examples
/// ```
/// use http::{Request, Response};
/// use telemetry_runtime::http::ClientService;
/// use tower_service::Service;
/// # use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
/// # #[derive(Clone)]
/// # struct Client;
/// # impl Service<Request<()>> for Client {
/// #     type Response = Response<()>;
/// #     type Error = Infallible;
/// #     type Future = Ready<Result<Response<()>, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> { Poll::Ready(Ok(())) }
/// #     fn call(&mut self, _: Request<()>) -> Self::Future { ready(Ok(Response::new(()))) }
/// # }
/// # async fn example() -> Result<(), Infallible> {
/// # let client = Client;
///
/// let mut client = ClientService::new(client); // with hyper-util: `Client::builder(TokioExecutor::new()).build_http()`
/// let response = client.call(Request::new(())).await?;
/// # drop(response);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
}

impl<S> ClientService<S> {
    /// Traces what `inner` sends.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<ROOM, Opened<ROOM>, S::Future, Observe<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut span = open(|| {
            Call::new(request.method(), request.uri().clone(), request.headers())
                .with_extensions(request.extensions())
        });
        let future = span.scope(|| {
            inject(request.headers_mut());
            self.inner.call(request)
        });
        instrument(span, future, finish)
    }
}

/// What looks at the outcome before the span ends.
type Observe<R, E> = fn(&mut Recording<ROOM>, &Result<R, E>);

fn finish<R, E>(span: &mut Recording<ROOM>, outcome: &Result<Response<R>, E>) {
    match outcome {
        Ok(response) => answered(span, response.status(), response.version()),
        Err(_) => unanswered::<E>(span),
    }
}
