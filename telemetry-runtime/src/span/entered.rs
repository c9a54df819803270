//! A span around a synchronous body: current from its start until it is dropped.

use super::context::current;
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

/// Starts a span below the current one and makes it current.
#[inline(always)]
pub fn enter<const N: usize>(callsite: &'static Callsite) -> Entered<N> {
    let recording = Recording::start(current(), callsite);
    recording.enter(current());
    Entered { recording, _of_this_thread: PhantomData }
}

impl<const N: usize> Drop for Entered<N> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.recording.holds_context() {
            let state = current().state();
            self.recording.leave(current());
            self.recording.end(state);
        }
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
