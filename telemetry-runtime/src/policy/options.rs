//! Which traces are recorded, as settings say it: sampling, and paths that are left out.

use super::{Exclude, ParentBased, Ratio, SamplingPolicy};

/// The head policy's settings. By default everything is recorded, unless a caller has decided otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Who decides about a trace, and how.
    pub(crate) sampling: Sampling,
    /// Requests that are not recorded.
    pub(crate) exclude: Vec<PathPattern>,
}

/// Who decides about a trace, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampling {
    /// The share of traces that is recorded where the decision is ours.
    pub(crate) ratio: Ratio,
    /// Whether a caller's decision holds.
    pub(crate) parent_based: bool,
}

/// Paths of requests: one path, or all that begin alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(String);

/// Why a word names no sampler of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SamplingError {
    #[error("expected one of {known}", known = Sampling::WORDS.map(|word| format!("`{word}`")).join(", "))]
    Unknown,
    #[error("this sampler needs a remote service and is not supported: use `parentbased_traceidratio`")]
    Remote,
}

/// Why a text is no path pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathPatternError {
    #[error("expected a path that begins with `/`, such as `/health` or `/internal/*`")]
    NoSlash,
    #[error("`*` stands for any rest and is allowed only at the end, as in `/internal/*`")]
    InnerWildcard,
    #[error("expected a path without `?` or `#`: queries are not compared")]
    Query,
}

impl Options {
    /// The policy that does what the settings say.
    pub(crate) fn into_policy(self) -> Box<dyn SamplingPolicy> {
        let Sampling { ratio, parent_based } = self.sampling;
        let sampling: Box<dyn SamplingPolicy> =
            if parent_based { Box::new(ParentBased::new(ratio)) } else { Box::new(ratio) };
        if self.exclude.is_empty() { sampling } else { Box::new(Exclude::new(self.exclude, sampling)) }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self { ratio: Ratio::ALWAYS, parent_based: true }
    }
}

impl Sampling {
    /// The names that OpenTelemetry gives to samplers.
    ///
    /// Source: OpenTelemetry specification, environment variables, `OTEL_TRACES_SAMPLER`.
    pub(crate) const WORDS: [&'static str; 6] = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];

    /// The sampler of that name; `ratio` matters only to a word [that takes one](Self::takes_ratio).
    pub(crate) fn from_word(word: &str, ratio: Ratio) -> Result<Self, SamplingError> {
        let (root, parent_based) = match word.strip_prefix("parentbased_") {
            Some(root) => (root, true),
            None => (word, false),
        };
        let ratio = match root {
            "always_on" => Ratio::ALWAYS,
            "always_off" => Ratio::NEVER,
            "traceidratio" => ratio,
            "jaeger_remote" | "xray" => return Err(SamplingError::Remote),
            _ => return Err(SamplingError::Unknown),
        };
        Ok(Self { ratio, parent_based })
    }

    /// The word for this, if a ratio is named beside it.
    pub(crate) fn word(self) -> &'static str {
        if self.parent_based { "parentbased_traceidratio" } else { "traceidratio" }
    }

    /// Whether the sampler of that name depends on a ratio.
    pub(crate) fn takes_ratio(word: &str) -> bool {
        word.ends_with("traceidratio")
    }
}

impl PathPattern {
    /// Reads `/exact/path` or `/prefix*`.
    pub(crate) fn parse(text: &str) -> Result<Self, PathPatternError> {
        let path = text.strip_suffix('*').unwrap_or(text);
        match path {
            _ if !path.starts_with('/') => Err(PathPatternError::NoSlash),
            _ if path.contains('*') => Err(PathPatternError::InnerWildcard),
            _ if path.contains(['?', '#']) => Err(PathPatternError::Query),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Decision, LocalRoot};
    use crate::record::{Callsite, SpanContext, TraceFlags, TraceId};

    static CALLSITE: Callsite = Callsite::new("f", "m", "f.rs", 1, &[]);

    #[test]
    fn every_listed_word_names_a_sampler() {
        for word in Sampling::WORDS {
            assert!(Sampling::from_word(word, Ratio::ALWAYS).is_ok(), "{word}");
        }
        assert_eq!(Sampling::from_word("parentbased_always_on", Ratio::NEVER), Ok(Sampling::default()));
        assert_eq!(
            Sampling::from_word("parentbased_jaeger_remote", Ratio::ALWAYS),
            Err(SamplingError::Remote)
        );
        assert_eq!(Sampling::from_word("always", Ratio::ALWAYS), Err(SamplingError::Unknown));
    }

    #[test]
    fn pattern_is_a_path_or_a_beginning() {
        for pattern in ["/health", "/internal/*", "/*", "/"] {
            assert!(PathPattern::parse(pattern).is_ok(), "{pattern}");
        }
        for (pattern, error) in [
            ("health", PathPatternError::NoSlash),
            ("*", PathPatternError::NoSlash),
            ("/a/*/b", PathPatternError::InnerWildcard),
            ("/a?b", PathPatternError::Query),
        ] {
            assert_eq!(PathPattern::parse(pattern), Err(error));
        }
    }

    #[test]
    fn policy_excludes_first_then_follows_the_caller_then_decides() {
        let exclude = vec![PathPattern::parse("/health").expect("a pattern")];
        let sampling = Sampling::from_word("parentbased_always_off", Ratio::ALWAYS).expect("a word");
        let policy = Options { sampling, exclude }.into_policy();
        let trace_id = TraceId::from_int(1);
        let parent =
            SpanContext::new(trace_id, "b7ad6b7169203331".parse().expect("an id"), TraceFlags::SAMPLED);
        let decide =
            |parent, path| policy.decide(&LocalRoot::new(trace_id, parent, &CALLSITE).with_path(path));
        assert_eq!(decide(Some(&parent), "/health"), Decision::Drop);
        assert_eq!(decide(Some(&parent), "/orders"), Decision::Sample);
        assert_eq!(decide(None, "/orders"), Decision::Drop);
    }
}
