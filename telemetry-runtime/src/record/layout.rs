//! The words of a record, between the thread that writes it and the views that read it.
//!
//! Everything is whole words of eight bytes, so that what was stored a moment ago is loaded as it was stored; text and bytes are
//! followed by zeros up to the next word.
//!
//! ```text
//! every record   0  u32 length in bytes, header included, padding excluded    4  u8 kind   5  u8 flags   6  u8 status   7  u8 -
//! span           8  u32 callsite number   12  u32 attributes dropped
//!               16  u64 trace id, high    24  u64 trace id, low    32  u64 span id    40  u64 parent span id, 0 for none
//!               48  u64 start, ticks      56  u64 end, ticks       64  attributes
//! any other      8  u64 time, ticks         (a flag says of each time whether it is Unix nanoseconds instead)
//!               16  u64 trace id, high    24  u64 trace id, low    32  u64 span id    40  payload
//!   event           text of the name, or u64 number of a callsite that has one; attributes
//!   attributes      attributes
//!   link            u64 trace id, high   u64 trace id, low   u64 span id   u64 flags   text of tracestate, attributes
//!   status          the message (its code is in the header)
//!   name            the name itself
//!   trace state     the state itself
//!   log             u64 number of its callsite; text of its target, empty for the callsite's; text of its body; attributes
//! text           u64 length, content
//! attribute      0  u8 tag   1  u8 index of the callsite's key, or 0xff: its text follows   2  u16 length of that text
//!                4  u32 what the value begins with   8  text of the key, if any   …  value
//! value             bool: itself in the u32   integer, double: 8 bytes   text, bytes: length in the u32, then content
//!                   array: length in the u32, then its elements, each like an attribute without a key
//!                   error: like text; why the span failed, with the error's type as its key
//! ```
//! Places within a word count from its low end. Words are in the machine's own byte order: they never leave the process.

pub(crate) const SPAN_HEADER_BYTES: usize = 64;
pub(crate) const EXTRA_HEADER_BYTES: usize = 40;
/// An attribute whose key is not one of the callsite's.
pub(crate) const KEY_INLINE: u8 = 0xff;

/// What a record is; zero is padding at the end of a lane.
pub(crate) mod kind {
    pub(crate) const PADDING: u8 = 0;
    pub(crate) const SPAN: u8 = 1;
    pub(crate) const EVENT: u8 = 2;
    pub(crate) const ATTRIBUTES: u8 = 3;
    pub(crate) const LINK: u8 = 4;
    pub(crate) const STATUS: u8 = 5;
    pub(crate) const NAME: u8 = 6;
    pub(crate) const TRACE_STATE: u8 = 7;
    /// The current span's ids, or zeros: it belongs to nobody.
    pub(crate) const LOG: u8 = 8;
}

/// Bits of the flags byte. The low two are the W3C trace flags.
pub(crate) mod flag {
    /// The start of a span, or the time of an event, was given: in nanoseconds since the Unix epoch.
    pub(crate) const TIME_IS_UNIX: u8 = 0x04;
    /// So was the end of a span.
    pub(crate) const END_IS_UNIX: u8 = 0x08;
    /// The parent is a span of another process.
    pub(crate) const PARENT_REMOTE: u8 = 0x10;
    /// On an event: its `exception.message` is the span's status message.
    pub(crate) const IS_STATUS: u8 = 0x20;
    /// On a status: it has no message, and that of an earlier one stays.
    pub(crate) const KEEPS_MESSAGE: u8 = 0x20;
    /// On an event: its name and keys are those of a callsite.
    pub(crate) const HAS_CALLSITE: u8 = 0x40;
}

/// The status byte of a span or status record.
pub(crate) mod status {
    pub(crate) const UNSET: u8 = 0;
    pub(crate) const OK: u8 = 1;
    pub(crate) const ERROR: u8 = 2;
}

pub(crate) mod tag {
    pub(crate) const BOOL: u8 = 1;
    pub(crate) const I64: u8 = 2;
    pub(crate) const F64: u8 = 3;
    pub(crate) const STR: u8 = 4;
    pub(crate) const BYTES: u8 = 5;
    pub(crate) const ERROR: u8 = 6;
    pub(crate) const ARRAY: u8 = 7;
}

/// A span's header, as it stands in front of its attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SpanHeader {
    pub(crate) length: u32,
    pub(crate) flags: u8,
    pub(crate) status: u8,
    pub(crate) callsite: u32,
    pub(crate) dropped_attributes: u32,
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) parent_id: u64,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl SpanHeader {
    #[inline(always)]
    pub(crate) fn words(&self) -> [u64; SPAN_HEADER_BYTES / 8] {
        [
            first_word(self.length, kind::SPAN, self.flags, self.status),
            u64::from(self.callsite) | u64::from(self.dropped_attributes) << 32,
            (self.trace_id >> 64) as u64,
            self.trace_id as u64,
            self.span_id,
            self.parent_id,
            self.start,
            self.end,
        ]
    }
}

/// The header of any other record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExtraHeader {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) status: u8,
    pub(crate) time: u64,
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
}

impl ExtraHeader {
    #[inline(always)]
    pub(crate) fn words(&self) -> [u64; EXTRA_HEADER_BYTES / 8] {
        [
            first_word(self.length, self.kind, self.flags, self.status),
            self.time,
            (self.trace_id >> 64) as u64,
            self.trace_id as u64,
            self.span_id,
        ]
    }
}

#[inline(always)]
pub(crate) fn first_word(length: u32, kind: u8, flags: u8, status: u8) -> u64 {
    u64::from(length) | u64::from(kind) << 32 | u64::from(flags) << 40 | u64::from(status) << 48
}

/// The word that an attribute begins with.
#[inline(always)]
pub(crate) const fn attribute_head(tag: u8, key: u8, key_length: u16, value: u32) -> u64 {
    tag as u64 | (key as u64) << 8 | (key_length as u64) << 16 | (value as u64) << 32
}

/// The room a record takes in a lane or batch.
#[inline(always)]
pub(crate) const fn padded(length: usize) -> usize {
    (length + 7) & !7
}

/// A whole record, whichever it is.
#[derive(Clone, Copy)]
pub(crate) struct RawRecord<'a>(pub(crate) &'a [u8]);

impl<'a> RawRecord<'a> {
    /// The record that `bytes` begin with, and what follows it; `None` at the end.
    #[inline]
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let length = bytes.first_chunk::<8>().map(|word| u64::from_ne_bytes(*word) as u32 as usize)?;
        let rest = bytes.get(padded(length)..).unwrap_or(&[]);
        Some((Self(bytes.get(..length)?), rest))
    }

    #[inline]
    pub(crate) fn kind(self) -> u8 {
        (self.word(0) >> 32) as u8
    }

    #[inline]
    pub(crate) fn flags(self) -> u8 {
        (self.word(0) >> 40) as u8
    }

    #[inline]
    pub(crate) fn status(self) -> u8 {
        (self.word(0) >> 48) as u8
    }

    /// The eight bytes at word `index`; headers are never shorter than what their kind is asked for.
    #[inline]
    pub(crate) fn word(self, index: usize) -> u64 {
        let at = index * 8;
        self.0.get(at..at + 8).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_ne_bytes(*word))
    }

    #[inline]
    pub(crate) fn trace_id(self) -> u128 {
        u128::from(self.word(2)) << 64 | u128::from(self.word(3))
    }

    #[inline]
    pub(crate) fn span_id(self) -> u64 {
        self.word(4)
    }

    #[inline]
    pub(crate) fn payload(self) -> &'a [u8] {
        let header = if self.kind() == kind::SPAN { SPAN_HEADER_BYTES } else { EXTRA_HEADER_BYTES };
        self.0.get(header..).unwrap_or(&[])
    }
}

/// A place in a record's payload that is read from front to back. Reading past the end gives `None`.
#[derive(Clone)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn word(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_ne_bytes(*head))
    }

    /// So many bytes, past what fills up their last word.
    #[inline]
    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        self.padded(length)?.get(..length)
    }

    /// The same, with what fills up their last word.
    #[inline]
    pub(crate) fn padded(&mut self, length: usize) -> Option<&'a [u8]> {
        let (content, rest) = self.0.split_at_checked(padded(length))?;
        self.0 = rest;
        Some(content)
    }

    /// Text with its length in front.
    #[inline]
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.word()?;
        self.bytes(length as usize).map(text)
    }
}

/// Text that a writer of this crate put there; anything else (there is none) reads as empty.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}
