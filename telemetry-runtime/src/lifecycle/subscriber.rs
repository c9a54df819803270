//! The process's subscriber of `tracing`, unless it has one already: log lines, log records, and the spans of other libraries.

use crate::config::Settings;
use crate::{bridge, logging};
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// Installs it. A program that has one puts the layers into its own, if it wants them.
pub(super) fn install(settings: &Settings) {
    let spans = if settings.disabled { Targets::new() } else { settings.tracing.to_targets() };
    let events = bridge::events::layer().with_span_events(settings.span_events);
    let is_installed = match settings.logging.filter.as_targets() {
        Some(told) => {
            let write_line = logging::writer(&settings.logging);
            set_global_default(bridge::subscriber::Process::new(spans, told, move |event| {
                // Records first: what a field's formatter does to the lines, it cannot do to them.
                events.tell(event);
                write_line(event);
            }))
        }
        // A filter that looks into spans needs a registry that keeps them.
        None => set_global_default(
            Registry::default()
                .with(bridge::spans::layer().with_filter(spans))
                .with(logging::layer_behind(events, &settings.logging)),
        ),
    };
    if is_installed.is_ok() {
        forward_log();
    }
}

/// Makes records of the `log` crate events of `tracing`, with the feature of that name, unless the program has its own logger.
fn forward_log() {
    #[cfg(feature = "log")]
    {
        use tracing_log::{AsLog, LogTracer};
        let most = tracing::level_filters::LevelFilter::current().as_log();
        let _ = LogTracer::init_with_filter(most);
    }
}
