//! `span!`, `detached_span!` and what runs elsewhere.

use std::panic::catch_unwind;
use std::sync::Arc;

use telemetry_runtime::{
    Instrument, InstrumentOnce, Span, SpanContext, SpanKind, StatusCode, TraceFlags, ValueBuf, detached_span,
    instrument, span, spawn, testing,
};

use super::instrument::{block_on, keys, only, yield_once};

#[instrument]
fn inner() -> SpanContext {
    Span::current().context()
}

#[test]
fn a_block_is_a_span_until_its_guard_is_dropped() {
    struct Order {
        id: u64,
    }
    let (order, x, text) = (Order { id: 7 }, 1.5, "text");
    let spans = testing::capture(|| {
        {
            let _span =
                span!("refund", order.id = order.id, x, ?text, kind = "client", "level" = 3, sum = 1 + 2);
            inner();
        }
        inner();
    });
    assert_eq!((spans[0].name.as_str(), spans[0].kind), ("refund", SpanKind::Client));
    assert_eq!(spans[0].target, module_path!());
    assert_eq!(spans[1].parent_span_id, Some(spans[0].span_id));
    assert_eq!(spans[2].parent_span_id, None);
}

#[test]
fn fields_are_those_of_instrument_and_a_name_alone_is_a_variable() {
    const KEY: &str = "key";
    struct Order {
        id: u64,
    }
    let (order, password, x) = (Order { id: 7 }, "hunter2", Some(2_u8));
    let span = only(|| {
        let _span = span!("all", order.id, x, {KEY} = %x.unwrap_or(3), password, pin = expose(password), later = Empty);
    });
    let text = |text: &str| Some(ValueBuf::Str(text.to_owned()));
    assert_eq!(keys(&span), ["order.id", "x", "key", "password", "pin"]);
    assert_eq!(span.attribute("order.id"), Some(&ValueBuf::I64(7)));
    assert_eq!(span.attribute("key").cloned(), text("2"));
    assert_eq!(span.attribute("password").cloned(), text("[REDACTED]"));
    assert_eq!(span.attribute("pin").cloned(), text("hunter2"));
}

#[test]
fn a_blocks_name_may_be_any_value() {
    const NAME: &str = "constant";
    let route = "/orders".to_owned();
    let spans = testing::capture(|| {
        drop(span!(NAME));
        drop(span!(format!("GET {route}"), level = "debug"));
        drop(span!(route, target = "elsewhere",));
    });
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["constant", "GET /orders", "/orders"]);
    assert_eq!(spans[2].target, "elsewhere");
}

#[test]
fn a_block_may_belong_elsewhere() {
    let spans = testing::capture(|| {
        let around = inner();
        let linked = around.clone();
        {
            let _span = span!("other", parent = &around, links = [linked]);
            inner();
        }
        {
            let _span = span!("root", root);
            assert_ne!(inner().trace_id(), around.trace_id());
        }
        inner();
    });
    let parents: Vec<_> = spans.iter().map(|span| span.parent_span_id).collect();
    assert_eq!(parents, [None, Some(spans[0].span_id), Some(spans[1].span_id), None]);
    assert_eq!(spans[1].links[0].context.span_id(), spans[0].span_id);
}

#[test]
fn a_panic_in_a_block_marks_its_span() {
    let span = only(|| {
        let caught = catch_unwind(|| {
            let _span = span!("boom");
            panic!("out of cheese");
        });
        assert!(caught.is_err());
    });
    assert_eq!(span.status, StatusCode::Error);
}

#[test]
fn a_detached_span_is_that_of_a_future_or_closure() {
    async fn work() -> u8 {
        yield_once().await;
        inner();
        1
    }
    let spans = testing::capture(|| {
        let future = work().instrument(detached_span!("future", n = 1));
        let closure = (|| drop(inner())).instrument(detached_span!("closure"));
        assert!(!Span::current().context().span_id().to_string().is_empty());
        inner();
        std::thread::spawn(closure).join().expect("the thread runs");
        assert_eq!(block_on(future), 1);
    });
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("a span");
    let below = |name: &str| spans.iter().any(|span| span.parent_span_id == Some(named(name).span_id));
    assert!(below("future") && below("closure"));
    assert_eq!(spans.iter().filter(|span| span.parent_span_id.is_none()).count(), 3);
    assert_eq!(named("future").attribute("n"), Some(&ValueBuf::I64(1)));
}

#[test]
fn a_detached_span_that_nobody_takes_leaves_no_trace() {
    assert!(testing::capture(|| drop(detached_span!("unused"))).is_empty());
    let span = only(|| drop(std::future::pending::<()>().instrument(detached_span!("dropped"))));
    assert_eq!(span.attribute("cancelled"), Some(&ValueBuf::Bool(true)));
}

#[test]
fn spawned_work_stays_below_the_current_span() {
    #[instrument]
    async fn all() {
        spawn::task(async { drop(inner()) }).await.expect("it ran");
        spawn::blocking(|| drop(inner())).await.expect("it ran");
        spawn::thread(|| drop(inner())).join().expect("it ran");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let runtime = Arc::new(runtime.expect("a runtime"));
    let spans = testing::capture(|| runtime.block_on(all()));
    assert_eq!(spans.len(), 4);
    assert!(spans[1..].iter().all(|span| span.parent_span_id == Some(spans[0].span_id)), "{spans:?}");
}

#[test]
fn nothing_is_evaluated_for_a_block_that_is_not_recorded() {
    fn never<T>() -> T {
        panic!("evaluated")
    }
    let trace = "0af7651916cd43dd8448eb211c80319c".parse().expect("an id");
    let parent = SpanContext::new(trace, "b7ad6b7169203331".parse().expect("an id"), TraceFlags::default());
    let _unsampled = telemetry_runtime::attach(&parent);
    let _span = span!(never::<String>(), x = never::<u8>(), links = [never::<SpanContext>()]);
}
