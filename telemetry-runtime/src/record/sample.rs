//! Batches made by hand, for the unit tests of whoever reads batches.

use super::layout::{self, ExtraHeader, KEY_INLINE, SpanHeader, attribute_head, flag, kind, status, tag};
use super::{
    Array, Batch, BatchBuilder, Callsite, Level, Resource, ScopeDetails, Signal, SpanContext, SpanKind,
    StatusCode, TickScale, Value,
};
use std::sync::Arc;

/// The trace that a sample belongs to unless it says otherwise.
pub(crate) const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;

/// A span to be put into a batch. Ticks are nanoseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    callsite: Site,
    header: SpanHeader,
    attributes: Vec<u8>,
    extras: Vec<(ExtraHeader, Vec<u8>)>,
}

/// What the callsite of a sample will be made of.
#[derive(Clone, Copy, Debug)]
struct Site {
    name: &'static str,
    module: &'static str,
    scope_details: &'static ScopeDetails,
    kind: SpanKind,
    keys: &'static [&'static str],
}

/// The batch of these spans, of the service `sample`.
pub(crate) fn batch(samples: &[Sample]) -> Batch {
    batch_of(&service(), samples)
}

/// The batch of these spans, of this resource.
pub(crate) fn batch_of(resource: &Resource, samples: &[Sample]) -> Batch {
    let mut builder = BatchBuilder::default();
    let mut callsites = Vec::new();
    for sample in samples {
        callsites.push(sample.callsite.leak());
        let callsite = u32::try_from(callsites.len()).expect("a sample batch is small");
        let length = record_length(layout::SPAN_HEADER_BYTES, &sample.attributes);
        let header = SpanHeader { callsite, length, ..sample.header };
        let bytes = record(&header.words(), &sample.attributes);
        builder.push_spans(&bytes, 1);
        for (header, payload) in &sample.extras {
            let length = record_length(layout::EXTRA_HEADER_BYTES, payload);
            let (trace_id, span_id) = (sample.header.trace_id, sample.header.span_id);
            let header = ExtraHeader { length, trace_id, span_id, ..*header };
            builder.push_padded(&record(&header.words(), payload));
        }
    }
    finish(builder, callsites, resource)
}

impl Sample {
    /// A root span of [`TRACE`], from 0 to 1 ms.
    pub(crate) fn root(name: &'static str, span_id: u64) -> Self {
        Self {
            callsite: Site {
                name,
                module: "sample::module",
                scope_details: ScopeDetails::NONE,
                kind: SpanKind::Internal,
                keys: &[],
            },
            header: SpanHeader {
                trace_id: TRACE,
                span_id,
                end: 1_000_000,
                flags: 0x01,
                ..SpanHeader::default()
            },
            attributes: Vec::new(),
            extras: Vec::new(),
        }
    }

    /// The same as a root, but below `parent_id`.
    pub(crate) fn child(name: &'static str, span_id: u64, parent_id: u64) -> Self {
        let mut sample = Self::root(name, span_id);
        sample.header.parent_id = parent_id;
        sample
    }

    pub(crate) fn trace(mut self, trace_id: u128) -> Self {
        self.header.trace_id = trace_id;
        self
    }

    pub(crate) fn remote_parent(mut self) -> Self {
        self.header.flags |= flag::PARENT_REMOTE;
        self
    }

    pub(crate) fn at(mut self, start_ns: u64, duration_ns: u64) -> Self {
        (self.header.start, self.header.end) = (start_ns, start_ns + duration_ns);
        self
    }

    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.callsite.kind = kind;
        self
    }

    /// The crate that the callsite stands in.
    #[cfg(feature = "otlp")]
    pub(crate) fn scope(mut self, name: &'static str) -> Self {
        self.callsite.module = name;
        self
    }

    /// What is known of that scope beside its name.
    #[cfg(feature = "otlp")]
    pub(crate) fn scope_details(mut self, details: ScopeDetails) -> Self {
        self.callsite.scope_details = Box::leak(Box::new(details));
        self
    }

    /// The keys that the callsite knows: attributes under them are recorded by index, others with their text.
    pub(crate) fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.callsite.keys = keys;
        self
    }

    /// One that is recorded at once: in the span's record if the callsite knows the key, else in a record of its own.
    pub(crate) fn attribute<'a>(mut self, key: &str, value: impl Into<Value<'a>>) -> Self {
        if !self.callsite.keys.contains(&key) {
            return self.later_attribute(key, value);
        }
        push_attribute(&mut self.attributes, self.callsite.keys, key, value.into());
        self
    }

    /// An attribute that was set after the span had started.
    pub(crate) fn later_attribute<'a>(self, key: &str, value: impl Into<Value<'a>>) -> Self {
        let mut payload = Vec::new();
        push_attribute(&mut payload, self.callsite.keys, key, value.into());
        self.extra(ExtraHeader { kind: kind::ATTRIBUTES, ..ExtraHeader::default() }, payload)
    }

    pub(crate) fn dropped_attributes(mut self, count: u32) -> Self {
        self.header.dropped_attributes = count;
        self
    }

    pub(crate) fn event(self, name: &str, time_ns: u64, attributes: &[(&str, Value<'_>)]) -> Self {
        let header = ExtraHeader { kind: kind::EVENT, time: time_ns, ..ExtraHeader::default() };
        let payload = named_attributes(name, self.callsite.keys, attributes);
        self.extra(header, payload)
    }

    /// The exception event of a returned `Err`, which sets the status too.
    pub(crate) fn error(mut self, exception_type: &str, message: &str) -> Self {
        self.header.status = status::ERROR;
        let attributes =
            [("exception.type", Value::Str(exception_type)), ("exception.message", Value::Str(message))];
        let payload = named_attributes("exception", self.callsite.keys, &attributes);
        let header = ExtraHeader {
            kind: kind::EVENT,
            flags: flag::IS_STATUS,
            time: self.header.end,
            ..ExtraHeader::default()
        };
        self.extra(header, payload)
    }

    pub(crate) fn status(self, code: StatusCode, message: &str) -> Self {
        let status = match code {
            StatusCode::Unset => status::UNSET,
            StatusCode::Ok => status::OK,
            StatusCode::Error => status::ERROR,
        };
        let header = ExtraHeader { kind: kind::STATUS, status, ..ExtraHeader::default() };
        self.extra(header, message.as_bytes().to_vec())
    }

    pub(crate) fn renamed(self, name: &str) -> Self {
        self.extra(ExtraHeader { kind: kind::NAME, ..ExtraHeader::default() }, name.as_bytes().to_vec())
    }

    pub(crate) fn trace_state(self, text: &str) -> Self {
        self.extra(
            ExtraHeader { kind: kind::TRACE_STATE, ..ExtraHeader::default() },
            text.as_bytes().to_vec(),
        )
    }

    pub(crate) fn link(self, context: &SpanContext, attributes: &[(&str, Value<'_>)]) -> Self {
        let trace_id = context.trace_id().to_int();
        let words = [
            (trace_id >> 64) as u64,
            trace_id as u64,
            context.span_id().to_int(),
            context.flags().to_byte().into(),
        ];
        let mut payload: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        payload.extend(named_attributes(context.trace_state().as_str(), self.callsite.keys, attributes));
        self.extra(ExtraHeader { kind: kind::LINK, ..ExtraHeader::default() }, payload)
    }

    fn extra(mut self, header: ExtraHeader, payload: Vec<u8>) -> Self {
        self.extras.push((header, payload));
        self
    }
}

/// A log record to be put into a batch, from the same file as the spans. Ticks are nanoseconds since the Unix epoch.
#[derive(Clone)]
pub(crate) struct LogSample {
    callsite: &'static Callsite,
    header: ExtraHeader,
    target: &'static str,
    body: String,
    attributes: Vec<u8>,
}

/// The batch of these log records, of the service `sample`.
pub(crate) fn logs(samples: &[LogSample]) -> Batch {
    logs_of(&service(), samples)
}

/// The batch of these log records, of this resource.
pub(crate) fn logs_of(resource: &Resource, samples: &[LogSample]) -> Batch {
    let mut builder = BatchBuilder::new(Signal::Logs);
    for (number, sample) in (1_u64..).zip(samples) {
        let mut payload = number.to_ne_bytes().to_vec();
        for text in [sample.target, &sample.body] {
            push_word(&mut payload, text.len() as u64);
            push_padded(&mut payload, text.as_bytes());
        }
        payload.extend(&sample.attributes);
        let length = record_length(layout::EXTRA_HEADER_BYTES, &payload);
        let header = ExtraHeader { length, ..sample.header };
        builder.push_log(&record(&header.words(), &payload));
    }
    let callsites: Vec<_> = samples.iter().map(|sample| sample.callsite).collect();
    finish(builder, callsites, resource)
}

impl LogSample {
    /// One of no span, with the target `sample::module`.
    pub(crate) fn new(level: Level, time_ns: u64, body: &str) -> Self {
        let callsite = Callsite::new("", "sample::module", "src/sample.rs", 7, &[]).with_level(level);
        let header = ExtraHeader { kind: kind::LOG, time: time_ns, ..ExtraHeader::default() };
        let callsite = Box::leak(Box::new(callsite));
        Self { callsite, header, target: "", body: body.to_owned(), attributes: Vec::new() }
    }

    /// From a place of which nothing is known but the level, as records of the `log` crate are.
    pub(crate) fn without_place(mut self, target: &'static str) -> Self {
        let callsite = Callsite::new("", "log", "", 0, &[]).with_level(self.callsite.level());
        self.callsite = Box::leak(Box::new(callsite));
        self.target = target;
        self
    }

    pub(crate) fn named(mut self, name: &'static str) -> Self {
        let callsite = Callsite::new("", "sample::module", "src/sample.rs", 7, &[]);
        self.callsite = Box::leak(Box::new(callsite.with_level(self.callsite.level()).with_name(name)));
        self
    }

    /// Within this span of [`TRACE`].
    pub(crate) fn within(mut self, span_id: u64, flags: u8) -> Self {
        (self.header.trace_id, self.header.span_id, self.header.flags) = (TRACE, span_id, flags);
        self
    }

    pub(crate) fn attribute<'a>(mut self, key: &str, value: impl Into<Value<'a>>) -> Self {
        push_attribute(&mut self.attributes, &[], key, value.into());
        self
    }
}

fn service() -> Resource {
    Resource::new().with("service.name", "sample")
}

fn finish(mut builder: BatchBuilder, callsites: Vec<&'static Callsite>, resource: &Resource) -> Batch {
    let nanoseconds = TickScale { anchor_ticks: 0, anchor_unix_ns: 0, ns_per_tick_q32: 1 << 32 };
    builder.finish(callsites.into(), Arc::new(resource.clone()), nanoseconds)
}

impl Site {
    /// Tests are short-lived: what they leak is gone with them.
    fn leak(self) -> &'static Callsite {
        let callsite = Callsite::new(self.name, self.module, "src/sample.rs", 7, self.keys);
        let scope = callsite.scope();
        Box::leak(Box::new(callsite.with_kind(self.kind).with_scope(scope, self.scope_details)))
    }
}

fn record_length(header_bytes: usize, payload: &[u8]) -> u32 {
    u32::try_from(header_bytes + payload.len()).expect("a sample record is small")
}

fn record(header: &[u64], payload: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        header.iter().flat_map(|word| word.to_ne_bytes()).chain(payload.iter().copied()).collect();
    bytes.resize(layout::padded(bytes.len()), 0);
    bytes
}

fn named_attributes(name: &str, keys: &[&str], attributes: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut payload = Vec::new();
    push_word(&mut payload, name.len() as u64);
    push_padded(&mut payload, name.as_bytes());
    for (key, value) in attributes {
        push_attribute(&mut payload, keys, key, *value);
    }
    payload
}

fn push_attribute(out: &mut Vec<u8>, keys: &[&str], key: &str, value: Value<'_>) {
    let length = |content: &[u8]| u32::try_from(content.len()).expect("a sample value is small");
    let mut elements = Vec::new();
    let (tag, start, content) = match value {
        Value::Bool(v) => (tag::BOOL, u32::from(v), &[] as &[u8]),
        Value::I64(v) => (tag::I64, 0, &v.to_ne_bytes() as &[u8]),
        Value::F64(v) => (tag::F64, 0, &v.to_ne_bytes() as &[u8]),
        Value::Str(v) => (tag::STR, length(v.as_bytes()), v.as_bytes()),
        Value::Bytes(v) => (tag::BYTES, length(v), v),
        Value::Array(v) => {
            v.content(usize::MAX).expect("a sample array is of one kind").put(|head, content| {
                push_word(&mut elements, head);
                push_padded(&mut elements, content);
                true
            });
            (tag::ARRAY, length(&elements), elements.as_slice())
        }
        other => panic!("{other:?} is not recorded as such"),
    };
    match keys.iter().position(|known| *known == key) {
        Some(index) => {
            let index = u8::try_from(index).expect("a callsite has few keys");
            push_word(out, attribute_head(tag, index, 0, start));
        }
        None => {
            let key_length = u16::try_from(key.len()).expect("a sample key is short");
            push_word(out, attribute_head(tag, KEY_INLINE, key_length, start));
            push_padded(out, key.as_bytes());
        }
    }
    push_padded(out, content);
}

fn push_word(out: &mut Vec<u8>, word: u64) {
    out.extend(word.to_ne_bytes());
}

fn push_padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    out.resize(layout::padded(out.len()), 0);
}

macro_rules! value_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

value_from!(bool => Bool, i64 => I64, f64 => F64, &'a str => Str, &'a [u8] => Bytes, Array<'a> => Array);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{LogData, SpanData, SpanId, TraceFlags, TraceId, TraceState};

    #[test]
    fn reads_back_what_a_log_sample_says() {
        let first =
            LogSample::new(Level::Warn, 1_000, "sold out").within(2, 0).attribute("left", 0).named("sale");
        let batch = logs(&[first, LogSample::new(Level::Info, 2_000, "").without_place("hyper::proto")]);

        assert_eq!((batch.signal(), batch.item_count(), batch.span_count()), (Signal::Logs, 2, 0));
        assert!(batch.spans().next().is_none());
        let [first, second]: [LogData; 2] =
            batch.logs().map(LogData::from).collect::<Vec<_>>().try_into().expect("two log records");
        assert_eq!((first.name.as_deref(), first.level, first.unix_ns), (Some("sale"), Level::Warn, 1_000));
        assert_eq!((first.body.as_str(), first.target.as_str()), ("sold out", "sample::module"));
        assert_eq!(first.attribute("left"), Some(&0_i64.into()));
        let context = first.context.expect("it is within a span");
        assert_eq!(
            (context.trace_id().to_int(), context.span_id().to_int(), context.is_sampled()),
            (TRACE, 2, false)
        );
        assert_eq!((second.name, second.context, second.target.as_str()), (None, None, "hyper::proto"));
    }

    #[test]
    fn reads_back_what_the_sample_says() {
        let elsewhere = SpanContext::new(TraceId::from_int(7), SpanId::from_int(8), TraceFlags::SAMPLED)
            .with_trace_state(TraceState::from_valid("a=1"));
        let sample = Sample::child("first", 2, 1)
            .trace(5)
            .remote_parent()
            .kind(SpanKind::Client)
            .at(1_000, 500)
            .keys(&["count"])
            .attribute("count", 3)
            .attribute("who", "anna")
            .later_attribute("count", 4)
            .dropped_attributes(9)
            .event("cache.miss", 1_100, &[("key", Value::Str("k"))])
            .error("MailError", "mailbox full")
            .renamed("second")
            .trace_state("b=2")
            .link(&elsewhere, &[("why", Value::Bool(true))]);
        let batch = batch(&[sample, Sample::root("last", 3).status(StatusCode::Error, "said so")]);

        let [first, last]: [_; 2] = batch.spans().collect::<Vec<_>>().try_into().ok().expect("two spans");
        assert_eq!(first.dropped_attributes_count(), 9);
        let first = SpanData::from(first);
        assert_eq!(
            (first.name.as_str(), first.kind, first.start_unix_ns),
            ("second", SpanKind::Client, 1_000)
        );
        assert_eq!((first.trace_id.to_int(), first.duration_ns, first.parent_is_remote), (5, 500, true));
        assert_eq!(first.parent_span_id.map(SpanId::to_int), Some(1));
        let attributes =
            [("who", "anna".into()), ("count", 4_i64.into()), ("error.type", "MailError".into())];
        assert_eq!(first.attributes, attributes.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!(first.trace_state.as_str(), "b=2");
        assert_eq!((first.status, first.status_message.as_str()), (StatusCode::Error, "mailbox full"));
        assert_eq!(first.events[0].attribute("key"), Some(&"k".into()));
        assert_eq!(first.links[0].context, elsewhere);
        assert_eq!(last.status().message, "said so");
    }
}
