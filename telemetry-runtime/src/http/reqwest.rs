//! A client span around a request that `reqwest` sends.

use super::call::{Call, ROOM, answered, open, unanswered};
use super::outgoing::inject;
use crate::span::{Recording, instrument};
use ::reqwest::{Client, Error, Request, Response};

/// Sends requests of `reqwest` below a client span, with its context in their headers.
///
/// The span is that of [`ClientService`](super::ClientService). Redirects that `reqwest` follows by itself are within it, and its
/// status is that of the last response.
///
/// # Examples
/// ```no_run
/// use telemetry_runtime::http::ExecuteTraced;
///
/// # async fn example() -> Result<(), reqwest::Error> {
/// let client = reqwest::Client::new();
/// let request = client.get("http://127.0.0.1:8000/orders/7").build()?;
/// let response = client.execute_traced(request, "/orders/{id}").await?;
/// # drop(response);
/// # Ok(())
/// # }
/// ```
pub trait ExecuteTraced {
    /// As [`Client::execute`]. The template of the URL, if there is one, becomes part of the span's name.
    ///
    /// # Errors
    /// Those of [`Client::execute`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the span, marked `cancelled`.
    fn execute_traced(
        &self,
        request: Request,
        template: impl Into<Option<&'static str>>,
    ) -> impl Future<Output = Result<Response, Error>> + Send;
}

impl ExecuteTraced for Client {
    fn execute_traced(
        &self,
        mut request: Request,
        template: impl Into<Option<&'static str>>,
    ) -> impl Future<Output = Result<Response, Error>> + Send {
        let mut span = open(|| {
            let uri = request.url().as_str().parse().unwrap_or_default();
            Call { template: template.into(), ..Call::new(request.method(), uri, request.headers()) }
        });
        let future = span.scope(|| {
            inject(request.headers_mut());
            self.execute(request)
        });
        instrument(span, future, finish)
    }
}

fn finish(span: &mut Recording<ROOM>, outcome: &Result<Response, Error>) {
    match outcome {
        Ok(response) => answered(span, response.status(), response.version()),
        Err(_) => unanswered::<Error>(span),
    }
}
