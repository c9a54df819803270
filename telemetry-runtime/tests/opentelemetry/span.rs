//! What the API says of a span is recorded as it was said.

use crate::{capture, span, tracer};
use opentelemetry::trace::{
    Event, Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer,
};
use opentelemetry::{Array, Context, KeyValue, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use telemetry_runtime::{SpanData, StatusCode};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn elsewhere() -> SpanContext {
    let state = TraceState::from_key_value([("vendor", "1")]).expect("it is well formed");
    SpanContext::new(7_u128.into(), 8_u64.into(), TraceFlags::SAMPLED, true, state)
}

fn only(spans: &[SpanData]) -> &SpanData {
    assert_eq!(spans.len(), 1, "{spans:?}");
    &spans[0]
}

#[test]
fn everything_that_a_builder_says_is_recorded() {
    let spans = capture(|| {
        tracer()
            .span_builder("built")
            .with_kind(SpanKind::Client)
            .with_start_time(at(10))
            .with_attributes([KeyValue::new("a", 1)])
            .with_events(vec![Event::new("early", at(11), vec![KeyValue::new("b", 2)], 0)])
            .with_links(vec![Link::new(elsewhere(), vec![KeyValue::new("c", 3)], 0)])
            .start(&tracer())
            .end_with_timestamp(at(12));
    });
    let built = span(&spans, "built");
    assert_eq!(built.kind, telemetry_runtime::SpanKind::Client);
    assert_eq!((built.start_unix_ns, built.duration_ns), (10_000_000_000, 2_000_000_000));
    assert_eq!(built.attributes, [("a".to_owned(), 1.into())]);
    assert_eq!((built.events[0].name.as_str(), built.events[0].unix_ns), ("early", 11_000_000_000));
    assert_eq!(built.events[0].attribute("b"), Some(&2.into()));
    let link = &built.links[0];
    assert_eq!(link.context.span_id().to_bytes(), 8_u64.to_be_bytes());
    assert_eq!(link.context.trace_state().as_str(), "vendor=1");
    assert_eq!(link.attributes, [("c".to_owned(), 3.into())]);
}

#[test]
fn everything_that_is_said_while_it_runs_is_recorded() {
    let spans = capture(|| {
        let mut theirs = tracer().start("first");
        assert!(theirs.is_recording() && theirs.span_context().is_sampled());
        theirs.set_attributes([KeyValue::new("a", 1), KeyValue::new("b", "x")]);
        theirs.set_attribute(KeyValue::new("a", 2));
        theirs.add_event_with_timestamp("then", at(7), vec![KeyValue::new("c", true)]);
        theirs.add_link(elsewhere(), vec![KeyValue::new("d", 0.5)]);
        theirs.add_link(SpanContext::NONE, Vec::new());
        theirs.record_error(&"x".parse::<i32>().expect_err("it is no number"));
        theirs.update_name(String::from("second"));
    });
    let theirs = span(&spans, "second");
    assert_eq!(theirs.attribute("a"), Some(&2.into()));
    assert_eq!(theirs.attribute("b"), Some(&"x".into()));
    assert_eq!(theirs.event("then").map(|event| event.unix_ns), Some(7_000_000_000));
    assert_eq!(theirs.links.len(), 1);
    assert_eq!(theirs.links[0].attributes, [("d".to_owned(), 0.5.into())]);
    let message = theirs.event("exception").and_then(|event| event.attribute("exception.message"));
    assert_eq!(message, Some(&"invalid digit found in string".into()));
}

#[test]
fn values_keep_their_types() {
    let array = |array: Array| Value::Array(array);
    for (value, recorded) in [
        (Value::from(true), true.into()),
        (Value::from(i64::MIN), i64::MIN.into()),
        (Value::from(0.5), 0.5.into()),
        (Value::from("x"), "x".into()),
        (array(vec![true, false].into()), vec![true, false].into()),
        (array(vec![1_i64, 2].into()), vec![1_i64, 2].into()),
        (array(vec![0.5].into()), vec![0.5].into()),
        (array(Array::String(vec!["a".into(), "b".into()])), vec!["a", "b"].into()),
    ] {
        let spans = capture(|| tracer().start("theirs").set_attribute(KeyValue::new("key", value)));
        assert_eq!(only(&spans).attribute("key"), Some(&recorded));
    }
}

#[test]
fn the_last_value_of_a_key_wins_however_long_the_ones_before() {
    let spans = capture(|| {
        let mut theirs = tracer().start("theirs");
        theirs.set_attribute(KeyValue::new("key", "x".repeat(3_000)));
        theirs.set_attribute(KeyValue::new("key", "short"));
    });
    assert_eq!(only(&spans).attribute("key"), Some(&"short".into()));
}

#[test]
fn ok_is_final_and_unset_is_ignored() {
    let status = |said: Vec<Status>| {
        let spans = capture(|| {
            let mut theirs = tracer().start("theirs");
            said.into_iter().for_each(|status| theirs.set_status(status));
        });
        (only(&spans).status, only(&spans).status_message.clone())
    };
    let failed = || Status::error("no");
    assert_eq!(status(vec![failed(), Status::Unset]), (StatusCode::Error, "no".to_owned()));
    assert_eq!(status(vec![failed(), Status::Ok, failed()]), (StatusCode::Ok, String::new()));
    assert_eq!(status(vec![Status::Unset]), (StatusCode::Unset, String::new()));
}

#[test]
fn a_span_has_the_scope_of_its_tracer_and_its_kind() {
    for kind in [SpanKind::Server, SpanKind::Producer] {
        let expected = format!("{kind:?}").to_lowercase();
        let spans = capture(|| tracer().span_builder("theirs").with_kind(kind).start(&tracer()).end());
        assert_eq!(only(&spans).kind.as_str(), expected);
        assert_eq!(only(&spans).target, "library::part");
    }
}

#[test]
fn an_end_that_is_not_given_is_measured_by_our_clock() {
    let spans = capture(|| {
        let mut theirs = tracer().start("theirs");
        let ours = telemetry_runtime::span!("ours");
        drop(ours);
        theirs.add_event("now", Vec::new());
        theirs.end();
    });
    let (theirs, ours) = (span(&spans, "theirs"), span(&spans, "ours"));
    let end = theirs.start_unix_ns + theirs.duration_ns;
    assert!(theirs.start_unix_ns <= ours.start_unix_ns);
    assert!(ours.start_unix_ns + ours.duration_ns <= end);
}

#[test]
fn a_panic_in_a_span_is_its_own() {
    let spans = capture(|| {
        let caught = std::panic::catch_unwind(|| tracer().in_span("theirs", |_| panic!("on purpose")));
        assert!(caught.is_err());
    });
    assert_eq!(only(&spans).status, StatusCode::Error);
    assert!(only(&spans).event("exception").is_some());
}

#[test]
fn names_and_scopes_that_are_made_up_are_recorded_without_end() {
    let spans = capture(|| {
        for number in 0..600 {
            let tracer = opentelemetry::global::tracer(format!("scope {number}"));
            drop(tracer.start(format!("name {number}")));
        }
    });
    assert_eq!(spans.len(), 600);
    assert!((0..600).all(|number| spans.iter().any(|span| span.name == format!("name {number}"))));
}

#[test]
fn the_trace_state_is_carried_into_spans_below() {
    let spans = capture(|| {
        let parent = Context::new().with_remote_span_context(elsewhere());
        let theirs = tracer().start_with_context("theirs", &parent);
        assert_eq!(theirs.span_context().trace_state().header(), "vendor=1");
        assert_eq!(theirs.span_context().trace_id(), elsewhere().trace_id());
        assert!(!theirs.span_context().is_remote());
    });
    assert!(spans.is_empty(), "they are of another trace");
}
