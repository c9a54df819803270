//! A batch as lines, each the JSON of one envelope without its instrumentation key.
//!
//! A span's own envelope is followed by those of its events; a line that continues the item of the line before begins with a blank, which
//! JSON allows, and so does one in front of all items, which belongs to none. So lines can be kept, and sent by whoever has a key. They are written by hand into one buffer that is used again.

mod dependency;
mod envelope;
mod json;
mod key;
mod measurements;
mod rate;
mod request;
mod resource;
mod role;
#[cfg(test)]
mod tests;
mod time;
mod url;

use crate::export::json::text::Text;
use crate::record::{Batch, EventView, Level, LogView, SpanContext, SpanKind, SpanView};
use dependency::Dependency;
use envelope::{Availability, Data, Envelope, Properties, Tags};
use key::{Key, Known, is_field_of_log, is_field_of_span};
use measurements::Measurements;
pub(super) use rate::Rates;
use request::Request;
use std::borrow::Cow;
use std::fmt::Write;

/// Encodes batches of either signal.
pub(super) struct Encoder {
    rates: Rates,
    /// The name of the machine, if it is known.
    host: Option<String>,
    lines: Text,
}

impl Encoder {
    /// An encoder of spans of which so many stand for others, on a machine of this name.
    pub(super) fn new(rates: Rates, host: Option<String>) -> Self {
        Self { rates, host, lines: Text::default() }
    }

    /// The batch as lines; in front of its spans, if that is wanted, what the resource is, which belongs to no span.
    pub(super) fn encode(&mut self, batch: &Batch, with_resource: bool) -> &[u8] {
        self.lines.truncate(0);
        let shared = role::tags(batch.resource(), self.host.as_deref());
        let shared = shared.as_bytes();
        if let Some(first) = batch.spans().next().filter(|_| with_resource) {
            self.lines.raw(b" ");
            resource::put(batch.resource(), shared, first.start_unix_ns(), &mut self.lines);
            self.lines.end_line();
        }
        for span in batch.spans() {
            put_span(&span, shared, self.rates, &mut self.lines);
        }
        for log in batch.logs() {
            put_line(&of_log(&log, shared), &mut self.lines);
        }
        self.lines.as_bytes()
    }
}

/// The lines in two halves, and how many items are in each; what belongs to none is in the first.
pub(super) fn halves(lines: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
    let lines: Vec<_> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    let items: Vec<_> = (0..lines.len()).filter(|line| !lines[*line].starts_with(b" ")).collect();
    let middle = items.len() / 2;
    let (first, second) = lines.split_at(*items.get(middle)?);
    Some([(middle, first.concat()), (items.len() - middle, second.concat())])
}

fn put_line(envelope: &Envelope<'_>, lines: &mut Text) {
    envelope.put(lines);
    lines.end_line();
}

fn put_span<'a>(span: &SpanView<'a>, shared: &'a [u8], rates: Rates, lines: &mut Text) {
    let known = Known::of(span.attributes());
    let sample_rate = rates.of_span(span, &known);
    put_line(&of_span(span, &known, shared, sample_rate), lines);
    for event in span.events() {
        lines.raw(b" ");
        put_line(&of_event(&event, span, &known, shared, sample_rate), lines);
    }
}

fn of_span<'a>(
    span: &SpanView<'a>,
    known: &Known<'a>,
    shared: &'a [u8],
    sample_rate: Option<f64>,
) -> Envelope<'a> {
    let is_request = matches!(span.kind(), SpanKind::Server | SpanKind::Consumer);
    let (data, name) = if is_request {
        let request = Request::of(span, known);
        let name = request.name.clone();
        (Data::Request { span: *span, request }, name)
    } else {
        let dependency = Dependency::of(span, known);
        let name = dependency.name.clone();
        (Data::Dependency { span: *span, dependency }, name)
    };
    let mut tags = Tags::of(known, shared);
    // Where a caller is, only a request says; a call's peer is somebody else.
    tags.location_ip = tags.location_ip.filter(|_| is_request);
    let tags = Tags {
        trace_id: Some(span.trace_id()),
        parent_id: span.parent_span_id(),
        operation: Some(name),
        user_agent: known.text(Key::UserAgent).filter(|_| known.has(Key::HttpMethod)),
        ..tags
    };
    Envelope {
        unix_ns: span.start_unix_ns(),
        sample_rate,
        tags,
        data,
        properties: Properties {
            attributes: span.attributes(),
            is_field: is_field_of_span,
            more: Vec::new(),
            links: links(span),
        },
        measurements: Measurements::of(known),
    }
}

/// The span's links as JSON, as many as a property has room for.
fn links(span: &SpanView<'_>) -> Option<String> {
    const MOST: usize = 100;
    let mut text = String::new();
    for link in span.links().take(MOST) {
        text.push(if text.is_empty() { '[' } else { ',' });
        let context = link.context();
        // Writing to a string does not fail.
        let _ = write!(text, r#"{{"operation_Id":"{}","id":"{}"}}"#, context.trace_id(), context.span_id());
    }
    (!text.is_empty()).then(|| text + "]")
}

fn of_event<'a>(
    event: &EventView<'a>,
    span: &SpanView<'a>,
    of_span: &Known<'a>,
    shared: &'a [u8],
    sample_rate: Option<f64>,
) -> Envelope<'a> {
    let known = Known::of(event.attributes());
    let data = if event.name() == "exception" {
        exception(&known, known.text(Key::ExceptionMessage), None)
    } else {
        Data::Message { text: Cow::Borrowed(event.name()), severity: None }
    };
    let context = SpanContext::new(span.trace_id(), span.span_id(), span.flags());
    let session_id = known.text(Key::SessionId).or_else(|| of_span.text(Key::SessionId));
    Envelope {
        unix_ns: event.unix_ns(),
        sample_rate,
        tags: Tags { shared, session_id, ..Tags::default() }.within(&context),
        data,
        properties: Properties {
            attributes: event.attributes(),
            is_field: is_field_of_span,
            more: Vec::new(),
            links: None,
        },
        measurements: Measurements::of(&known),
    }
}

fn exception<'a>(known: &Known<'a>, message: Option<Cow<'a, str>>, severity: Option<u8>) -> Data<'a> {
    const UNKNOWN: Cow<'static, str> = Cow::Borrowed("Exception");
    Data::Exception {
        kind: known.text(Key::ExceptionType).unwrap_or(UNKNOWN),
        message: message.unwrap_or(UNKNOWN),
        stack: known.text(Key::ExceptionStack),
        severity,
    }
}

/// A log record stands for itself, whatever became of its trace: it has a `sampleRate` only if it says so.
fn of_log<'a>(log: &LogView<'a>, shared: &'a [u8]) -> Envelope<'a> {
    let known = Known::of(log.attributes());
    let operation = known.text(Key::OperationName);
    let tags = Tags { operation, ..Tags::of(&known, shared) };
    let name = log.name().map(|name| ("event.name", Cow::Borrowed(name)));
    let logger = Some(("logger_name", Cow::Borrowed(log.target())));
    Envelope {
        unix_ns: log.unix_ns(),
        sample_rate: rate::own(&known),
        tags: match log.context() {
            Some(context) => tags.within(&context),
            None => tags,
        },
        data: data_of_log(log, &known),
        properties: Properties {
            attributes: log.attributes(),
            is_field: is_field_of_log,
            more: [logger, name].into_iter().flatten().collect(),
            links: None,
        },
        measurements: Measurements::of(&known),
    }
}

/// Source: the vendor's exporter for Python, `_convert_log_to_envelope`.
fn data_of_log<'a>(log: &LogView<'a>, known: &Known<'a>) -> Data<'a> {
    let severity = Some(severity(log.level()));
    let body = Some(log.body().trim()).filter(|body| !body.is_empty()).map(Cow::Borrowed);
    if known.has(Key::ExceptionType) || known.has(Key::ExceptionMessage) {
        exception(known, body.or_else(|| known.text(Key::ExceptionMessage)), severity)
    } else if let Some(name) = known.text(Key::EventName) {
        Data::Event { name }
    } else if let Some(availability) = availability(known, body.clone()) {
        Data::Availability(availability)
    } else {
        Data::Message { text: body.unwrap_or(Cow::Borrowed("n/a")), severity }
    }
}

/// What a probe from outside came to, if the record has all that makes one.
fn availability<'a>(known: &Known<'a>, body: Option<Cow<'a, str>>) -> Option<Availability<'a>> {
    Some(Availability {
        id: known.text(Key::AvailabilityId)?,
        name: known.text(Key::AvailabilityName)?,
        duration: known.text(Key::AvailabilityDuration)?,
        success: known.text(Key::AvailabilitySuccess)?.eq_ignore_ascii_case("true"),
        location: known.text(Key::AvailabilityLocation),
        message: known.text(Key::AvailabilityMessage).or(body),
    })
}

/// Verbose 0, information 1, warning 2, error 3.
fn severity(level: Level) -> u8 {
    match level {
        Level::Trace | Level::Debug => 0,
        Level::Info => 1,
        Level::Warn => 2,
        Level::Error => 3,
    }
}
