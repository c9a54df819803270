//! The OpenTelemetry API over our recording: spans of libraries that use it stand in the same traces as ours.
//!
//! [`init`](crate::init) makes [`TracerProvider`] and [`Propagator`] the process's, unless the setting `telemetry.opentelemetry` is
//! `false`; whatever the program makes global afterwards replaces them. [`install`] does the same by hand.
//!
//! # Which span is current
//! The innermost one, whether it is ours or the API's. A `Context` with a span that is attached, or that a future has by
//! `with_context`, makes that span current for us as well; below ours, a span that is started from the current `Context` has ours as
//! its parent. What is started from a `Context` with another span is below that one; from a `Context` without a span, while one with a
//! span is attached, it begins a trace. A `Context` without a span says nothing about spans: what was current stays so.
//!
//! Our spans are not in the API's `Context`, because to put each one there would cost more than the span itself. Where a library takes a
//! `Context` elsewhere, as `with_current_context` does, give it [`current_context`] instead.
//!
//! All this rests on the API's one observer of contexts; in a program that sets another one first, our spans do not see the API's.
//!
//! # Examples
//! ```
//! use opentelemetry::global;
//! use opentelemetry::trace::Tracer;
//! use telemetry_runtime::{bridge, instrument, testing};
//!
//! #[instrument]
//! fn ours() {
//!     global::tracer("library").in_span("theirs", |_context| inside());
//! }
//!
//! #[instrument]
//! fn inside() {}
//!
//! bridge::opentelemetry::install(); // `telemetry_runtime::init` does
//! let spans = testing::capture(ours);
//! let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
//! assert_eq!(names, ["ours", "theirs", "inside"]);
//! assert_eq!(spans[1].parent_span_id, Some(spans[0].span_id));
//! assert_eq!(spans[2].parent_span_id, Some(spans[1].span_id));
//! ```

mod active;
mod baggage;
mod place;
mod propagator;
mod span;
mod tracer;

pub use propagator::Propagator;
pub use span::Span;
pub use tracer::{Tracer, TracerProvider};

use crate::span::Span as Ours;
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};

/// Makes [`TracerProvider`] and [`Propagator`] the process's.
pub fn install() {
    global::set_tracer_provider(TracerProvider::new());
    global::set_text_map_propagator(Propagator::new());
}

/// The current `Context` with the innermost span, even if that is one of ours.
///
/// For code that takes a `Context` to where ours is not known: another task or thread. What is said of its span by the API is said of
/// ours; only to end it is ours alone.
///
/// # Examples
/// ```
/// use opentelemetry::trace::{FutureExt, TraceContextExt};
/// use telemetry_runtime::bridge::opentelemetry::current_context;
/// use telemetry_runtime::instrument;
///
/// #[instrument]
/// fn enqueue() {
///     let task = async {}.with_context(current_context()); // tokio::spawn(task)
///     current_context().span().set_attribute(opentelemetry::KeyValue::new("queue.length", 7));
///     # drop(task);
/// }
/// # enqueue();
/// ```
pub fn current_context() -> Context {
    active::observe();
    let (span, context) = (Ours::current(), Context::current());
    match span.context() {
        ours if !ours.is_valid() || active::key(&ours) == active::span_of(&context) => context,
        _ => context.with_span(Span::of(span)),
    }
}
