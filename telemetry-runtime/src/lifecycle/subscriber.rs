//! The process's subscriber of `tracing`, unless it has one already: log lines, and the spans of other libraries.

use crate::config::Settings;
use crate::{bridge, logging};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// Installs it. A program that has one puts the layers into its own, if it wants them.
pub(super) fn install(settings: &Settings) {
    let targets = if settings.disabled { Targets::new() } else { settings.tracing.to_targets() };
    let subscriber = Registry::default()
        .with(bridge::spans::layer().with_filter(targets))
        .with(logging::layer(&settings.logging));
    let _ = tracing::subscriber::set_global_default(subscriber);
}
