//! The process's `tracing` subscriber: log lines and log records under one filter, of the `log` crate, too.

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
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        #[cfg(feature = "log")]
        forward_log();
    }
}

/// Makes records of the `log` crate events of `tracing`, unless the program has its own logger.
#[cfg(feature = "log")]
fn forward_log() {
    use tracing_log::{AsLog, LogTracer};
    let most = tracing::level_filters::LevelFilter::current().as_log();
    let _ = LogTracer::init_with_filter(most);
}
