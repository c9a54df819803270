//! Whose defaults hold: one parser, one model, one expander, two styles.

/// The defaults of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// `telemetry_runtime::instrument`.
    Ours,
    /// `telemetry_runtime::compat::instrument`: those of `tracing::instrument`, with a span of `tracing` as well.
    Tracing,
}
