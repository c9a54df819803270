//! OTLP JSON held against OTLP protobuf, and against the rules that a forgiving reader would not notice.

use super::*;
use crate::export::otlp::encode::{LogEncoder, SpanEncoder};
use crate::record::sample::{LogSample, Sample, batch, logs};
use crate::record::{
    Level, ScopeDetails, SpanId, SpanKind, StatusCode, TraceFlags, TraceId, TraceState, ValueBuf,
};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value as Json, json};

fn text(batch: &Batch) -> String {
    let mut encoder = JsonEncoder::new(true);
    let Lines { text, left_out } = encoder.lines(batch, usize::MAX);
    assert_eq!(left_out, 0);
    String::from_utf8(text.to_vec()).expect("JSON is UTF-8")
}

fn parsed(batch: &Batch) -> Json {
    serde_json::from_str(&text(batch)).expect("one JSON value")
}

/// What both encodings say of these spans, the scopes in one order.
fn spans_in_both(samples: &[Sample]) -> [ExportTraceServiceRequest; 2] {
    let batch = batch(samples);
    let of_json = serde_json::from_str(&text(&batch)).expect("OTLP JSON");
    let mut encoder = SpanEncoder::new(true);
    let of_protobuf = ExportTraceServiceRequest::decode(encoder.encode(&batch).bytes).expect("OTLP");
    [of_json, of_protobuf].map(|mut request: ExportTraceServiceRequest| {
        for of_resource in &mut request.resource_spans {
            of_resource.scope_spans.sort_by_key(|spans| {
                let scope = spans.scope.clone().unwrap_or_default();
                (scope.name, scope.version)
            });
        }
        request
    })
}

fn logs_in_both(samples: &[LogSample]) -> [ExportLogsServiceRequest; 2] {
    let batch = logs(samples);
    let of_json = serde_json::from_str(&text(&batch)).expect("OTLP JSON");
    let mut encoder = LogEncoder::new(true);
    [of_json, ExportLogsServiceRequest::decode(encoder.encode(&batch).bytes).expect("OTLP")]
}

const ODD: &str = "\u{0}\u{1b}[31m\n\r\t\"\\/\u{7f}\u{2028}\u{202e}\u{1f600}ä";

fn full() -> Sample {
    let elsewhere = SpanContext::new(TraceId::from_int(7), SpanId::from_int(8), TraceFlags::SAMPLED)
        .with_trace_state(TraceState::from_valid("a=1"));
    Sample::child("full", 2, u64::MAX)
        .remote_parent()
        .kind(SpanKind::Client)
        .at(1 << 62, 500)
        .dropped_attributes(300)
        .event("miss", 1_100, &[("key", Value::Str(ODD)), ("n", Value::F64(-0.0))])
        .event("", 0, &[])
        .error("MailError", ODD)
        .renamed(ODD)
        .trace_state("b=2")
        .link(&elsewhere, &[("why", Value::Bool(true))])
        .link(&elsewhere, &[])
}

#[test]
fn everything_a_span_may_have_is_the_same_as_in_protobuf() {
    let values = [
        ValueBuf::from([1_u64 << 62, u64::MAX]),
        ValueBuf::from([i64::MIN, 0]),
        ValueBuf::from(["", ODD]),
        ValueBuf::from([true; 0]),
        ValueBuf::from([0.5, -0.0, 1e300, 5e-324]),
    ];
    let mut typed = Sample::root("typed", 1)
        .keys(&["int", "text", ODD])
        .attribute("int", i64::MIN)
        .attribute("text", "")
        .attribute(ODD, ODD)
        .attribute("no", false)
        .attribute("half", 0.5)
        .attribute("whole", 1.0)
        .attribute("raw", [0_u8, 255, 62].as_slice())
        .attribute("nothing", [0_u8; 0].as_slice())
        .attribute("long", "x".repeat(100_000).as_str());
    for (key, value) in ["big", "least", "texts", "none", "floats"].into_iter().zip(&values) {
        let Value::Array(array) = value.as_value() else { unreachable!("an array") };
        typed = typed.attribute(key, array);
    }
    let ok = Sample::root("ok", 4).status(StatusCode::Ok, "").kind(SpanKind::Server).scope("other");
    let details = ScopeDetails {
        version: ODD.to_owned(),
        schema_url: "https://example.org/1".to_owned(),
        attributes: vec![("of.library".to_owned(), ValueBuf::from([1, 2])), (ODD.to_owned(), ODD.into())],
    };
    let other_version = Sample::root("ok", 5).scope("other").scope_details(details);
    let [of_json, of_protobuf] = spans_in_both(&[full(), ok, other_version, typed, Sample::root("plain", 3)]);
    assert_eq!(of_json, of_protobuf);
}

#[test]
fn everything_a_log_record_may_have_is_the_same_as_in_protobuf() {
    let full = LogSample::new(Level::Warn, u64::MAX >> 1, ODD)
        .named("stock.low")
        .within(7, 0x03)
        .attribute(ODD, ODD)
        .attribute("left", 3);
    let of = |target| LogSample::new(Level::Info, 1, "").without_place(target);
    let [of_json, of_protobuf] = logs_in_both(&[full, of("b"), of(""), of("b"), of("a")]);
    assert_eq!(of_json, of_protobuf);
}

#[test]
fn ids_are_lower_case_hexadecimal_enums_are_numbers_and_wide_numbers_are_text() {
    let request = parsed(&batch(&[full().attribute("n", i64::MAX).attribute("raw", [251_u8].as_slice())]));
    let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    for (member, expected) in [
        ("traceId", json!("0af7651916cd43dd8448eb211c80319c")),
        ("spanId", json!("0000000000000002")),
        ("parentSpanId", json!("ffffffffffffffff")),
        ("flags", json!(0x301)),
        ("kind", json!(3)),
        ("startTimeUnixNano", json!("4611686018427387904")),
        ("endTimeUnixNano", json!("4611686018427388404")),
        ("droppedAttributesCount", json!(300)),
        ("status", json!({"message": ODD, "code": 2})),
    ] {
        assert_eq!(span[member], expected, "{member}");
    }
    assert_eq!(span["links"][0]["traceId"], json!("00000000000000000000000000000007"));
    assert_eq!(span["events"][0]["timeUnixNano"], json!("1100"));
    let attributes = span["attributes"].as_array().expect("a list");
    for (key, value) in [
        ("n", json!({"intValue": "9223372036854775807"})),
        ("raw", json!({"bytesValue": "+w=="})),
        ("code.line.number", json!({"intValue": "7"})),
    ] {
        assert!(attributes.contains(&json!({"key": key, "value": value})), "{key}: {attributes:?}");
    }
}

#[test]
fn a_log_record_has_numbers_where_protobuf_has_enums() {
    let request = parsed(&logs(&[LogSample::new(Level::Error, 5, "sold").within(7, 1)]));
    let record = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!((&record["severityNumber"], &record["timeUnixNano"]), (&json!(17), &json!("5")));
    assert_eq!((&record["spanId"], &record["flags"]), (&json!("0000000000000007"), &json!(1)));
    assert_eq!(record["body"], json!({"stringValue": "sold"}));
}

#[test]
fn what_is_not_there_is_left_out() {
    let request = parsed(&logs(&[LogSample::new(Level::Info, 1, "").without_place("hyper")]));
    let record = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].as_object().expect("an object");
    let members: Vec<_> = record.keys().map(String::as_str).collect();
    assert_eq!(members, ["observedTimeUnixNano", "severityNumber", "severityText", "timeUnixNano"]);
}

#[test]
fn numbers_that_json_has_not_are_words() {
    let request = parsed(&batch(&[Sample::root("odd", 1)
        .keys(&["nan", "up", "down"])
        .attribute("nan", f64::NAN)
        .attribute("up", f64::INFINITY)
        .attribute("down", f64::NEG_INFINITY)]));
    let attributes = request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].to_string();
    for word in ["NaN", "Infinity", "-Infinity"] {
        assert!(attributes.contains(&format!("{{\"doubleValue\":\"{word}\"}}")), "{attributes}");
    }
}

#[test]
fn a_batch_is_one_line_whatever_it_says() {
    let text = text(&batch(&[full(), full()]));
    assert_eq!(text.find(['\n', '\r']), Some(text.len() - 1));
}

#[test]
fn no_line_is_longer_than_allowed_and_what_never_fits_is_left_out() {
    let mut samples: Vec<_> = (1..=9).map(|id| Sample::root("short", id)).collect();
    samples.insert(4, Sample::root("long", 10).attribute("text", "x".repeat(5_000).as_str()));
    let mut encoder = JsonEncoder::new(true);
    let Lines { text, left_out } = encoder.lines(&batch(&samples), 1_500);
    assert_eq!(left_out, 1);
    let lines: Vec<_> = str::from_utf8(text).expect("UTF-8").lines().collect();
    assert!(lines.len() > 1 && lines.iter().all(|line| line.len() < 1_500), "{lines:?}");
    let requests = lines
        .iter()
        .map(|line| serde_json::from_str::<ExportTraceServiceRequest>(line).expect("each line is a request"));
    let ids = requests
        .flat_map(|request| request.resource_spans)
        .flat_map(|of_resource| of_resource.scope_spans)
        .flat_map(|of_scope| of_scope.spans)
        .map(|span| span.span_id[7]);
    assert_eq!(ids.collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
}

fn value() -> impl Strategy<Value = ValueBuf> {
    use proptest::collection::vec;
    prop_oneof![
        any::<bool>().prop_map(ValueBuf::Bool),
        any::<i64>().prop_map(ValueBuf::I64),
        (-1e300..1e300).prop_map(ValueBuf::F64),
        any::<String>().prop_map(ValueBuf::Str),
        vec(any::<u8>(), 0..40).prop_map(ValueBuf::Bytes),
        vec(any::<String>(), 0..5).prop_map(ValueBuf::from),
        vec(any::<i64>(), 0..5).prop_map(ValueBuf::from),
    ]
}

/// One of random content.
fn sample() -> impl Strategy<Value = Sample> {
    let attributes = proptest::collection::vec((any::<String>(), value()), 0..5);
    let numbers = (1..u64::MAX, any::<u64>(), 0..u64::from(u32::MAX), any::<u32>());
    (attributes, numbers, any::<String>(), 0..3_usize).prop_map(|(attributes, numbers, name, scope)| {
        let (id, parent, start, dropped) = numbers;
        let mut sample = Sample::child("random", id, parent).at(start, 7).dropped_attributes(dropped);
        let borrowed: Vec<_> = attributes.iter().map(|(key, value)| (&**key, value.as_value())).collect();
        for (key, value) in &borrowed {
            sample = sample.later_attribute(key, *value);
        }
        let sample = sample.event(&name, start, &borrowed).renamed(&name);
        sample.scope(["one", "two", "three"][scope])
    })
}

proptest! {
    #[test]
    fn random_spans_are_the_same_as_in_protobuf(samples in proptest::collection::vec(sample(), 0..6)) {
        let [of_json, of_protobuf] = spans_in_both(&samples);
        prop_assert_eq!(of_json, of_protobuf);
    }

    #[test]
    fn random_log_records_are_the_same_as_in_protobuf(body: String, key: String, value in value(), id: u64) {
        let sample = LogSample::new(Level::Debug, id >> 1, &body).attribute(&key, value.as_value()).within(id, 1);
        let [of_json, of_protobuf] = logs_in_both(&[sample]);
        prop_assert_eq!(of_json, of_protobuf);
    }
}
