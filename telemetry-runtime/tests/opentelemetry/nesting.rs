//! The tree of spans is the nesting of the code, whoever makes which span in it and however it runs.

use crate::{block_on, capture, join, parent, span, tracer, yield_now};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, Span as _, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::thread;
use telemetry_runtime::bridge::opentelemetry::current_context;
use telemetry_runtime::{Instrument, Span, SpanContext, SpanData, ValueBuf, detached_span, instrument, span};

#[derive(Clone, Copy, Debug)]
enum Kind {
    Ours,
    OursAsync,
    Attached,
    InSpan,
    WithContext,
    /// No span: what is inside runs on another thread.
    Elsewhere,
    /// No span: what is inside has other baggage.
    Baggage,
}

use Kind::{Attached, Baggage, Elsewhere, InSpan, Ours, OursAsync, WithContext};

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    id: i64,
    inside: Vec<Node>,
}

fn forest() -> impl Strategy<Value = Vec<Node>> {
    let kind =
        || prop::sample::select(vec![Ours, OursAsync, Attached, InSpan, WithContext, Elsewhere, Baggage]);
    let leaf = kind().prop_map(|kind| Node { kind, id: 0, inside: Vec::new() });
    let node = leaf.prop_recursive(4, 24, 3, move |inside| {
        (kind(), prop::collection::vec(inside, 1..4)).prop_map(|(kind, inside)| Node { kind, id: 0, inside })
    });
    prop::collection::vec(node, 1..3).prop_map(|mut nodes| {
        number(&mut nodes, &mut 0);
        nodes
    })
}

fn number(nodes: &mut [Node], next: &mut i64) {
    for node in nodes {
        node.id = *next;
        *next += 1;
        number(&mut node.inside, next);
    }
}

/// Node by node, the one around it that has a span.
fn expected(nodes: &[Node], above: Option<i64>, parents: &mut BTreeMap<i64, Option<i64>>) {
    for node in nodes {
        let has_span = !matches!(node.kind, Elsewhere | Baggage);
        if has_span {
            parents.insert(node.id, above);
        }
        expected(&node.inside, if has_span { Some(node.id) } else { above }, parents);
    }
}

fn recorded(spans: &[SpanData]) -> BTreeMap<i64, Option<i64>> {
    let id = |span: &SpanData| match span.attribute("node") {
        Some(ValueBuf::I64(id)) => *id,
        other => panic!("{other:?}"),
    };
    let ids: BTreeMap<_, _> = spans.iter().map(|span| (span.span_id.to_bytes(), id(span))).collect();
    let parent = |span: &SpanData| span.parent_span_id.map(|parent| ids[&parent.to_bytes()]);
    spans.iter().map(|span| (id(span), parent(span))).collect()
}

fn run(nodes: &[Node]) {
    nodes.iter().for_each(run_one);
}

fn run_one(node: &Node) {
    match node.kind {
        Ours => {
            let _span = span!("ours");
            Span::current().set_attribute("node", node.id);
            run(&node.inside);
        }
        Attached => {
            let _attached = theirs(node.id).attach();
            run(&node.inside);
        }
        InSpan => tracer().in_span("theirs", |context| {
            context.span().set_attribute(KeyValue::new("node", node.id));
            run(&node.inside);
        }),
        Elsewhere => {
            let context = current_context();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let _attached = context.attach();
                    run(&node.inside);
                });
            });
        }
        Baggage => {
            let _attached = Context::current_with_baggage([KeyValue::new("key", node.id)]).attach();
            run(&node.inside);
        }
        OursAsync | WithContext => block_on(run_async(node)),
    }
}

fn run_async(node: &Node) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    let inside = || join(node.inside.iter().map(run_async).collect());
    match node.kind {
        OursAsync => Box::pin(
            async move {
                Span::current().set_attribute("node", node.id);
                yield_now().await;
                inside().await;
            }
            .instrument(detached_span!("ours")),
        ),
        WithContext => {
            // Made where it is first polled, as in an `async fn`.
            Box::pin(async move {
                let context = theirs(node.id);
                async {
                    yield_now().await;
                    inside().await;
                }
                .with_context(context)
                .await;
            })
        }
        _ => Box::pin(async move {
            run_one(node);
            yield_now().await;
        }),
    }
}

/// The current context with a new span.
fn theirs(id: i64) -> Context {
    let mut span = tracer().start("theirs");
    span.set_attribute(KeyValue::new("node", id));
    Context::current_with_span(span)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_tree_is_the_nesting(nodes in forest()) {
        let spans = capture(|| {
            let before = Span::current().context();
            run(&nodes);
            assert_eq!(Span::current().context(), before);
        });
        let mut parents = BTreeMap::new();
        expected(&nodes, None, &mut parents);
        prop_assert_eq!(recorded(&spans), parents);
    }
}

#[test]
fn a_library_lands_below_us_and_we_below_it() {
    #[instrument]
    fn outer() {
        tracer().in_span("theirs", |_| inner());
    }
    #[instrument]
    fn inner() {}
    let spans = capture(outer);
    assert_eq!(parent(&spans, "inner"), Some("theirs"));
    assert_eq!(parent(&spans, "theirs"), Some("outer"));
    assert_eq!(parent(&spans, "outer"), None);
}

#[test]
fn a_parent_that_is_given_is_the_parent() {
    let spans = capture(|| {
        let elsewhere = Context::new().with_span(tracer().start("given"));
        let _ours = span!("ours");
        drop(tracer().start_with_context("theirs", &elsewhere));
        let _attached = elsewhere.attach();
        let _inner = span!("inner");
        drop(tracer().start_with_context("below inner", &Context::current()));
    });
    assert_eq!(parent(&spans, "theirs"), Some("given"));
    assert_eq!(parent(&spans, "below inner"), Some("inner"));
}

#[test]
fn a_context_without_a_span_begins_a_trace_where_one_with_a_span_is_attached() {
    let spans = capture(|| {
        let attached = Context::current_with_span(tracer().start("theirs")).attach();
        let context = Context::new();
        let root = tracer().start_with_context("root", &context);
        assert_ne!(
            root.span_context().trace_id().to_bytes(),
            Span::current().context().trace_id().to_bytes()
        );
        drop(attached);
    });
    assert_eq!(spans.len(), 1);
}

#[test]
fn a_remote_parent_that_is_attached_is_ours_too() {
    let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let remote = telemetry_runtime::propagation::tracecontext::parse(text, "").expect("it is well formed");
    let _spans = capture(|| {
        let headers = std::collections::HashMap::from([("traceparent".to_owned(), text.to_owned())]);
        let context =
            opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&headers));
        let _attached = context.attach();
        assert_eq!(Span::current().context(), remote);
        let _ours = span!("ours");
        assert_eq!(Span::current().context().trace_id(), remote.trace_id());
    });
}

#[test]
fn what_is_said_of_the_current_context_is_said_of_ours() {
    let spans = capture(|| {
        let _ours = span!("ours");
        let context = current_context();
        assert!(context.span().is_recording());
        context.span().set_attribute(KeyValue::new("said", true));
        context.span().update_name("renamed");
        context.span().end();
        context.span().set_attribute(KeyValue::new("later", true));
    });
    let ours = span(&spans, "renamed");
    assert_eq!(ours.attribute("said"), Some(&true.into()));
    assert_eq!(ours.attribute("later"), Some(&true.into()), "only we end it");
    assert_eq!(spans.len(), 1);
}

#[test]
fn the_current_context_is_the_attached_one_where_that_is_the_innermost() {
    let spans = capture(|| {
        let _attached = Context::current_with_span(tracer().start("theirs")).attach();
        current_context().span().end();
        assert!(!Context::current().span().is_recording());
    });
    assert_eq!(spans.len(), 1);
}

#[test]
fn what_is_not_sampled_is_not_recorded_and_carried_on() {
    let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let unsampled = telemetry_runtime::propagation::tracecontext::parse(unsampled, "").expect("well formed");
    let spans = capture(|| {
        let _parent = telemetry_runtime::attach(&unsampled);
        let theirs = tracer().start("theirs");
        assert!(!theirs.is_recording() && !theirs.span_context().is_sampled());
        assert_eq!(theirs.span_context().trace_id().to_bytes(), unsampled.trace_id().to_bytes());
        let _attached = Context::current_with_span(theirs).attach();
        let _ours = span!("ours");
        assert!(!Span::current().is_recording());
        assert_ne!(Span::current().context(), SpanContext::default());
    });
    assert!(spans.is_empty());
}

#[test]
fn nothing_is_recorded_where_the_context_suppresses_it() {
    let spans = capture(|| {
        let _quiet = Context::enter_telemetry_suppressed_scope();
        assert!(!tracer().start("theirs").span_context().is_valid());
    });
    assert!(spans.is_empty());
}
