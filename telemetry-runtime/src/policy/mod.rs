//! Which traces are recorded: the [`SamplingPolicy`] asked once for each local root, and the policies that come with the crate.

mod exclude;
mod options;
mod parent;
mod ratio;

use crate::record::{Callsite, SpanContext, TraceId};

pub use exclude::Exclude;
pub(crate) use options::{Options, PathPattern, Sampling};
pub use parent::ParentBased;
pub use ratio::Ratio;

/// Decides whether a local root, and with it everything below it in this process, is recorded.
///
/// It is asked on the thread that starts the root, before the span exists and before any attribute is evaluated: it must be quick
/// and must not block.
///
/// # Examples
/// ```
/// use telemetry_runtime::policy::{Decision, LocalRoot, SamplingPolicy};
///
/// /// Records nothing of one module.
/// struct Without(&'static str);
///
/// impl SamplingPolicy for Without {
///     fn decide(&self, root: &LocalRoot<'_>) -> Decision {
///         if root.callsite.module() == self.0 { Decision::Drop } else { Decision::Sample }
///     }
/// }
/// ```
pub trait SamplingPolicy: Send + Sync + 'static {
    /// The decision.
    fn decide(&self, root: &LocalRoot<'_>) -> Decision;

    /// For roots without a parent and without a path: the threshold T, if the decision depends on the trace id alone. Such a
    /// root is sampled when the low 56 bits of its trace id are T or more. The default, `None`, has [`decide`](Self::decide) asked.
    ///
    /// It makes roots cheaper; it must say the same as `decide`. Source: OpenTelemetry specification, trace state, "probability
    /// sampling".
    fn threshold_without_parent(&self) -> Option<u64> {
        None
    }
}

/// What is known when a local root starts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LocalRoot<'a> {
    /// The trace it belongs to, or starts.
    pub trace_id: TraceId,
    /// The parent in another process, if there is one.
    pub parent: Option<&'a SpanContext>,
    /// The place that starts the root.
    pub callsite: &'static Callsite,
    /// The path of the request that the root answers, if it answers one.
    pub path: Option<&'a str>,
}

impl<'a> LocalRoot<'a> {
    /// A root as far as it is known.
    pub fn new(trace_id: TraceId, parent: Option<&'a SpanContext>, callsite: &'static Callsite) -> Self {
        Self { trace_id, parent, callsite, path: None }
    }

    /// The same root, answering a request for this path.
    #[must_use]
    pub fn with_path(mut self, path: &'a str) -> Self {
        self.path = Some(path);
        self
    }
}

/// What becomes of a local root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Recorded and delivered; the outgoing `traceparent` says so.
    Sample,
    /// Not recorded, nor is anything below it; the outgoing `traceparent` carries flag 00.
    Drop,
}

impl SamplingPolicy for Box<dyn SamplingPolicy> {
    fn decide(&self, root: &LocalRoot<'_>) -> Decision {
        (**self).decide(root)
    }

    fn threshold_without_parent(&self) -> Option<u64> {
        (**self).threshold_without_parent()
    }
}
