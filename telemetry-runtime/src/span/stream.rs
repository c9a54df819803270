//! A span around a stream: from the call that makes it to its last item, or until it is dropped.

use super::instrumented::Opened;
use super::recording::{Failing, Recording};
use futures_core::Stream;
use std::fmt::{self, Display};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Runs a stream within a span. `observe` sees each item; how many there were is recorded under `key`.
///
/// # Cancel safety
/// Dropping the stream before it has ended ends the span, marked `cancelled`.
pub fn instrument_stream<const N: usize, S, O>(
    span: Opened<N>,
    stream: S,
    key: u8,
    observe: O,
) -> InstrumentedStream<N, S, O>
where
    S: Stream,
    O: Fn(&mut Streaming<'_, N>, &S::Item),
{
    InstrumentedStream { stream: ManuallyDrop::new(stream), span, key, items: 0, observe }
}

/// A stream whose items have this type.
pub fn stream_of<T, S: Stream<Item = T>>(stream: S) -> S {
    stream
}

/// The span of a stream while it goes on: an `Err` is not the last thing that happens to it.
#[derive(Debug)]
pub struct Streaming<'a, const N: usize>(&'a mut Recording<N>);

impl<const N: usize> Failing for Streaming<'_, N> {
    fn is_recording(&self) -> bool {
        self.0.is_recording()
    }

    fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        self.0.send(|extra| extra.exception(error_type, format_args!("{message}")));
    }
}

/// Looks at nothing: for a stream whose items cannot fail.
pub fn unobserved_item<const N: usize, T>(_span: &mut Streaming<'_, N>, _item: &T) {}

/// A stream within a span.
pub struct InstrumentedStream<const N: usize, S, O> {
    stream: ManuallyDrop<S>,
    span: Opened<N>,
    key: u8,
    items: u64,
    observe: O,
}

impl<const N: usize, S, O> Stream for InstrumentedStream<N, S, O>
where
    S: Stream,
    O: Fn(&mut Streaming<'_, N>, &S::Item),
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // SAFETY: `stream` is pinned with `self` and never moved: it is polled and dropped in place. The rest is not pinned.
        let (this, stream) = unsafe {
            let this = self.get_unchecked_mut();
            let stream: *mut S = &raw mut *this.stream;
            (this, Pin::new_unchecked(&mut *stream))
        };
        let polled = this.span.scope(|| stream.poll_next(cx));
        match &polled {
            Poll::Ready(Some(item)) => {
                this.items += 1;
                (this.observe)(&mut Streaming(&mut this.span), item);
            }
            Poll::Ready(None) => this.end(),
            Poll::Pending => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<const N: usize, S, O> InstrumentedStream<N, S, O> {
    /// A second call does nothing.
    fn end(&mut self) {
        if self.span.is_recording() {
            self.span.value(self.key, self.items);
        }
        self.span.end();
    }
}

impl<const N: usize, S, O> Drop for InstrumentedStream<N, S, O> {
    fn drop(&mut self) {
        if self.span.is_recording() {
            self.span.cancel();
        }
        let stream = &mut self.stream;
        // SAFETY: dropped once, here, and never used again.
        self.span.scope(|| unsafe { ManuallyDrop::drop(stream) });
        self.end();
    }
}

impl<const N: usize, S, O> fmt::Debug for InstrumentedStream<N, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstrumentedStream").field("items", &self.items).finish_non_exhaustive()
    }
}
