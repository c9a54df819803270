//! `tracing`: without a subscriber, with one that does nothing, with tracing-opentelemetry, and with this project's layer.

use super::project;
use super::sdk::{self, Queue};
use crate::library::{Failure, Library, Subject, Yield, body};
use crate::sink::Sink;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::Sampler;
use telemetry_runtime::bridge;
use telemetry_runtime::policy::Ratio;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, info, instrument};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// Without a subscriber.
pub(crate) fn without_subscriber() -> Box<dyn Subject> {
    Box::new(Tracing { flush: Box::new(|| {}) })
}

/// With a registry and a layer that does nothing. (A bare registry would never free a span.)
pub(crate) fn registry_only() -> Box<dyn Subject> {
    registry().with(Nothing).init();
    Box::new(Tracing { flush: Box::new(|| {}) })
}

/// With tracing-opentelemetry.
pub(crate) fn opentelemetry(detail: Detail, sampler: Sampler, queue: Queue, sink: &Sink) -> Box<dyn Subject> {
    let provider = sdk::provider(sampler, queue, sink);
    let layer = OpenTelemetryLayer::new(provider.tracer("peers"));
    let layer = match detail {
        Detail::Default => layer,
        Detail::Lean => layer
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false),
    };
    // The exporters' own HTTP clients trace below this level.
    registry().with(LevelFilter::INFO).with(layer).init();
    Box::new(Tracing { flush: Box::new(move || sdk::flush(&provider)) })
}

/// With this project's layers.
pub(crate) fn project(policy: Ratio, sink: &Sink) -> Box<dyn Subject> {
    let events = bridge::events::layer().with_span_events(true);
    registry().with(LevelFilter::INFO).with(bridge::spans::layer()).with(events).init();
    let project = project::start(policy, true, sink);
    Box::new(Tracing { flush: Box::new(move || project.flush()) })
}

/// With the subscriber that this project installs where there is none.
pub(crate) fn project_by_settings(policy: Ratio, sink: &Sink) -> Box<dyn Subject> {
    let project = project::start_by_settings(policy, sink);
    Box::new(Tracing { flush: Box::new(move || project.flush()) })
}

/// What tracing-opentelemetry adds to each span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Location, thread, target, and idle and busy time.
    Default,
    /// None of that.
    Lean,
}

struct Nothing;

impl<S: Subscriber> Layer<S> for Nothing {}

struct Tracing {
    flush: Box<dyn Fn() + Send + Sync>,
}

impl Library for Tracing {
    fn trace(&self, children: impl FnOnce()) {
        trace(children);
    }

    spans_of_functions!();

    fn flush(&self) {
        (self.flush)();
    }
}

#[instrument(skip_all)]
#[inline(never)]
fn trace(children: impl FnOnce()) {
    children();
}

#[instrument]
#[inline(never)]
fn plain() {
    body();
}

#[instrument]
#[inline(never)]
fn attributes(number: i64, text: &str, owned: &str) {
    body();
}

#[instrument(skip_all, fields(text = ?text))]
#[inline(never)]
fn formatted(text: &str) {
    body();
}

#[instrument(err)]
#[inline(never)]
fn failing() -> Result<(), Failure> {
    body();
    Err(Failure)
}

#[instrument]
#[inline(never)]
fn event() {
    info!(cache.size = 512_i64, "cache.miss");
}

#[instrument]
#[inline(never)]
async fn ready() {
    body();
}

#[instrument]
#[inline(never)]
async fn yielding() {
    Yield::default().await;
}

#[instrument(skip_all)]
#[inline(never)]
fn nested(depth: u32) {
    if depth > 1 {
        nested(depth - 1);
    }
    body();
}
