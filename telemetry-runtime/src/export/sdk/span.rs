//! A span of a batch as the SDK's own data.

use crate::record::opentelemetry::{to_api, to_api_attribute, to_api_kind, to_api_time};
use crate::record::{Attributes, Callsite, EventView, LinkView, SpanStatus, SpanView, StatusCode};
use opentelemetry::trace::{Event, Link, SpanId, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// The span, with nothing left out; where it comes from is said by attributes.
///
/// Source: OpenTelemetry semantic conventions, "code".
pub(super) fn to_sdk(span: &SpanView<'_>) -> SpanData {
    SpanData {
        span_context: to_api(&span.context()),
        parent_span_id: span.parent_span_id().map_or(SpanId::INVALID, |id| id.to_int().into()),
        parent_span_is_remote: span.parent_is_remote(),
        span_kind: to_api_kind(span.kind()),
        name: match span.dynamic_name() {
            Some(name) => name.to_owned().into(),
            None => span.callsite().name().into(),
        },
        start_time: to_api_time(span.start_unix_ns()),
        end_time: to_api_time(span.end_unix_ns()),
        attributes: attributes_and_place(span),
        dropped_attributes_count: span.dropped_attributes_count(),
        events: events(span),
        links: links(span),
        status: status(span.status()),
        instrumentation_scope: scope(span.callsite()),
    }
}

fn scope(callsite: &'static Callsite) -> InstrumentationScope {
    let details = callsite.scope_details();
    let attributes = details.attributes.iter().map(|(key, value)| to_api_attribute(key, value.as_value()));
    let scope = InstrumentationScope::builder(callsite.scope()).with_attributes(attributes);
    let scope = if details.version.is_empty() { scope } else { scope.with_version(details.version.as_str()) };
    let url = details.schema_url.as_str();
    if url.is_empty() { scope.build() } else { scope.with_schema_url(url).build() }
}

fn attributes_and_place(span: &SpanView<'_>) -> Vec<KeyValue> {
    let callsite = span.callsite();
    let mut attributes = attributes(span.attributes());
    if !callsite.function().is_empty() {
        let function = format!("{}::{}", callsite.module(), callsite.function());
        attributes.push(KeyValue::new("code.function.name", function));
    }
    if !callsite.file().is_empty() {
        attributes.push(KeyValue::new("code.file.path", callsite.file()));
        attributes.push(KeyValue::new("code.line.number", i64::from(callsite.line())));
    }
    attributes
}

fn attributes(attributes: Attributes<'_>) -> Vec<KeyValue> {
    attributes.map(|attribute| to_api_attribute(attribute.key, attribute.value)).collect()
}

fn events(span: &SpanView<'_>) -> SpanEvents {
    let mut events = SpanEvents::default();
    events.events = span.events().map(|happened| event(&happened)).collect();
    events
}

fn event(event: &EventView<'_>) -> Event {
    Event::new(event.name().to_owned(), to_api_time(event.unix_ns()), attributes(event.attributes()), 0)
}

fn links(span: &SpanView<'_>) -> SpanLinks {
    let mut links = SpanLinks::default();
    links.links = span.links().map(|to| link(&to)).collect();
    links
}

fn link(link: &LinkView<'_>) -> Link {
    Link::new(to_api(link.context()), attributes(link.attributes()), 0)
}

fn status(status: SpanStatus<'_>) -> Status {
    match status.code {
        StatusCode::Unset => Status::Unset,
        StatusCode::Ok => Status::Ok,
        StatusCode::Error => Status::error(status.message.to_owned()),
    }
}
