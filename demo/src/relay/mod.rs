//! The relay: posts what it is told to other services on this machine, so that one trace crosses processes.
//!
//! It takes the requests of the W3C's test suite for trace context: `[{"url": "..", "arguments": [..]}]`.

mod client;
mod errand;

use crate::error::Problem;
use crate::routes::{Edge, body, refuse, with};
use client::{Client, Outcome};
use http::{HeaderValue, Method, Request};
use std::convert::Infallible;
use std::error::Error;
use telemetry_runtime::http::TraceService;
use tower_service::Service;
use warp::reply::Response;
use warp::{Filter, Reply};

const PATH: &str = "/relay";

/// The whole service: `POST /relay`, whose answer says what every target answered.
pub(crate) fn service<B>()
-> impl Service<Request<B>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
where
    B: hyper::body::Body<Error: Into<Box<dyn Error + Send + Sync>>> + Send + Sync + 'static,
{
    let relay = warp::path!("relay")
        .and(warp::post())
        .and(body::bytes())
        .and(with(Client::new()))
        .then(run)
        .map(Reply::into_response);
    TraceService::new(Edge::new(warp::service(relay.recover(refuse)), allowed), template)
}

/// Runs the errands one after the other.
async fn run(body: Vec<u8>, client: Client) -> Result<impl Reply, Problem> {
    let mut outcomes = Vec::new();
    for errand in errand::parse(&body)? {
        outcomes.push(client.run(errand).await);
    }
    Ok(warp::reply::json::<Vec<Outcome>>(&outcomes))
}

fn template(method: &Method, path: &str) -> Option<&'static str> {
    (method == Method::POST && path == PATH).then_some(PATH)
}

fn allowed(_path: &str) -> HeaderValue {
    HeaderValue::from_static("POST")
}
