//! What is known of an instrumentation scope beside its name.

use super::ValueBuf;

/// What a library that makes spans with the OpenTelemetry API has said of itself beside its [name](crate::Callsite::scope); empty for all
/// other spans.
///
/// Source: OpenTelemetry specification, "Instrumentation Scope".
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScopeDetails {
    /// The library's version.
    pub version: String,
    /// The URL of the semantic conventions that its spans keep to.
    pub schema_url: String,
    /// What else it has said.
    pub attributes: Vec<(String, ValueBuf)>,
}

impl ScopeDetails {
    /// Those of a scope of which no more is known than its name.
    pub(crate) const NONE: &'static Self = {
        // One of them, that addresses tell scopes apart.
        static NONE: ScopeDetails =
            ScopeDetails { version: String::new(), schema_url: String::new(), attributes: Vec::new() };
        &NONE
    };
}
