//! What `#[instrument]` and `span!` write calls to. Not part of the public interface.

mod event;
mod probe;
#[cfg(not(feature = "stream"))]
mod stream;

pub use self::event::Event;
pub use self::probe::{
    AnyProbe, DebugOutcome, Outcome, Probe, Returned, Whole, boxed, call_once, future_of, is_failure, pinned,
    unobserved, unreached,
};
#[cfg(not(feature = "stream"))]
pub use self::stream::{instrument_stream, stream_of, unobserved_item};
pub use crate::record::{Callsite, Level, Sampling, SpanKind};
#[cfg(feature = "tracing")]
pub use crate::span::Twinning;
pub use crate::span::{
    Entered, EnteredBlock, EventRecord, Failing, Instrumented, Observed, Opened, Recording, below,
    instrument, is_on, observed, root,
};
#[cfg(feature = "stream")]
pub use crate::span::{InstrumentedStream, Streaming, instrument_stream, stream_of, unobserved_item};
#[cfg(feature = "tracing")]
pub use tracing;
