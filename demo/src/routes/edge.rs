//! What every request and its answer pass at the border of the service.

use crate::error::Problem;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, StatusCode, header};
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;
use warp::Reply;
use warp::reply::Response;

/// Around the router: serves `HEAD` as `GET`, survives panics, and writes problems out.
#[derive(Clone)]
pub(crate) struct Edge<S> {
    router: S,
    allowed: fn(&str) -> HeaderValue,
}

impl<S> Edge<S> {
    /// `allowed` gives the methods that a path knows, as `Allow` names them.
    pub(crate) fn new(router: S, allowed: fn(&str) -> HeaderValue) -> Self {
        Self { router, allowed }
    }
}

impl<S, B> Service<Request<B>> for Edge<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.router.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (mut router, allowed) = (self.router.clone(), self.allowed);
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            head_is_get(&mut request);
            let answer = AssertUnwindSafe(async move { router.call(request).await }).catch_unwind();
            let response = match answer.await {
                Ok(response) => response?,
                Err(_panic) => Problem::internal("the handler of this request panicked").into_response(),
            };
            Ok(finish(response, path, allowed))
        })
    }
}

/// The server leaves the body out by itself when the client asked for the head only.
fn head_is_get<B>(request: &mut Request<B>) {
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
}

/// The answer as it goes out.
fn finish(mut response: Response, path: String, allowed: fn(&str) -> HeaderValue) -> Response {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, allowed(&path));
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.render(&mut response, path);
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
