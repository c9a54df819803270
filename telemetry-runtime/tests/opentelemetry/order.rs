//! Guards, spans and threads in any order leave the right span current, and nothing panics.

use crate::{capture, parent, span, tracer};
use opentelemetry::trace::{Span as _, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use proptest::prelude::*;
use std::cell::RefCell;
use std::thread;
use telemetry_runtime::{Span, span};

/// Both say that the same span is current.
fn assert_agrees(outside: &telemetry_runtime::SpanContext) {
    let theirs = Context::map_current(|context| context.span().span_context().clone());
    let ours = Span::current().context();
    if theirs.is_valid() {
        assert_eq!(ours.span_id().to_bytes(), theirs.span_id().to_bytes());
    } else {
        assert_eq!(&ours, outside);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Attach(usize),
    Drop(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![(0..4_usize).prop_map(Step::Attach), (0..8_usize).prop_map(Step::Drop)];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn guards_in_any_order_keep_the_attached_span_current(steps in steps()) {
        capture(|| {
            let _ours = span!("ours");
            let outside = Span::current().context();
            let contexts = [(); 4].map(|()| Context::current_with_span(tracer().start("theirs")));
            let mut guards = Vec::new();
            for step in steps {
                match step {
                    Step::Attach(index) => guards.push(contexts[index].clone().attach()),
                    Step::Drop(index) if index < guards.len() => drop(guards.remove(index)),
                    Step::Drop(_) => {}
                }
                assert_agrees(&outside);
            }
            while !guards.is_empty() {
                drop(guards.remove(0));
                assert_agrees(&outside);
            }
        });
    }
}

#[test]
fn contexts_that_are_left_attached_are_bounded_and_undone() {
    capture(|| {
        let before = Span::current().context();
        let contexts = [(); 2].map(|()| Context::current_with_span(tracer().start("theirs")));
        let guards: Vec<_> = (0..5_000).map(|index| contexts[index % 2].clone().attach()).collect();
        guards.into_iter().rev().for_each(drop);
        assert_eq!(Span::current().context(), before);
    });
}

#[test]
fn a_span_ends_on_whatever_thread() {
    let spans = capture(|| {
        let mut theirs = tracer().start("theirs");
        let _ours = span!("ours");
        let ours = Span::current().context();
        thread::scope(|scope| scope.spawn(|| theirs.end()).join()).expect("it does not panic");
        assert_eq!(Span::current().context(), ours);
    });
    assert_eq!(spans.len(), 2);
    assert_eq!(parent(&spans, "ours"), None);
}

#[test]
fn a_span_that_is_ended_is_still_the_parent_while_it_is_attached() {
    let spans = capture(|| {
        tracer().in_span("theirs", |context| {
            context.span().end();
            drop(span!("ours"));
        });
    });
    assert_eq!(parent(&spans, "ours"), Some("theirs"));
}

#[test]
fn what_is_said_after_the_end_counts_for_nothing() {
    let spans = capture(|| {
        let mut theirs = tracer().start("theirs");
        theirs.end();
        assert!(!theirs.is_recording() && theirs.span_context().is_valid());
        theirs.set_attribute(KeyValue::new("late", true));
        theirs.add_event("late", Vec::new());
        theirs.update_name("late");
        theirs.set_status(opentelemetry::trace::Status::error("late"));
        theirs.end();
    });
    assert_eq!(spans.len(), 1);
    let theirs = span(&spans, "theirs");
    assert!(theirs.attributes.is_empty() && theirs.events.is_empty() && theirs.status_message.is_empty());
}

#[test]
fn spans_in_destructors_of_threads_do_no_harm() {
    thread_local! {
        static LAST: RefCell<Option<opentelemetry::global::BoxedSpan>> = const { RefCell::new(None) };
    }
    let spans = capture(|| {
        let context = telemetry_runtime::bridge::opentelemetry::current_context();
        let body = || {
            // Whatever of ours the thread has is gone when this is dropped.
            LAST.with(|last| drop(last.take()));
            let _attached = context.attach();
            LAST.set(Some(tracer().start("theirs")));
        };
        thread::scope(|scope| scope.spawn(body).join()).expect("it does not panic");
    });
    assert_eq!(span(&spans, "theirs").parent_span_id, None);
}

#[test]
fn a_guard_that_outlives_its_poll_leaves_no_wrong_parent_when_it_goes() {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context as Poller, Poll, Waker};
    use telemetry_runtime::{Instrument, detached_span};
    let spans = capture(|| {
        let before = Span::current().context();
        let task = async {
            let _attached = Context::current_with_span(tracer().start("theirs")).attach();
            let mut polled = false;
            poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
                .await;
        };
        let mut task = pin!(task.instrument(detached_span!("task")));
        let mut poller = Poller::from_waker(Waker::noop());
        assert!(task.as_mut().poll(&mut poller).is_pending());
        drop(span!("between"));
        assert!(task.as_mut().poll(&mut poller).is_ready());
        assert_eq!(Span::current().context(), before);
        drop(tracer().start("after"));
    });
    assert_eq!(parent(&spans, "between"), None);
    assert_eq!(parent(&spans, "after"), None);
    assert_eq!(parent(&spans, "theirs"), Some("task"));
}
