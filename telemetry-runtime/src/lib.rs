//! Telemetry's runtime.

mod clock;
mod collect;
mod config;
mod dispatch;
pub mod export;
#[cfg(feature = "http")]
pub mod http;
mod lifecycle;
pub mod logging;
pub mod policy;
pub mod propagation;
mod record;
mod span;
#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
pub mod __private;

pub use config::{Settings, SettingsError};
pub use dispatch::{Dropped, ExporterReport, ExporterStatus, Report, Status};
pub use export::{ExportError, Exported, Exporter};
pub use lifecycle::{Builder, Guard, InitError, builder, init};
pub use record::{
    Attribute, Attributes, Batch, Callsite, Capture, EventData, EventView, Events, Level, LinkData, LinkView,
    Links, ParseIdError, Resource, Secret, SpanContext, SpanData, SpanId, SpanKind, SpanStatus, SpanView,
    Spans, StatusCode, TraceFlags, TraceId, TraceState, Value, ValueBuf,
};
pub use span::{Attached, CaptureRef, Carried, InCurrentSpan, InCurrentSpanOnce, Span, attach};
pub use telemetry_macros::instrument;
