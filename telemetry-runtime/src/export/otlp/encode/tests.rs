//! What is written is what others read.

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
    let request = encode(&mut SpanEncoder::new(false), &[Sample::root("span", 1).attribute("int", 1_i64)]);
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

const KEYS: &[&str] = &["", "k", "a.key.of.thirty.bytes.in.all.x", "a.key.that.is.longer.than.a.piece.is"];

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
    assert_eq!(request.resource_spans[0].scope_spans[0].scope.as_ref().map(|scope| &*scope.name), Some(long));
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
        assert_eq!((scope.name.as_str(), spans.schema_url.as_str()), ("library", "https://example.org/1"));
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
    assert_eq!(attribute(&resource.attributes, "service.name"), Some(Any::StringValue("sample".to_owned())));
}
