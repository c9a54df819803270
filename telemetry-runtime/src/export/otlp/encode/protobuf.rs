//! Protobuf's wire format, as far as OTLP needs it.
//!
//! Source: protobuf.dev, "Encoding".

/// A field's tag: its number and wire type. All of OTLP's fields used here have numbers below 16, but one.
pub(super) const fn varint_field(number: u8) -> u8 {
    number << 3
}

pub(super) const fn fixed64_field(number: u8) -> u8 {
    number << 3 | 1
}

pub(super) const fn bytes_field(number: u8) -> u8 {
    number << 3 | 2
}

/// How many bytes a number takes.
#[inline(always)]
pub(super) const fn varint_len(number: u64) -> usize {
    // 7 bits a byte, at least one byte.
    (70 - (number | 1).leading_zeros() as usize) / 7
}

#[inline(always)]
pub(super) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A field with a length in front: text, bytes or a message.
#[inline(always)]
pub(super) fn put_bytes(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

/// Encoded bytes that are put again and again, and are mostly few: copied at a fixed size, which is faster than at their own.
pub(super) struct Piece {
    padded: [u8; Self::PADDED],
    whole: Vec<u8>,
}

impl Piece {
    const PADDED: usize = 32;

    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut padded = [0; Self::PADDED];
        let fits = bytes.len().min(Self::PADDED);
        padded[..fits].copy_from_slice(&bytes[..fits]);
        Self { padded, whole: bytes.to_vec() }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.whole.len()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.whole
    }

    #[inline(always)]
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        if self.len() <= Self::PADDED {
            let end = out.len() + self.len();
            out.extend_from_slice(&self.padded);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.whole);
        }
    }
}

#[inline(always)]
pub(super) fn put_fixed64(tag: u8, number: u64, out: &mut Vec<u8>) {
    let mut field = [tag; 9];
    field[1..].copy_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&field);
}

/// A message whose length is known only once `content` has written it.
#[inline(always)]
pub(super) fn put_message(tag: u8, out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    // Two bytes hold the lengths from 128 to 16,383, which nearly all messages have.
    out.extend_from_slice(&[tag, 0, 0]);
    let start = out.len();
    content(out);
    let length = out.len() - start;
    if (0x80..0x4000).contains(&length) {
        out[start - 2] = length as u8 | 0x80;
        out[start - 1] = (length >> 7) as u8;
    } else {
        put_unusual_length(length, start, out);
    }
}

#[cold]
fn put_unusual_length(length: usize, start: usize, out: &mut Vec<u8>) {
    let mut prefix = Vec::with_capacity(10);
    put_varint(length as u64, &mut prefix);
    out.splice(start - 2..start, prefix);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_are_as_long_as_said_and_read_back(number: u64) {
            let mut out = Vec::new();
            put_varint(number, &mut out);
            prop_assert_eq!(out.len(), varint_len(number));
            prop_assert_eq!(prost::encoding::decode_varint(&mut out.as_slice()).ok(), Some(number));
        }

        #[test]
        fn messages_of_any_length_have_the_shortest_prefix(length in prop_oneof![0..300_usize, 16_000..17_000_usize]) {
            let mut out = Vec::new();
            put_message(bytes_field(1), &mut out, |out| out.resize(out.len() + length, 7));
            let mut expected = Vec::new();
            put_bytes(bytes_field(1), &vec![7; length], &mut expected);
            prop_assert_eq!(out, expected);
        }
    }
}
