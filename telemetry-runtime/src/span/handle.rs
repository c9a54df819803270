//! A handle to a span that runs somewhere, through which any code may add to it.

#[cfg(feature = "logging")]
use super::context::{Ids, Snapshot};
use super::context::{current, flag};
use super::extra::{self, Extra, Identity};
#[cfg(feature = "logging")]
use crate::record::Value;
use crate::record::layout::kind;
use crate::record::{Capture, Chain, SpanContext, StatusCode, TraceState};
use std::error::Error;
#[cfg(feature = "logging")]
use std::fmt;

/// A handle to a span: the current one of a thread, or a copy of it kept elsewhere.
///
/// What is set through a handle travels to the collector on its own, so it may be set from any thread and at any depth as long as the
/// span runs; what comes later than the span's end is lost. A handle to a span that is not sampled accepts everything and does nothing.
///
/// # Examples
/// ```
/// use telemetry_runtime::Span;
///
/// fn add_to_cart(items: u64) {
///     Span::current().set_attribute("cart.items", items);
/// }
/// # add_to_cart(3);
/// ```
#[derive(Clone, Debug)]
pub struct Span {
    identity: Identity,
    state: TraceState,
}

impl Span {
    /// The span that runs on this thread, or a handle to nothing.
    #[inline]
    pub fn current() -> Self {
        let identity = Identity::current();
        Self { identity, state: current().luggage().trace_state() }
    }

    /// The span's identity, to be sent to other processes or attached on other threads; invalid if there is no span.
    pub fn context(&self) -> SpanContext {
        if self.identity.flags & flag::ACTIVE == 0 {
            return SpanContext::default();
        }
        SpanContext::from(self.identity).with_trace_state(self.state.clone())
    }

    /// Whether what is set here is recorded.
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.identity.is_sampled()
    }

    /// Sets an attribute; a later value of the same key wins.
    pub fn set_attribute(&self, key: &str, value: impl Capture) {
        if self.is_recording() {
            let mut record = Extra::new();
            extra::attribute(&mut record, key, &value);
            record.push(self.identity);
        }
    }

    /// Adds an event that happens now.
    ///
    /// # Examples
    /// ```
    /// telemetry_runtime::Span::current().add_event("cache.miss", &[("cache.key", &"user:7"), ("cache.size", &512)]);
    /// ```
    pub fn add_event(&self, name: &str, attributes: &[(&str, &dyn CaptureRef)]) {
        if self.is_recording() {
            let mut event = Extra::new();
            event.event(name);
            for (key, value) in attributes {
                value.add_to(key, &mut event);
            }
            event.push(self.identity);
        }
    }

    /// Records an error as an `exception` event, and sets the span's status: as `#[instrument]` does with an `Err`.
    ///
    /// Its message is the error's own, then those of its sources, as in `cannot load: no such file`.
    ///
    /// # Examples
    /// ```
    /// let error = "x".parse::<u32>().unwrap_err();
    /// telemetry_runtime::Span::current().record_error(&error);
    /// ```
    pub fn record_error<E: Error + ?Sized>(&self, error: &E) {
        if self.is_recording() {
            let mut exception = Extra::new();
            exception.exception(std::any::type_name::<E>(), format_args!("{}", Chain(error)));
            exception.push(self.identity);
        }
    }

    /// Sets the status; the message counts for [`StatusCode::Error`] only. [`StatusCode::Ok`] is final.
    pub fn set_status(&self, code: StatusCode, message: &str) {
        if self.is_recording() {
            let mut status = Extra::new();
            status.status(code, message);
            status.push(self.identity);
        }
    }

    /// Sets the status to that of an error, and leaves the message of an earlier one.
    #[cfg(feature = "logging")]
    pub(crate) fn set_error_status(&self) {
        if self.is_recording() {
            let mut status = Extra::new();
            status.error_status();
            status.push(self.identity);
        }
    }

    /// Adds a link to another span.
    pub fn add_link(&self, to: &SpanContext) {
        if self.is_recording() {
            let mut link = Extra::new();
            link.link(to);
            link.push(self.identity);
        }
    }

    /// Gives the span another name, known only now.
    pub fn set_name(&self, name: &str) {
        if self.is_recording() {
            let mut record = Extra::new();
            record.named(kind::NAME, name);
            record.push(self.identity);
        }
    }
}

/// For spans that other libraries make.
#[cfg(feature = "logging")]
impl Span {
    /// The span of these ids, wherever it runs.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let Ids { trace_high, trace_low, span_id, flags } = snapshot.ids;
        let identity = Identity { trace_high, trace_low, span_id, flags };
        Self { identity, state: snapshot.luggage.trace_state() }
    }

    /// Sets an attribute of any value.
    pub(crate) fn set_value(&self, key: &str, value: Value<'_>) {
        if self.is_recording() {
            let mut record = Extra::new();
            record.values([(key, value)]);
            record.push(self.identity);
        }
    }

    /// Sets an attribute to formatted text.
    pub(crate) fn set_text(&self, key: &'static str, text: fmt::Arguments<'_>) {
        if self.is_recording() {
            let mut record = Extra::new();
            record.formatted(extra::Key::Text(key), text);
            record.push(self.identity);
        }
    }

    /// Adds an event with typed values, which happened then, in Unix nanoseconds, or happens now.
    #[cfg_attr(
        not(feature = "opentelemetry"),
        expect(dead_code, reason = "only the API of OpenTelemetry gives times and says so much")
    )]
    pub(crate) fn add_event_at<'a>(
        &self,
        name: &str,
        unix_ns: Option<u64>,
        attributes: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) {
        if self.is_recording() {
            let mut event = Extra::new();
            event.event(name);
            event.values(attributes);
            match unix_ns {
                Some(unix_ns) => event.push_at(self.identity, unix_ns),
                None => event.push(self.identity),
            }
        }
    }

    /// Adds a link that says something itself.
    #[cfg_attr(
        not(feature = "opentelemetry"),
        expect(dead_code, reason = "only the API of OpenTelemetry gives times and says so much")
    )]
    pub(crate) fn add_link_with<'a>(
        &self,
        to: &SpanContext,
        attributes: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) {
        if self.is_recording() {
            let mut link = Extra::new();
            link.link(to);
            link.values(attributes);
            link.push(self.identity);
        }
    }
}

/// An attribute value behind a reference, so that values of several types stand in one list. Every [`Capture`] is one.
pub trait CaptureRef: sealed::AddTo {}

impl<T: Capture> CaptureRef for T {}

mod sealed {
    pub trait AddTo {
        #[doc(hidden)]
        #[expect(private_interfaces, reason = "sealed: only this crate names the record")]
        fn add_to(&self, key: &str, event: &mut super::Extra);
    }

    impl<T: super::Capture> AddTo for T {
        #[expect(private_interfaces, reason = "sealed: only this crate names the record")]
        fn add_to(&self, key: &str, event: &mut super::Extra) {
            super::extra::attribute(event, key, self);
        }
    }
}
