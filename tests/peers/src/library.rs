//! The shapes of spans that every library makes in its own way.

use crate::scenario::{self, Scenario};
use std::fmt;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A tracing library with its settings, already started. Each method makes one span of one shape, around [`body`] or what is given.
pub(crate) trait Library: Send + Sync + 'static {
    /// A root, current while its children run.
    fn trace(&self, children: impl FnOnce());

    /// A span without attributes.
    fn plain(&self);

    /// A span that is its own root, where nothing is current.
    fn lone(&self) {
        self.plain();
    }

    /// A span with three attributes, typed as far as the library has types.
    fn attributes(&self, number: i64, text: &str, owned: &str);

    /// A span with one attribute that is formatted by `Debug`.
    fn formatted(&self, text: &str);

    /// A span around a function that fails, with its error recorded.
    fn failing(&self) -> Result<(), Failure>;

    /// A span with one event that has one field.
    fn event(&self);

    /// A span around a future that is ready at once.
    fn ready(&self) -> impl Future<Output = ()>;

    /// A span around a future that is ready when polled again.
    fn yielding(&self) -> impl Future<Output = ()>;

    /// So many spans, each below the one before.
    fn nested(&self, depth: u32);

    /// Delivers what has ended.
    fn flush(&self) {}

    /// The spans that the library itself says it has lost, if it says so.
    fn lost(&self) -> Option<u64> {
        None
    }
}

/// A [`Library`] without its type.
pub(crate) trait Subject: Send + Sync {
    /// Makes the spans of one burst.
    fn burst(&self, scenario: Scenario);

    /// Delivers what has ended.
    fn flush(&self);

    /// The spans that the library itself says it has lost, if it says so.
    fn lost(&self) -> Option<u64>;

    /// Makes one trace of [`TRACE`](scenario::TRACE) spans.
    fn make_trace(&self, has_attributes: bool);
}

impl<L: Library> Subject for L {
    fn burst(&self, scenario: Scenario) {
        scenario.burst(self);
    }

    fn flush(&self) {
        Library::flush(self);
    }

    fn lost(&self) -> Option<u64> {
        Library::lost(self)
    }

    fn make_trace(&self, has_attributes: bool) {
        scenario::trace(self, has_attributes);
    }
}

/// What an instrumented function does: nothing that the compiler could see through.
#[inline(always)]
pub(crate) fn body() {
    black_box(());
}

/// An error that is cheap to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the card was declined")
    }
}

impl std::error::Error for Failure {}

/// A future that is ready when polled for the second time.
#[derive(Debug, Default)]
pub(crate) struct Yield {
    has_yielded: bool,
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.has_yielded, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
