//! Orders over HTTP.

use super::{body, with};
use crate::error::{Document, Problem};
use crate::fields::Fields;
use crate::order::{NewOrder, Order, create_order};
use crate::store::Store;
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

const PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;
const MAX_OFFSET: u32 = 1_000_000;

/// Some of the orders, the oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page {
    /// The orders.
    orders: Vec<Order>,
    /// Where the next ones are; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/orders?limit=20&offset=20")]
    next: Option<String>,
}

/// Places an order.
#[utoipa::path(
    post, path = "/orders", tag = "orders", request_body = NewOrder,
    responses(
        (status = 201, body = Order, description = "The order is placed.",
            headers(("location" = String, description = "Where the order is."))),
        (status = 400, body = Document, content_type = "application/problem+json", description = "The body is not JSON."),
        (status = 413, body = Document, content_type = "application/problem+json", description = "The body exceeds 16 KiB."),
        (status = 415, body = Document, content_type = "application/problem+json", description = "The body is not declared as JSON."),
        (status = 422, body = Document, content_type = "application/problem+json", description = "A field is wrong."),
    )
)]
pub(super) fn create(store: Store) -> BoxedFilter<(Response,)> {
    with(store).and(body::fields()).then(place).map(Reply::into_response).boxed()
}

async fn place(store: Store, fields: Fields) -> Result<impl Reply, Problem> {
    let order = create_order(&store, fields).await?;
    let location = format!("/orders/{}", order.id);
    let created = warp::reply::with_status(warp::reply::json(&order), StatusCode::CREATED);
    Ok(warp::reply::with_header(created, header::LOCATION, location))
}

/// Lists the orders, the oldest first.
#[utoipa::path(
    get, path = "/orders", tag = "orders",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "How many at most; 20 if not given."),
        ("offset" = Option<u32>, Query, minimum = 0, maximum = 1_000_000, description = "How many to pass over first; 0 if not given."),
    ),
    responses(
        (status = 200, body = Page, description = "Some of the orders."),
        (status = 422, body = Document, content_type = "application/problem+json", description = "A parameter is wrong."),
    )
)]
pub(super) fn list(store: Store) -> BoxedFilter<(Response,)> {
    with(store).and(warp::query()).then(turn).map(Reply::into_response).boxed()
}

async fn turn(store: Store, query: Vec<(String, String)>) -> Result<impl Reply, Problem> {
    let mut fields = Fields::from_query(query);
    let limit = fields.number_or("limit", 1..=MAX_PAGE, PAGE);
    let offset = fields.number_or("offset", 0..=MAX_OFFSET, 0);
    fields.finish()?;
    Ok(warp::reply::json(&page(&store, limit, offset).await?))
}

/// The page, which knows by one order more than it holds whether there is a next one.
async fn page(store: &Store, limit: u32, offset: u32) -> Result<Page, Problem> {
    let mut orders = store.list(limit + 1, offset).await?;
    let more = orders.len() > limit as usize;
    orders.truncate(limit as usize);
    let next = more.then(|| format!("/orders?limit={limit}&offset={}", offset + limit));
    Ok(Page { orders, next })
}

/// Shows one order.
#[utoipa::path(
    get, path = "/orders/{id}", tag = "orders",
    params(("id" = i64, Path, description = "The order's number.")),
    responses(
        (status = 200, body = Order, description = "The order."),
        (status = 404, body = Document, content_type = "application/problem+json", description = "There is no such order."),
    )
)]
pub(super) fn find(store: Store) -> BoxedFilter<(Response,)> {
    with(store).and(warp::path!("orders" / String)).then(show).map(Reply::into_response).boxed()
}

async fn show(store: Store, id: String) -> Result<impl Reply, Problem> {
    let found = match id.parse() {
        Ok(number) => store.find(number).await?,
        Err(_) => None,
    };
    let order =
        found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "there is no order of that number"))?;
    Ok(warp::reply::json(&order))
}
