//! Records that belong to a span but travel on their own: events, links, late attributes, status, name.

use super::context::{Ids, current, flag};
use super::words::{Words, last_word, limited_text};
use super::{lanes, tick};
use crate::record::layout::{
    EXTRA_HEADER_BYTES, ExtraHeader, KEY_INLINE, attribute_head, flag as record_flag, kind, padded, status,
    tag,
};
use crate::record::{Array, Capture, SpanContext, SpanId, StatusCode, TraceId, Value};
use std::fmt::{self, Debug};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Which span a record belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) trace_high: u64,
    pub(super) trace_low: u64,
    pub(super) span_id: u64,
    pub(super) flags: u8,
}

impl Identity {
    /// That of the span which is current on this thread.
    #[inline(always)]
    pub(super) fn current() -> Self {
        Self::from(current().ids())
    }

    /// The same, or zeros if none is.
    pub(super) fn current_or_none() -> Self {
        let current = Self::current();
        if current.flags & flag::ACTIVE != 0 { current } else { Self::from(Ids::default()) }
    }

    pub(super) fn trace_id(self) -> TraceId {
        TraceId::from_int(u128::from(self.trace_high) << 64 | u128::from(self.trace_low))
    }

    pub(super) fn is_sampled(self) -> bool {
        self.flags & (flag::ACTIVE | flag::SAMPLED | flag::REMOTE) == flag::ACTIVE | flag::SAMPLED
    }
}

impl From<Ids> for Identity {
    #[inline(always)]
    fn from(ids: Ids) -> Self {
        let Ids { trace_high, trace_low, span_id, flags } = ids;
        Self { trace_high, trace_low, span_id, flags }
    }
}

impl Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.trace_id(), SpanId::from_int(self.span_id))
    }
}

/// The most bytes of one value; what is longer is cut at a character's or an element's boundary and counted.
static VALUE_LIMIT_BYTES: AtomicUsize = AtomicUsize::new(DEFAULT_VALUE_LIMIT_BYTES);
/// Unless the settings say otherwise: 4 KiB.
pub(crate) const DEFAULT_VALUE_LIMIT_BYTES: usize = 4096;
/// The most bytes of a key, as many as its length has bits for.
const KEY_LIMIT_BYTES: usize = u16::MAX as usize;
static TRUNCATED_VALUES: AtomicU64 = AtomicU64::new(0);

/// Says how long values may be from now on, in bytes.
pub(crate) fn limit_values(max_bytes: usize) {
    VALUE_LIMIT_BYTES.store(max_bytes, Ordering::Relaxed);
}

#[inline(always)]
pub(super) fn value_limit() -> usize {
    VALUE_LIMIT_BYTES.load(Ordering::Relaxed)
}

/// Whether a value of so many bytes is kept as it is.
#[inline(always)]
pub(super) fn is_within_limit(bytes: usize) -> bool {
    bytes <= value_limit()
}

/// How many values have been cut so far.
pub(crate) fn truncated_values() -> u64 {
    TRUNCATED_VALUES.load(Ordering::Relaxed)
}

/// The text, cut to the limit.
#[inline]
fn limited(text: &str) -> &str {
    if is_within_limit(text.len()) { text } else { cut(text, value_limit()) }
}

fn limited_key(key: &str) -> &str {
    &key[..key.floor_char_boundary(KEY_LIMIT_BYTES)]
}

#[cold]
fn cut(text: &str, limit: usize) -> &str {
    TRUNCATED_VALUES.fetch_add(1, Ordering::Relaxed);
    &text[..text.floor_char_boundary(limit)]
}

/// An attribute's key.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// One of the callsite's.
    Index(u8),
    Text(&'a str),
}

/// Most records fit; the others continue on the heap.
const INLINE_WORDS: usize = 30;

/// A record being put together. It is large: filled where it lies, and never moved.
pub(crate) struct Extra {
    kind: u8,
    flags: u8,
    status: u8,
    /// The bytes of the last word that do not count.
    padding: u8,
    inline: Words<INLINE_WORDS>,
    /// Everything, once it did not fit inline.
    heap: Vec<u64>,
}

impl Extra {
    /// A record of late attributes, until something else is made of it.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            kind: kind::ATTRIBUTES,
            flags: 0,
            status: 0,
            padding: 0,
            inline: Words::new(),
            heap: Vec::new(),
        }
    }

    /// Makes it an event of this name.
    #[inline]
    pub(super) fn event(&mut self, name: &str) {
        self.kind = kind::EVENT;
        self.text(limited(name));
    }

    /// Makes it an event whose name is formatted.
    pub(super) fn formatted_event(&mut self, name: fmt::Arguments<'_>) {
        self.kind = kind::EVENT;
        self.formatted_text(name);
    }

    /// Begins a log record; its text follows, then its attributes.
    pub(super) fn log(&mut self, callsite: u32, target: &str) {
        self.kind = kind::LOG;
        self.words([u64::from(callsite)]);
        self.text(limited(target));
    }

    /// Makes it an `exception` event, which is also why its span failed.
    ///
    /// Source: OpenTelemetry semantic conventions, "exceptions on spans".
    pub(super) fn exception(&mut self, error_type: &str, message: fmt::Arguments<'_>) {
        self.event("exception");
        self.flags = record_flag::IS_STATUS;
        self.status = status::ERROR;
        self.value(Key::Text("exception.type"), Value::Str(error_type));
        self.formatted(Key::Text("exception.message"), message);
    }

    /// Makes it a status; the message counts for errors only.
    pub(super) fn status(&mut self, code: StatusCode, message: &str) {
        self.kind = kind::STATUS;
        self.status = status_byte(code);
        self.content(if code == StatusCode::Error { limited(message) } else { "" });
    }

    /// Makes it the status of an error of which only an earlier message may be known.
    #[cfg(feature = "logging")]
    pub(super) fn error_status(&mut self) {
        self.status(StatusCode::Error, "");
        self.flags = record_flag::KEEPS_MESSAGE;
    }

    /// Makes it a link to another span.
    pub(super) fn link(&mut self, to: &SpanContext) {
        self.kind = kind::LINK;
        let trace_id = to.trace_id().to_int();
        self.words([(trace_id >> 64) as u64, trace_id as u64, to.span_id().to_int()]);
        self.words([u64::from(to.flags().to_byte())]);
        self.text(to.trace_state().as_str());
    }

    /// Makes it a text that stands for itself, such as the span's name.
    pub(super) fn named(&mut self, kind: u8, text: &str) {
        self.kind = kind;
        self.content(limited(text));
    }

    /// An attribute of the span or event.
    #[inline]
    pub(super) fn value(&mut self, key: Key<'_>, value: Value<'_>) {
        match value {
            Value::Bool(v) => self.key(tag::BOOL, key, u32::from(v)),
            Value::I64(v) => {
                self.key(tag::I64, key, 0);
                self.words([v as u64]);
            }
            Value::F64(v) => {
                self.key(tag::F64, key, 0);
                self.words([v.to_bits()]);
            }
            Value::Str(v) => {
                let kept = limited(v);
                self.key(tag::STR, key, kept.len() as u32);
                self.bytes(kept.as_bytes());
            }
            Value::Bytes(v) => {
                let kept = &v[..v.len().min(value_limit())];
                TRUNCATED_VALUES.fetch_add(u64::from(kept.len() < v.len()), Ordering::Relaxed);
                self.key(tag::BYTES, key, kept.len() as u32);
                self.bytes(kept);
            }
            Value::Array(v) => self.array(key, v),
            wide => self.wide(key, wide),
        }
    }

    #[cfg(feature = "logging")]
    pub(super) fn values<'a>(&mut self, attributes: impl IntoIterator<Item = (&'a str, Value<'a>)>) {
        for (key, value) in attributes {
            self.value(Key::Text(key), value);
        }
    }

    fn captured(&mut self, key: Key<'_>, value: &impl Capture) {
        if let Some(value) = value.capture() {
            self.value(key, value);
        }
    }

    /// The first elements, as many as are within the limit.
    #[cold]
    fn array(&mut self, key: Key<'_>, array: Array<'_>) {
        let limit = value_limit();
        let Some(content) = array.content(limit) else {
            // One more than there can be room for, so that a cut shows.
            let texts = array.to_texts(limit / size_of::<u64>() + 1);
            return self.captured(key, &texts);
        };
        TRUNCATED_VALUES.fetch_add(u64::from(!content.is_whole()), Ordering::Relaxed);
        self.key(tag::ARRAY, key, content.bytes as u32);
        content.put(|head, element| {
            self.headed(head, element);
            true
        });
    }

    #[cold]
    fn wide(&mut self, key: Key<'_>, value: Value<'_>) {
        self.value(key, value.to_buf().as_value());
    }

    /// An attribute in a formatted form.
    pub(super) fn formatted(&mut self, key: Key<'_>, text: fmt::Arguments<'_>) {
        let (index, name) = match key {
            Key::Index(index) => (index, ""),
            Key::Text(text) => (KEY_INLINE, limited_key(text)),
        };
        let head = |length| attribute_head(tag::STR, index, name.len() as u16, length);
        if let Err(text) = self.format(head, name, text) {
            self.value(key, Value::Str(&text));
        }
    }

    /// Formatted text with its length in front.
    pub(super) fn formatted_text(&mut self, text: fmt::Arguments<'_>) {
        if let Err(text) = self.format(u64::from, "", text) {
            self.text(limited(&text));
        }
    }

    /// Formats in place; or gives the text, as far as it is wanted, if there is no room.
    fn format(
        &mut self,
        head: impl FnOnce(u32) -> u64,
        name: &str,
        text: fmt::Arguments<'_>,
    ) -> Result<(), String> {
        match self.heap.is_empty() {
            true => self.inline.push_text(head, name, text, value_limit()),
            false => Err(limited_text(text, value_limit())),
        }
    }

    #[inline]
    fn key(&mut self, tag: u8, key: Key<'_>, start: u32) {
        match key {
            Key::Index(index) => self.words([attribute_head(tag, index, 0, start)]),
            Key::Text(text) => {
                let text = limited_key(text);
                self.headed(attribute_head(tag, KEY_INLINE, text.len() as u16, start), text.as_bytes());
            }
        }
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.headed(text.len() as u64, text.as_bytes());
    }

    /// Text that is all there is: its length is the record's.
    fn content(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.padding = (padded(text.len()) - text.len()) as u8;
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        if !self.heap.is_empty() || !self.inline.push_bytes(bytes) {
            self.spill(&[]);
            let (whole, rest) = bytes.as_chunks::<8>();
            self.heap.extend(whole.iter().map(|word| u64::from_ne_bytes(*word)));
            self.heap.extend((!rest.is_empty()).then(|| last_word(bytes)));
        }
    }

    #[inline]
    fn headed(&mut self, head: u64, bytes: &[u8]) {
        if !self.heap.is_empty() || !self.inline.push_headed(head, bytes) {
            self.words([head]);
            self.bytes(bytes);
        }
    }

    #[inline]
    fn words<const W: usize>(&mut self, words: [u64; W]) {
        if !self.heap.is_empty() || !self.inline.push(words) {
            self.spill(&words);
        }
    }

    #[cold]
    fn spill(&mut self, words: &[u64]) {
        if self.heap.is_empty() {
            self.heap.extend_from_slice(self.inline.as_slice());
        }
        self.heap.extend_from_slice(words);
    }

    /// What the record holds so far.
    #[inline(always)]
    pub(super) fn payload(&self) -> &[u64] {
        if self.heap.is_empty() { self.inline.as_slice() } else { &self.heap }
    }

    /// Sends the record off; events are stamped with this moment.
    #[inline]
    pub(super) fn push(&self, owner: Identity) {
        let time = if self.kind == kind::EVENT { tick::now() } else { 0 };
        self.push_timed(owner, time, self.flags);
    }

    /// Sends the event off, stamped with a moment that was given, in Unix nanoseconds.
    #[cold]
    #[cfg(feature = "logging")]
    pub(super) fn push_at(&self, owner: Identity, unix_ns: u64) {
        self.push_timed(owner, unix_ns, self.flags | record_flag::TIME_IS_UNIX);
    }

    #[inline]
    fn push_timed(&self, owner: Identity, time: u64, flags: u8) {
        let payload = self.payload();
        let header = ExtraHeader {
            length: (EXTRA_HEADER_BYTES + payload.len() * 8) as u32 - u32::from(self.padding),
            kind: self.kind,
            flags,
            status: self.status,
            time,
            trace_id: owner.trace_id().to_int(),
            span_id: owner.span_id,
        };
        lanes::push_extra(header.words(), payload);
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
        let Identity { trace_high, trace_low, span_id, flags } = identity;
        Ids { trace_high, trace_low, span_id, flags }.context()
    }
}

/// An attribute as callers give it.
pub(super) fn attribute(extra: &mut Extra, key: &str, value: &impl Capture) {
    extra.captured(Key::Text(key), value);
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::record::{Callsite, ValueBuf};
    use crate::testing;

    /// The attribute that this value is recorded as, and whether it was counted as truncated.
    fn recorded(value: impl Capture) -> (ValueBuf, bool) {
        static SITE: Callsite = Callsite::new("", module_path!(), file!(), line!(), &[]);
        let before = truncated_values();
        let spans = testing::capture(|| {
            let mut span = crate::__private::Entered::<0>::new();
            span.enter(&SITE);
            crate::Span::current().set_attribute("key", value);
        });
        let value = spans.iter().find_map(|span| span.attribute("key")).expect("it was set");
        (value.clone(), truncated_values() > before)
    }

    #[test]
    fn an_array_longer_than_the_limit_keeps_its_first_elements_and_is_counted() {
        let many: Vec<u32> = (0..1_000).collect();
        assert_eq!(recorded(&many), (many[..256].into(), true));
        let long = ["a".to_owned(), "b".repeat(DEFAULT_VALUE_LIMIT_BYTES), "c".to_owned()];
        assert_eq!(recorded(&long), (["a"].into(), true));
    }

    #[test]
    fn an_array_with_too_wide_an_integer_becomes_text_as_far_as_the_limit_goes() {
        assert_eq!(recorded([1, u64::MAX]).0, ["1", "18446744073709551615"].into());
        let many = vec![u128::MAX; 2_000];
        let expected = vec![u128::MAX.to_string(); DEFAULT_VALUE_LIMIT_BYTES / 48];
        assert_eq!(recorded(&many), (expected.into(), true));
    }
}
