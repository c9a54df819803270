//! Requests that nobody wants to see, such as health checks.

use super::{Decision, LocalRoot, SamplingPolicy};

/// Drops requests for certain paths, and everything below them; asks `other` about everything else.
///
/// A pattern is a whole path (`/health`), or ends in `*` and stands for every path that begins so (`/internal/*`). Case counts; a
/// query is no part of the path.
#[derive(Clone, Debug)]
pub struct Exclude<P> {
    patterns: Vec<String>,
    other: P,
}

impl<P: SamplingPolicy> Exclude<P> {
    /// Drops what matches one of `patterns`.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<String>>, other: P) -> Self {
        Self { patterns: patterns.into_iter().map(Into::into).collect(), other }
    }

    fn excludes(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == pattern,
        })
    }
}

impl<P: SamplingPolicy> SamplingPolicy for Exclude<P> {
    fn decide(&self, root: &LocalRoot<'_>) -> Decision {
        match root.path {
            Some(path) if self.excludes(path) => Decision::Drop,
            _ => self.other.decide(root),
        }
    }

    fn threshold_without_parent(&self) -> Option<u64> {
        self.other.threshold_without_parent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Ratio;
    use crate::record::{Callsite, TraceId};

    static CALLSITE: Callsite = Callsite::new("f", "m", "f.rs", 1, &[]);

    #[test]
    fn excludes_whole_paths_and_beginnings() {
        let policy = Exclude::new(["/health", "/internal/*"], Ratio::ALWAYS);
        let root = LocalRoot::new(TraceId::from_int(1), None, &CALLSITE);
        let sampled = |path| policy.decide(&root.with_path(path)) == Decision::Sample;
        assert!(!sampled("/health") && !sampled("/internal/x") && !sampled("/internal/"));
        assert!(
            sampled("/healthz") && sampled("/orders/health") && sampled("/internal") && sampled("/Health")
        );
    }
}
