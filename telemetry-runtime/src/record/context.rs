//! A span's identity, as it travels between functions, threads and processes.

use super::{SpanId, TraceFlags, TraceId};
use std::sync::Arc;

/// What identifies a span elsewhere: its trace, its own id, whether it is sampled, and the vendors' state.
///
/// # Examples
/// ```
/// use telemetry_runtime::{SpanContext, TraceFlags};
///
/// let parent = SpanContext::new(
///     "0af7651916cd43dd8448eb211c80319c".parse()?,
///     "b7ad6b7169203331".parse()?,
///     TraceFlags::SAMPLED,
/// );
/// assert!(parent.is_valid() && parent.is_sampled());
/// # Ok::<(), telemetry_runtime::ParseIdError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
    remote: bool,
    undecided: bool,
    debug: bool,
    trace_state: TraceState,
}

/// The `tracestate` header's value, kept as the vendors wrote it; empty by default.
///
/// Source: W3C Trace Context Level 2, section 3.3.
// A thin pointer: every instrumented future holds one, and nearly all are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceState(Option<Arc<Box<str>>>);

impl SpanContext {
    /// A context of this process, without vendors' state.
    pub fn new(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Self {
        Self {
            trace_id,
            span_id,
            flags,
            remote: false,
            undecided: false,
            debug: false,
            trace_state: TraceState::default(),
        }
    }

    /// The same context, marked as received from another process: policies decide anew below it.
    #[must_use]
    pub fn remote(mut self) -> Self {
        self.remote = true;
        self
    }

    /// The same context, marked as of a caller that leaves it to this process whether the trace is recorded.
    #[must_use]
    pub fn undecided(mut self) -> Self {
        self.undecided = true;
        self
    }

    /// The same context, sampled and marked for debugging.
    #[must_use]
    pub fn debug(mut self) -> Self {
        self.debug = true;
        self.flags = self.flags.with_sampled(true);
        self
    }

    /// The same context with this vendors' state.
    #[must_use]
    pub fn with_trace_state(mut self, trace_state: TraceState) -> Self {
        self.trace_state = trace_state;
        self
    }

    /// The trace the span belongs to.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span itself.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The trace flags.
    pub fn flags(&self) -> TraceFlags {
        self.flags
    }

    /// The vendors' state.
    pub fn trace_state(&self) -> &TraceState {
        &self.trace_state
    }

    /// Whether both ids name something.
    pub fn is_valid(&self) -> bool {
        self.trace_id.is_valid() && self.span_id.is_valid()
    }

    /// Whether the span is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }

    /// Whether the caller leaves it to this process whether the trace is recorded: B3 without a sampling state, or X-Ray's `Sampled=?`.
    pub fn is_undecided(&self) -> bool {
        self.undecided
    }

    /// Whether the caller asks for the trace to be kept whatever happens: the debug flag of B3 and Jaeger, which travels on.
    pub fn is_debug(&self) -> bool {
        self.debug
    }

    /// Whether the context was received from another process.
    pub fn is_remote(&self) -> bool {
        self.remote
    }
}

impl TraceState {
    /// No state.
    pub(crate) const NONE: Self = Self(None);

    /// State from the header's text, which the caller has validated.
    pub(crate) fn from_valid(text: &str) -> Self {
        if text.is_empty() { Self(None) } else { Self(Some(Arc::new(text.into()))) }
    }

    /// The header's text; empty when there is no state.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", |text| text)
    }

    /// Whether there is no state.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
