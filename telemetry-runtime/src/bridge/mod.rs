//! What other libraries record, made ours: their spans stand in the same traces, and what they log goes the same way.

pub mod events;
mod opened;
#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
mod otel;
mod place;
pub mod spans;
pub(crate) mod subscriber;
