//! What other libraries record, made ours: their spans stand in the same traces.

#[cfg(feature = "opentelemetry")]
pub mod opentelemetry;
mod otel;
mod place;
pub mod spans;
