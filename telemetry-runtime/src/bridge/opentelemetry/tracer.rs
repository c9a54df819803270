//! What makes spans of the API: the provider and its tracers.

use super::span::Span;
use super::{active, place};
use crate::record::opentelemetry::from_api_kind;
use crate::record::{Callsite, SpanKind};
use crate::span::{Below, Foreign};
use opentelemetry::trace::{self as api, SpanBuilder};
use opentelemetry::{Context, InstrumentationScope};
use std::borrow::Cow;

/// Makes tracers whose spans are recorded as ours are: sampled by the same policy, delivered by the same exporters.
///
/// It needs no installation and outlives every one: while telemetry is off, its spans only carry on what they stand below. All
/// that a scope says of itself is recorded, of 256 scopes; those beyond are one that is called `opentelemetry`.
///
/// # Examples
/// ```
/// use opentelemetry::trace::{Span, Tracer, TracerProvider as _};
/// use telemetry_runtime::bridge::opentelemetry::TracerProvider;
///
/// let tracer = TracerProvider::new().tracer("library");
/// let mut span = tracer.start("work");
/// span.end();
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TracerProvider {}

impl TracerProvider {
    /// The provider. All are the same one.
    #[expect(clippy::new_without_default, reason = "it has the effect that contexts are observed")]
    pub fn new() -> Self {
        active::observe();
        Self {}
    }
}

impl api::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Tracer { scope: place::scope(scope) }
    }
}

/// Makes spans of one scope.
#[derive(Clone, Debug)]
pub struct Tracer {
    scope: &'static place::Scope,
}

impl api::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        if parent.is_telemetry_suppressed() {
            return Span::nothing();
        }
        let above;
        let below = if active::is_current(parent) {
            Below::Current
        } else if active::has_span(parent) {
            above = active::context_of(parent);
            Below::Context(&above)
        } else {
            Below::Nothing
        };
        let (mut place, mut slot) = (None, None);
        let held = Foreign::open(&mut slot, &below, || *place.insert(self.place(&builder)));
        match slot {
            Some(recorded) => Span::recorded(recorded, place, builder),
            None => Span::unrecorded(&held),
        }
    }
}

impl Tracer {
    fn place(&self, builder: &SpanBuilder) -> &'static Callsite {
        let name = match builder.name {
            Cow::Borrowed(name) => Some(name),
            Cow::Owned(_) => None,
        };
        let kind = builder.span_kind.as_ref().map_or(SpanKind::Internal, from_api_kind);
        place::of(self.scope, name, kind)
    }
}
