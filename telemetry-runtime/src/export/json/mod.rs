//! A batch as OTLP JSON: an `ExportTraceServiceRequest` or `ExportLogsServiceRequest`, which is a `TracesData` or `LogsData` as well.
//!
//! Where it differs from JSON for protobuf in general: ids are hexadecimal, enums are numbers, and names are in `lowerCamelCase` only.
//! What is not there is left out.
//!
//! Source: OTLP specification 1.11, "JSON Protobuf Encoding".

#[cfg(feature = "otlp")]
mod halves;
#[cfg(all(test, feature = "otlp"))]
mod tests;
pub(super) mod text;

use super::numbers;
use crate::record::{
    Attribute, Attributes, Batch, Callsite, EventView, LinkView, LogView, Resource, ScopeDetails, Signal,
    SpanContext, SpanView, Value,
};
use text::Text;

#[cfg(feature = "otlp")]
pub(crate) use halves::halves;

/// Encodes batches of either signal, in memory that is used again.
#[derive(Debug)]
pub(crate) struct JsonEncoder {
    /// Whether spans and log records say where their code is.
    code_attributes: bool,
    text: Text,
}

/// Lines of JSON, and how many items are in none of them.
pub(crate) struct Lines<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) left_out: usize,
}

impl JsonEncoder {
    pub(crate) fn new(code_attributes: bool) -> Self {
        Self { code_attributes, text: Text::default() }
    }

    /// The batch as one request.
    #[cfg(feature = "otlp")]
    pub(crate) fn encode(&mut self, batch: &Batch) -> &[u8] {
        self.lines(batch, usize::MAX).text.trim_ascii_end()
    }

    /// The batch as lines, each of which is a request of its own and no longer than so many bytes; an item that is too long for a line is
    /// left out.
    pub(crate) fn lines(&mut self, batch: &Batch, max_line_bytes: usize) -> Lines<'_> {
        self.text.truncate(0);
        let code = self.code_attributes;
        let mut request = Request { resource: batch.resource(), max_line_bytes, text: &mut self.text };
        let left_out = match batch.signal() {
            Signal::Traces => {
                let put = |span: &SpanView<'_>, text: &mut Text| put_span(span, code, text);
                request.put(SPANS, batch.spans(), scope_of_span, put)
            }
            Signal::Logs => {
                let put = |log: &LogView<'_>, text: &mut Text| put_log(log, code, text);
                request.put(LOGS, batch.logs(), scope_of_log, put)
            }
        };
        Lines { text: self.text.as_bytes(), left_out }
    }
}

/// What the lists of a signal are called, from the outermost.
#[derive(Clone, Copy)]
struct Names {
    of_resources: &'static str,
    of_scopes: &'static str,
    items: &'static str,
}

const SPANS: Names = Names { of_resources: "resourceSpans", of_scopes: "scopeSpans", items: "spans" };
const LOGS: Names = Names { of_resources: "resourceLogs", of_scopes: "scopeLogs", items: "logRecords" };

/// The instrumentation scope of an item.
#[derive(Clone, Copy)]
struct Scope<'a> {
    name: &'a str,
    details: &'static ScopeDetails,
}

impl<'a> Scope<'a> {
    /// The same scope has the same key. Details are kept for good, once each.
    fn key(self) -> (&'a str, usize) {
        (self.name, std::ptr::from_ref(self.details).addr())
    }

    fn put(self, text: &mut Text) {
        text.key("name").string(self.name);
        put_text("version", &self.details.version, text);
        text.list("attributes", |text| {
            self.details
                .attributes
                .iter()
                .for_each(|(key, value)| put_attribute(key, value.as_value(), text));
        });
    }
}

fn scope_of_span<'a>(span: &'a SpanView<'_>) -> Scope<'a> {
    let callsite = span.callsite();
    Scope { name: callsite.scope(), details: callsite.scope_details() }
}

/// As in protobuf, a record's scope is its target.
fn scope_of_log<'a>(log: &'a LogView<'_>) -> Scope<'a> {
    Scope { name: log.target(), details: ScopeDetails::NONE }
}

/// Where requests are put, and whose they are.
struct Request<'a> {
    resource: &'a Resource,
    max_line_bytes: usize,
    text: &'a mut Text,
}

impl Request<'_> {
    /// Puts all items; how many were left out. Items of a scope stay in their order.
    fn put<T>(
        &mut self,
        names: Names,
        items: impl Iterator<Item = T>,
        scope: impl Fn(&T) -> Scope<'_> + Copy,
        put: impl Fn(&T, &mut Text) + Copy,
    ) -> usize {
        let mut items: Vec<_> = items.collect();
        items.sort_by(|one, other| scope(one).key().cmp(&scope(other).key()));
        self.put_lines(names, &items, scope, put)
    }

    /// One line, or two with half of the items each where that is too long.
    fn put_lines<T>(
        &mut self,
        names: Names,
        items: &[T],
        scope: impl Fn(&T) -> Scope<'_> + Copy,
        put: impl Fn(&T, &mut Text) + Copy,
    ) -> usize {
        let start = self.text.len();
        self.put_line(names, items, scope, put);
        if self.text.len() - start <= self.max_line_bytes {
            return 0;
        }
        self.text.truncate(start);
        match items.split_at(items.len() / 2) {
            ([], alone) => alone.len(),
            (first, second) => {
                self.put_lines(names, first, scope, put) + self.put_lines(names, second, scope, put)
            }
        }
    }

    fn put_line<T>(
        &mut self,
        names: Names,
        items: &[T],
        scope: impl Fn(&T) -> Scope<'_> + Copy,
        put: impl Fn(&T, &mut Text) + Copy,
    ) {
        let resource = self.resource;
        let put_scope = |of_scope: &[T], text: &mut Text| {
            let Some(scope) = of_scope.first().map(scope) else { return };
            text.key("scope").object(|text| scope.put(text));
            text.key(names.items).array(|text| of_scope.iter().for_each(|item| put(item, text)));
            put_text("schemaUrl", &scope.details.schema_url, text);
        };
        self.text.object(|text| {
            text.key(names.of_resources).array(|text| {
                text.object(|text| {
                    text.key("resource").object(|text| put_resource(resource, text));
                    text.key(names.of_scopes).array(|text| {
                        let scopes = items.chunk_by(|one, next| scope(one).key() == scope(next).key());
                        scopes.for_each(|of_scope| text.object(|text| put_scope(of_scope, text)));
                    });
                });
            });
        });
        self.text.end_line();
    }
}

fn put_resource(resource: &Resource, text: &mut Text) {
    text.key("attributes").array(|text| {
        resource.attributes().for_each(|(key, value)| put_attribute(key, value.as_value(), text));
    });
}

fn put_span(span: &SpanView<'_>, code_attributes: bool, text: &mut Text) {
    text.object(|text| {
        text.key("traceId").hex(&span.trace_id().to_bytes());
        text.key("spanId").hex(&span.span_id().to_bytes());
        put_text("traceState", span.trace_state(), text);
        if let Some(parent) = span.parent_span_id() {
            text.key("parentSpanId").hex(&parent.to_bytes());
        }
        text.key("flags").bare(numbers::flags(span));
        text.key("name").string(span.name());
        text.key("kind").bare(numbers::kind(span.kind()));
        text.key("startTimeUnixNano").wide(span.start_unix_ns());
        text.key("endTimeUnixNano").wide(span.end_unix_ns());
        put_attributes(span.attributes(), code_attributes.then(|| span.callsite()), text);
        if span.dropped_attributes_count() > 0 {
            text.key("droppedAttributesCount").bare(span.dropped_attributes_count());
        }
        text.list("events", |text| span.events().for_each(|event| put_event(&event, text)));
        text.list("links", |text| span.links().for_each(|link| put_link(&link, text)));
        put_status(span, text);
    });
}

fn put_status(span: &SpanView<'_>, text: &mut Text) {
    let status = span.status();
    if let Some(code) = numbers::status_code(status.code) {
        text.key("status").object(|text| {
            put_text("message", status.message, text);
            text.key("code").bare(code);
        });
    }
}

fn put_event(event: &EventView<'_>, text: &mut Text) {
    text.object(|text| {
        text.key("timeUnixNano").wide(event.unix_ns());
        text.key("name").string(event.name());
        put_attributes(event.attributes(), None, text);
    });
}

fn put_link(link: &LinkView<'_>, text: &mut Text) {
    text.object(|text| {
        put_ids(link.context(), text);
        put_text("traceState", link.context().trace_state().as_str(), text);
        put_attributes(link.attributes(), None, text);
    });
}

fn put_log(log: &LogView<'_>, code_attributes: bool, text: &mut Text) {
    text.object(|text| {
        // Whoever makes the record sees it happen.
        text.key("timeUnixNano").wide(log.unix_ns());
        text.key("observedTimeUnixNano").wide(log.unix_ns());
        text.key("severityNumber").bare(log.level().severity_number());
        text.key("severityText").string(log.level().as_str());
        if !log.body().is_empty() {
            text.key("body");
            put_value(Value::Str(log.body()), text);
        }
        put_attributes(log.attributes(), code_attributes.then(|| log.callsite()), text);
        if let Some(context) = log.context() {
            put_ids(&context, text);
        }
        put_text("eventName", log.name().unwrap_or_default(), text);
    });
}

fn put_ids(context: &SpanContext, text: &mut Text) {
    text.key("flags").bare(context.flags().to_byte());
    text.key("traceId").hex(&context.trace_id().to_bytes());
    text.key("spanId").hex(&context.span_id().to_bytes());
}

fn put_text(key: &'static str, content: &str, text: &mut Text) {
    if !content.is_empty() {
        text.key(key).string(content);
    }
}

/// The attributes that say where the code is, if they are wanted, then the others.
fn put_attributes(attributes: Attributes<'_>, place: Option<&Callsite>, text: &mut Text) {
    text.list("attributes", |text| {
        place.into_iter().for_each(|callsite| put_code(callsite, text));
        attributes.for_each(|Attribute { key, value, .. }| put_attribute(key, value, text));
    });
}

/// Where the code is, as far as that is known.
///
/// Source: OpenTelemetry semantic conventions, "code".
fn put_code(callsite: &Callsite, text: &mut Text) {
    if !callsite.function().is_empty() {
        put_key_value("code.function.name", text, |text| {
            text.key("stringValue").strings(&[callsite.module(), "::", callsite.function()]);
        });
    }
    if !callsite.file().is_empty() {
        put_attribute("code.file.path", Value::Str(callsite.file()), text);
        put_attribute("code.line.number", Value::I64(i64::from(callsite.line())), text);
    }
}

fn put_attribute(key: &str, value: Value<'_>, text: &mut Text) {
    put_key_value(key, text, |text| put_content(value, text));
}

fn put_key_value(key: &str, text: &mut Text, value: impl FnOnce(&mut Text)) {
    text.object(|text| {
        text.key("key").string(key);
        text.key("value").object(value);
    });
}

/// An `AnyValue`.
fn put_value(value: Value<'_>, text: &mut Text) {
    text.object(|text| put_content(value, text));
}

/// What is in an `AnyValue`.
fn put_content(value: Value<'_>, text: &mut Text) {
    match value {
        Value::Str(v) => text.key("stringValue").string(v),
        Value::Bool(v) => text.key("boolValue").bare(v),
        Value::I64(v) => text.key("intValue").wide(v),
        Value::F64(v) => text.key("doubleValue").double(v),
        Value::Bytes(v) => text.key("bytesValue").base64(v),
        Value::Array(v) => text.key("arrayValue").object(|text| {
            text.key("values").array(|text| v.iter().for_each(|value| put_value(value, text)));
        }),
        wide => put_content(wide.to_buf().as_value(), text),
    }
}
