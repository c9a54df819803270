//! Routes that fail, panic and dawdle, to see what becomes of it in a trace.

use crate::error::{Document, Problem};
use crate::fields::Fields;
use crate::store::Store;
use serde::Serialize;
use std::time::Duration;
use telemetry_runtime::instrument;
use thiserror::Error;
use utoipa::ToSchema;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

const MAX_SLEEP_MS: u32 = 10_000;
const SLEEP_MS: u32 = 500;

/// How long the answer took on purpose.
#[derive(Serialize, ToSchema)]
pub(crate) struct Slept {
    #[schema(example = 500)]
    slept_ms: u32,
}

/// Fails: a function returns an error.
#[utoipa::path(
    get, path = "/debug/fail", tag = "debug",
    responses((status = 500, body = Document, content_type = "application/problem+json", description = "Always."))
)]
pub(super) fn fail(_: Store) -> BoxedFilter<(Response,)> {
    let answer =
        || charge(4200).map_err(|error| Problem::internal(&error.to_string())).map(|()| warp::reply());
    warp::any().map(answer).map(Reply::into_response).boxed()
}

/// The payment did not come through.
#[derive(Debug, Error)]
#[error("the card was declined")]
struct Declined;

/// A payment; no bank takes any.
#[instrument]
fn charge(amount_cents: u32) -> Result<(), Declined> {
    if amount_cents > 0 { Err(Declined) } else { Ok(()) }
}

/// Panics: the request fails, the service lives on.
#[utoipa::path(
    get, path = "/debug/panic", tag = "debug",
    responses((status = 500, body = Document, content_type = "application/problem+json", description = "Always."))
)]
pub(super) fn panic(_: Store) -> BoxedFilter<(Response,)> {
    warp::any().map(|| [1, 2, 3].map(shelf).len().to_string().into_response()).boxed()
}

/// A shelf by its number, of which there are two.
#[instrument]
fn shelf(number: usize) -> &'static str {
    ["tea", "coffee"][number - 1]
}

/// Answers late.
#[utoipa::path(
    get, path = "/debug/slow", tag = "debug",
    params(("ms" = Option<u32>, Query, minimum = 0, maximum = 10_000, description = "How late, in milliseconds; 500 if not given.")),
    responses(
        (status = 200, body = Slept, description = "Late."),
        (status = 422, body = Document, content_type = "application/problem+json", description = "The parameter is wrong."),
    )
)]
pub(super) fn slow(_: Store) -> BoxedFilter<(Response,)> {
    warp::query().then(dawdle).map(Reply::into_response).boxed()
}

async fn dawdle(query: Vec<(String, String)>) -> Result<impl Reply, Problem> {
    let mut fields = Fields::from_query(query);
    let slept_ms = fields.number_or("ms", 0..=MAX_SLEEP_MS, SLEEP_MS);
    fields.finish()?;
    sleep(slept_ms).await;
    Ok(warp::reply::json(&Slept { slept_ms }))
}

#[instrument]
async fn sleep(ms: u32) {
    tokio::time::sleep(Duration::from_millis(ms.into())).await;
}
