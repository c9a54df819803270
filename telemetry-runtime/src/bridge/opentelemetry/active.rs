//! The contexts of the API that are attached to this thread: the span of each is current for us, too.

use crate::record::opentelemetry::from_api;
use crate::record::{SpanContext, SpanId, TraceId};
use crate::span::{Attached, Span as Ours, attach};
use opentelemetry::Context;
use opentelemetry::context::{ContextObserver, GlobalContextObserver};
use opentelemetry::trace::TraceContextExt;
use std::cell::RefCell;
use std::sync::{Arc, Once};

/// What names a span, or none.
pub(super) type Key = (TraceId, SpanId);

const NONE: Key = (TraceId::INVALID, SpanId::INVALID);

/// From now on, whatever is attached becomes known.
pub(super) fn observe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| GlobalContextObserver::set(Arc::new(Observer)));
}

pub(super) fn key(context: &SpanContext) -> Key {
    if context.is_valid() { (context.trace_id(), context.span_id()) } else { NONE }
}

/// The span that a context has.
pub(super) fn span_of(context: &Context) -> Key {
    let span = context.span();
    let context = span.span_context();
    if context.is_valid() {
        (TraceId::from_bytes(context.trace_id().to_bytes()), SpanId::from_bytes(context.span_id().to_bytes()))
    } else {
        NONE
    }
}

pub(super) fn has_span(context: &Context) -> bool {
    span_of(context) != NONE
}

/// The identity of the span that a context has, as far as it is known.
///
/// The API's form leaves out what the API does not know: members of `tracestate` that it refuses, the debug flag. What is current in the
/// same trace has them still.
pub(super) fn context_of(context: &Context) -> SpanContext {
    let (known, current) = (from_api(context.span().span_context()), Ours::current().context());
    if known.is_remote() || known.trace_id() != current.trace_id() {
        return known;
    }
    let whole = known.with_trace_state(current.trace_state().clone());
    if current.is_debug() { whole.debug() } else { whole }
}

/// Whether the context has the span of the one that is attached to this thread, as far as can be told: then whoever gives it means what
/// is current.
pub(super) fn is_current(context: &Context) -> bool {
    let current = LEVELS.try_with(|levels| levels.try_borrow().map_or(NONE, |levels| levels.top()));
    span_of(context) == current.unwrap_or(NONE)
}

/// Called while the API changes the thread's context, which it must therefore not be asked for.
struct Observer;

impl ContextObserver for Observer {
    fn on_context_enter(&self, _from: &Context, to: &Context) {
        with_levels(|levels| levels.enter(to));
    }

    fn on_context_exit(&self, _from: &Context, to: &Context) {
        with_levels(|levels| levels.exit(to));
    }
}

/// A thread in its last destructors has none.
fn with_levels(change: impl FnOnce(&mut Levels)) {
    let _ = LEVELS.try_with(|levels| levels.try_borrow_mut().map(|mut levels| change(&mut levels)));
}

thread_local! {
    static LEVELS: RefCell<Levels> = const { RefCell::new(Levels(Vec::new())) };
}

/// The attached contexts whose spans differ from that of the one before, the innermost last, and at most [`MOST_LEVELS`].
///
/// The API does not say when a context goes that is not the innermost. It is then found to be gone by the next that is: what is current
/// again stands below it.
struct Levels(Vec<Level>);

struct Level {
    span: Key,
    /// What makes the span current, if there is one.
    _attached: Option<Attached>,
}

/// More than are ever attached at a time: what is left behind out of order takes no more memory than this.
const MOST_LEVELS: usize = 512;

impl Levels {
    fn top(&self) -> Key {
        self.0.last().map_or(NONE, |level| level.span)
    }

    fn enter(&mut self, to: &Context) {
        let span = span_of(to);
        if span == self.top() {
            // The same span with other baggage, say: whatever of ours is current below it stays so.
            return;
        }
        if self.0.len() == MOST_LEVELS {
            self.0.remove(0);
        }
        let attached = (span != NONE).then(|| attach(&context_of(to)));
        self.0.push(Level { span, _attached: attached });
    }

    fn exit(&mut self, to: &Context) {
        let span = span_of(to);
        while self.top() != span && self.0.pop().is_some() {}
    }
}
