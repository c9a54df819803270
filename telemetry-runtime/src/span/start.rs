//! How a span starts other than below the current one and under its callsite's name.

use super::attached::{Attached, attach};
use super::context::Ids;
use super::extra::{Extra, Identity};
use super::recording::Recording;
use super::{Span, head};
use crate::record::layout::kind;
use crate::record::{SpanContext, StatusCode};
use std::fmt::Display;

/// What names a span: as the parent of another, or to link to.
///
/// A [`SpanContext`], a [`Span`], a reference to one, or an `Option` of it. Implement it for a type of your own that carries a context.
///
/// # Examples
/// ```
/// use telemetry_runtime::{SpanContext, ToContext, instrument};
///
/// struct Message {
///     sender: SpanContext,
/// }
///
/// impl ToContext for Message {
///     fn to_context(&self) -> Option<SpanContext> {
///         self.sender.to_context()
///     }
/// }
///
/// #[instrument(parent = message, kind = "consumer")]
/// fn receive(message: &Message) {}
///
/// #[instrument(root, links = messages)]
/// fn receive_all(messages: &[Message]) {}
/// # receive_all(&[]);
/// # receive(&Message { sender: SpanContext::default() });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no span",
    label = "neither a `SpanContext`, a `Span`, an `Option` of one, nor a type that implements `ToContext`",
    note = "give a `telemetry_runtime::SpanContext`, or implement `telemetry_runtime::ToContext` for the type"
)]
pub trait ToContext {
    /// The span's identity; `None` where there is no span.
    fn to_context(&self) -> Option<SpanContext>;
}

impl ToContext for SpanContext {
    fn to_context(&self) -> Option<SpanContext> {
        self.is_valid().then(|| self.clone())
    }
}

impl ToContext for Span {
    fn to_context(&self) -> Option<SpanContext> {
        self.context().to_context()
    }
}

impl<T: ToContext + ?Sized> ToContext for &T {
    fn to_context(&self) -> Option<SpanContext> {
        (**self).to_context()
    }
}

impl<T: ToContext> ToContext for Option<T> {
    fn to_context(&self) -> Option<SpanContext> {
        self.as_ref().and_then(T::to_context)
    }
}

/// Whether anything starts at all: what says where is evaluated only then.
#[inline]
pub fn is_on() -> bool {
    !head::is_off()
}

/// What starts now starts below that span instead of the current one, as long as this is kept.
#[cold]
pub fn below(parent: &impl ToContext) -> Attached {
    attach(&parent.to_context().unwrap_or_default())
}

/// What starts now begins a trace, as long as this is kept.
#[cold]
pub fn root() -> Attached {
    attach(&SpanContext::default())
}

impl<const N: usize> Recording<N> {
    /// Gives the span a name that is known only now.
    #[cold]
    pub fn name(&mut self, name: impl Display) {
        self.send(|extra| extra.named(kind::NAME, &name.to_string()));
    }

    /// Links the span to others.
    #[cold]
    pub fn links(&mut self, to: impl IntoIterator<Item: ToContext>) {
        for context in to.into_iter().filter_map(|to| to.to_context()) {
            self.send(|extra| extra.link(&context));
        }
    }

    /// Marks the span as failed, by a value that is no error.
    #[cold]
    pub fn reject(&mut self, why: &'static str) {
        self.send(|extra| extra.status(StatusCode::Error, why));
    }

    pub(super) fn send(&self, write: impl FnOnce(&mut Extra)) {
        if let Some(ids) = self.ids().filter(|_| self.is_recording()) {
            let Ids { trace_high, trace_low, span_id, flags } = ids;
            let mut extra = Extra::new();
            write(&mut extra);
            extra.push(Identity { trace_high, trace_low, span_id, flags });
        }
    }
}
