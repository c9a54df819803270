//! Plain data on the ground floor: ids, values, callsites, and the batch that every exporter reads.
//!
//! Nothing here imports another room, so every stage may use it.

mod array;
mod baggage;
mod batch;
mod callsite;
mod chain;
mod context;
mod data;
#[cfg(feature = "_http-client")]
mod date;
mod id;
pub(crate) mod layout;
mod log;
mod luggage;
#[cfg(any(feature = "opentelemetry", feature = "opentelemetry-sdk"))]
pub(crate) mod opentelemetry;
pub(crate) mod percent;
pub(crate) mod printable;
pub(crate) mod probability;
#[cfg(any(feature = "azure", feature = "http"))]
pub(crate) mod query;
mod resource;
#[cfg(test)]
pub(crate) mod sample;
mod scope;
#[cfg(feature = "logging")]
mod secrecy;
mod secret;
mod select;
mod signal;
mod value;
mod view;

pub(crate) use array::Content as ArrayContent;
pub use array::{Array, Element};
pub use baggage::{Baggage, BaggageError, BaggageMember};
pub use batch::Batch;
pub(crate) use batch::{BatchBuilder, TickScale};
#[cfg(unix)]
pub(crate) use callsite::lock as lock_callsites;
pub(crate) use callsite::snapshot as callsites;
pub use callsite::{Callsite, Level, Sampling, SpanKind};
pub(crate) use chain::Chain;
pub use context::{SpanContext, TraceState};
pub use data::{EventData, LinkData, LogData, SpanData};
#[cfg(any(feature = "aws", feature = "azure"))]
pub(crate) use date::date;
#[cfg(feature = "_http-client")]
pub(crate) use date::days_since_1970;
#[cfg(any(feature = "aws", feature = "gcp"))]
pub(crate) use date::unix_seconds_of;
pub use id::{ParseIdError, SpanId, TraceFlags, TraceId};
pub use log::{LogView, Logs};
pub(crate) use luggage::Luggage;
pub use resource::Resource;
pub use scope::ScopeDetails;
#[cfg(feature = "logging")]
pub(crate) use secrecy::{REDACTED, smells_of_secret};
pub use secret::Secret;
pub(crate) use select::Keep;
pub(crate) use signal::PerSignal;
pub use signal::Signal;
pub use value::{Capture, SpanStatus, StatusCode, Value, ValueBuf};
pub use view::{Attribute, Attributes, EventView, Events, LinkView, Links, SpanView, Spans};
#[cfg(feature = "otlp")]
pub(crate) use view::{RawAttribute, RawValue};
