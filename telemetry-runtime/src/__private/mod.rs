//! What `#[instrument]` and `span!` write calls to. Not part of the public interface.

mod event;
mod probe;

pub use self::event::Event;
pub use self::probe::{
    AnyProbe, DebugOutcome, Outcome, Probe, Returned, call_once, is_failure, unobserved, unreached,
};
pub use crate::record::{Callsite, Level, Sampling, SpanKind};
pub use crate::span::{
    Entered, Instrumented, Observed, Opened, Recording, below, instrument, is_on, observed, root,
};
