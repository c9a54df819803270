//! A remote parent's decision holds; without one, another policy decides.

use super::{Decision, LocalRoot, SamplingPolicy};

/// Follows the sampled flag of a remote parent, so that a trace is recorded whole or not at all, and asks `root` where a trace begins
/// or the parent [has not decided](crate::SpanContext::is_undecided).
///
/// Source: OpenTelemetry specification, trace SDK, "ParentBased".
#[derive(Clone, Copy, Debug)]
pub struct ParentBased<P> {
    root: P,
}

impl<P: SamplingPolicy> ParentBased<P> {
    /// Asks `root` for roots without a parent.
    pub fn new(root: P) -> Self {
        Self { root }
    }
}

impl<P: SamplingPolicy> SamplingPolicy for ParentBased<P> {
    fn decide(&self, root: &LocalRoot<'_>) -> Decision {
        match root.parent {
            Some(parent) if parent.is_sampled() => Decision::Sample,
            Some(parent) if !parent.is_undecided() => Decision::Drop,
            _ => self.root.decide(root),
        }
    }

    fn threshold_without_parent(&self) -> Option<u64> {
        self.root.threshold_without_parent()
    }
}
