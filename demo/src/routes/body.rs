//! A request's JSON body, read within bounds.

use crate::error::Problem;
use crate::fields::Fields;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use std::pin::pin;
use std::time::Duration;
use warp::filters::BoxedFilter;
use warp::{Buf, Filter};

/// The largest body that is read.
const MAX_BYTES: usize = 16 * 1024;
/// How long a client may take to send its body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The members of the JSON object that the request's body is.
///
/// Rejects as [`bytes`] does, and with 400 for what is no JSON and 422 for JSON that is no object.
pub(super) fn fields() -> BoxedFilter<(Fields,)> {
    bytes().and_then(|bytes: Vec<u8>| async move { parse(&bytes).map_err(warp::reject::custom) }).boxed()
}

/// The request's body, which is declared as JSON.
///
/// Rejects with the [`Problem`]: 415 for another content type, 413 beyond 16 KiB, 408 after 10 s and 400 for a body that breaks off.
pub(crate) fn bytes() -> BoxedFilter<(Vec<u8>,)> {
    warp::header::headers_cloned()
        .and(warp::body::stream())
        .and_then(|headers, body| async move {
            read(&headers, body).await.map_err(warp::reject::custom::<Problem>)
        })
        .boxed()
}

async fn read<B: Buf>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Vec<u8>, Problem> {
    expect_json(headers)?;
    tokio::time::timeout(TIMEOUT, collect(headers, body))
        .await
        .map_err(|_elapsed| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come within 10 s"))?
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"))
}

async fn collect<B: Buf>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Vec<u8>, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > MAX_BYTES as u64) {
        return Err(too_large());
    }
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body ends early"))?;
        if bytes.len() + chunk.remaining() > MAX_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
    }
    Ok(bytes)
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body must not exceed {MAX_BYTES} bytes"))
}

fn parse(bytes: &[u8]) -> Result<Fields, Problem> {
    match serde_json::from_slice::<Map<String, Value>>(bytes) {
        Ok(object) => Ok(Fields::from_object(object)),
        Err(error) if error.is_data() => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the body must be a JSON object"))
        }
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))),
    }
}
