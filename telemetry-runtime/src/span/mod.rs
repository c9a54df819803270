//! Spans on the caller's thread: the current context, recording, and the lane to the collector.
//!
//! The hot path: everything here is written to cost nanoseconds, and the crate's only `unsafe` code is here.

mod attached;
mod attribute;
mod baggage;
mod carry;
mod context;
mod entered;
mod event;
mod extra;
#[cfg(feature = "logging")]
mod foreign;
pub(crate) mod fork;
mod handle;
pub(crate) mod head;
mod id;
mod instrumented;
pub(crate) mod lane;
pub(crate) mod lanes;
mod live;
mod mirror;
#[cfg_attr(not(feature = "logging"), expect(dead_code, reason = "only the bridge writes notes"))]
mod note;
mod observed;
pub(crate) mod panic;
mod recording;
#[cfg(feature = "logging")]
pub(crate) mod slots;
mod start;
#[cfg(feature = "stream")]
mod stream;
pub(crate) mod suppress;
mod sync;
pub(crate) mod tick;
#[cfg(feature = "tracing")]
mod twin;
mod with;
mod words;

pub use attached::{Attached, attach};
#[cfg(feature = "logging")]
pub(crate) use attached::{Entrance, innermost, leave};
pub use carry::{Carried, InCurrentSpan, InCurrentSpanOnce};
#[cfg(feature = "testing")]
pub(crate) use context::fresh_context;
pub use entered::{Entered, EnteredBlock};
pub use event::EventRecord;
#[cfg(feature = "logging")]
pub(crate) use extra::Key;
pub(crate) use extra::{DEFAULT_VALUE_LIMIT_BYTES, limit_values, truncated_values};
#[cfg(feature = "logging")]
pub(crate) use foreign::{Below, Foreign, Held};
pub use handle::{CaptureRef, Span};
pub use instrumented::{Instrumented, Opened, instrument};
#[cfg(feature = "http")]
pub(crate) use instrumented::{enter_caller, open_request};
#[cfg(feature = "logging")]
pub(crate) use note::{Contained, Note};
pub use observed::{Observed, observed};
pub use recording::{Failing, Recording};
pub use start::{ToContext, below, is_on, root};
#[cfg(feature = "stream")]
pub use stream::{InstrumentedStream, Streaming, instrument_stream, stream_of, unobserved_item};
#[cfg(feature = "tracing")]
pub use twin::Twinning;
#[cfg(feature = "logging")]
pub(crate) use twin::twin_of;
pub use with::{Instrument, InstrumentOnce};
