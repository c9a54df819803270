//! What `#[instrument]` writes calls to. Not part of the public interface.

mod probe;

pub use self::probe::{DebugOutcome, Outcome, Probe, Returned, call_once, unobserved, unreached};
pub use crate::record::{Callsite, Level, SpanKind};
pub use crate::span::{Entered, Instrumented, Opened, Recording, instrument};
