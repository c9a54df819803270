//! Takes the current context along to another task or thread.

use super::context::{Scope, Snapshot, current};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Carries the current span into a future that runs elsewhere, such as one given to `tokio::spawn`.
///
/// Without it such work starts a trace of its own. For closures there is [`InCurrentSpanOnce`].
///
/// # Examples
/// ```
/// use telemetry_runtime::InCurrentSpan;
///
/// async fn notify() {}
/// let task = notify().in_current_span(); // tokio::spawn(task)
/// # drop(task);
/// ```
pub trait InCurrentSpan: Future + Sized {
    /// The same future, below the span that is current now.
    fn in_current_span(self) -> Carried<Self> {
        Carried { snapshot: current().snapshot(), future: self }
    }
}

impl<F: Future> InCurrentSpan for F {}

/// Carries the current span into a closure that runs elsewhere, such as one given to `spawn_blocking` or `std::thread::spawn`.
///
/// # Examples
/// ```
/// use telemetry_runtime::InCurrentSpanOnce;
///
/// let thread = std::thread::spawn((|| 6 * 7).in_current_span());
/// assert_eq!(thread.join().unwrap(), 42);
/// ```
pub trait InCurrentSpanOnce<R>: FnOnce() -> R + Sized {
    /// The same closure, below the span that is current now.
    fn in_current_span(self) -> impl FnOnce() -> R {
        let snapshot = current().snapshot();
        move || {
            let _scope = Scope::enter(&snapshot);
            self()
        }
    }
}

impl<F: FnOnce() -> R, R> InCurrentSpanOnce<R> for F {}

/// A future below the span that was current when it was made.
pub struct Carried<F> {
    snapshot: Snapshot,
    future: F,
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with `self` and never moved; `snapshot` is not pinned.
        let (snapshot, future) = unsafe {
            let this = self.get_unchecked_mut();
            (&this.snapshot, Pin::new_unchecked(&mut this.future))
        };
        let _scope = Scope::enter(snapshot);
        future.poll(cx)
    }
}

impl<F> fmt::Debug for Carried<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carried").field("parent", &self.snapshot.context()).finish_non_exhaustive()
    }
}
