//! Records spans in nanoseconds, and log records beside them, and delivers both to several back-ends at once.
//!
//! Functions become spans by [`#[instrument]`](macro@instrument), and the events of `tracing` become log records; [`init`] starts
//! delivery as `settings.yaml` says, [`builder`] as code says, and the [`Guard`] they return ends it. [`Span::current`] adds to the
//! running span; [`spawn`] carries it into work that runs elsewhere; an [`Exporter`] or a
//! [`SamplingPolicy`](policy::SamplingPolicy) of your own takes a few lines.
// Its code is compiled where all is there that it uses: `cargo test --all-features`.
#![cfg_attr(
    all(doctest, feature = "opentelemetry", feature = "opentelemetry-sdk", feature = "reqwest", feature = "testing"),
    doc = include_str!("../../README.md")
)]

#[cfg(feature = "logging")]
pub mod bridge;
mod clock;
mod collect;
#[cfg(feature = "tracing")]
pub mod compat;
mod config;
mod detect;
mod dispatch;
pub mod export;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
mod lifecycle;
pub mod logging;
pub mod policy;
pub mod propagation;
mod record;
mod span;
pub mod spawn;
#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
pub mod __private;

pub use config::{Settings, SettingsError};
pub use dispatch::{Breaker, Dropped, ExporterReport, ExporterStatus, Replayed, Report, Status};
pub use export::{ExportError, Exported, Exporter};
pub use lifecycle::{Builder, ExporterCheck, Guard, InitError, builder, init};
pub use record::{
    Array, Attribute, Attributes, Baggage, BaggageError, BaggageMember, Batch, Callsite, Capture, Element,
    EventData, EventView, Events, Level, LinkData, LinkView, Links, LogData, LogView, Logs, ParseIdError,
    Resource, Sampling, ScopeDetails, Secret, Signal, SpanContext, SpanData, SpanId, SpanKind, SpanStatus,
    SpanView, Spans, StatusCode, TraceFlags, TraceId, TraceState, Value, ValueBuf,
};
pub use span::{
    Attached, CaptureRef, Carried, InCurrentSpan, InCurrentSpanOnce, Instrument, InstrumentOnce, Span,
    ToContext, attach,
};
pub use telemetry_macros::{detached_span, event, instrument, span};
