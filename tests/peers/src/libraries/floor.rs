//! What is measured without any library: the harness's own cost, and that of reading a clock twice.

use crate::library::{Failure, Library, Subject, Yield, body};
use std::hint::black_box;

/// Calls that do nothing.
pub(crate) fn empty() -> Box<dyn Subject> {
    Box::new(Floor { call: nothing })
}

/// Calls that read the processor's time-stamp counter twice.
pub(crate) fn clock() -> Box<dyn Subject> {
    Box::new(Floor { call: two_ticks })
}

struct Floor<F> {
    call: F,
}

#[inline(never)]
fn nothing() {
    body();
}

#[inline(never)]
fn two_ticks() {
    black_box(fastant::Instant::now());
    body();
    black_box(fastant::Instant::now());
}

impl<F: Fn() + Send + Sync + 'static> Library for Floor<F> {
    fn trace(&self, children: impl FnOnce()) {
        (self.call)();
        children();
    }

    fn plain(&self) {
        (self.call)();
    }

    fn attributes(&self, _: i64, _: &str, _: &str) {
        (self.call)();
    }

    fn formatted(&self, _: &str) {
        (self.call)();
    }

    fn failing(&self) -> Result<(), Failure> {
        (self.call)();
        Err(Failure)
    }

    fn event(&self) {
        (self.call)();
    }

    async fn ready(&self) {
        (self.call)();
    }

    async fn yielding(&self) {
        (self.call)();
        Yield::default().await;
    }

    fn nested(&self, depth: u32) {
        (self.call)();
        if depth > 1 {
            self.nested(depth - 1);
        }
    }
}
