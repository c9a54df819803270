//! A span that is being recorded: its identity, and room for its attributes until it ends.

use super::context::{CURRENT, Current, Snapshot, flag};
use super::extra::{Extra, Identity};
use super::{head, lanes, panic, tick};
use crate::policy::LocalRoot;
use crate::record::layout::{KEY_INLINE, SPAN_HEADER_BYTES, SpanHeader, flag as record_flag, kind, status, tag};
use crate::record::{Callsite, Capture, StatusCode, TraceState, Value};
use std::fmt::{self, Debug, Display};
use std::mem::MaybeUninit;

/// A span between its start and its end, with `N` bytes of room for attributes. What does not fit goes to the lane at once.
pub struct Recording<const N: usize> {
    callsite: &'static Callsite,
    trace_high: u64,
    trace_low: u64,
    span_id: u64,
    parent_id: u64,
    start: u64,
    /// Bytes of `room` that are written.
    used: u16,
    state: State,
    status: u8,
    /// The context's flags while the span is current, and before it.
    flags: u8,
    flags_before: u8,
    /// Panics were already unwinding when the span started: they are not its own.
    unwinding_before: bool,
    room: [MaybeUninit<u8>; N],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to record and no context to hold: off, or below a span that is not sampled. Also: over.
    Inert,
    /// Not sampled, but the first span of its trace here: the context must say so to what it calls.
    Unsampled,
    Recording,
}

impl<const N: usize> Recording<N> {
    /// Starts a span below the current one. The context is not changed yet.
    #[inline(always)]
    pub(super) fn start(current: &Current, callsite: &'static Callsite) -> Self {
        let flags = current.flags.get();
        match flags & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) {
            CHILD => {
                let mut child = Self::inert(callsite);
                child.state = State::Recording;
                child.trace_high = current.trace_high.get();
                child.trace_low = current.trace_low.get();
                child.span_id = current.new_span_id();
                child.parent_id = current.span_id.get();
                child.flags = flags;
                child.flags_before = flags;
                child.unwinding_before = std::thread::panicking();
                child.start = tick::now();
                child
            }
            flag::ACTIVE => Self::inert(callsite),
            _ if head::is_off() => Self::inert(callsite),
            _ => Self::start_local_root(current, callsite, None),
        }
    }

    /// Starts the span of a request, whose path policies may look at.
    #[cfg(feature = "http")]
    pub(super) fn start_request(current: &Current, callsite: &'static Callsite, path: &str) -> Self {
        match current.flags.get() & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) {
            flag::ACTIVE => Self::inert(callsite),
            _ if head::is_off() => Self::inert(callsite),
            _ => Self::start_local_root(current, callsite, Some(path)),
        }
    }

    /// Starts the first span of a trace in this process.
    #[inline]
    pub(super) fn start_local_root(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> Self {
        let mut root = Self::inert(callsite);
        root.flags_before = current.flags.get();
        let parent_is_remote = root.flags_before & flag::REMOTE != 0;
        let sampled = if parent_is_remote || path.is_some() {
            root.decide_with_parent(current, path)
        } else {
            (root.trace_high, root.trace_low) = current.new_trace_id();
            head::samples_new(root.trace_low, || root.decide_without_parent(current, None))
        };
        root.span_id = current.new_span_id();
        root.flags = root.flags_before & flag::HAS_STATE | flag::ACTIVE | RANDOM | if sampled { flag::SAMPLED } else { 0 };
        root.state = if sampled { State::Recording } else { State::Unsampled };
        root.unwinding_before = std::thread::panicking();
        root.start = tick::now();
        root
    }

    #[cold]
    fn decide_with_parent(&mut self, current: &Current, path: Option<&str>) -> bool {
        if self.flags_before & flag::ACTIVE == 0 {
            (self.trace_high, self.trace_low) = current.new_trace_id();
            return self.decide_without_parent(current, path);
        }
        let parent = current.snapshot().context();
        (self.trace_high, self.trace_low) = (current.trace_high.get(), current.trace_low.get());
        self.parent_id = current.span_id.get();
        ask(LocalRoot::new(parent.trace_id(), Some(&parent), self.callsite), path)
    }

    #[cold]
    fn decide_without_parent(&self, _current: &Current, path: Option<&str>) -> bool {
        ask(LocalRoot::new(self.identity().trace_id(), None, self.callsite), path)
    }

    #[inline(always)]
    fn inert(callsite: &'static Callsite) -> Self {
        Self {
            callsite,
            trace_high: 0,
            trace_low: 0,
            span_id: 0,
            parent_id: 0,
            start: 0,
            used: 0,
            state: State::Inert,
            status: status::UNSET,
            flags: 0,
            flags_before: 0,
            unwinding_before: false,
            room: [MaybeUninit::uninit(); N],
        }
    }

    /// Whether attributes are worth evaluating.
    #[inline(always)]
    pub fn is_recording(&self) -> bool {
        self.state == State::Recording
    }

    /// Whether the span has a context of its own to make current.
    #[inline(always)]
    pub(super) fn holds_context(&self) -> bool {
        self.state != State::Inert
    }

    pub(super) fn identity(&self) -> Identity {
        Identity { trace_high: self.trace_high, trace_low: self.trace_low, span_id: self.span_id, flags: self.flags }
    }

    /// The context below the span.
    #[inline]
    pub(super) fn snapshot(&self, state: TraceState) -> Snapshot {
        Snapshot {
            trace_high: self.trace_high,
            trace_low: self.trace_low,
            span_id: self.span_id,
            flags: self.flags,
            state,
        }
    }

    /// Makes the span current. Only what differs is written: a child shares its parent's trace.
    #[inline(always)]
    pub(super) fn enter(&self, current: &Current) {
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
    pub(super) fn leave(&self, current: &Current) {
        if self.flags != self.flags_before {
            current.flags.set(self.flags_before);
            current.span_id.set(self.parent_id);
        } else if current.span_id.get() == self.span_id {
            current.span_id.set(self.parent_id);
        }
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
        let at = usize::from(self.used);
        match self.room.get_mut(at..at + 2 + W) {
            Some(room) => {
                let (head, tail) = room.split_at_mut(2);
                head.write_copy_of_slice(&[tag, key]);
                tail.write_copy_of_slice(&value);
                self.used += 2 + W as u16;
            }
            None => self.overflow(key, tag, &value),
        }
    }

    #[inline(always)]
    fn bytes(&mut self, key: u8, tag: u8, bytes: &[u8], value: Value<'_>) {
        let at = usize::from(self.used);
        match self.room.get_mut(at..at + 6 + bytes.len()) {
            Some(room) => {
                let (head, tail) = room.split_at_mut(6);
                head[..2].write_copy_of_slice(&[tag, key]);
                head[2..].write_copy_of_slice(&(bytes.len() as u32).to_ne_bytes());
                tail.write_copy_of_slice(bytes);
                self.used += 6 + bytes.len() as u16;
            }
            None => self.late(key, value),
        }
    }

    /// Formats straight into the room; what does not fit is finished elsewhere and goes to the lane.
    fn formatted(&mut self, key: u8, text: fmt::Arguments<'_>) {
        let at = usize::from(self.used);
        let Some(room) = self.room.get_mut(at..).filter(|room| room.len() > 6) else {
            return self.late(key, Value::Str(&super::extra::format_limited(String::new(), text)));
        };
        let (head, tail) = room.split_at_mut(6);
        let mut writer = RoomWriter { room: tail, used: 0, rest: None };
        // A `Display` that fails half-way leaves what it wrote.
        let _ = fmt::write(&mut writer, text);
        let RoomWriter { used, rest, .. } = writer;
        match rest {
            Some(text) => self.late(key, Value::Str(super::extra::limited(&text))),
            None => {
                head[..2].write_copy_of_slice(&[tag::STR, key]);
                head[2..].write_copy_of_slice(&(used as u32).to_ne_bytes());
                self.used += 6 + used as u16;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn overflow(&self, key: u8, tag: u8, value: &[u8]) {
        let mut extra = Extra::new(kind::ATTRIBUTES);
        extra.raw(&[tag, key]);
        extra.raw(value);
        extra.push(self.identity());
    }

    /// Sends an attribute ahead of its span, in a record of its own.
    #[cold]
    #[inline(never)]
    fn late(&self, key: u8, value: Value<'_>) {
        let mut extra = Extra::new(kind::ATTRIBUTES);
        extra.value(super::extra::Key::Index(key), value);
        extra.push(self.identity());
    }

    /// Marks the span as failed: its status, and an `exception` event.
    pub fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        self.status = status::ERROR;
        Extra::exception(error_type, format_args!("{message}")).as_status().push(self.identity());
    }

    /// Marks the span as ended before its work was done; its status stays unset.
    #[cold]
    pub(super) fn cancel(&mut self) {
        if self.is_recording() {
            let mut extra = Extra::new(kind::ATTRIBUTES);
            extra.value(super::extra::Key::Text("cancelled"), Value::Bool(true));
            extra.push(self.identity());
        }
    }

    /// Ends the span: its record goes to the lane. A second call does nothing.
    #[inline(always)]
    pub(super) fn end(&mut self, state: TraceState) {
        let recording = self.is_recording();
        self.state = State::Inert;
        if recording {
            let end = tick::now();
            if std::thread::panicking() && !self.unwinding_before {
                self.panicked();
            }
            if self.flags & flag::HAS_STATE != 0 {
                self.send_state(state);
            }
            self.push(end);
        }
    }

    #[cold]
    #[inline(never)]
    fn panicked(&mut self) {
        self.status = status::ERROR;
        panic::last().as_status().push(self.identity());
    }

    #[cold]
    #[inline(never)]
    fn send_state(&self, state: TraceState) {
        let mut extra = Extra::new(kind::TRACE_STATE);
        extra.raw(state.as_str().as_bytes());
        extra.push(self.identity());
    }

    #[inline(always)]
    fn push(&self, end: u64) {
        let remote = self.flags_before & flag::REMOTE != 0;
        // SAFETY: `used` bytes of the room are written, from its start.
        let attributes = unsafe { self.room.get_unchecked(..usize::from(self.used)).assume_init_ref() };
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

    /// Sets the status, as OpenTelemetry ranks them.
    pub(super) fn set_status(&mut self, code: StatusCode) {
        self.status = super::extra::status_byte(code);
    }
}

const CHILD: u8 = flag::ACTIVE | flag::SAMPLED;
const RANDOM: u8 = 0x02;
const W3C_FLAGS: u8 = 0x03;

fn ask(root: LocalRoot<'_>, path: Option<&str>) -> bool {
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
            return super::extra::push_limited(rest, text);
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
        super::extra::push_limited(self.rest.insert(rest), text)
    }
}

impl<const N: usize> Debug for Recording<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("name", &self.callsite.name()).field("context", &self.identity()).finish()
    }
}

pub(super) fn start_here<const N: usize>(callsite: &'static Callsite) -> Recording<N> {
    CURRENT.with(|current| Recording::start(current, callsite))
}

const _: () = assert!(KEY_INLINE == 0xff);
