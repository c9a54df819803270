//! The relay's client: each request below a client span, with the trace in its headers.

use super::errand::Errand;
use opentelemetry::Context;
use opentelemetry::global;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, header};
use serde::Serialize;
use std::time::Duration;
use telemetry_runtime::http::ExecuteTraced;
use telemetry_runtime::instrument;

/// How long a target may take for the head of its answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends errands. Follows no redirects and knows no proxy.
#[derive(Clone)]
pub(super) struct Client(reqwest::Client);

/// What became of an errand.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    url: String,
    /// `null` if no answer came.
    status: Option<u16>,
}

impl Client {
    pub(super) fn new() -> Self {
        let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT);
        Self(client.build().expect("without TLS there is nothing that could be missing"))
    }

    /// Runs an errand below a span of the OpenTelemetry API, as a library would make that knows nothing of this one.
    #[instrument(skip_all)]
    pub(super) async fn run(&self, errand: Errand) -> Outcome {
        let span = global::tracer("a library").start("deliver");
        let status = self.deliver(&errand).with_context(Context::current_with_span(span)).await;
        Outcome { url: errand.url, status }
    }

    async fn deliver(&self, errand: &Errand) -> Option<u16> {
        match self.0.execute_traced(request(errand), None).await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::info!(status, "errand delivered");
                Some(status)
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "errand not delivered");
                None
            }
        }
    }
}

fn request(errand: &Errand) -> Request {
    let mut request = Request::new(Method::POST, errand.target.clone());
    request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    *request.body_mut() = Some(errand.arguments.to_string().into());
    request
}
