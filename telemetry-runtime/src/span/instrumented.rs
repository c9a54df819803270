//! A span around a future: current during each poll, ended by its result or by its being dropped.

use super::context::{Ids, current, flag};
#[cfg(feature = "http")]
use super::context::{Scope, Snapshot};
use super::recording::Recording;
#[cfg(feature = "http")]
use crate::record::{Baggage, SpanContext};
use crate::record::{Callsite, Luggage};
use std::borrow::BorrowMut;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A span that has started and is not current yet. Unlike [`Entered`](super::Entered) it may move between threads.
///
/// What has to do with luggage, which few traces have, is kept out of the functions that hold a span: it would stand in each.
#[derive(Debug)]
pub struct Opened<const N: usize> {
    recording: Recording<N>,
    luggage: ManuallyDrop<Luggage>,
}

impl<const N: usize> Opened<N> {
    /// A span that is not started yet.
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "only `#[instrument]` makes one, to start it in place")]
    pub fn new() -> Self {
        Self { recording: Recording::inert(), luggage: ManuallyDrop::new(Luggage::NONE) }
    }

    /// Starts it below the current span. In place: a value that is returned would be copied.
    #[inline(always)]
    pub fn open(&mut self, callsite: &'static Callsite) {
        self.recording.start(&mut self.luggage, callsite);
    }

    /// The same for a callsite that says `sample = never`.
    #[cold]
    pub fn open_unsampled(&mut self, callsite: &'static Callsite) {
        self.recording.start_unusual(&mut self.luggage, callsite);
    }
}

impl<const N: usize> Drop for Opened<N> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.luggage.is_empty() {
            drop_luggage(&mut self.luggage);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_luggage(luggage: &mut Luggage) {
    *luggage = Luggage::NONE;
}

/// Makes current what a request comes with: the caller's span, else a remote one that is current, else none, and the caller's baggage.
#[cfg(feature = "http")]
pub(crate) fn enter_caller(parent: Option<SpanContext>, baggage: Baggage) -> Scope {
    let in_this_process = || Some(current().snapshot().context()).filter(SpanContext::is_remote);
    let parent = parent.or_else(in_this_process).unwrap_or_default();
    Scope::enter(&Snapshot::new(&parent, baggage))
}

/// Starts the span of a request for `path`: a local root, below the caller's span if that is current.
#[cfg(feature = "http")]
pub(crate) fn open_request<const N: usize>(callsite: &'static Callsite, path: &str) -> Opened<N> {
    let mut opened = Opened::new();
    opened.recording.start_request(&mut opened.luggage, callsite, path);
    opened
}

/// Runs a future within a span, owned or borrowed; `observe` sees its output before the span ends.
///
/// # Cancel safety
/// Dropping the future before it is ready ends the span, marked `cancelled`.
#[inline(always)]
pub fn instrument<const N: usize, S, F, O>(span: S, future: F, observe: O) -> Instrumented<N, S, F, O>
where
    S: BorrowMut<Opened<N>>,
    F: Future,
    O: Fn(&mut Recording<N>, &F::Output),
{
    Instrumented { future: ManuallyDrop::new(future), span, observe, _room: PhantomData }
}

/// A future within a span, which is its own or somebody else's.
pub struct Instrumented<const N: usize, S: BorrowMut<Opened<N>>, F, O> {
    future: ManuallyDrop<F>,
    span: S,
    observe: O,
    _room: PhantomData<Opened<N>>,
}

impl<const N: usize, S, F, O> Future for Instrumented<N, S, F, O>
where
    S: BorrowMut<Opened<N>>,
    F: Future,
    O: Fn(&mut Recording<N>, &F::Output),
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with `self` and never moved: it is polled and dropped in place. The rest is not pinned.
        let (span, observe, future) = unsafe {
            let this = self.get_unchecked_mut();
            (this.span.borrow_mut(), &this.observe, Pin::new_unchecked(&mut *this.future))
        };
        if !span.holds_context() {
            return future.poll(cx);
        }
        poll_within(span, observe, future, cx)
    }
}

/// Apart from [`Instrumented::poll`]: it stands once for each future, however often that is polled, and a future without a span does not
/// pay for the registers that this needs.
#[inline(never)]
fn poll_within<const N: usize, F: Future>(
    span: &mut Opened<N>,
    observe: &impl Fn(&mut Recording<N>, &F::Output),
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    let polling = Polling::enter(span);
    let polled = future.poll(cx);
    if let Poll::Ready(output) = &polled {
        if polling.span.is_recording() {
            observe(polling.span, output);
        }
        polling.leave().end();
    } else {
        polling.leave();
    }
    polled
}

impl<const N: usize> Opened<N> {
    /// Runs `body` with the span current.
    pub fn scope<R>(&mut self, body: impl FnOnce() -> R) -> R {
        if !self.holds_context() {
            return body();
        }
        let polling = Polling::enter(self);
        let value = body();
        polling.leave();
        value
    }

    /// Ends the span of a future that is not ready yet: what the future's own destructors do still belongs to the span.
    #[cold]
    fn cancelled(&mut self, future: *mut (), drop: fn(*mut ())) {
        self.cancel();
        let polling = Polling::enter(self);
        drop(future);
        polling.leave().end();
    }

    #[inline(always)]
    pub(super) fn end(&mut self) {
        self.recording.end(&self.luggage);
    }
}

/// Holds the span's context during a poll. Dropped only by a panic, which ends the span, even if somebody catches it further up.
struct Polling<'a, const N: usize> {
    span: &'a mut Opened<N>,
    before: Ids,
    /// The luggage before; none unless the context before or the span's has some. Given back once, by [`Self::restore`].
    luggage_before: ManuallyDrop<Luggage>,
}

impl<'a, const N: usize> Polling<'a, N> {
    #[inline(always)]
    fn enter(span: &'a mut Opened<N>) -> Self {
        let current = current();
        let before = current.ids();
        let ids = span.recording.ids().unwrap_or(before);
        let mut luggage_before = ManuallyDrop::new(Luggage::NONE);
        if (ids.flags | before.flags) & flag::HAS_LUGGAGE != 0 {
            luggage_before = ManuallyDrop::new(current.enter_luggage(&span.luggage));
        }
        current.replace_ids(ids);
        span.recording.enter_mirror();
        Self { span, before, luggage_before }
    }

    /// Makes current again what was.
    #[inline(always)]
    fn leave(self) -> &'a mut Opened<N> {
        let mut this = ManuallyDrop::new(self);
        this.restore();
        // SAFETY: `this` is never used again, and not dropped.
        unsafe { std::ptr::read(&raw const this.span) }
    }

    #[inline(always)]
    fn restore(&mut self) {
        self.span.recording.exit_mirror();
        if !self.luggage_before.is_empty() {
            current().restore_luggage(std::mem::take(&mut *self.luggage_before));
        }
        current().replace_ids(self.before);
    }
}

impl<const N: usize> Drop for Polling<'_, N> {
    #[cold]
    fn drop(&mut self) {
        self.restore();
        self.span.end();
    }
}

impl<const N: usize, S: BorrowMut<Opened<N>>, F, O> Drop for Instrumented<N, S, F, O> {
    #[inline]
    fn drop(&mut self) {
        let span = self.span.borrow_mut();
        if !span.holds_context() {
            // SAFETY: dropped once, here or below, and never used again.
            return unsafe { ManuallyDrop::drop(&mut self.future) };
        }
        // SAFETY: as above.
        span.cancelled((&raw mut self.future).cast(), |future| unsafe {
            std::ptr::drop_in_place(future.cast::<F>());
        });
    }
}

impl<const N: usize, S: BorrowMut<Opened<N>>, F, O> fmt::Debug for Instrumented<N, S, F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented").field("span", &self.span.borrow().recording).finish_non_exhaustive()
    }
}

impl<const N: usize> Deref for Opened<N> {
    type Target = Recording<N>;

    #[inline(always)]
    fn deref(&self) -> &Recording<N> {
        &self.recording
    }
}

impl<const N: usize> DerefMut for Opened<N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Recording<N> {
        &mut self.recording
    }
}
