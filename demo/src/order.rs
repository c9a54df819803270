//! What the service is about: orders, and how one is placed.

use crate::fields::{Fields, Invalid};
use crate::store::{Store, StoreError};
use serde::Serialize;
use telemetry_runtime::{InCurrentSpan, instrument};
use thiserror::Error;
use utoipa::ToSchema;

/// An order that is not yet placed.
#[derive(Clone, Debug, PartialEq, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    /// What is ordered.
    #[schema(min_length = 1, max_length = 200, example = "tea")]
    pub(crate) item: String,
    /// How many of it.
    #[schema(minimum = 1, maximum = 1000, example = 2)]
    pub(crate) quantity: u32,
}

/// An order as it was placed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Order {
    /// The order's number.
    #[schema(example = 1)]
    pub(crate) id: i64,
    /// What is ordered.
    #[schema(example = "tea")]
    pub(crate) item: String,
    /// How many of it.
    #[schema(example = 2)]
    pub(crate) quantity: u32,
    /// When it was placed, in UTC.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub(crate) created_at: String,
}

/// Why an order was not placed.
#[derive(Debug, Error)]
pub(crate) enum PlaceError {
    /// It is no order that could be placed.
    #[error("not an order: {0}")]
    Invalid(#[from] Invalid),
    /// It could not be kept.
    #[error("the order could not be kept")]
    Store(#[from] StoreError),
}

/// Places an order: validates it, keeps it, and tells whoever packs.
#[instrument]
pub(crate) async fn create_order(store: &Store, fields: Fields) -> Result<Order, PlaceError> {
    let order = store.insert(validate(fields)?).await?;
    notify(&order).await;
    Ok(order)
}

/// The order that the fields describe.
#[instrument]
fn validate(mut fields: Fields) -> Result<NewOrder, Invalid> {
    let item = fields.text("item", 1..=200);
    let quantity = fields.number("quantity", 1..=1000);
    fields.finish()?;
    Ok(NewOrder { item, quantity })
}

/// Tells whoever packs, who work in a task of their own.
#[instrument(fields(order.id = order.id))]
async fn notify(order: &Order) {
    let packed = tokio::spawn(pack(order.id, order.quantity).in_current_span()).await;
    debug_assert!(packed.is_ok(), "packing does not panic");
}

#[instrument(skip(order_id), fields(order.id = order_id))]
async fn pack(order_id: i64, quantity: u32) {
    tracing::info!(order_id, quantity, "order goes to the packers");
}
