//! The kinds of telemetry that travel through the same lanes, batches and queues.

use std::fmt;
use std::ops::{Index, IndexMut};

/// A kind of telemetry, as OpenTelemetry names it. A [`Batch`](super::Batch) holds one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Spans.
    #[default]
    Traces,
    /// Log records.
    Logs,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Traces, Self::Logs];

    /// The signal's name in lower case, as settings and URLs write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of something for each signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PerSignal<T> {
    pub(crate) traces: T,
    pub(crate) logs: T,
}

impl<T> PerSignal<T> {
    pub(crate) fn of(mut make: impl FnMut(Signal) -> T) -> Self {
        Self { traces: make(Signal::Traces), logs: make(Signal::Logs) }
    }
}

impl<T> Index<Signal> for PerSignal<T> {
    type Output = T;

    fn index(&self, signal: Signal) -> &T {
        match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
        }
    }
}

impl<T> IndexMut<Signal> for PerSignal<T> {
    fn index_mut(&mut self, signal: Signal) -> &mut T {
        match signal {
            Signal::Traces => &mut self.traces,
            Signal::Logs => &mut self.logs,
        }
    }
}
