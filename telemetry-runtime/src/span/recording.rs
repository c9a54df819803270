//! A span that is being recorded: its identity, and room for its attributes until it ends.

use super::context::Ids;
use super::extra::{Extra, Key, value_limit};
use super::live::Live;
use super::mirror::Mirror;
use super::words::Words;
use crate::record::layout::{attribute_head, tag};
use crate::record::{Callsite, Capture, Luggage, Value};
use std::fmt::{self, Debug, Display};

/// What an `Err` can be told to.
pub trait Failing {
    /// Whether that is worth the while.
    fn is_recording(&self) -> bool;

    /// Marks the span as failed: its status, and an `exception` event.
    fn fail(&mut self, error_type: &'static str, message: &dyn Display);
}

impl<const N: usize> Failing for Recording<N> {
    #[inline(always)]
    fn is_recording(&self) -> bool {
        Recording::is_recording(self)
    }

    #[inline]
    fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        Recording::fail(self, error_type, message);
    }
}

/// A span between its start and its end, with room for `N` words of attributes. What does not fit goes to the lane at once.
pub struct Recording<const N: usize> {
    /// `None`: nothing to record and no context to hold, because telemetry is off or the trace is not sampled; or the span is over.
    live: Option<Live>,
    mirror: Mirror,
    attributes: Words<N>,
}

impl<const N: usize> Recording<N> {
    /// A span that is not started: room that its owner fills by [`Self::start`].
    #[inline(always)]
    pub(super) fn inert() -> Self {
        Self { live: None, mirror: Mirror::NONE, attributes: Words::new() }
    }

    /// Starts a span below the current one, if there is anything to record or to hold, and keeps its luggage. The context is not changed yet.
    #[inline(always)]
    pub(super) fn start(&mut self, luggage: &mut Luggage, callsite: &'static Callsite) {
        if Live::is_wanted() {
            Live::start(&mut self.live, luggage, callsite);
        }
        self.mirror.open(callsite, self.live.as_ref());
    }

    /// The same, and makes the span current.
    #[inline(always)]
    pub(super) fn start_and_enter(&mut self, callsite: &'static Callsite) {
        if Live::is_wanted() {
            Live::start_and_enter(&mut self.live, callsite);
        }
        self.mirror.open(callsite, self.live.as_ref());
        self.mirror.enter();
    }

    /// As [`Self::start`], past the straight path: for a callsite that may leave out what is below a recorded span.
    #[cold]
    pub(super) fn start_unusual(&mut self, luggage: &mut Luggage, callsite: &'static Callsite) {
        if Live::is_wanted() {
            Live::start_with_luggage(&mut self.live, luggage, callsite, None);
        }
        self.mirror.open(callsite, self.live.as_ref());
    }

    /// As [`Self::start_and_enter`], past the straight path.
    #[cold]
    pub(super) fn enter_unusual(&mut self, callsite: &'static Callsite) {
        if Live::is_wanted() {
            Live::enter_unusual(&mut self.live, callsite);
        }
        self.mirror.open(callsite, self.live.as_ref());
        self.mirror.enter();
    }

    /// Makes current again what was, and ends the span.
    #[inline(always)]
    pub(super) fn leave_and_end(&mut self) {
        self.mirror.exit();
        if let Some(live) = &mut self.live {
            live.leave_and_end(self.attributes.as_slice());
        }
        self.mirror.close();
    }

    /// Starts the span of a request, whose path policies may look at.
    #[cfg(feature = "http")]
    pub(super) fn start_request(&mut self, luggage: &mut Luggage, callsite: &'static Callsite, path: &str) {
        if Live::is_wanted() {
            Live::start_with_luggage(&mut self.live, luggage, callsite, Some(path));
        }
        self.mirror.open(callsite, self.live.as_ref());
    }

    /// Whether attributes are worth evaluating.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.live.as_ref().is_some_and(Live::is_sampled) || self.mirror.is_on()
    }

    /// Whether the span has a context of its own to make current, here or in `tracing`.
    #[inline(always)]
    pub(super) fn holds_context(&self) -> bool {
        self.live.is_some() || self.mirror.is_on()
    }

    /// Enters the span of `tracing`, which is ours beside that.
    #[inline(always)]
    pub(super) fn enter_mirror(&self) {
        self.mirror.enter();
    }

    #[inline(always)]
    pub(super) fn exit_mirror(&self) {
        self.mirror.exit();
    }

    /// The span, as long as something is worth recording about it.
    #[inline(always)]
    fn sampled(&mut self) -> Option<&mut Live> {
        self.live.as_mut().filter(|live| live.is_sampled())
    }

    /// The context below the span, if it has one of its own.
    #[inline(always)]
    pub(super) fn ids(&self) -> Option<Ids> {
        self.live.as_ref().map(Live::ids)
    }

    /// Records an attribute under the callsite's key; absent values are none.
    #[inline(always)]
    pub fn value(&mut self, key: u8, value: impl Capture) {
        if let Some(value) = value.capture() {
            self.mirror.value(key, &value);
            self.put(key, value);
        }
    }

    /// Records an attribute in its `Debug` form.
    #[inline]
    pub fn debug(&mut self, key: u8, value: &dyn Debug) {
        self.formatted(key, format_args!("{value:?}"));
    }

    /// Records an attribute in its `Display` form.
    #[inline]
    pub fn display(&mut self, key: u8, value: &dyn Display) {
        self.formatted(key, format_args!("{value}"));
    }

    #[inline(always)]
    fn put(&mut self, key: u8, value: Value<'_>) {
        if self.attributes.push_value(key, value) {
            return;
        }
        match value {
            Value::I64(value) => self.late_i64(key, value),
            Value::U64(value) => self.late_u64(key, value),
            value => self.late(Key::Index(key), value),
        }
    }

    /// Apart, as the next one, so that the most usual values are not put together in every function that has one.
    #[cold]
    #[inline(never)]
    fn late_i64(&mut self, key: u8, value: i64) {
        self.late(Key::Index(key), Value::I64(value));
    }

    #[cold]
    #[inline(never)]
    fn late_u64(&mut self, key: u8, value: u64) {
        self.late(Key::Index(key), Value::U64(value));
    }

    /// Formats straight into the room; what does not fit is finished elsewhere and goes to the lane.
    fn formatted(&mut self, key: u8, text: fmt::Arguments<'_>) {
        self.mirror.text(key, text);
        let head = |length| attribute_head(tag::STR, key, 0, length);
        if let Err(text) = self.attributes.push_text(head, "", text, value_limit()) {
            self.late(Key::Index(key), Value::Str(&text));
        }
    }

    /// Sends an attribute ahead of its span, in a record of its own.
    #[cold]
    #[inline(never)]
    fn late(&mut self, key: Key<'_>, value: Value<'_>) {
        if let Some(live) = self.sampled() {
            let mut extra = Extra::new();
            extra.value(key, value);
            extra.push(live.identity());
        }
    }

    /// Marks the span as failed: its status, and an `exception` event. The last thing that is said of the span.
    #[inline]
    pub fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        if let Some(live) = self.live.as_mut().filter(|live| live.is_sampled()) {
            live.fail(self.attributes.as_slice(), error_type, message);
        }
    }

    /// Marks the span as ended before its work was done; its status stays unset.
    #[cold]
    pub(super) fn cancel(&mut self) {
        self.late(Key::Text("cancelled"), Value::Bool(true));
    }

    /// Ends the span, which is not current: its record goes to the lane. A second call does nothing.
    #[inline(always)]
    pub(super) fn end(&mut self, luggage: &Luggage) {
        if let Some(live) = &mut self.live {
            live.end(self.attributes.as_slice(), luggage);
            self.live = None;
        }
        self.mirror.close();
    }
}

impl<const N: usize> Debug for Recording<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recording").field(&self.live).finish()
    }
}
