//! A span of the API, recorded as one of ours.

use crate::record::opentelemetry::{Seen, from_api, from_api_time, to_api};
use crate::record::{Callsite, StatusCode, Value};
use crate::span::{Foreign, Held, Span as Ours};
use opentelemetry::KeyValue;
use opentelemetry::trace::{self as api, SpanBuilder, Status};
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// A span that was started by a [`Tracer`](super::Tracer), or one of ours as the API sees it.
///
/// It ends when told, or else when it is dropped; what is said of it later counts for nothing.
#[derive(Debug)]
pub struct Span {
    context: api::SpanContext,
    part: Part,
}

#[derive(Debug)]
enum Part {
    /// Apart, so that what is not recorded is small.
    Recorded(Box<Recorded>, Start),
    /// It is ended by somebody else.
    Ours(Ours),
    Nothing,
}

pub(super) type Recorded = Foreign<ROOM_WORDS>;

/// When the span started, in Unix nanoseconds, if that was given.
type Start = Option<u64>;

/// Room for the attributes of an ordinary span.
const ROOM_WORDS: usize = 32;

impl Span {
    /// A span that is recorded, as the builder says.
    pub(super) fn recorded(recorded: Recorded, place: Option<&Callsite>, builder: SpanBuilder) -> Self {
        let context = to_api(&recorded.held().context());
        let start = builder.start_time.map(from_api_time);
        let mut span = Self { context, part: Part::Recorded(Box::new(recorded), start) };
        if place.is_none_or(|place| place.name() != builder.name) {
            api::Span::update_name(&mut span, builder.name);
        }
        api::Span::set_attributes(&mut span, builder.attributes.unwrap_or_default());
        for event in builder.events.unwrap_or_default() {
            span.add(&event.name, Some(from_api_time(event.timestamp)), &event.attributes);
        }
        for link in builder.links.unwrap_or_default() {
            api::Span::add_link(&mut span, link.span_context, link.attributes);
        }
        span
    }

    /// A span that is not recorded and carries on the decision.
    pub(super) fn unrecorded(held: &Held) -> Self {
        Self { context: to_api(&held.context()), part: Part::Nothing }
    }

    /// A span that is not even carried on.
    pub(super) fn nothing() -> Self {
        Self { context: api::SpanContext::NONE, part: Part::Nothing }
    }

    /// One of ours.
    pub(super) fn of(ours: Ours) -> Self {
        Self { context: to_api(&ours.context()), part: Part::Ours(ours) }
    }

    fn handle(&self) -> Option<Ours> {
        match &self.part {
            Part::Recorded(recorded, _) => Some(recorded.handle()),
            Part::Ours(ours) => Some(ours.clone()),
            Part::Nothing => None,
        }
    }

    fn add(&self, event: &str, unix_ns: Option<u64>, attributes: &[KeyValue]) {
        if let Some(handle) = self.handle() {
            handle.add_event_at(event, unix_ns, values(&seen(attributes)));
        }
    }

    fn finish(&mut self, end_unix_ns: Option<u64>) {
        if !matches!(self.part, Part::Recorded(..)) {
            return;
        }
        if let Part::Recorded(recorded, start_unix_ns) = std::mem::replace(&mut self.part, Part::Nothing) {
            recorded.end_at(start_unix_ns, end_unix_ns);
        }
    }
}

fn seen(attributes: &[KeyValue]) -> Vec<(&str, Seen<'_>)> {
    attributes.iter().map(|attribute| (attribute.key.as_str(), Seen::new(&attribute.value))).collect()
}

fn values<'a>(seen: &'a [(&'a str, Seen<'a>)]) -> impl Iterator<Item = (&'a str, Value<'a>)> {
    seen.iter().map(|(key, value)| (*key, value.as_value()))
}

impl api::Span for Span {
    fn add_event_with_timestamp<T>(&mut self, name: T, timestamp: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        if self.is_recording() {
            self.add(&name.into(), given(timestamp), &attributes);
        }
    }

    fn span_context(&self) -> &api::SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        match &self.part {
            Part::Recorded(..) => true,
            Part::Ours(ours) => ours.is_recording(),
            Part::Nothing => false,
        }
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        let (key, value) = (attribute.key.as_str(), Seen::new(&attribute.value));
        match &mut self.part {
            Part::Recorded(recorded, _) => recorded.attribute(key, value.as_value()),
            Part::Ours(ours) => ours.set_value(key, value.as_value()),
            Part::Nothing => {}
        }
    }

    /// Source: OpenTelemetry specification, trace API, "set status": `Unset` is ignored, and `Ok` is final.
    fn set_status(&mut self, status: Status) {
        if let Some(handle) = self.handle() {
            match status {
                Status::Unset => {}
                Status::Ok => handle.set_status(StatusCode::Ok, ""),
                Status::Error { description } => handle.set_status(StatusCode::Error, &description),
            }
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(handle) = self.handle() {
            handle.set_name(&new_name.into());
        }
    }

    fn add_link(&mut self, to: api::SpanContext, attributes: Vec<KeyValue>) {
        if let Some(handle) = self.handle().filter(|_| to.is_valid()) {
            handle.add_link_with(&from_api(&to), values(&seen(&attributes)));
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(given(timestamp));
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(None);
    }
}

/// The time in Unix nanoseconds, unless it is that of the call.
///
/// The API gives a time even to whoever gave it none: the one it reads before it calls. Our own clock is the better one then, since it
/// never goes back, and all spans of a trace have it.
fn given(time: SystemTime) -> Option<u64> {
    const OF_THE_CALL: Duration = Duration::from_micros(10);
    let is_of_the_call =
        opentelemetry::time::now().duration_since(time).is_ok_and(|since| since < OF_THE_CALL);
    (!is_of_the_call).then(|| from_api_time(time))
}
