//! Telemetry's runtime.

mod clock;
pub mod export;
pub mod policy;
mod record;
mod span;

#[doc(hidden)]
pub mod __private;

pub use export::{ExportError, Exported, Exporter};
pub use record::{
    Attribute, Attributes, Batch, Callsite, Capture, EventData, EventView, Events, Level, LinkData, LinkView,
    Links, ParseIdError, Resource, Secret, SpanContext, SpanData, SpanId, SpanKind, SpanView, Spans, Status,
    StatusCode, TraceFlags, TraceId, TraceState, Value, ValueBuf,
};
pub use span::{Attached, CaptureRef, Carried, InCurrentSpan, InCurrentSpanOnce, Span, attach};
