//! What other libraries record, made ours: their spans stand in the same traces, and what they log goes the same way.

pub mod events;
mod otel;
mod place;
pub mod spans;
