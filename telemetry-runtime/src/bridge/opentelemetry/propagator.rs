//! Writes the innermost span and the baggage of a context into the headers of requests, and reads them.

use super::{active, baggage};
use crate::propagation::tracecontext;
use crate::record::SpanContext;
use crate::record::opentelemetry::{from_api, to_api};
use crate::span::Span as Ours;
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;

/// Speaks W3C Trace Context and W3C Baggage for libraries that use the API's propagation, such as `opentelemetry-http`.
///
/// Into a request that is sent under the current `Context` goes the innermost span, even if that is one of ours; under another
/// `Context`, that one's. The baggage is the `Context`'s own.
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
    fields: [String; 3],
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

impl Propagator {
    /// The propagator.
    #[expect(clippy::new_without_default, reason = "it has the effect that contexts are observed")]
    pub fn new() -> Self {
        active::observe();
        Self { fields: [TRACEPARENT, TRACESTATE, baggage::HEADER].map(str::to_owned) }
    }
}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        let span = span_of(context);
        if span.is_valid() {
            injector.set(TRACEPARENT, tracecontext::traceparent(&span));
            if !span.trace_state().is_empty() {
                injector.set(TRACESTATE, span.trace_state().as_str().to_owned());
            }
        }
        if !context.baggage().is_empty() {
            injector.set(baggage::HEADER, baggage::write(context.baggage()));
        }
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        let mut context = context.clone();
        if let Some(header) = extractor.get(baggage::HEADER) {
            context = context.with_baggage(baggage::read(header));
        }
        let state = extractor.get_all(TRACESTATE).unwrap_or_default().join(",");
        match extractor.get(TRACEPARENT).and_then(|parent| tracecontext::parse(parent, &state)) {
            Some(parent) => context.with_remote_span_context(to_api(&parent)),
            None => context,
        }
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.fields)
    }
}

fn span_of(context: &Context) -> SpanContext {
    if active::is_current(context) {
        return Ours::current().context();
    }
    from_api(context.span().span_context())
}
