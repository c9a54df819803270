//! A batch of spans as the bytes of an `ExportTraceServiceRequest`; [`logs`] does the same for log records.
//!
//! Written for speed: records go straight to bytes, with what is common to a callsite encoded once. Field numbers are those of
//! opentelemetry-proto 1.x, `trace/v1/trace.proto`.

mod attribute;
mod halves;
mod logs;
mod protobuf;
mod site;

use crate::export::numbers;
use crate::record::{
    Attributes, Batch, Callsite, EventView, LinkView, RawAttribute, Resource, ScopeDetails, SpanView,
};
use attribute::{put_attribute, put_attribute_named, put_raw_attribute};
use protobuf::{bytes_field, fixed64_field, put_bytes, put_fixed64, put_message, put_varint, varint_field};
use site::{Site, scope_fields};

pub(in crate::export) use halves::halves;
pub(in crate::export) use logs::LogEncoder;

/// A batch as one request's body.
pub(in crate::export) struct Encoded<'a> {
    pub(in crate::export) bytes: &'a [u8],
    /// The bytes of its largest item, as protobuf; JSON does not tell.
    pub(in crate::export) largest_item: usize,
}

/// Encodes batches of spans, and remembers what repeats.
#[derive(Default)]
pub(in crate::export) struct SpanEncoder {
    /// Whether spans say where their code is.
    code_attributes: bool,
    /// By callsite number, from 1.
    sites: Vec<Option<Site>>,
    scopes: Vec<Scope>,
    /// The scope that had most of the spans last time: its spans are written where they stay.
    main: usize,
    request: Vec<u8>,
}

/// An instrumentation scope and the spans that belong to it in the batch at hand.
struct Scope {
    name: &'static str,
    details: &'static ScopeDetails,
    fields: Vec<u8>,
    /// Those of the main scope are in the request already.
    spans: Vec<u8>,
    /// How many bytes of spans it had last time.
    bytes: usize,
}

impl SpanEncoder {
    pub(in crate::export) fn new(code_attributes: bool) -> Self {
        Self { code_attributes, ..Self::default() }
    }

    /// The batch as one request.
    pub(in crate::export) fn encode(&mut self, batch: &Batch) -> Encoded<'_> {
        let resource = resource_field(batch.resource());
        if let Some(first) = batch.spans().next() {
            // The room in front is for the main scope's name, which is therefore known even in the first request.
            scope_index(&mut self.scopes, first.callsite());
        }
        let front =
            resource.len() + self.scopes.get(self.main).map_or(0, |main| main.fields.len()) + FRONT_BYTES;
        self.request.clear();
        self.request.resize(front, 0);
        let mut largest_item = 0;
        for span in batch.spans() {
            let Self { sites, scopes, main, request, .. } = self;
            let site = site_of(sites, scopes, &span, self.code_attributes);
            let out = if site.scope == *main { request } else { &mut scopes[site.scope].spans };
            let before = out.len();
            put_message(bytes_field(2), out, |out| put_span(&span, site, out));
            largest_item = largest_item.max(out.len() - before);
        }
        let start = self.complete(front, &resource);
        self.main = (0..self.scopes.len()).max_by_key(|scope| self.scopes[*scope].bytes).unwrap_or(0);
        Encoded { bytes: &self.request[start..], largest_item }
    }

    /// Appends the other scopes, and puts everything that comes before the main one's spans in front; where the request begins.
    fn complete(&mut self, front: usize, resource: &[u8]) -> usize {
        let Self { scopes, main, request, .. } = self;
        let spans = request.len() - front;
        let mut head = Vec::new();
        for (index, scope) in scopes.iter_mut().enumerate() {
            scope.bytes = if index == *main { spans } else { scope.spans.len() };
            let out = if index == *main { &mut head } else { &mut *request };
            if scope.bytes > 0 {
                out.push(bytes_field(2));
                put_varint((scope.fields.len() + scope.bytes) as u64, out);
                out.extend_from_slice(&scope.fields);
                out.append(&mut scope.spans);
            }
        }
        let length = resource.len() + head.len() + request.len() - front;
        let mut before = vec![bytes_field(1)];
        put_varint(length as u64, &mut before);
        before.extend_from_slice(resource);
        before.append(&mut head);
        let start = front - before.len();
        request[start..front].copy_from_slice(&before);
        start
    }
}

/// Two tags and two lengths.
const FRONT_BYTES: usize = 2 * (1 + 10);

/// What is known about the span's callsite, looked up by number or encoded now.
#[inline]
fn site_of<'a>(
    sites: &'a mut Vec<Option<Site>>,
    scopes: &mut Vec<Scope>,
    span: &SpanView<'_>,
    code_attributes: bool,
) -> &'a Site {
    let index = span.callsite_number() as usize;
    if index >= sites.len() {
        sites.resize_with(index + 1, || None);
    }
    let callsite = span.callsite();
    let slot = &mut sites[index];
    if slot.as_ref().is_some_and(|site| !site.is_of(callsite)) {
        *slot = None;
    }
    slot.get_or_insert_with(|| Site::new(callsite, scope_index(scopes, callsite), code_attributes))
}

#[cold]
fn scope_index(scopes: &mut Vec<Scope>, callsite: &'static Callsite) -> usize {
    let (name, details) = (callsite.scope(), callsite.scope_details());
    let known = scopes.iter().position(|scope| scope.name == name && scope.details == details);
    known.unwrap_or_else(|| {
        scopes.push(Scope {
            name,
            details,
            fields: scope_fields(name, details),
            spans: Vec::new(),
            bytes: 0,
        });
        scopes.len() - 1
    })
}

fn resource_field(resource: &Resource) -> Vec<u8> {
    let mut field = Vec::new();
    put_message(bytes_field(1), &mut field, |out| {
        for (key, value) in resource.attributes() {
            put_attribute_named(bytes_field(1), key, value.as_value(), out);
        }
    });
    field
}

#[inline]
fn put_span(span: &SpanView<'_>, site: &Site, out: &mut Vec<u8>) {
    put_numbers(span, out);
    if span.is_plain() {
        site.put(None, out);
        for RawAttribute { key, value } in span.raw_attributes() {
            if let Some(key) = site.keys.get(usize::from(key)) {
                put_raw_attribute(bytes_field(9), key, value, out);
            }
        }
        put_count(varint_field(10), span.dropped_attributes_count(), out);
    } else {
        put_unusual(span, site, out);
    }
}

/// The fields that are numbers: ids, times and flags, in as few steps as can be.
#[inline(always)]
fn put_numbers(span: &SpanView<'_>, out: &mut Vec<u8>) {
    let mut ids = [0; 28];
    ids[..2].copy_from_slice(&[bytes_field(1), 16]);
    ids[2..18].copy_from_slice(&span.trace_id().to_bytes());
    ids[18..20].copy_from_slice(&[bytes_field(2), 8]);
    ids[20..].copy_from_slice(&span.span_id().to_bytes());
    out.extend_from_slice(&ids);
    if let Some(parent) = span.parent_span_id() {
        let mut field = [bytes_field(4), 8, 0, 0, 0, 0, 0, 0, 0, 0];
        field[2..].copy_from_slice(&parent.to_bytes());
        out.extend_from_slice(&field);
    }
    let (start, end) = span.times_unix_ns();
    let mut times = [0; 24];
    times[0] = fixed64_field(7);
    times[1..9].copy_from_slice(&start.to_le_bytes());
    times[9] = fixed64_field(8);
    times[10..18].copy_from_slice(&end.to_le_bytes());
    times[18..20].copy_from_slice(&FLAGS_TAG);
    times[20..].copy_from_slice(&numbers::flags(span).to_le_bytes());
    out.extend_from_slice(&times);
}

/// Number 16 and wire type 5, in two bytes.
const FLAGS_TAG: [u8; 2] = [0x85, 0x01];

/// What an ordinary span does not have.
#[cold]
#[inline(never)]
fn put_unusual(span: &SpanView<'_>, site: &Site, out: &mut Vec<u8>) {
    site.put(span.dynamic_name(), out);
    for attribute in span.attributes() {
        match attribute.index.and_then(|index| site.keys.get(usize::from(index))) {
            Some(key) => put_attribute(bytes_field(9), key.as_slice(), attribute.value, out),
            None => put_attribute_named(bytes_field(9), attribute.key, attribute.value, out),
        }
    }
    put_count(varint_field(10), span.dropped_attributes_count(), out);
    if !span.trace_state().is_empty() {
        put_bytes(bytes_field(3), span.trace_state().as_bytes(), out);
    }
    for event in span.events() {
        put_message(bytes_field(11), out, |out| put_event(&event, out));
    }
    for link in span.links() {
        put_message(bytes_field(13), out, |out| put_link(&link, out));
    }
    let status = span.status();
    let Some(code) = numbers::status_code(status.code) else { return };
    put_message(bytes_field(15), out, |out| {
        put_bytes(bytes_field(2), status.message.as_bytes(), out);
        out.extend_from_slice(&[varint_field(3), code]);
    });
}

fn put_event(event: &EventView<'_>, out: &mut Vec<u8>) {
    put_fixed64(fixed64_field(1), event.unix_ns(), out);
    put_bytes(bytes_field(2), event.name().as_bytes(), out);
    put_attributes(bytes_field(3), event.attributes(), out);
}

fn put_link(link: &LinkView<'_>, out: &mut Vec<u8>) {
    /// Number 6 and wire type 5.
    const FLAGS: u8 = 6 << 3 | 5;
    let context = link.context();
    put_bytes(bytes_field(1), &context.trace_id().to_bytes(), out);
    put_bytes(bytes_field(2), &context.span_id().to_bytes(), out);
    put_bytes(bytes_field(3), context.trace_state().as_str().as_bytes(), out);
    put_attributes(bytes_field(4), link.attributes(), out);
    out.push(FLAGS);
    out.extend_from_slice(&u32::from(context.flags().to_byte()).to_le_bytes());
}

fn put_attributes(tag: u8, attributes: Attributes<'_>, out: &mut Vec<u8>) {
    for attribute in attributes {
        put_attribute_named(tag, attribute.key, attribute.value, out);
    }
}

fn put_count(tag: u8, count: u32, out: &mut Vec<u8>) {
    if count > 0 {
        out.push(tag);
        put_varint(u64::from(count), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{Sample, batch};
    use crate::record::{SpanContext, SpanId, TraceFlags, TraceId, Value, ValueBuf};
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value as Any};
    use opentelemetry_proto::tonic::resource::v1 as proto;
    use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span, status::StatusCode as Code};
    use proptest::prelude::*;
    use prost::Message;

    fn encode(encoder: &mut SpanEncoder, samples: &[Sample]) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(encoder.encode(&batch(samples)).bytes)
            .expect("prost decodes what we encode")
    }

    fn spans(request: &ExportTraceServiceRequest) -> Vec<&Span> {
        request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans).collect()
    }

    fn attribute(attributes: &[KeyValue], key: &str) -> Option<Any> {
        let found = attributes.iter().find(|attribute| attribute.key == key)?;
        found.value.as_ref()?.value.clone()
    }

    #[test]
    fn code_attributes_are_left_out_where_they_are_not_wanted() {
        let request =
            encode(&mut SpanEncoder::new(false), &[Sample::root("span", 1).attribute("int", 1_i64)]);
        let keys = spans(&request)[0].attributes.iter().map(|attribute| attribute.key.as_str());
        assert_eq!(keys.collect::<Vec<_>>(), ["int"]);
    }

    #[test]
    fn every_kind_of_value_arrives_typed() {
        let sample = Sample::root("typed", 1)
            .keys(&["int", "text"])
            .attribute("int", -3_i64)
            .attribute("text", "käse")
            .attribute("yes", true)
            .attribute("half", 0.5)
            .attribute("raw", [0_u8, 255].as_slice());
        let request = encode(&mut SpanEncoder::new(true), &[sample]);
        let attributes = &spans(&request)[0].attributes;
        assert_eq!(attribute(attributes, "int"), Some(Any::IntValue(-3)));
        assert_eq!(attribute(attributes, "text"), Some(Any::StringValue("käse".to_owned())));
        assert_eq!(attribute(attributes, "yes"), Some(Any::BoolValue(true)));
        assert_eq!(attribute(attributes, "half"), Some(Any::DoubleValue(0.5)));
        assert_eq!(attribute(attributes, "raw"), Some(Any::BytesValue(vec![0, 255])));
        assert!(attribute(attributes, "code.line.number").is_some());
    }

    #[derive(Clone, Debug)]
    enum Given {
        Bool(bool),
        I64(i64),
        F64(f64),
        Str(String),
        Bytes(Vec<u8>),
    }

    fn given() -> impl Strategy<Value = Given> {
        prop_oneof![
            any::<bool>().prop_map(Given::Bool),
            prop_oneof![any::<i64>(), -2..300_i64].prop_map(Given::I64),
            (-1e300..1e300).prop_map(Given::F64),
            "[a-zä]{0,140}".prop_map(Given::Str),
            proptest::collection::vec(any::<u8>(), 0..140).prop_map(Given::Bytes),
        ]
    }

    const KEYS: &[&str] =
        &["", "k", "a.key.of.thirty.bytes.in.all.x", "a.key.that.is.longer.than.a.piece.is"];

    proptest! {
        #[test]
        fn a_plain_spans_values_of_any_length_arrive(values in proptest::collection::vec(given(), 0..KEYS.len())) {
            let mut sample = Sample::root("plain", 1).keys(KEYS);
            for (key, value) in KEYS.iter().zip(&values) {
                sample = match value {
                    Given::Bool(v) => sample.attribute(key, *v),
                    Given::I64(v) => sample.attribute(key, *v),
                    Given::F64(v) => sample.attribute(key, *v),
                    Given::Str(v) => sample.attribute(key, v.as_str()),
                    Given::Bytes(v) => sample.attribute(key, v.as_slice()),
                };
            }
            let request = encode(&mut SpanEncoder::new(true), &[sample]);
            for (key, value) in KEYS.iter().zip(values) {
                let expected = match value {
                    Given::Bool(v) => Any::BoolValue(v),
                    Given::I64(v) => Any::IntValue(v),
                    Given::F64(v) => Any::DoubleValue(v),
                    Given::Str(v) => Any::StringValue(v),
                    Given::Bytes(v) => Any::BytesValue(v),
                };
                prop_assert_eq!(attribute(&spans(&request)[0].attributes, key), Some(expected));
            }
        }
    }

    fn array() -> impl Strategy<Value = ValueBuf> {
        use proptest::collection::vec;
        prop_oneof![
            vec(any::<bool>(), 0..6_000).prop_map(ValueBuf::from),
            vec(prop_oneof![any::<i64>(), -2..300_i64], 0..200).prop_map(ValueBuf::from),
            vec(-1e300..1e300, 0..200).prop_map(ValueBuf::from),
            vec("[a-zä]{0,140}", 0..200).prop_map(ValueBuf::from),
            vec("x{0,20000}", 0..3).prop_map(ValueBuf::from),
            vec(vec(any::<u8>(), 0..140).prop_map(ValueBuf::Bytes), 0..4).prop_map(ValueBuf::Array),
        ]
    }

    fn any_value(value: &ValueBuf) -> Any {
        match value.clone() {
            ValueBuf::Bool(v) => Any::BoolValue(v),
            ValueBuf::I64(v) => Any::IntValue(v),
            ValueBuf::F64(v) => Any::DoubleValue(v),
            ValueBuf::Str(v) => Any::StringValue(v),
            ValueBuf::Bytes(v) => Any::BytesValue(v),
            ValueBuf::Array(v) => {
                let values = v.iter().map(|value| AnyValue { value: Some(any_value(value)) }).collect();
                Any::ArrayValue(ArrayValue { values })
            }
        }
    }

    proptest! {
        #[test]
        fn arrays_of_any_length_arrive_from_plain_spans_and_from_others(array in array(), key in 0..KEYS.len()) {
            let (key, Value::Array(value)) = (KEYS[key], array.as_value()) else { unreachable!("an array") };
            let samples = [
                Sample::root("plain", 1).keys(KEYS).attribute(key, value),
                Sample::root("other", 2).keys(KEYS).attribute(key, value).later_attribute("late", value),
                Sample::root("event", 3).event("miss", 1, &[(key, Value::Array(value))]),
            ];
            let request = encode(&mut SpanEncoder::new(true), &samples);
            let [plain, other, event] = spans(&request)[..] else { panic!("three spans") };
            let expected = Some(any_value(&array));
            prop_assert_eq!(&attribute(&plain.attributes, key), &expected);
            prop_assert_eq!(&attribute(&other.attributes, key), &expected);
            prop_assert_eq!(&attribute(&other.attributes, "late"), &expected);
            prop_assert_eq!(&attribute(&event.events[0].attributes, key), &expected);
        }
    }

    #[test]
    fn arrays_within_arrays_of_a_resource_arrive() {
        let nested = ValueBuf::Array(vec![["a", ""].into(), [1_u64 << 62; 40].into(), [true; 0].into()]);
        let mut field = Vec::new();
        put_attribute_named(bytes_field(1), "nested", nested.as_value(), &mut field);
        let resource = proto::Resource::decode(field.as_slice()).expect("prost decodes what we encode");
        assert_eq!(attribute(&resource.attributes, "nested"), Some(any_value(&nested)));
    }

    #[test]
    fn the_first_request_names_its_scope_however_long_that_is() {
        let long = "a_scope_that_takes_more_room_than_two_tags_and_two_lengths";
        let request = encode(&mut SpanEncoder::new(true), &[Sample::root("span", 1).scope(long)]);
        assert_eq!(
            request.resource_spans[0].scope_spans[0].scope.as_ref().map(|scope| &*scope.name),
            Some(long)
        );
    }

    #[test]
    fn all_that_a_scope_says_of_itself_arrives_and_another_version_is_another_scope() {
        let details = |version: &str| ScopeDetails {
            version: version.to_owned(),
            schema_url: "https://example.org/1".to_owned(),
            attributes: vec![("key".to_owned(), 7.into())],
        };
        let of = |version: &str| Sample::root("span", 1).scope("library").scope_details(details(version));
        let mut encoder = SpanEncoder::new(true);
        let [of_resource] = encode(&mut encoder, &[of("1.2"), of("1.3"), of("1.2")])
            .resource_spans
            .try_into()
            .expect("one resource");
        let said = |spans: &ScopeSpans| {
            let scope = spans.scope.clone().unwrap_or_default();
            assert_eq!(
                (scope.name.as_str(), spans.schema_url.as_str()),
                ("library", "https://example.org/1")
            );
            assert_eq!(attribute(&scope.attributes, "key"), Some(Any::IntValue(7)));
            (scope.version, spans.spans.len())
        };
        let said: Vec<_> = of_resource.scope_spans.iter().map(said).collect();
        assert_eq!(said, [("1.2".to_owned(), 2), ("1.3".to_owned(), 1)]);
    }

    #[test]
    fn spans_of_several_scopes_arrive_under_their_own_whichever_has_most() {
        let mut encoder = SpanEncoder::new(true);
        let of = |scope: &'static str, count: u64| {
            (1..=count).map(move |id| Sample::root("span", id).scope(scope)).collect::<Vec<_>>()
        };
        for (first, second) in [(1, 3), (3, 1), (0, 2), (200, 0), (2, 2)] {
            let request = encode(&mut encoder, &[of("one", first), of("two", second)].concat());
            let [spans] = request.resource_spans.as_slice() else { panic!("one resource") };
            let mut found: Vec<_> = spans
                .scope_spans
                .iter()
                .map(|of| (of.scope.as_ref().map_or("", |scope| &scope.name), of.spans.len() as u64))
                .collect();
            found.sort_unstable();
            let expected = [("one", first), ("two", second)];
            assert_eq!(found, expected.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn everything_a_span_may_have_arrives() {
        let elsewhere = SpanContext::new(TraceId::from_int(7), SpanId::from_int(8), TraceFlags::SAMPLED);
        let sample = Sample::child("full", 2, 1)
            .remote_parent()
            .at(1_000, 500)
            .dropped_attributes(300)
            .event("miss", 1_100, &[("key", Value::Str("k"))])
            .error("MailError", "mailbox full")
            .renamed("renamed")
            .trace_state("b=2")
            .link(&elsewhere, &[("why", Value::Bool(true))]);
        let request = encode(&mut SpanEncoder::new(true), &[sample]);
        let span = spans(&request)[0];
        assert_eq!((span.name.as_str(), span.trace_state.as_str()), ("renamed", "b=2"));
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (1_000, 1_500));
        assert_eq!(
            (span.parent_span_id.as_slice(), span.dropped_attributes_count),
            ([0, 0, 0, 0, 0, 0, 0, 1].as_slice(), 300)
        );
        assert_eq!(span.flags, 0x301);
        let [miss, exception] = span.events.as_slice() else { panic!("two events: {:?}", span.events) };
        assert_eq!((miss.name.as_str(), miss.time_unix_nano), ("miss", 1_100));
        assert_eq!(
            attribute(&exception.attributes, "exception.message"),
            Some(Any::StringValue("mailbox full".to_owned()))
        );
        assert_eq!(attribute(&span.attributes, "error.type"), Some(Any::StringValue("MailError".to_owned())));
        let status = span.status.as_ref().expect("a status");
        assert_eq!((status.code(), status.message.as_str()), (Code::Error, "mailbox full"));
        assert_eq!(span.links[0].span_id, SpanId::from_int(8).to_bytes());
    }

    #[test]
    fn an_encoder_that_is_used_again_forgets_the_spans_of_before() {
        let mut encoder = SpanEncoder::new(true);
        encode(&mut encoder, &[Sample::root("first", 1), Sample::root("second", 2)]);
        let request = encode(&mut encoder, &[Sample::root("third", 3)]);
        assert_eq!(spans(&request).iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["third"]);
        let resource = request.resource_spans[0].resource.as_ref().expect("a resource");
        assert_eq!(
            attribute(&resource.attributes, "service.name"),
            Some(Any::StringValue("sample".to_owned()))
        );
    }
}
