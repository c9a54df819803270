//! What `#[instrument]` writes calls to. Not part of the public interface.

pub use crate::record::{Callsite, Level, SpanKind};
pub use crate::span::{Entered, Instrumented, Opened, Recording, enter, instrument, open};
