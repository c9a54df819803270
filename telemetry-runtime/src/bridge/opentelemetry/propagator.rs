//! Writes the innermost span and the baggage of a context into the headers of requests, and reads them.

use super::{active, baggage};
use crate::propagation::Propagators;
use crate::record::opentelemetry::to_api;
use crate::record::{Baggage, SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use crate::span::Span as Ours;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;

/// Speaks the process's [formats](crate::propagation::Propagators::current) for libraries that use the API's propagation, such as
/// `opentelemetry-http`.
///
/// Into a request that is sent under the current `Context` goes the innermost span, even if that is one of ours; under another
/// `Context`, that one's. The baggage is the `Context`'s own, added to ours where it is the current one.
///
/// # Examples
/// ```
/// use opentelemetry::propagation::TextMapPropagator;
/// use std::collections::HashMap;
/// use telemetry_runtime::bridge::opentelemetry::Propagator;
/// use telemetry_runtime::{Span, instrument, testing};
///
/// #[instrument]
/// fn call() {
///     let mut headers = HashMap::new();
///     Propagator::new().inject(&mut headers);
///     assert!(headers["traceparent"].contains(&Span::current().context().span_id().to_string()));
/// }
/// # testing::capture(call);
/// ```
#[derive(Debug)]
pub struct Propagator {
    fields: Vec<String>,
}

impl Propagator {
    /// The propagator.
    #[expect(clippy::new_without_default, reason = "it has the effect that contexts are observed")]
    pub fn new() -> Self {
        active::observe();
        // What a context with everything is written as.
        let id = (TraceId::from_int(1), SpanId::from_int(1));
        let context =
            SpanContext::new(id.0, id.1, TraceFlags::SAMPLED).with_trace_state(TraceState::from_valid("k=v"));
        let headers = Propagators::current().inject(&context, &Baggage::parse(["k=v"]));
        Self { fields: headers.into_iter().map(|(name, _)| name.into_owned()).collect() }
    }
}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let own = baggage::from_api(context.baggage());
        let (span, baggage) = match active::is_current(context) {
            true => (Ours::current().context(), Baggage::current().merged(&own)),
            false => (active::context_of(context), own),
        };
        for (name, value) in Propagators::current().inject(&span, &baggage) {
            injector.set(&name, value);
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let values =
            |name| extractor.get_all(name).unwrap_or_default().into_iter().map(move |value| (name, value));
        let received = Propagators::current().extract(extractor.keys().into_iter().flat_map(values));
        let mut context = context.clone();
        if !received.baggage.is_empty() {
            context = context.with_baggage(baggage::to_api(&received.baggage));
        }
        match received.context {
            Some(parent) => context.with_remote_span_context(to_api(&parent)),
            None => context,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}
