//! fastrace. It has neither errors nor typed values: both become properties, which are text.

use super::sdk;
use crate::counter;
use crate::library::{Failure, Library, Subject, Yield, body};
use crate::sink::Sink;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use fastrace::{Event, Span, trace};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use std::borrow::Cow;
use std::time::Duration;

/// With a reporter.
pub(crate) fn start(parent: Parent, report_interval: Duration, sink: &Sink) -> Box<dyn Subject> {
    let config = Config::default().report_interval(report_interval);
    match sink {
        Sink::Counter => fastrace::set_reporter(Counting, config),
        Sink::Otlp(url) => fastrace::set_reporter(otlp(url), config),
    }
    Box::new(Fastrace { parent })
}

/// What the traces' spans find above them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// A root that is sampled.
    Sampled,
    /// A root that is not.
    Unsampled,
    /// Nothing: no span is made.
    None,
}

/// fastrace's default.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

fn otlp(url: &str) -> impl Reporter {
    let resource = Cow::Owned(Resource::builder().build());
    OpenTelemetryReporter::new(sdk::otlp(url), resource, InstrumentationScope::builder("peers").build())
}

struct Counting;

impl Reporter for Counting {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        counter::add(spans.len());
    }
}

struct Fastrace {
    parent: Parent,
}

impl Library for Fastrace {
    fn trace(&self, children: impl FnOnce()) {
        if self.parent == Parent::None {
            plain();
            return children();
        }
        let context = SpanContext::random().sampled(self.parent == Parent::Sampled);
        let root = Span::root("trace", context);
        let _current = root.set_local_parent();
        children();
    }

    #[inline(never)]
    fn lone(&self) {
        if self.parent == Parent::None { plain() } else { self.trace(body) }
    }

    spans_of_functions!();

    fn flush(&self) {
        fastrace::flush();
    }
}

#[trace(short_name = true)]
#[inline(never)]
fn plain() {
    body();
}

#[trace(short_name = true, properties = { "number": "{number}", "text": "{text}", "owned": "{owned}" })]
#[inline(never)]
fn attributes(number: i64, text: &str, owned: &str) {
    body();
}

#[trace(short_name = true, properties = { "text": "{text:?}" })]
#[inline(never)]
fn formatted(text: &str) {
    body();
}

#[trace(short_name = true)]
#[inline(never)]
fn failing() -> Result<(), Failure> {
    body();
    LocalSpan::add_properties(|| {
        [("span.status_code", "error".to_owned()), ("span.status_description", Failure.to_string())]
    });
    Err(Failure)
}

#[trace(short_name = true)]
#[inline(never)]
fn event() {
    LocalSpan::add_event(Event::new("cache.miss").with_property(|| ("cache.size", 512_i64.to_string())));
}

#[trace(short_name = true)]
#[inline(never)]
async fn ready() {
    body();
}

#[trace(short_name = true)]
#[inline(never)]
async fn yielding() {
    Yield::default().await;
}

#[trace(short_name = true)]
#[inline(never)]
fn nested(depth: u32) {
    if depth > 1 {
        nested(depth - 1);
    }
    body();
}
