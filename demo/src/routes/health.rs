//! Whether the service is alive.

use crate::store::Store;
use serde::Serialize;
use utoipa::ToSchema;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

/// The state of the service.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or there would be no answer.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the service is alive.
#[utoipa::path(get, path = "/health", tag = "service", responses((status = 200, body = Health, description = "It is.")))]
pub(super) fn show(_: Store) -> BoxedFilter<(Response,)> {
    warp::any().map(|| warp::reply::json(&Health { status: "ok" }).into_response()).boxed()
}
