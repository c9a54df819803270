//! A span around a synchronous body: current from its start until it is dropped.

use super::recording::Recording;
use crate::record::Callsite;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A span that is current on this thread until dropped, by which it ends, also on the way out of a panic.
#[must_use = "the span ends when this is dropped"]
#[derive(Debug)]
pub struct Entered<const N: usize> {
    recording: Recording<N>,
    /// Dropping it on another thread would change the wrong context.
    _of_this_thread: PhantomData<*const ()>,
}

impl<const N: usize> Entered<N> {
    /// A span that is not started yet.
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "only `#[instrument]` makes one, to start it in place")]
    pub fn new() -> Self {
        Self { recording: Recording::inert(), _of_this_thread: PhantomData }
    }

    /// Starts it below the current span and makes it current. In place: a value that is returned would be copied.
    #[inline(always)]
    pub fn enter(&mut self, callsite: &'static Callsite) {
        self.recording.start_and_enter(callsite);
    }

    /// The same for a callsite that says `sample = never`.
    #[cold]
    pub fn enter_unsampled(&mut self, callsite: &'static Callsite) {
        self.recording.enter_unusual(callsite);
    }
}

impl<const N: usize> Drop for Entered<N> {
    #[inline(always)]
    fn drop(&mut self) {
        self.recording.leave_and_end();
    }
}

impl<const N: usize> Deref for Entered<N> {
    type Target = Recording<N>;

    #[inline(always)]
    fn deref(&self) -> &Recording<N> {
        &self.recording
    }
}

impl<const N: usize> DerefMut for Entered<N> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Recording<N> {
        &mut self.recording
    }
}

/// A block's span, and below it what makes another span its parent, if anything does.
#[must_use = "the span ends when this is dropped: `let _span = span!(..);`"]
#[derive(Debug)]
pub struct EnteredBlock<const N: usize, B> {
    _span: Entered<N>,
    /// Dropped after the span.
    _below: B,
}

impl<const N: usize, B> EnteredBlock<N, B> {
    /// Both together.
    #[inline(always)]
    pub fn new(span: Entered<N>, below: B) -> Self {
        Self { _span: span, _below: below }
    }
}
