//! Spans of `tracing` that other libraries make are ours by the subscriber that is installed where there is no other.

use telemetry_runtime::testing::capture;

#[path = "foreign_spans/cases.rs"]
mod cases;
