//! A span or log record on its own, for tests and for whoever keeps them.

use super::{
    Attributes, Level, LogView, SpanContext, SpanId, SpanKind, SpanView, StatusCode, TraceId, TraceState,
    ValueBuf,
};

/// A finished span that owns what it says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanData {
    /// The span's name.
    pub name: String,
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// The span itself.
    pub span_id: SpanId,
    /// Its parent, if it has one.
    pub parent_span_id: Option<SpanId>,
    /// Whether the parent is a span of another process.
    pub parent_is_remote: bool,
    /// The vendors' state.
    pub trace_state: TraceState,
    /// Its kind.
    pub kind: SpanKind,
    /// Its target.
    pub target: String,
    /// When it started, in nanoseconds since the Unix epoch.
    pub start_unix_ns: u64,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
    /// Its status code.
    pub status: StatusCode,
    /// What went wrong, if something did.
    pub status_message: String,
    /// Its attributes, each key once.
    pub attributes: Vec<(String, ValueBuf)>,
    /// What happened meanwhile.
    pub events: Vec<EventData>,
    /// What it has to do with.
    pub links: Vec<LinkData>,
}

/// An event that owns what it says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventData {
    /// The event's name.
    pub name: String,
    /// When it happened, in nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// Its attributes.
    pub attributes: Vec<(String, ValueBuf)>,
}

/// A link that owns what it says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LinkData {
    /// The linked span.
    pub context: SpanContext,
    /// The link's attributes.
    pub attributes: Vec<(String, ValueBuf)>,
}

/// A log record that owns what it says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogData {
    /// Its name, if it was given one: it is an event then, as OpenTelemetry has it.
    pub name: Option<String>,
    /// How important it is.
    pub level: Level,
    /// Its target: the module's path, unless it was given another one.
    pub target: String,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub unix_ns: u64,
    /// The span that was current, if one was.
    pub context: Option<SpanContext>,
    /// Its text.
    pub body: String,
    /// Its attributes, each key once.
    pub attributes: Vec<(String, ValueBuf)>,
}

impl SpanData {
    /// The attribute's value, if it is there.
    pub fn attribute(&self, key: &str) -> Option<&ValueBuf> {
        value_of(&self.attributes, key)
    }

    /// The first event of that name, if there is one.
    pub fn event(&self, name: &str) -> Option<&EventData> {
        self.events.iter().find(|event| event.name == name)
    }
}

impl EventData {
    /// The attribute's value, if it is there.
    pub fn attribute(&self, key: &str) -> Option<&ValueBuf> {
        value_of(&self.attributes, key)
    }
}

impl LogData {
    /// The attribute's value, if it is there.
    pub fn attribute(&self, key: &str) -> Option<&ValueBuf> {
        value_of(&self.attributes, key)
    }
}

fn value_of<'a>(attributes: &'a [(String, ValueBuf)], key: &str) -> Option<&'a ValueBuf> {
    attributes.iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

impl From<SpanView<'_>> for SpanData {
    fn from(span: SpanView<'_>) -> Self {
        let status = span.status();
        Self {
            name: span.name().to_owned(),
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            parent_span_id: span.parent_span_id(),
            parent_is_remote: span.parent_is_remote(),
            trace_state: span.context().trace_state().clone(),
            kind: span.kind(),
            target: span.callsite().target().to_owned(),
            start_unix_ns: span.start_unix_ns(),
            duration_ns: span.duration_ns(),
            status: status.code,
            status_message: status.message.to_owned(),
            attributes: owned(span.attributes()),
            events: span
                .events()
                .map(|event| EventData {
                    name: event.name().to_owned(),
                    unix_ns: event.unix_ns(),
                    attributes: owned(event.attributes()),
                })
                .collect(),
            links: span
                .links()
                .map(|link| LinkData {
                    context: link.context().clone(),
                    attributes: owned(link.attributes()),
                })
                .collect(),
        }
    }
}

impl From<LogView<'_>> for LogData {
    fn from(log: LogView<'_>) -> Self {
        Self {
            name: log.name().map(str::to_owned),
            level: log.level(),
            target: log.target().to_owned(),
            unix_ns: log.unix_ns(),
            context: log.context(),
            body: log.body().to_owned(),
            attributes: owned(log.attributes()),
        }
    }
}

fn owned(attributes: Attributes<'_>) -> Vec<(String, ValueBuf)> {
    attributes.map(|attribute| (attribute.key.to_owned(), attribute.value.to_buf())).collect()
}
