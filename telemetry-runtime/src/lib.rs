//! Telemetry's runtime.

pub mod export;
mod record;

pub use export::{ExportError, Exported, Exporter};
pub use record::{
    Attribute, Attributes, Batch, Callsite, Capture, EventData, EventView, Events, Level, LinkData, LinkView,
    Links, ParseIdError, Resource, Secret, SpanContext, SpanData, SpanId, SpanKind, SpanView, Spans, Status,
    StatusCode, TraceFlags, TraceId, TraceState, Value, ValueBuf,
};
