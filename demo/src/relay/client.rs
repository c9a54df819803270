//! The relay's client: each request below a client span, with the trace in its headers.

use super::errand::Errand;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client as Legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use std::time::Duration;
use telemetry_runtime::http::ClientService;
use tower_service::Service;

/// How long a target may take for the head of its answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends errands. Follows no redirects and knows no proxy.
#[derive(Clone)]
pub(super) struct Client(ClientService<Legacy<HttpConnector, Full<Bytes>>>);

/// What became of an errand.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    url: String,
    /// `null` if no answer came.
    status: Option<u16>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self(ClientService::new(Legacy::builder(TokioExecutor::new()).build_http()))
    }

    pub(super) async fn run(&self, errand: Errand) -> Outcome {
        let mut client = self.0.clone();
        let answer = tokio::time::timeout(TIMEOUT, client.call(request(&errand))).await;
        let status = answer.ok().and_then(Result::ok).map(|response| response.status().as_u16());
        Outcome { url: errand.url, status }
    }
}

fn request(errand: &Errand) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(errand.arguments.to_string()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = errand.target.clone();
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request
}
