//! What travels with a trace's ids: the vendors' state and the application's baggage.

use super::{Baggage, TraceState};
use std::sync::Arc;

/// The vendors' state and the application's baggage; nearly always nothing.
// A thin pointer: every instrumented future holds one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Luggage(Option<Arc<Contents>>);

#[derive(Debug)]
struct Contents {
    trace_state: TraceState,
    baggage: Baggage,
}

impl Luggage {
    /// None of either.
    pub(crate) const NONE: Self = Self(None);

    /// Both together.
    pub(crate) fn new(trace_state: TraceState, baggage: Baggage) -> Self {
        let is_empty = trace_state.is_empty() && baggage.is_empty();
        Self((!is_empty).then(|| Arc::new(Contents { trace_state, baggage })))
    }

    /// Whether there is neither.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The vendors' state.
    pub(crate) fn trace_state(&self) -> TraceState {
        self.0.as_ref().map_or(TraceState::NONE, |contents| contents.trace_state.clone())
    }

    /// The application's baggage.
    pub(crate) fn baggage(&self) -> Baggage {
        self.0.as_ref().map_or_else(Baggage::default, |contents| contents.baggage.clone())
    }
}
