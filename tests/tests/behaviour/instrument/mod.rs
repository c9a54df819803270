//! `#[instrument]` on every shape of function.

mod arguments;
mod blocks;
mod capture;
mod events;
mod futures;
mod lifetimes;
mod lints;
mod methods;
mod outcome;
mod returned;
mod start;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use telemetry_runtime::{SpanData, testing};

/// The only span that the body makes.
pub(super) fn only(body: impl FnOnce()) -> SpanData {
    let mut spans = testing::capture(body);
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

/// The names of the attributes that the function itself gave, in order.
pub(super) fn keys(span: &SpanData) -> Vec<&str> {
    span.attributes.iter().map(|(key, _)| key.as_str()).filter(|key| *key != "error.type").collect()
}

/// Polls a future that is never woken from outside until it is done.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Is pending once.
pub(super) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(
        |_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending },
    )
    .await;
}
