//! A future whose value is looked at when it is ready, whether a span is recorded or not.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Has `observe` look at the value of `future`.
#[inline(always)]
pub fn observed<F, O>(future: F, observe: O) -> Observed<F, O>
where
    F: Future,
    O: Fn(&F::Output),
{
    Observed { future, observe }
}

/// A future whose value is looked at.
pub struct Observed<F, O> {
    future: F,
    observe: O,
}

impl<F: Future, O: Fn(&F::Output)> Future for Observed<F, O> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is pinned with `self` and never moved; `observe` is not pinned.
        let (future, observe) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), &this.observe)
        };
        future.poll(cx).map(|value| {
            observe(&value);
            value
        })
    }
}

impl<F, O> fmt::Debug for Observed<F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").finish_non_exhaustive()
    }
}
