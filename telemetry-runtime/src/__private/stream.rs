//! What stands for instrumented streams where the feature `stream` is off: a compile error that says so.

use super::Opened;

/// Never implemented.
#[diagnostic::on_unimplemented(
    message = "`#[instrument]` needs the feature `stream` of `telemetry-runtime` for a function that returns a stream",
    label = "a stream",
    note = "write `telemetry-runtime = {{ .., features = [\"stream\"] }}` in Cargo.toml"
)]
pub trait FeatureIsOn {}

/// Cannot be called.
pub fn instrument_stream<const N: usize, S: FeatureIsOn, O>(
    _span: Opened<N>,
    stream: S,
    _key: u8,
    _observe: O,
) -> S {
    stream
}

/// Says nothing of its own; nor does what follows.
pub fn unobserved_item() {}

/// Says nothing of its own.
pub fn stream_of<T, S>(stream: S) -> S {
    stream
}
