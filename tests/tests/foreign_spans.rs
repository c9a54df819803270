//! Spans of `tracing` that other libraries make are ours by the layer in a registry.

use std::sync::Once;

use telemetry_runtime::{SpanData, bridge, testing};
use tracing_subscriber::prelude::*;

#[path = "foreign_spans/cases.rs"]
mod cases;

/// The spans that end in `body`.
fn capture<R>(body: impl FnOnce() -> R) -> Vec<SpanData> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(bridge::spans::layer());
        tracing::subscriber::set_global_default(subscriber).expect("no other is installed");
    });
    testing::capture(body)
}
