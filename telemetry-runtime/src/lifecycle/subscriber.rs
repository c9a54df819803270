//! The process's `tracing` subscriber: log lines and log records under one filter.

use crate::bridge;
use crate::logging::{self, Options};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

/// Installs it, unless the program has its own.
pub(super) fn install(options: &Options, span_events: bool) {
    // Records first: what a field's formatter does to the lines, it cannot do to them.
    let events = bridge::events().with_span_events(span_events);
    let subscriber = Registry::default().with(logging::layer_behind(events, options));
    // The program's own has been told what it wants.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
