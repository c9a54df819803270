//! A span that is being recorded: its identity, and room for its attributes until it ends.

use super::context::{Current, Ids, current, flag};
use super::extra::{Extra, Identity, Key, format_limited, push_limited};
use super::{head, lanes, panic, tick};
use crate::policy::LocalRoot;
use crate::record::layout::{SPAN_HEADER_BYTES, SpanHeader, flag as record_flag, kind, status, tag};
use crate::record::{Callsite, Capture, SpanContext, TraceId, TraceState, Value};
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

/// A span that has a context of its own.
struct Live {
    callsite: &'static Callsite,
    trace_high: u64,
    trace_low: u64,
    span_id: u64,
    parent_id: u64,
    start: u64,
    /// The context's flags while the span is current, and before it.
    flags: u8,
    flags_before: u8,
    status: u8,
    /// Panics were already unwinding when the span started: they are not its own.
    unwinding_before: bool,
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
            self.live = Some(Live::start_local_root(current(), callsite, Some(path)));
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
        let Live { trace_high, trace_low, span_id, flags, .. } = *self.live.as_ref()?;
        Some(Ids { trace_high, trace_low, span_id, flags })
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

// What follows is the same for every `N` and stands once in the program, not once in every instrumented function.
impl Live {
    /// Whether a span that starts here has anything to record or to hold.
    #[inline(always)]
    fn is_wanted() -> bool {
        match current().flags.get() & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) {
            CHILD => true,
            flag::ACTIVE => false,
            _ => !head::is_off(),
        }
    }

    #[inline(never)]
    fn start(slot: &mut Option<Self>, callsite: &'static Callsite) {
        *slot = Some(Self::start_wanted(current(), callsite));
    }

    #[inline(never)]
    fn start_and_enter(slot: &mut Option<Self>, callsite: &'static Callsite) {
        let current = current();
        slot.insert(Self::start_wanted(current, callsite)).enter(current);
    }

    #[inline(never)]
    fn leave_and_end(slot: &mut Option<Self>, attributes: &[u8]) {
        if let Some(live) = slot {
            let current = current();
            if live.is_sampled() {
                live.record(
                    attributes,
                    if live.flags & flag::HAS_STATE == 0 { None } else { Some(current.state()) }.as_ref(),
                );
            }
            live.leave(current);
        }
        *slot = None;
    }

    #[inline(never)]
    fn end(slot: &mut Option<Self>, attributes: &[u8], state: &TraceState) {
        if let Some(live) = slot.as_mut().filter(|live| live.is_sampled()) {
            live.record(attributes, Some(state));
        }
        *slot = None;
    }

    #[inline(always)]
    fn start_wanted(current: &Current, callsite: &'static Callsite) -> Self {
        let flags = current.flags.get();
        if flags & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) != CHILD {
            return Self::start_local_root(current, callsite, None);
        }
        Self {
            callsite,
            trace_high: current.trace_high.get(),
            trace_low: current.trace_low.get(),
            span_id: current.new_span_id(),
            parent_id: current.span_id.get(),
            flags,
            flags_before: flags,
            status: status::UNSET,
            unwinding_before: std::thread::panicking(),
            start: tick::now(),
        }
    }

    /// Makes the span current. Only what differs is written: a child shares its parent's trace.
    #[inline(always)]
    fn enter(&self, current: &Current) {
        if self.flags != self.flags_before {
            current.trace_high.set(self.trace_high);
            current.trace_low.set(self.trace_low);
            current.flags.set(self.flags);
        }
        current.span_id.set(self.span_id);
    }

    /// Makes current again what was. A span that is closed while another one is current (closed out of order) changes nothing,
    /// unless it began the trace here: then everything below it is over as well.
    #[inline(always)]
    fn leave(&self, current: &Current) {
        if self.flags != self.flags_before {
            current.flags.set(self.flags_before);
            current.span_id.set(self.parent_id);
        } else if current.span_id.get() == self.span_id {
            current.span_id.set(self.parent_id);
        }
    }

    #[inline(always)]
    fn record(&mut self, attributes: &[u8], state: Option<&TraceState>) {
        let end = tick::now();
        if std::thread::panicking() && !self.unwinding_before {
            self.panicked();
        }
        if let Some(state) = state.filter(|state| !state.is_empty()) {
            self.send_state(state);
        }
        self.push(attributes, end);
    }

    #[inline(never)]
    fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        self.status = status::ERROR;
        let mut exception = Extra::exception(error_type, format_args!("{message}"));
        exception.set_status();
        exception.push(self.identity());
    }

    #[inline]
    fn start_local_root(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> Self {
        let flags_before = current.flags.get();
        let (root, sampled) = if flags_before & flag::REMOTE != 0 || path.is_some() {
            Self::decide(current, callsite, path)
        } else {
            let (trace_high, trace_low) = current.new_trace_id();
            let sampled = head::samples_new(trace_low, || ask(callsite, trace_high, trace_low, None, path));
            (Origin { trace_high, trace_low, parent_id: 0 }, sampled)
        };
        let sampled = if sampled { flag::SAMPLED } else { 0 };
        // Who made the trace id knows whether it is random: we, or the caller.
        let random = if flags_before & flag::REMOTE == 0 { RANDOM } else { flags_before & RANDOM };
        Self {
            callsite,
            trace_high: root.trace_high,
            trace_low: root.trace_low,
            span_id: current.new_span_id(),
            parent_id: root.parent_id,
            flags: flags_before & flag::HAS_STATE | flag::ACTIVE | random | sampled,
            flags_before,
            status: status::UNSET,
            unwinding_before: std::thread::panicking(),
            start: tick::now(),
        }
    }

    /// Asks the policy where more than the trace id counts: a parent elsewhere, a request's path.
    #[cold]
    fn decide(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> (Origin, bool) {
        if current.flags.get() & flag::REMOTE == 0 {
            let (trace_high, trace_low) = current.new_trace_id();
            let sampled = ask(callsite, trace_high, trace_low, None, path);
            return (Origin { trace_high, trace_low, parent_id: 0 }, sampled);
        }
        let parent = current.snapshot();
        let Ids { trace_high, trace_low, span_id, .. } = parent.ids;
        let sampled = ask(callsite, trace_high, trace_low, Some(&parent.context()), path);
        (Origin { trace_high, trace_low, parent_id: span_id }, sampled)
    }

    #[inline(always)]
    fn is_sampled(&self) -> bool {
        self.flags & flag::SAMPLED != 0
    }

    #[inline(always)]
    fn identity(&self) -> Identity {
        Identity {
            trace_high: self.trace_high,
            trace_low: self.trace_low,
            span_id: self.span_id,
            flags: self.flags,
        }
    }

    #[cold]
    #[inline(never)]
    fn panicked(&mut self) {
        self.status = status::ERROR;
        panic::last().push(self.identity());
    }

    #[cold]
    #[inline(never)]
    fn send_state(&self, state: &TraceState) {
        let mut extra = Extra::new(kind::TRACE_STATE);
        extra.raw(state.as_str().as_bytes());
        extra.push(self.identity());
    }

    #[inline(always)]
    fn push(&self, attributes: &[u8], end: u64) {
        let remote = self.flags_before & flag::REMOTE != 0;
        let header = SpanHeader {
            length: (SPAN_HEADER_BYTES + attributes.len()) as u32,
            flags: self.flags & W3C_FLAGS | if remote { record_flag::PARENT_REMOTE } else { 0 },
            status: self.status,
            callsite: self.callsite.number(),
            dropped_attributes: 0,
            trace_id: u128::from(self.trace_high) << 64 | u128::from(self.trace_low),
            span_id: self.span_id,
            parent_id: self.parent_id,
            start: self.start,
            end,
        };
        lanes::push_span(&header.words(), attributes);
    }
}

/// Where a local root comes from.
struct Origin {
    trace_high: u64,
    trace_low: u64,
    parent_id: u64,
}

const CHILD: u8 = flag::ACTIVE | flag::SAMPLED;
const RANDOM: u8 = 0x02;
const W3C_FLAGS: u8 = 0x03;

#[cold]
fn ask(
    callsite: &'static Callsite,
    high: u64,
    low: u64,
    parent: Option<&SpanContext>,
    path: Option<&str>,
) -> bool {
    let root = LocalRoot::new(TraceId::from_int(u128::from(high) << 64 | u128::from(low)), parent, callsite);
    head::ask(&match path {
        Some(path) => root.with_path(path),
        None => root,
    })
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
        let span = self.live.as_ref().map(|live| (live.callsite.name(), live.identity()));
        f.debug_tuple("Recording").field(&span).finish()
    }
}
