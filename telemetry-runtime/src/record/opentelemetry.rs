//! Contexts, values and times in the words of the OpenTelemetry API, and back.

#[cfg(feature = "opentelemetry-sdk")]
use super::ValueBuf;
#[cfg(feature = "opentelemetry")]
use super::{Capture, SpanId, TraceFlags, TraceId, TraceState};
use super::{SpanContext, SpanKind, Value};
use opentelemetry::trace as api;
#[cfg(feature = "opentelemetry")]
use std::borrow::Cow;
#[cfg(feature = "opentelemetry-sdk")]
use std::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

/// The context as the API has it.
pub(crate) fn to_api(context: &SpanContext) -> api::SpanContext {
    api::SpanContext::new(
        context.trace_id().to_int().into(),
        context.span_id().to_int().into(),
        api::TraceFlags::new(context.flags().to_byte()),
        context.is_remote(),
        to_api_state(context.trace_state().as_str()),
    )
}

/// The API is stricter than W3C: what it takes for no member is left out.
fn to_api_state(text: &str) -> api::TraceState {
    if text.is_empty() {
        return api::TraceState::NONE;
    }
    text.parse().unwrap_or_else(|_| {
        let members = text.split(',').filter(|member| member.parse::<api::TraceState>().is_ok());
        members.collect::<Vec<_>>().join(",").parse().unwrap_or_default()
    })
}

/// The API's context as ours.
#[cfg(feature = "opentelemetry")]
pub(crate) fn from_api(context: &api::SpanContext) -> SpanContext {
    let ours = SpanContext::new(
        TraceId::from_bytes(context.trace_id().to_bytes()),
        SpanId::from_bytes(context.span_id().to_bytes()),
        TraceFlags::from_byte(context.trace_flags().to_u8()),
    )
    .with_trace_state(TraceState::from_valid(&context.trace_state().header()));
    if context.is_remote() { ours.remote() } else { ours }
}

/// An attribute as the API has it.
#[cfg(feature = "opentelemetry-sdk")]
pub(crate) fn to_api_attribute(key: &str, value: Value<'_>) -> opentelemetry::KeyValue {
    opentelemetry::KeyValue::new(key.to_owned(), to_api_value(value))
}

/// The API has no bytes: they become the hexadecimal text that we show.
#[cfg(feature = "opentelemetry-sdk")]
fn to_api_value(value: Value<'_>) -> opentelemetry::Value {
    match value.to_buf() {
        ValueBuf::Bool(v) => v.into(),
        ValueBuf::I64(v) => v.into(),
        ValueBuf::F64(v) => v.into(),
        ValueBuf::Str(v) => v.into(),
        bytes @ ValueBuf::Bytes(_) => bytes.to_string().into(),
        ValueBuf::Array(items) => opentelemetry::Value::Array(to_api_array(&items)),
    }
}

/// Of one kind, as the first element is; where others differ, or are none that the API has, all become text.
#[cfg(feature = "opentelemetry-sdk")]
fn to_api_array(items: &[ValueBuf]) -> opentelemetry::Array {
    fn all<T>(items: &[ValueBuf], one: impl Fn(&ValueBuf) -> Option<T>) -> Option<Vec<T>> {
        items.iter().map(one).collect()
    }
    let bools = || all(items, |item| if let ValueBuf::Bool(v) = item { Some(*v) } else { None });
    let numbers = || all(items, |item| if let ValueBuf::I64(v) = item { Some(*v) } else { None });
    let floats = || all(items, |item| if let ValueBuf::F64(v) = item { Some(*v) } else { None });
    let texts =
        || items.iter().map(|item| item.to_string().into()).collect::<Vec<opentelemetry::StringValue>>();
    match items.first() {
        Some(ValueBuf::Bool(_)) => bools().map(Into::into),
        Some(ValueBuf::I64(_)) => numbers().map(Into::into),
        Some(ValueBuf::F64(_)) => floats().map(Into::into),
        _ => None,
    }
    .unwrap_or_else(|| texts().into())
}

/// A value of the API that can be seen as one of ours.
#[cfg(feature = "opentelemetry")]
pub(crate) enum Seen<'a> {
    Value(Value<'a>),
    Texts(Vec<&'a str>),
    /// What the API may have grown since.
    Shown(Cow<'a, str>),
}

#[cfg(feature = "opentelemetry")]
impl<'a> Seen<'a> {
    pub(crate) fn new(value: &'a opentelemetry::Value) -> Self {
        match value {
            opentelemetry::Value::Bool(v) => Self::Value(Value::Bool(*v)),
            opentelemetry::Value::I64(v) => Self::Value(Value::I64(*v)),
            opentelemetry::Value::F64(v) => Self::Value(Value::F64(*v)),
            opentelemetry::Value::String(v) => Self::Value(Value::Str(v.as_str())),
            opentelemetry::Value::Array(opentelemetry::Array::String(v)) => {
                Self::Texts(v.iter().map(|text| text.as_str()).collect())
            }
            opentelemetry::Value::Array(array) => {
                Self::several(array).unwrap_or_else(|| Self::Shown(value.as_str()))
            }
            _ => Self::Shown(value.as_str()),
        }
    }

    fn several(array: &'a opentelemetry::Array) -> Option<Self> {
        match array {
            opentelemetry::Array::Bool(v) => v.capture(),
            opentelemetry::Array::I64(v) => v.capture(),
            opentelemetry::Array::F64(v) => v.capture(),
            _ => None,
        }
        .map(Self::Value)
    }

    pub(crate) fn as_value(&self) -> Value<'_> {
        match self {
            Self::Value(value) => *value,
            Self::Texts(texts) => texts.capture().unwrap_or(Value::Str("")),
            Self::Shown(text) => Value::Str(text),
        }
    }
}

/// The kind as the API has it.
#[cfg(feature = "opentelemetry-sdk")]
pub(crate) fn to_api_kind(kind: SpanKind) -> api::SpanKind {
    match kind {
        SpanKind::Internal => api::SpanKind::Internal,
        SpanKind::Server => api::SpanKind::Server,
        SpanKind::Client => api::SpanKind::Client,
        SpanKind::Producer => api::SpanKind::Producer,
        SpanKind::Consumer => api::SpanKind::Consumer,
    }
}

/// The API's kind as ours.
#[cfg(feature = "opentelemetry")]
pub(crate) fn from_api_kind(kind: &api::SpanKind) -> SpanKind {
    match kind {
        api::SpanKind::Internal => SpanKind::Internal,
        api::SpanKind::Server => SpanKind::Server,
        api::SpanKind::Client => SpanKind::Client,
        api::SpanKind::Producer => SpanKind::Producer,
        api::SpanKind::Consumer => SpanKind::Consumer,
    }
}

/// A moment in nanoseconds since the Unix epoch as the API has it.
#[cfg(feature = "opentelemetry-sdk")]
pub(crate) fn to_api_time(unix_ns: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_ns)
}

/// The API's moment in nanoseconds since the Unix epoch; what is before it, or over 500 years after it, is moved there.
#[cfg(feature = "opentelemetry")]
pub(crate) fn from_api_time(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
