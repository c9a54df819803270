//! One item on the wire: an envelope with its tags around the data of one of its types.

use super::dependency::Dependency;
use super::json::{Object, Scale, cut, put_object};
use super::key::{Key, Known};
use super::measurements::Measurements;
use super::request::Request;
use super::time::{TimeSpan, Timestamp};
use super::url::redacted;
use crate::export::json::text::Text;
use crate::record::{Attributes, SpanContext, SpanId, SpanView, StatusCode, TraceId, Value, query};
use std::borrow::Cow;

/// The most bytes of an item that the service takes, less some for the instrumentation key.
///
/// Source: Azure Monitor service limits, Application Insights, "maximum telemetry item size".
const MAX_BYTES: usize = (64 << 10) - 128;
/// The most characters of a property's value.
const MAX_VALUE: usize = 8192;

/// An item before it is written.
pub(super) struct Envelope<'a> {
    pub(super) unix_ns: u64,
    pub(super) sample_rate: Option<f64>,
    pub(super) tags: Tags<'a>,
    pub(super) data: Data<'a>,
    pub(super) properties: Properties<'a>,
    pub(super) measurements: Measurements,
}

/// What the service files items under.
#[derive(Default)]
pub(super) struct Tags<'a> {
    /// Those that all items share, encoded.
    pub(super) shared: &'a [u8],
    pub(super) trace_id: Option<TraceId>,
    pub(super) parent_id: Option<SpanId>,
    pub(super) operation: Option<Cow<'a, str>>,
    pub(super) location_ip: Option<Cow<'a, str>>,
    pub(super) user_agent: Option<Cow<'a, str>>,
    pub(super) user_id: Option<Cow<'a, str>>,
    pub(super) authenticated_user_id: Option<Cow<'a, str>>,
    pub(super) session_id: Option<Cow<'a, str>>,
    pub(super) is_synthetic: bool,
}

/// What happened.
pub(super) enum Data<'a> {
    Request { span: SpanView<'a>, request: Request<'a> },
    Dependency { span: SpanView<'a>, dependency: Dependency<'a> },
    Exception { kind: Cow<'a, str>, message: Cow<'a, str>, stack: Option<Cow<'a, str>>, severity: Option<u8> },
    Message { text: Cow<'a, str>, severity: Option<u8> },
    Event { name: Cow<'a, str> },
    Availability(Availability<'a>),
}

/// What a probe from outside came to.
pub(super) struct Availability<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    /// As `d.hh:mm:ss.ffffff`, which is the probe's own affair.
    pub(super) duration: Cow<'a, str>,
    pub(super) success: bool,
    pub(super) location: Option<Cow<'a, str>>,
    pub(super) message: Option<Cow<'a, str>>,
}

/// Everything else that is known of an item: text under text.
pub(super) struct Properties<'a> {
    pub(super) attributes: Attributes<'a>,
    /// Whether that attribute is said elsewhere.
    pub(super) is_field: fn(&str) -> bool,
    pub(super) more: Vec<(&'static str, Cow<'a, str>)>,
    /// JSON of a few KiB, of which a beginning would be none.
    pub(super) links: Option<String>,
}

impl Envelope<'_> {
    /// Appends the item as one line without its end. An item that is too large loses the ends of its texts, at last its properties.
    pub(super) fn put(&self, out: &mut Text) {
        put_shortened(out, |scale, has_properties, out| self.put_scaled(scale, has_properties, out));
    }

    fn put_scaled(&self, scale: Scale, has_properties: bool, out: &mut Text) {
        let (name, base_type) = self.data.names();
        put_object(scale, out, |envelope| {
            envelope.plain_text("name", format_args!("Microsoft.ApplicationInsights.{name}"));
            envelope.plain_text("time", Timestamp(self.unix_ns));
            if let Some(percentage) = self.sample_rate {
                envelope.bare("sampleRate", percentage);
            }
            envelope.object("tags", |tags| self.tags.put(tags));
            envelope.object("data", |data| {
                data.plain_text("baseType", base_type);
                data.object("baseData", |data| {
                    self.data.put(data);
                    if has_properties {
                        data.object("properties", |properties| self.properties.put(properties));
                        self.measurements.put(data);
                    }
                });
            });
        });
    }
}

/// Appends what `put` writes, at the largest scale at which it is an item that the service takes, at last without its properties.
pub(super) fn put_shortened(out: &mut Text, put: impl Fn(Scale, bool, &mut Text)) {
    let start = out.len();
    for scale in Scale::ALL {
        put(scale, true, out);
        if out.len() - start <= MAX_BYTES {
            return;
        }
        out.truncate(start);
    }
    put(Scale::ALL[3], false, out);
}

impl<'a> Tags<'a> {
    /// What any kind of item says by its attributes.
    pub(super) fn of(known: &Known<'a>, shared: &'a [u8]) -> Self {
        Self {
            shared,
            user_id: known.text(Key::UserId),
            authenticated_user_id: known.text(Key::AuthenticatedUserId),
            session_id: known.text(Key::SessionId),
            location_ip: known.first(&[Key::ClientAddress, Key::NetPeerIp]),
            is_synthetic: is_synthetic(known),
            ..Self::default()
        }
    }

    #[must_use]
    pub(super) fn within(mut self, context: &SpanContext) -> Self {
        self.trace_id = Some(context.trace_id());
        self.parent_id = Some(context.span_id());
        self
    }

    /// Source of the lengths: the schema `ContextTagKeys`.
    fn put(&self, tags: &mut Object<'_>) {
        tags.members(self.shared);
        if let Some(trace_id) = self.trace_id {
            tags.plain_text("ai.operation.id", trace_id);
        }
        if let Some(parent_id) = self.parent_id {
            tags.plain_text("ai.operation.parentId", parent_id);
        }
        tags.text_if("ai.operation.name", self.operation.as_ref(), 1024);
        tags.text_if("ai.location.ip", self.location_ip.as_ref(), 46);
        tags.text_if("ai.user.userAgent", self.user_agent.as_ref(), 2048);
        tags.text_if("ai.user.id", self.user_id.as_ref(), 128);
        tags.text_if("ai.user.authUserId", self.authenticated_user_id.as_ref(), 1024);
        tags.text_if("ai.session.id", self.session_id.as_ref(), 64);
        if self.is_synthetic {
            tags.plain_text("ai.operation.syntheticSource", "True");
        }
    }
}

/// Whether a robot or a load test asks.
fn is_synthetic(known: &Known<'_>) -> bool {
    known.text(Key::SyntheticType).is_some_and(|kind| kind == "bot" || kind == "test")
        || known.text(Key::UserAgent).is_some_and(|agent| agent.contains("AlwaysOn"))
}

impl Data<'_> {
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Request { .. } => ("Request", "RequestData"),
            Self::Dependency { .. } => ("RemoteDependency", "RemoteDependencyData"),
            Self::Exception { .. } => ("Exception", "ExceptionData"),
            Self::Message { .. } => ("Message", "MessageData"),
            Self::Event { .. } => ("Event", "EventData"),
            Self::Availability(_) => ("Availability", "AvailabilityData"),
        }
    }

    /// Source of the lengths: the vendor's exporter for Python, and the schemas of these types.
    fn put(&self, data: &mut Object<'_>) {
        data.bare("ver", 2);
        match self {
            Self::Request { span, request } => put_request(data, span, request),
            Self::Dependency { span, dependency } => put_dependency(data, span, dependency),
            Self::Exception { kind, message, stack, severity } => {
                data.array_of_one("exceptions", |exception| {
                    exception.text("typeName", kind, 1024);
                    exception.text("message", message, 32768);
                    exception.bare("hasFullStack", stack.is_some());
                    exception.text_if("stack", stack.as_ref(), 32768);
                });
                put_severity(data, *severity);
            }
            Self::Message { text, severity } => {
                data.text("message", text, 32768);
                put_severity(data, *severity);
            }
            Self::Event { name } => data.text("name", name, 512),
            Self::Availability(availability) => put_availability(data, availability),
        }
    }
}

fn put_request(data: &mut Object<'_>, span: &SpanView<'_>, request: &Request<'_>) {
    data.plain_text("id", span.span_id());
    data.text("name", &request.name, 1024);
    data.plain_text("duration", TimeSpan(span.duration_ns()));
    data.plain_text("responseCode", request.response_code);
    data.bare("success", request.success);
    data.text_if("source", request.source.as_ref(), 1024);
    data.text_if("url", request.url.as_ref(), 2048);
}

fn put_dependency(data: &mut Object<'_>, span: &SpanView<'_>, dependency: &Dependency<'_>) {
    data.plain_text("id", span.span_id());
    data.text("name", &dependency.name, 1024);
    data.plain_text("resultCode", dependency.result_code);
    data.text("type", &dependency.kind, 1024);
    data.text_if("data", dependency.data.as_ref(), 8192);
    data.text_if("target", dependency.target.as_ref(), 1024);
    data.plain_text("duration", TimeSpan(span.duration_ns()));
    data.bare("success", span.status().code != StatusCode::Error);
}

fn put_availability(data: &mut Object<'_>, availability: &Availability<'_>) {
    data.text("id", &availability.id, 512);
    data.text("name", &availability.name, 1024);
    data.text("duration", &availability.duration, 64);
    data.bare("success", availability.success);
    data.text_if("runLocation", availability.location.as_ref(), 1024);
    data.text_if("message", availability.message.as_ref(), 8192);
}

fn put_severity(data: &mut Object<'_>, severity: Option<u8>) {
    if let Some(severity) = severity {
        data.bare("severityLevel", severity);
    }
}

/// The URL without what grants access, if the attribute is one.
fn safe_url<'a>(key: &str, value: Value<'a>) -> Option<Cow<'a, str>> {
    match (key, value) {
        ("url.full" | "http.url" | "http.target", Value::Str(url)) => Some(redacted(Cow::Borrowed(url))),
        ("url.query", Value::Str(query)) => Some(query::redacted(query)),
        _ => None,
    }
}

/// A longer key would be refused: it is left out, as the vendor's exporter does.
pub(super) fn put_property(properties: &mut Object<'_>, key: &str, value: Value<'_>) {
    const MAX_KEY: usize = 150;
    if key.is_empty() || cut(key, MAX_KEY) != key {
        return;
    }
    match safe_url(key, value) {
        Some(url) => properties.text(key, &url, MAX_VALUE),
        None => properties.value(key, value, MAX_VALUE),
    }
}

impl Properties<'_> {
    fn put(&self, properties: &mut Object<'_>) {
        const LINKS: &str = "_MS.links";
        for attribute in self.attributes.clone().filter(|attribute| !(self.is_field)(attribute.key)) {
            put_property(properties, attribute.key, attribute.value);
        }
        let is_taken = |key: &str| self.attributes.clone().any(|attribute| attribute.key == key);
        for (key, text) in self.more.iter().filter(|(key, _)| !is_taken(key)) {
            properties.text(key, text, MAX_VALUE);
        }
        if let Some(links) = self.links.as_ref().filter(|_| !is_taken(LINKS)) {
            properties.whole_text(LINKS, links);
        }
    }
}
