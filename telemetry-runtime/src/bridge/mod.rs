//! What other libraries record, made ours: their spans stand in the same traces.

mod otel;
mod place;
pub mod spans;
