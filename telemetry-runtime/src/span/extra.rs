//! Records that belong to a span but travel on their own: events, links, late attributes, status, name.

use super::context::flag;
use super::{lanes, tick};
use crate::record::layout::{
    EXTRA_HEADER_BYTES, ExtraHeader, KEY_INLINE, flag as record_flag, kind, status, tag,
};
use crate::record::{Capture, SpanContext, SpanId, StatusCode, TraceFlags, TraceId, Value};
use std::fmt::{self, Debug};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which span a record belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) trace_high: u64,
    pub(super) trace_low: u64,
    pub(super) span_id: u64,
    pub(super) flags: u8,
}

impl Identity {
    pub(super) fn trace_id(self) -> TraceId {
        TraceId::from_int(u128::from(self.trace_high) << 64 | u128::from(self.trace_low))
    }

    pub(super) fn is_sampled(self) -> bool {
        self.flags & (flag::ACTIVE | flag::SAMPLED | flag::REMOTE) == flag::ACTIVE | flag::SAMPLED
    }
}

impl Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trace_id(), SpanId::from_int(self.span_id))
    }
}

/// The most bytes of one text value; what is longer is cut at a character's boundary and counted.
const MAX_VALUE_BYTES: usize = 4096;
static TRUNCATED_VALUES: AtomicU64 = AtomicU64::new(0);

/// How many values have been cut so far.
pub(crate) fn truncated_values() -> u64 {
    TRUNCATED_VALUES.load(Ordering::Relaxed)
}

/// The text, cut to the limit.
fn limited(text: &str) -> &str {
    if text.len() <= MAX_VALUE_BYTES {
        return text;
    }
    TRUNCATED_VALUES.fetch_add(1, Ordering::Relaxed);
    &text[..text.floor_char_boundary(MAX_VALUE_BYTES)]
}

/// Appends while the whole stays near the limit; an error stops a formatter that would go on for ever.
pub(super) fn push_limited(whole: &mut String, text: &str) -> fmt::Result {
    let left = (MAX_VALUE_BYTES + 1).saturating_sub(whole.len());
    whole.push_str(&text[..text.ceil_char_boundary(left.min(text.len()))]);
    if left < text.len() { Err(fmt::Error) } else { Ok(()) }
}

struct Limited(String);

impl fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_limited(&mut self.0, text)
    }
}

/// Formats no more than a little over the limit.
pub(super) fn format_limited(text: fmt::Arguments<'_>) -> String {
    let mut out = Limited(String::new());
    // A formatter that fails leaves what it wrote.
    let _ = fmt::write(&mut out, text);
    out.0
}

/// An attribute's key.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    /// One of the callsite's.
    Index(u8),
    Text(&'a str),
}

/// The beginning of an `exception` event: its name, and the key of its type.
const EXCEPTION: [u8; 33] =
    concat(&[&text_bytes::<13>("exception"), &[tag::STR, KEY_INLINE], &text_bytes::<18>("exception.type")]);
/// What stands before an exception's message.
const EXCEPTION_MESSAGE: [u8; 23] =
    concat(&[&[tag::STR, KEY_INLINE], &text_bytes::<21>("exception.message")]);

/// A text as records hold it: its length, then its bytes.
const fn text_bytes<const N: usize>(text: &str) -> [u8; N] {
    concat(&[&(text.len() as u32).to_ne_bytes(), text.as_bytes()])
}

const fn concat<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut whole = [0; N];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut from = 0;
        while from < parts[part].len() {
            whole[at] = parts[part][from];
            at += 1;
            from += 1;
        }
        part += 1;
    }
    assert!(at == N, "the array is exactly as long as its parts");
    whole
}

/// Most records fit; the others continue on the heap.
const INLINE_BYTES: usize = 232;

/// A record being put together.
pub(super) struct Extra {
    kind: u8,
    flags: u8,
    status: u8,
    used: usize,
    inline: [MaybeUninit<u8>; INLINE_BYTES],
    heap: Vec<u8>,
}

impl Extra {
    #[inline]
    pub(super) fn new(kind: u8) -> Self {
        Self {
            kind,
            flags: 0,
            status: 0,
            used: 0,
            inline: [MaybeUninit::uninit(); INLINE_BYTES],
            heap: Vec::new(),
        }
    }

    /// An event.
    pub(super) fn event(name: &str) -> Self {
        let mut extra = Self::new(kind::EVENT);
        extra.text(limited(name));
        extra
    }

    /// An `exception` event.
    ///
    /// Source: OpenTelemetry semantic conventions, "exceptions on spans".
    pub(super) fn exception(error_type: &str, message: fmt::Arguments<'_>) -> Self {
        let mut extra = Self::new(kind::EVENT);
        extra.raw(&EXCEPTION);
        extra.text(limited(error_type));
        extra.raw(&EXCEPTION_MESSAGE);
        extra.formatted_value(message);
        extra
    }

    /// A status; the message counts for errors only.
    pub(super) fn status(code: StatusCode, message: &str) -> Self {
        let mut extra = Self::new(kind::STATUS);
        extra.status = status_byte(code);
        extra.raw(if code == StatusCode::Error { limited(message).as_bytes() } else { &[] });
        extra
    }

    /// A link to another span.
    pub(super) fn link(to: &SpanContext) -> Self {
        let mut extra = Self::new(kind::LINK);
        let trace_id = to.trace_id().to_int();
        extra.raw(&((trace_id >> 64) as u64).to_ne_bytes());
        extra.raw(&(trace_id as u64).to_ne_bytes());
        extra.raw(&to.span_id().to_int().to_ne_bytes());
        extra.raw(&[to.flags().to_byte()]);
        extra.text(to.trace_state().as_str());
        extra
    }

    /// Says that the event is also why its span failed.
    pub(super) fn set_status(&mut self) {
        self.flags = record_flag::IS_STATUS;
        self.status = status::ERROR;
    }

    /// A name, or any other text that stands for itself.
    pub(super) fn named(kind: u8, text: &str) -> Self {
        let mut extra = Self::new(kind);
        extra.raw(limited(text).as_bytes());
        extra
    }

    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        match self.inline.get_mut(self.used..self.used + bytes.len()) {
            Some(room) if self.heap.is_empty() => {
                room.write_copy_of_slice(bytes);
                self.used += bytes.len();
            }
            _ => self.spill(bytes),
        }
    }

    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            let written = self.bytes_mut().to_vec();
            self.heap = written;
        }
        self.heap.extend_from_slice(bytes);
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.raw(&(text.len() as u32).to_ne_bytes());
        self.raw(text.as_bytes());
    }

    #[inline]
    fn key(&mut self, tag: u8, key: Key<'_>) {
        match key {
            Key::Index(index) => self.raw(&[tag, index]),
            Key::Text(text) => {
                self.raw(&[tag, KEY_INLINE]);
                self.text(limited(text));
            }
        }
    }

    /// An attribute of the span or event.
    pub(super) fn value(&mut self, key: Key<'_>, value: Value<'_>) {
        match value {
            Value::Bool(v) => {
                self.key(tag::BOOL, key);
                self.raw(&[u8::from(v)]);
            }
            Value::I64(v) => {
                self.key(tag::I64, key);
                self.raw(&v.to_ne_bytes());
            }
            Value::F64(v) => {
                self.key(tag::F64, key);
                self.raw(&v.to_ne_bytes());
            }
            Value::Str(v) => {
                self.key(tag::STR, key);
                self.text(limited(v));
            }
            Value::Bytes(v) => {
                self.key(tag::BYTES, key);
                let kept = &v[..v.len().min(MAX_VALUE_BYTES)];
                TRUNCATED_VALUES.fetch_add(u64::from(kept.len() < v.len()), Ordering::Relaxed);
                self.raw(&(kept.len() as u32).to_ne_bytes());
                self.raw(kept);
            }
            wide => self.value(key, wide.to_buf().as_value()),
        }
    }

    /// The text of an attribute whose key is written.
    #[inline]
    fn formatted_value(&mut self, text: fmt::Arguments<'_>) {
        let length_at = self.len();
        self.raw(&[0; 4]);
        let mut writer = ExtraWriter { limit: MAX_VALUE_BYTES, written: 0, extra: self };
        // A formatter that fails, or is stopped at the limit, leaves what it wrote.
        let _ = fmt::write(&mut writer, text);
        let written = writer.written as u32;
        self.bytes_mut()[length_at..length_at + 4].copy_from_slice(&written.to_ne_bytes());
    }

    fn len(&self) -> usize {
        if self.heap.is_empty() { self.used } else { self.heap.len() }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        if !self.heap.is_empty() {
            return &mut self.heap;
        }
        // SAFETY: the first `used` bytes are written.
        unsafe { self.inline[..self.used].assume_init_mut() }
    }

    /// Sends the record off; events are stamped with this moment.
    #[inline]
    pub(super) fn push(&mut self, owner: Identity) {
        let (kind, flags, status) = (self.kind, self.flags, self.status);
        let payload = self.bytes_mut();
        let header = ExtraHeader {
            length: (EXTRA_HEADER_BYTES + payload.len()) as u32,
            kind,
            flags,
            status,
            time: if kind == kind::EVENT { tick::now() } else { 0 },
            trace_id: owner.trace_id().to_int(),
            span_id: owner.span_id,
        };
        lanes::push_extra(&header.words(), payload);
    }
}

struct ExtraWriter<'a> {
    extra: &'a mut Extra,
    written: usize,
    limit: usize,
}

impl fmt::Write for ExtraWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = text.floor_char_boundary(self.limit - self.written);
        self.extra.raw(&text.as_bytes()[..fits]);
        self.written += fits;
        if fits < text.len() {
            TRUNCATED_VALUES.fetch_add(1, Ordering::Relaxed);
            return Err(fmt::Error);
        }
        Ok(())
    }
}

pub(super) fn status_byte(code: StatusCode) -> u8 {
    match code {
        StatusCode::Unset => status::UNSET,
        StatusCode::Ok => status::OK,
        StatusCode::Error => status::ERROR,
    }
}

impl From<Identity> for SpanContext {
    fn from(identity: Identity) -> Self {
        Self::new(
            identity.trace_id(),
            SpanId::from_int(identity.span_id),
            TraceFlags::from_byte(identity.flags),
        )
    }
}

/// An attribute as callers give it.
pub(super) fn attribute(extra: &mut Extra, key: &str, value: &impl Capture) {
    if let Some(value) = value.capture() {
        extra.value(Key::Text(key), value);
    }
}
