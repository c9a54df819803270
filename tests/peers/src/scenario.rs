//! The scenarios: what a burst of spans consists of. No burst is larger than any library's batch, so that nothing is dropped.

use crate::library::Library;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

/// The spans of one trace: a root and its children.
pub(crate) const TRACE: u64 = CHILDREN + 1;
const CHILDREN: u64 = 100;
const TRACES: u64 = 5;
const DEPTH: u32 = 10;
const CHAINS: u64 = 45;

/// A shape of spans to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scenario {
    /// A root and its children, without attributes.
    Plain,
    /// Three attributes each.
    Attributes,
    /// One attribute each, by `Debug`.
    Formatted,
    /// An error recorded on each.
    Failing,
    /// One event in each.
    Event,
    /// Around futures that are ready at once.
    Ready,
    /// Around futures that yield once.
    Yielding,
    /// A root and a chain of spans below it.
    Nested,
    /// Roots without children.
    Lone,
    /// `Plain` on two threads at once.
    TwoThreads,
}

impl Scenario {
    /// All of them, in the tables' order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Plain,
        Self::Attributes,
        Self::Formatted,
        Self::Failing,
        Self::Event,
        Self::Ready,
        Self::Yielding,
        Self::Nested,
        Self::Lone,
        Self::TwoThreads,
    ];

    /// As a table's column and as a word between processes says it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Plain => "0 attributes",
            Self::Attributes => "3 attributes",
            Self::Formatted => "formatted",
            Self::Failing => "`Err`",
            Self::Event => "event",
            Self::Ready => "async, ready",
            Self::Yielding => "async, one yield",
            Self::Nested => "depth 10",
            Self::Lone => "own root",
            Self::TwoThreads => "2 threads",
        }
    }

    /// Reads what [`title`](Self::title) writes.
    pub(crate) fn from_title(title: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.title() == title)
    }

    /// On how many threads at once.
    pub(crate) fn threads(self) -> u64 {
        if self == Self::TwoThreads { 2 } else { 1 }
    }

    /// The spans of a burst on one thread.
    pub(crate) fn spans(self) -> u64 {
        match self {
            Self::Nested => CHAINS * (u64::from(DEPTH) + 1),
            Self::Lone => TRACES * TRACE,
            Self::TwoThreads => TRACES / 2 * TRACE,
            _ => TRACES * TRACE,
        }
    }

    /// Makes the spans of a burst on this thread.
    pub(crate) fn burst<L: Library>(self, library: &L) {
        match self {
            Self::Plain => traces(TRACES, library, || library.plain()),
            Self::Attributes => traces(TRACES, library, || attributes(library)),
            Self::Formatted => traces(TRACES, library, || library.formatted(black_box(OWNED))),
            Self::Failing => traces(TRACES, library, || fail(library)),
            Self::Event => traces(TRACES, library, || library.event()),
            Self::Ready => traces(TRACES, library, || finish(library.ready())),
            Self::Yielding => traces(TRACES, library, || finish(library.yielding())),
            Self::Nested => (0..CHAINS).for_each(|_| library.trace(|| library.nested(black_box(DEPTH)))),
            Self::Lone => (0..self.spans()).for_each(|_| library.lone()),
            Self::TwoThreads => traces(TRACES / 2, library, || library.plain()),
        }
    }
}

/// Makes one trace.
pub(crate) fn trace<L: Library>(library: &L, has_attributes: bool) {
    if has_attributes {
        traces(1, library, || attributes(library));
    } else {
        traces(1, library, || library.plain());
    }
}

#[inline(always)]
fn traces<L: Library>(traces: u64, library: &L, child: impl Fn()) {
    for _ in 0..traces {
        library.trace(|| (0..CHILDREN).for_each(|_| child()));
    }
}

#[inline(always)]
fn attributes<L: Library>(library: &L) {
    library.attributes(black_box(4242), black_box(TEXT), black_box(OWNED));
}

#[inline(always)]
fn fail<L: Library>(library: &L) {
    let _ = black_box(library.failing());
}

/// Polls a future until it is ready, by hand: the same harness for all, without an executor's cost.
#[inline(always)]
fn finish(future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    while future.as_mut().poll(&mut context).is_pending() {}
}

/// 16 bytes.
const TEXT: &str = "eu-central-1-bln";
/// 24 bytes.
const OWNED: &str = "order-0190b5f2-7c4d-4e21";
