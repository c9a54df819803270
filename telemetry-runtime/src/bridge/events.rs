//! The `tracing` layer that turns events into log records, and into events of the current span where that is wanted.
//!
//! [`init`](crate::init) installs it; [`layer`] goes into a registry of one's own.

use super::place::{self, Place, Secrets};
use crate::record::{Capture, Chain, REDACTED, SpanKind, Value};
use crate::span::{Key, Note};
use std::error::Error;
use std::fmt::{self, Debug};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The layer that has events recorded as log records. [`layer`] makes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events {
    span_events: bool,
}

/// Has the events that reach it recorded as log records, each with the ids of the span of ours that is current, sampled or not. They go to
/// every exporter that takes [logs](crate::Signal::Logs), accounted as spans are.
///
/// [`init`](crate::init) installs it beside the log lines, under the same filter. In a registry of one's own it takes what that lets
/// through; put a filter on it to have less. The text `message` is the record's body, the other fields are attributes with their types; the
/// value of one that is named like a secret is not looked at, and is `[REDACTED]`: the list is that of
/// [`#[instrument]`](macro@crate::instrument#secrets).
/// Wherever there is no exporter for log records the layer does nothing, and never records what the threads that deliver telemetry say.
///
/// # Examples
/// ```
/// use telemetry_runtime::bridge;
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::layer::{Layer, SubscriberExt};
///
/// let subscriber = tracing_subscriber::registry().with(bridge::events::layer().with_filter(LevelFilter::INFO));
/// # drop(subscriber);
/// ```
pub fn layer() -> Events {
    Events::default()
}

impl Events {
    /// Whether what happens within a recorded span is an event of that span, too: named like the event, if that has a name of its own,
    /// else with its text. Not by default.
    #[must_use]
    pub fn with_span_events(mut self, span_events: bool) -> Self {
        self.span_events = span_events;
        self
    }

    /// Records the event.
    pub(crate) fn tell(self, event: &Event<'_>) {
        if Note::log_is_wanted() {
            record(event);
        }
        if self.span_events && Note::event_is_wanted() {
            add_to_span(event);
        }
    }
}

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.tell(event);
    }
}

fn record(event: &Event<'_>) {
    let mut note = Note::new();
    let Place { callsite, secrets, .. } = place::of(event.metadata(), SpanKind::Internal);
    let origin = Origin::of(event);
    note.log(callsite, origin.as_ref().map(|origin| origin.target), format_args!("{}", Message(event)));
    add_fields(
        Fields { note: &mut note, by_index: true, is_of_log: origin.is_some(), secrets },
        event,
        origin.as_ref(),
    );
    note.push_log();
}

fn add_to_span(event: &Event<'_>) {
    let mut note = Note::new();
    let Place { callsite, secrets, .. } = place::of(event.metadata(), SpanKind::Internal);
    let origin = Origin::of(event);
    match callsite.name() {
        "" => note.event(format_args!("{}", Message(event))),
        name => note.event(format_args!("{name}")),
    }
    let target = origin.as_ref().map_or(callsite.target(), |origin| origin.target);
    note.value(Key::Text("level"), Value::Str(callsite.level().as_str()));
    note.value(Key::Text("target"), Value::Str(target));
    add_fields(
        Fields { note: &mut note, by_index: false, is_of_log: origin.is_some(), secrets },
        event,
        origin.as_ref(),
    );
    note.push_event();
}

fn add_fields(mut fields: Fields<'_>, event: &Event<'_>, origin: Option<&Origin<'_>>) {
    event.record(&mut fields);
    if let Some(&Origin { file: Some(file), line: Some(line), .. }) = origin {
        fields.note.value(Key::Text("code.file.path"), Value::Str(file));
        fields.note.value(Key::Text("code.line.number"), Value::I64(line.into()));
    }
}

/// Where a record of the `log` crate comes from, which `tracing` knows as an event of one place for each level.
struct Origin<'a> {
    target: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
}

impl<'a> Origin<'a> {
    #[cfg(feature = "log")]
    fn of(event: &'a Event<'_>) -> Option<Self> {
        let metadata = tracing_log::NormalizeEvent::normalized_metadata(event)?;
        Some(Self { target: metadata.target(), file: metadata.file(), line: metadata.line() })
    }

    #[cfg(not(feature = "log"))]
    fn of(_: &'a Event<'_>) -> Option<Self> {
        None
    }
}

/// The event's text.
struct Message<'a>(&'a Event<'a>);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Text { f, result: Ok(()) };
        self.0.record(&mut text);
        text.result
    }
}

struct Text<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    result: fmt::Result,
}

impl Visit for Text<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == MESSAGE {
            self.result = write!(self.f, "{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

const MESSAGE: &str = "message";

/// Writes all but the event's text down.
struct Fields<'a> {
    note: &'a mut Note,
    /// Whether the record names its callsite, which knows the keys.
    by_index: bool,
    /// Whether some fields only say where a record of the `log` crate comes from.
    is_of_log: bool,
    secrets: Secrets,
}

impl Fields<'_> {
    /// The field's key; `None` if it is the event's text or says where that comes from.
    fn key(&self, field: &Field) -> Option<Key<'static>> {
        match (u8::try_from(field.index()), field.name()) {
            (_, MESSAGE) => None,
            (_, name) if self.is_of_log && name.starts_with("log.") => None,
            (Ok(index), _) if self.by_index && index < u8::MAX => Some(Key::Index(index)),
            (_, name) => Some(Key::Text(place::key(name))),
        }
    }

    fn value(&mut self, field: &Field, value: impl Capture) {
        let value = if self.secrets.has(field) { Some(Value::Str(REDACTED)) } else { value.capture() };
        if let (Some(key), Some(value)) = (self.key(field), value) {
            self.note.value(key, value);
        }
    }

    fn formatted(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        match self.key(field) {
            Some(key) if self.secrets.has(field) => self.note.value(key, Value::Str(REDACTED)),
            Some(key) => self.note.formatted(key, text),
            None => {}
        }
    }
}

impl Visit for Fields<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.value(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.value(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.value(field, value);
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.value(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.formatted(field, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.formatted(field, format_args!("{value:?}"));
    }
}
