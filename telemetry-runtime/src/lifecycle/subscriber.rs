//! The process's subscriber of `tracing`, unless it has one already: log lines, log records, and the spans of other libraries.

use crate::config::Settings;
use crate::{bridge, logging};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// Installs it. A program that has one puts the layers into its own, if it wants them.
pub(super) fn install(settings: &Settings) {
    let targets = if settings.disabled { Targets::new() } else { settings.tracing.to_targets() };
    let events = bridge::events::layer().with_span_events(settings.span_events);
    let subscriber = Registry::default()
        .with(bridge::spans::layer().with_filter(targets))
        // Records first: what a field's formatter does to the lines, it cannot do to them.
        .with(logging::layer_behind(events, &settings.logging));
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
