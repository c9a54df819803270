//! Finished spans, read from their records without copying: what exporters see.

#[cfg(feature = "otlp")]
use super::Array;
use super::batch::Batch;
use super::layout::{self, KEY_INLINE, RawRecord, Reader, flag, kind, status, tag};
use super::{
    Callsite, SpanContext, SpanId, SpanKind, SpanStatus, StatusCode, TraceFlags, TraceId, TraceState, Value,
};

/// The spans of a batch: an iterator.
#[derive(Clone, Debug)]
pub struct Spans<'a> {
    batch: &'a Batch,
    rest: &'a [u8],
}

impl<'a> Spans<'a> {
    pub(super) fn new(batch: &'a Batch, records: &'a [u8]) -> Self {
        Self { batch, rest: records }
    }

    /// The records of those that are still to come.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Spans<'a> {
    type Item = SpanView<'a>;

    fn next(&mut self) -> Option<SpanView<'a>> {
        let (record, after) = RawRecord::split(self.rest)?;
        let callsite = self.batch.callsite(record.word(1) as u32)?;
        let mut rest = after;
        while let Some((next, after_next)) = RawRecord::split(rest) {
            if next.kind() == kind::SPAN {
                break;
            }
            rest = after_next;
        }
        let extras = &after[..after.len() - rest.len()];
        self.rest = rest;
        Some(SpanView { record, extras, callsite, batch: self.batch })
    }
}

/// One finished span, borrowed from its batch.
#[derive(Clone, Copy)]
pub struct SpanView<'a> {
    record: RawRecord<'a>,
    extras: &'a [u8],
    callsite: &'static Callsite,
    batch: &'a Batch,
}

impl<'a> SpanView<'a> {
    /// Where in the program the span comes from.
    pub fn callsite(&self) -> &'static Callsite {
        self.callsite
    }

    /// The callsite's number in this process.
    #[cfg(feature = "otlp")]
    #[inline]
    pub(crate) fn callsite_number(&self) -> u32 {
        self.record.word(1) as u32
    }

    /// The span's name.
    pub fn name(&self) -> &'a str {
        self.dynamic_name().unwrap_or(self.callsite.name())
    }

    /// The name that the span was given while it ran, if it was.
    #[inline]
    pub(crate) fn dynamic_name(&self) -> Option<&'a str> {
        self.last_extra(kind::NAME).map(|record| layout::text(record.payload()))
    }

    /// Whether the span has no more than its record says: no event, link, status or state.
    #[cfg(feature = "otlp")]
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.extras.is_empty() && self.record.status() == status::UNSET
    }

    /// The attributes of a plain span, as they lie in its record.
    #[cfg(feature = "otlp")]
    #[inline]
    pub(crate) fn raw_attributes(&self) -> RawAttributes<'a> {
        RawAttributes(Reader(self.record.payload()))
    }

    /// The span's kind.
    pub fn kind(&self) -> SpanKind {
        self.callsite.kind()
    }

    /// The trace the span belongs to.
    pub fn trace_id(&self) -> TraceId {
        TraceId::from_int(self.record.trace_id())
    }

    /// The span itself.
    pub fn span_id(&self) -> SpanId {
        SpanId::from_int(self.record.span_id())
    }

    /// The span's parent, if it has one.
    pub fn parent_span_id(&self) -> Option<SpanId> {
        Some(SpanId::from_int(self.record.word(5))).filter(|id| id.is_valid())
    }

    /// Whether the parent is a span of another process.
    pub fn parent_is_remote(&self) -> bool {
        self.record.flags() & flag::PARENT_REMOTE != 0
    }

    /// The W3C trace flags.
    pub fn flags(&self) -> TraceFlags {
        TraceFlags::from_byte(self.record.flags())
    }

    /// The vendors' state, as the text of the `tracestate` header; empty when there is none.
    pub fn trace_state(&self) -> &'a str {
        self.last_extra(kind::TRACE_STATE).map_or("", |record| layout::text(record.payload()))
    }

    /// The span's identity, as children and links name it.
    pub fn context(&self) -> SpanContext {
        SpanContext::new(self.trace_id(), self.span_id(), self.flags())
            .with_trace_state(TraceState::from_valid(self.trace_state()))
    }

    /// When the span started, in nanoseconds since the Unix epoch.
    #[inline]
    pub fn start_unix_ns(&self) -> u64 {
        unix_ns(self.batch, self.record, 6, flag::TIME_IS_UNIX)
    }

    /// When the span ended, in nanoseconds since the Unix epoch; never before it started.
    #[inline]
    pub fn end_unix_ns(&self) -> u64 {
        self.start_unix_ns() + self.duration_ns()
    }

    /// When the span started and ended.
    #[cfg(feature = "otlp")]
    #[inline(always)]
    pub(crate) fn times_unix_ns(&self) -> (u64, u64) {
        let start = self.start_unix_ns();
        (start, start + self.duration_ns())
    }

    /// How long the span took, in nanoseconds, by a clock that never goes back; where start or end was given, what lies between them.
    #[inline]
    pub fn duration_ns(&self) -> u64 {
        if self.record.flags() & (flag::TIME_IS_UNIX | flag::END_IS_UNIX) != 0 {
            return self.given_duration_ns();
        }
        self.batch.scale().duration_ns(self.record.word(7).saturating_sub(self.record.word(6)))
    }

    #[cold]
    fn given_duration_ns(&self) -> u64 {
        unix_ns(self.batch, self.record, 7, flag::END_IS_UNIX).saturating_sub(self.start_unix_ns())
    }

    /// Why the span failed, if its record says so.
    fn error(&self) -> Option<Failure<'a>> {
        if self.record.status() != status::ERROR {
            return None;
        }
        let mut attributes = Attributes::new(self.record.payload(), self.callsite);
        std::iter::from_fn(|| attributes.read()).find_map(|attribute| match attribute {
            Read::Failure(failure) => Some(failure),
            Read::Attribute(_) => None,
        })
    }

    /// The span's status. An explicit one beats that of a returned `Err`; the last explicit one counts, but `Ok` is final.
    pub fn status(&self) -> SpanStatus<'a> {
        let message = self.error().map_or("", |failure| failure.message);
        let mut status = SpanStatus { code: status_code(self.record.status()), message };
        for record in self.extras() {
            match record.kind() {
                kind::STATUS if status.code != StatusCode::Ok => {
                    let keeps = record.flags() & flag::KEEPS_MESSAGE != 0;
                    let message = if keeps { status.message } else { layout::text(record.payload()) };
                    status = SpanStatus { code: status_code(record.status()), message };
                }
                kind::EVENT if record.flags() & flag::IS_STATUS != 0 && status.code != StatusCode::Ok => {
                    let message = event(self.batch, self.callsite, record)
                        .and_then(|event| event.attributes().find(|a| a.key == "exception.message"));
                    if let Some(Attribute { value: Value::Str(message), .. }) = message {
                        status = SpanStatus { code: StatusCode::Error, message };
                    }
                }
                _ => {}
            }
        }
        status
    }

    /// The span's attributes. A key that was set more than once comes once, with its last value.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes { extras: self.extras, ..Attributes::new(self.record.payload(), self.callsite) }
    }

    /// How many attributes were thrown away because of a limit.
    pub fn dropped_attributes_count(&self) -> u32 {
        (self.record.word(1) >> 32) as u32
    }

    /// What happened during the span, in order of time on each thread; a returned `Err` comes last.
    pub fn events(&self) -> Events<'a> {
        let failure = self.error().map(|failure| (failure, self.end_unix_ns()));
        Events { batch: self.batch, callsite: self.callsite, rest: self.extras, failure }
    }

    /// The span's links.
    pub fn links(&self) -> Links<'a> {
        Links { callsite: self.callsite, rest: self.extras }
    }

    fn extras(&self) -> impl Iterator<Item = RawRecord<'a>> + use<'a> {
        records(self.extras)
    }

    #[inline]
    fn last_extra(&self, kind: u8) -> Option<RawRecord<'a>> {
        if self.extras.is_empty() {
            return None;
        }
        self.extras().filter(|record| record.kind() == kind).last()
    }
}

/// The time in that word, which the flag says is Unix nanoseconds already.
#[inline(always)]
fn unix_ns(batch: &Batch, record: RawRecord<'_>, word: usize, is_unix: u8) -> u64 {
    let time = record.word(word);
    if record.flags() & is_unix == 0 { batch.scale().unix_ns(time) } else { time }
}

fn records<'a>(mut rest: &'a [u8]) -> impl Iterator<Item = RawRecord<'a>> + use<'a> {
    std::iter::from_fn(move || {
        let (record, after) = RawRecord::split(rest)?;
        rest = after;
        Some(record)
    })
}

fn status_code(byte: u8) -> StatusCode {
    match byte {
        status::OK => StatusCode::Ok,
        status::ERROR => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}

/// An error that a function returned: its type's name, and what it said.
#[derive(Clone, Copy)]
struct Failure<'a> {
    error_type: &'a str,
    message: &'a str,
}

/// A key and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// The attribute's name.
    pub key: &'a str,
    /// Its value.
    pub value: Value<'a>,
    /// Which of the callsite's keys it is, if it is one.
    pub(crate) index: Option<u8>,
}

/// The attributes of a span, event or log record: an iterator.
#[derive(Clone)]
pub struct Attributes<'a> {
    reader: Reader<'a>,
    callsite: &'static Callsite,
    /// Records behind the current one, whose attributes come later and win.
    extras: &'a [u8],
    /// An exception's own, which come first.
    exception: [Option<Attribute<'a>>; 2],
}

/// What stands among a span's attributes.
enum Read<'a> {
    Attribute(Attribute<'a>),
    Failure(Failure<'a>),
}

impl<'a> Attributes<'a> {
    #[inline]
    pub(super) fn new(payload: &'a [u8], callsite: &'static Callsite) -> Self {
        Self { reader: Reader(payload), callsite, extras: &[], exception: [None, None] }
    }

    fn of_exception(failure: Failure<'a>, callsite: &'static Callsite) -> Self {
        let attribute = |key, text| Some(Attribute { key, value: Value::Str(text), index: None });
        let exception = [
            attribute("exception.type", failure.error_type),
            attribute("exception.message", failure.message),
        ];
        Self { exception, ..Self::new(&[], callsite) }
    }

    #[inline]
    fn read(&mut self) -> Option<Read<'a>> {
        let head = self.reader.word()?;
        let (tag, key, key_length, start) =
            (head as u8, (head >> 8) as u8, (head >> 16) as u16, (head >> 32) as u32);
        let (key, index) = match key {
            KEY_INLINE => (layout::text(self.reader.bytes(usize::from(key_length))?), None),
            index => (*self.callsite.keys().get(usize::from(index))?, Some(index)),
        };
        if tag == tag::ERROR {
            let message = layout::text(self.reader.bytes(start as usize)?);
            return Some(Read::Failure(Failure { error_type: key, message }));
        }
        let value = Value::read(tag, start, &mut self.reader)?;
        Some(Read::Attribute(Attribute { key, value, index }))
    }

    /// Whether a later value of the same key follows.
    fn is_replaced(&self, key: &str) -> bool {
        let mut rest = self.clone();
        std::iter::from_fn(|| rest.next_even_if_replaced()).any(|later| later.key == key)
    }

    #[inline]
    fn next_even_if_replaced(&mut self) -> Option<Attribute<'a>> {
        loop {
            match self.read() {
                Some(Read::Attribute(attribute)) => return Some(attribute),
                Some(Read::Failure(failure)) => return Some(error_type(Value::Str(failure.error_type))),
                None => {}
            }
            let (record, after) = RawRecord::split(self.extras)?;
            self.extras = after;
            if record.kind() == kind::ATTRIBUTES {
                self.reader = Reader(record.payload());
            } else if let Some(exception_type) = exception_type(self.callsite, record) {
                return Some(error_type(exception_type));
            }
        }
    }
}

/// Attributes as they lie in a record: an iterator, for whoever must be fast.
#[cfg(feature = "otlp")]
#[derive(Clone)]
pub(crate) struct RawAttributes<'a>(Reader<'a>);

/// One of them: a key of the callsite, and a value.
#[cfg(feature = "otlp")]
pub(crate) struct RawAttribute<'a> {
    pub(crate) key: u8,
    pub(crate) value: RawValue<'a>,
}

/// A value whose text is not looked into.
#[cfg(feature = "otlp")]
pub(crate) enum RawValue<'a> {
    Bool(bool),
    I64(i64),
    F64(f64),
    /// Text of so many bytes, with the zeros that fill up its last word.
    Str(&'a [u8], usize),
    Bytes(&'a [u8], usize),
    Array(Array<'a>),
}

#[cfg(feature = "otlp")]
impl<'a> Iterator for RawAttributes<'a> {
    type Item = RawAttribute<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<RawAttribute<'a>> {
        let head = self.0.word()?;
        let (tag, key, start) = (head as u8, (head >> 8) as u8, (head >> 32) as u32);
        let value = match tag {
            tag::I64 => RawValue::I64(self.0.word()? as i64),
            tag::STR => RawValue::Str(self.0.padded(start as usize)?, start as usize),
            tag::BOOL => RawValue::Bool(start != 0),
            tag::F64 => RawValue::F64(f64::from_bits(self.0.word()?)),
            tag::BYTES => RawValue::Bytes(self.0.padded(start as usize)?, start as usize),
            tag::ARRAY => RawValue::Array(Array::recorded(self.0.bytes(start as usize)?)),
            _ => return None,
        };
        Some(RawAttribute { key, value })
    }
}

/// What a failed span says of its error beside its status.
///
/// Source: OpenTelemetry semantic conventions, "error.type".
fn error_type(value: Value<'_>) -> Attribute<'_> {
    Attribute { key: "error.type", value, index: None }
}

/// The type in the event that says why its span failed, if this is that.
fn exception_type<'a>(callsite: &'static Callsite, record: RawRecord<'a>) -> Option<Value<'a>> {
    if record.kind() != kind::EVENT || record.flags() & flag::IS_STATUS == 0 {
        return None;
    }
    let mut reader = Reader(record.payload());
    reader.text()?;
    let mut attributes = Attributes::new(reader.0, callsite);
    attributes.find(|attribute| attribute.key == "exception.type").map(|attribute| attribute.value)
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'a>> {
        if let Some(attribute) = self.exception.iter_mut().find_map(Option::take) {
            return Some(attribute);
        }
        loop {
            let attribute = self.next_even_if_replaced()?;
            // The callsite's own keys are distinct: only where others were set can a key come twice.
            if self.extras.is_empty() && attribute.index.is_some() || !self.is_replaced(attribute.key) {
                return Some(attribute);
            }
        }
    }
}

/// The events of a span: an iterator.
#[derive(Clone)]
pub struct Events<'a> {
    batch: &'a Batch,
    callsite: &'static Callsite,
    rest: &'a [u8],
    /// A returned `Err`, and when it was.
    failure: Option<(Failure<'a>, u64)>,
}

impl<'a> Iterator for Events<'a> {
    type Item = EventView<'a>;

    fn next(&mut self) -> Option<EventView<'a>> {
        while let Some((record, after)) = RawRecord::split(self.rest) {
            self.rest = after;
            if record.kind() == kind::EVENT {
                return event(self.batch, self.callsite, record);
            }
        }
        let (failure, unix_ns) = self.failure.take()?;
        let attributes = Attributes::of_exception(failure, self.callsite);
        Some(EventView { name: "exception", unix_ns, attributes })
    }
}

fn event<'a>(batch: &'a Batch, callsite: &'static Callsite, record: RawRecord<'a>) -> Option<EventView<'a>> {
    let mut reader = Reader(record.payload());
    let (name, callsite) = if record.flags() & flag::HAS_CALLSITE == 0 {
        (reader.text()?, callsite)
    } else {
        let own = batch.callsite(reader.word()? as u32)?;
        (own.name(), own)
    };
    let attributes = Attributes::new(reader.0, callsite);
    Some(EventView { name, unix_ns: unix_ns(batch, record, 1, flag::TIME_IS_UNIX), attributes })
}

/// Something that happened at one moment of a span.
#[derive(Clone)]
pub struct EventView<'a> {
    name: &'a str,
    unix_ns: u64,
    attributes: Attributes<'a>,
}

impl<'a> EventView<'a> {
    /// The event's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// When it happened, in nanoseconds since the Unix epoch.
    pub fn unix_ns(&self) -> u64 {
        self.unix_ns
    }

    /// The event's attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        self.attributes.clone()
    }
}

/// The links of a span: an iterator.
#[derive(Clone)]
pub struct Links<'a> {
    callsite: &'static Callsite,
    rest: &'a [u8],
}

impl<'a> Iterator for Links<'a> {
    type Item = LinkView<'a>;

    fn next(&mut self) -> Option<LinkView<'a>> {
        loop {
            let (record, after) = RawRecord::split(self.rest)?;
            self.rest = after;
            if record.kind() != kind::LINK {
                continue;
            }
            let mut reader = Reader(record.payload());
            let [high, low, span_id] = [(); 3].map(|()| reader.word().unwrap_or_default());
            let context = SpanContext::new(
                TraceId::from_int(u128::from(high) << 64 | u128::from(low)),
                SpanId::from_int(span_id),
                TraceFlags::from_byte(reader.word()? as u8),
            )
            .with_trace_state(TraceState::from_valid(reader.text()?));
            return Some(LinkView { context, attributes: Attributes::new(reader.0, self.callsite) });
        }
    }
}

/// A span that this one has to do with, other than its parent.
#[derive(Clone)]
pub struct LinkView<'a> {
    context: SpanContext,
    attributes: Attributes<'a>,
}

impl<'a> LinkView<'a> {
    /// The linked span.
    pub fn context(&self) -> &SpanContext {
        &self.context
    }

    /// The link's attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        self.attributes.clone()
    }
}
