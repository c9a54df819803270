//! A span that is being recorded: its identity, and room for its attributes until it ends.

use super::context::Ids;
use super::extra::{Extra, Key, format_limited, push_limited};
use super::live::Live;
use crate::record::layout::{kind, tag};
use crate::record::{Callsite, Capture, TraceState, Value};
use std::fmt::{self, Debug, Display};
use std::mem::MaybeUninit;

/// A span between its start and its end, with `N` bytes of room for attributes. What does not fit goes to the lane at once.
pub struct Recording<const N: usize> {
    /// `None`: nothing to record and no context to hold, because telemetry is off or the trace is not sampled; or the span is over.
    live: Option<Live>,
    /// Bytes of `room` that are written. As wide as the processor likes to load it: a wider load than the store before waits for it.
    used: u32,
    room: [MaybeUninit<u8>; N],
}

impl<const N: usize> Recording<N> {
    /// A span that is not started: room that its owner fills by [`Self::start`].
    #[inline(always)]
    pub(super) fn inert() -> Self {
        Self { live: None, used: 0, room: [MaybeUninit::uninit(); N] }
    }

    /// Starts a span below the current one, if there is anything to record or to hold. The context is not changed yet.
    #[inline(always)]
    pub(super) fn start(&mut self, callsite: &'static Callsite) {
        if Live::is_wanted() {
            Live::start(&mut self.live, callsite);
        }
    }

    /// The same, and makes the span current.
    #[inline(always)]
    pub(super) fn start_and_enter(&mut self, callsite: &'static Callsite) {
        if Live::is_wanted() {
            Live::start_and_enter(&mut self.live, callsite);
        }
    }

    /// Makes current again what was, and ends the span.
    #[inline(always)]
    pub(super) fn leave_and_end(&mut self) {
        if self.live.is_some() {
            // SAFETY: `used` bytes of the room are written, from its start.
            let attributes = unsafe { self.room.get_unchecked(..self.used as usize).assume_init_ref() };
            Live::leave_and_end(&mut self.live, attributes);
        }
    }

    /// Starts the span of a request, whose path policies may look at.
    #[cfg(feature = "http")]
    pub(super) fn start_request(&mut self, callsite: &'static Callsite, path: &str) {
        if Live::is_wanted() {
            Live::start_request(&mut self.live, callsite, path);
        }
    }

    /// Whether attributes are worth evaluating.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.live.as_ref().is_some_and(Live::is_sampled)
    }

    /// Whether the span has a context of its own to make current.
    #[inline(always)]
    pub(super) fn holds_context(&self) -> bool {
        self.live.is_some()
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
        match value {
            Value::Bool(v) => self.fixed(key, tag::BOOL, [u8::from(v)]),
            Value::I64(v) => self.fixed(key, tag::I64, v.to_ne_bytes()),
            Value::F64(v) => self.fixed(key, tag::F64, v.to_ne_bytes()),
            Value::Str(v) => self.bytes(key, tag::STR, v.as_bytes(), value),
            Value::Bytes(v) => self.bytes(key, tag::BYTES, v, value),
            Value::U64(v) if i64::try_from(v).is_ok() => self.fixed(key, tag::I64, v.to_ne_bytes()),
            wide => self.wide(key, wide),
        }
    }

    #[cold]
    fn wide(&mut self, key: u8, value: Value<'_>) {
        match value {
            Value::I128(v) if i64::try_from(v).is_ok() => self.fixed(key, tag::I64, (v as i64).to_ne_bytes()),
            Value::U128(v) if i64::try_from(v).is_ok() => self.fixed(key, tag::I64, (v as i64).to_ne_bytes()),
            other => self.formatted(key, format_args!("{other}")),
        }
    }

    #[inline(always)]
    fn fixed<const W: usize>(&mut self, key: u8, tag: u8, value: [u8; W]) {
        let at = self.used as usize;
        match self.room.get_mut(at..at + 2 + W) {
            Some(room) => {
                let (head, tail) = room.split_at_mut(2);
                head.write_copy_of_slice(&[tag, key]);
                tail.write_copy_of_slice(&value);
                self.used += 2 + W as u32;
            }
            None => self.overflow(key, tag, &value),
        }
    }

    #[inline(always)]
    fn bytes(&mut self, key: u8, tag: u8, bytes: &[u8], value: Value<'_>) {
        let at = self.used as usize;
        match self.room.get_mut(at..at + 6 + bytes.len()) {
            Some(room) => {
                let (head, tail) = room.split_at_mut(6);
                head[..2].write_copy_of_slice(&[tag, key]);
                head[2..].write_copy_of_slice(&(bytes.len() as u32).to_ne_bytes());
                tail.write_copy_of_slice(bytes);
                self.used += 6 + bytes.len() as u32;
            }
            None => self.late(Key::Index(key), value),
        }
    }

    /// Formats straight into the room; what does not fit is finished elsewhere and goes to the lane.
    fn formatted(&mut self, key: u8, text: fmt::Arguments<'_>) {
        let at = self.used as usize;
        let Some(room) = self.room.get_mut(at..).filter(|room| room.len() > 6) else {
            return self.late(Key::Index(key), Value::Str(&format_limited(text)));
        };
        let (head, tail) = room.split_at_mut(6);
        let mut writer = RoomWriter { room: tail, used: 0, rest: None };
        // A `Display` that fails half-way leaves what it wrote.
        let _ = fmt::write(&mut writer, text);
        let RoomWriter { used, rest, .. } = writer;
        match rest {
            Some(text) => self.late(Key::Index(key), Value::Str(&text)),
            None => {
                head[..2].write_copy_of_slice(&[tag::STR, key]);
                head[2..].write_copy_of_slice(&(used as u32).to_ne_bytes());
                self.used += 6 + used as u32;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn overflow(&mut self, key: u8, tag: u8, value: &[u8]) {
        if let Some(live) = self.sampled() {
            let mut extra = Extra::new(kind::ATTRIBUTES);
            extra.raw(&[tag, key]);
            extra.raw(value);
            extra.push(live.identity());
        }
    }

    /// Sends an attribute ahead of its span, in a record of its own.
    #[cold]
    #[inline(never)]
    fn late(&mut self, key: Key<'_>, value: Value<'_>) {
        if let Some(live) = self.sampled() {
            let mut extra = Extra::new(kind::ATTRIBUTES);
            extra.value(key, value);
            extra.push(live.identity());
        }
    }

    /// Marks the span as failed: its status, and an `exception` event.
    #[inline]
    pub fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        if let Some(live) = self.sampled() {
            live.fail(error_type, message);
        }
    }

    /// Marks the span as ended before its work was done; its status stays unset.
    #[cold]
    pub(super) fn cancel(&mut self) {
        self.late(Key::Text("cancelled"), Value::Bool(true));
    }

    /// Ends the span, which is not current: its record goes to the lane. A second call does nothing.
    #[inline(always)]
    pub(super) fn end(&mut self, state: &TraceState) {
        if self.live.is_some() {
            // SAFETY: `used` bytes of the room are written, from its start.
            let attributes = unsafe { self.room.get_unchecked(..self.used as usize).assume_init_ref() };
            Live::end(&mut self.live, attributes, state);
        }
    }
}

/// Writes text into a span's room as long as it fits, then into a string that starts with what was there.
struct RoomWriter<'a> {
    room: &'a mut [MaybeUninit<u8>],
    used: usize,
    rest: Option<String>,
}

impl fmt::Write for RoomWriter<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(rest) = &mut self.rest {
            return push_limited(rest, text);
        }
        match self.room.get_mut(self.used..self.used + text.len()) {
            Some(room) => {
                room.write_copy_of_slice(text.as_bytes());
                self.used += text.len();
                Ok(())
            }
            None => self.spill(text),
        }
    }
}

impl RoomWriter<'_> {
    #[cold]
    fn spill(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the first `used` bytes are written.
        let written = unsafe { self.room[..self.used].assume_init_ref() };
        let mut rest = String::with_capacity(2 * (written.len() + text.len()));
        rest.push_str(std::str::from_utf8(written).unwrap_or(""));
        push_limited(self.rest.insert(rest), text)
    }
}

impl<const N: usize> Debug for Recording<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recording").field(&self.live).finish()
    }
}
