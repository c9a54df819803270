//! What goes into the headers of requests and comes out of them.

use crate::{capture, tracer};
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use proptest::prelude::*;
use std::collections::HashMap;
use telemetry_runtime::bridge::opentelemetry::Propagator;
use telemetry_runtime::propagation::tracecontext;
use telemetry_runtime::{Span, span};

type Headers = HashMap<String, String>;

fn injected(context: &Context) -> Headers {
    let mut headers = Headers::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(context, &mut headers));
    headers
}

#[test]
fn the_innermost_span_goes_into_requests() {
    capture(|| {
        let _ours = span!("ours");
        assert_eq!(
            injected(&Context::current())["traceparent"],
            tracecontext::traceparent(&Span::current().context())
        );
        tracer().in_span("theirs", |context| {
            let theirs = context.span().span_context().span_id().to_string();
            assert!(injected(&Context::current())["traceparent"].contains(&theirs));
            let _inner = span!("inner");
            let inner = Span::current().context();
            assert_eq!(injected(&context)["traceparent"], tracecontext::traceparent(&inner));
        });
    });
}

#[test]
fn another_context_brings_its_own_span() {
    capture(|| {
        let elsewhere = Context::new().with_span(tracer().start("elsewhere"));
        let _ours = span!("ours");
        let id = elsewhere.span().span_context().span_id().to_string();
        assert!(injected(&elsewhere)["traceparent"].contains(&id));
    });
}

#[test]
fn without_a_span_there_is_no_header() {
    assert!(Propagator::new().fields().eq(["traceparent", "tracestate", "baggage"]));
    let mut headers = Headers::new();
    Propagator::new().inject_context(&Context::new(), &mut headers);
    assert!(headers.is_empty());
}

#[test]
fn what_is_extracted_is_what_was_injected() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = Headers::from([
        ("traceparent".to_owned(), parent.to_owned()),
        ("tracestate".to_owned(), "a=1,b=2".to_owned()),
    ]);
    let context = Propagator::new().extract_with_context(&Context::new(), &headers);
    let span = context.span().span_context().clone();
    assert!(span.is_remote() && span.is_sampled());
    assert_eq!(span.trace_state().header(), "a=1,b=2");
    assert_eq!(injected(&context), headers);
}

#[test]
fn malformed_headers_leave_the_context_as_it_was() {
    let context = Context::new().with_baggage([KeyValue::new("key", "kept")]);
    let headers = Headers::from([("traceparent".to_owned(), "00-nonsense".to_owned())]);
    let extracted = Propagator::new().extract_with_context(&context, &headers);
    assert!(!extracted.has_active_span());
    assert_eq!(extracted.baggage().get("key"), Some(&"kept".into()));
}

#[test]
fn baggage_keeps_its_metadata_and_is_read_leniently() {
    let read = |header: &str| {
        let headers = Headers::from([("baggage".to_owned(), header.to_owned())]);
        Propagator::new().extract_with_context(&Context::new(), &headers)
    };
    let context = read("a = 1 ; ttl=30, b=x%20y,,nonsense,c=%zz");
    let baggage = context.baggage();
    let (value, metadata) = baggage.get_with_metadata("a").expect("it was read");
    assert_eq!((value.as_str(), metadata.as_str()), ("1", "ttl=30"));
    assert_eq!(baggage.get("b"), Some(&"x y".into()));
    assert_eq!(baggage.get("c"), Some(&"%zz".into()));
    assert_eq!(baggage.len(), 3);
    assert!(read(&format!("a={}", "x".repeat(9_000))).baggage().is_empty());
}

proptest! {
    #[test]
    fn baggage_goes_through_unharmed(pairs in prop::collection::hash_map("[a-z]{1,8}", "\\PC{0,16}", 0..8)) {
        let members = pairs.iter().map(|(key, value)| KeyValueMetadata::new(key.clone(), value.clone(), ""));
        let context = Context::new().with_baggage(members);
        let back = Propagator::new().extract_with_context(&Context::new(), &injected(&context));
        for (key, value) in &pairs {
            prop_assert_eq!(back.baggage().get(key).map(|value| value.as_str()), Some(value.as_str()));
        }
        prop_assert_eq!(back.baggage().len(), pairs.len());
    }
}
