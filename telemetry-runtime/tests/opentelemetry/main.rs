//! Spans of the OpenTelemetry API and ours, in the same traces.

mod nesting;
mod order;
mod propagator;
mod span;

use opentelemetry::global::BoxedTracer;
use std::pin::{Pin, pin};
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use telemetry_runtime::{SpanData, bridge, testing};

/// Records what the body does, with our provider the process's.
fn capture<R>(body: impl FnOnce() -> R) -> Vec<SpanData> {
    static ONCE: Once = Once::new();
    ONCE.call_once(bridge::opentelemetry::install);
    testing::capture(body)
}

fn tracer() -> BoxedTracer {
    opentelemetry::global::tracer("library::part")
}

fn span<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|span| span.name == name).expect("it was recorded")
}

fn parent<'a>(spans: &'a [SpanData], name: &str) -> Option<&'a str> {
    let parent = span(spans, name).parent_span_id?;
    spans.iter().find(|span| span.span_id == parent).map(|span| span.name.as_str())
}

/// Polls until it is done: nothing here waits for anything but its next poll.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Pending once.
async fn yield_now() {
    let mut is_over = false;
    std::future::poll_fn(|_| {
        let poll = if is_over { Poll::Ready(()) } else { Poll::Pending };
        is_over = true;
        poll
    })
    .await;
}

/// Polls all of them in turn until all are done.
async fn join(futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
    let mut futures = futures;
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
