//! One entry of a segment: a header that says what follows, and the packed batch.

use crate::record::Signal;

/// What stands before each payload, little-endian:
/// ```text
///  0  4  "TSP1": magic and version
///  4  1  0, or DONE once the entry need not be sent any more: the only byte that is ever written again
///  5  1  the signal
///  6  2  0
///  8  4  how many items
/// 12  4  the payload's length in bytes
/// 16  8  when it was written, in seconds since the Unix epoch
/// 24  4  CRC-32 of the payload
/// 28  4  CRC-32 of the bytes before, without the one at 4
/// ```
pub(super) const HEADER_BYTES: usize = 32;
/// The longest payload, in bytes: what OTLP allows a request.
pub(super) const MAX_PAYLOAD_BYTES: usize = 64 << 20;
/// Where the mark of a settled entry goes, from the header's start.
pub(super) const MARK_AT: u64 = 4;
/// The mark. Three bits away from 0: a flipped bit repeats an entry, it does not lose one.
pub(super) const DONE: u8 = 0xD0;

const MAGIC: [u8; 4] = *b"TSP1";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) signal: Signal,
    pub(super) items: u32,
    pub(super) written_unix_s: u64,
    /// Whether it need not be sent any more.
    pub(super) done: bool,
    payload_bytes: u32,
    payload_crc: u32,
}

impl Header {
    /// `None` if the payload or its items are more than an entry can hold.
    pub(super) fn of(signal: Signal, items: usize, payload: &[u8], written_unix_s: u64) -> Option<Self> {
        let payload_bytes =
            u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD_BYTES)?;
        let (items, payload_crc) = (u32::try_from(items).ok()?, crc32fast::hash(payload));
        Some(Self { signal, items, written_unix_s, done: false, payload_bytes, payload_crc })
    }

    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = if self.done { DONE } else { 0 };
        bytes[5] = code(self.signal);
        bytes[8..12].copy_from_slice(&self.items.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.written_unix_s.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = checksum(&bytes);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` if this is no header, or not as it was written.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let intact = bytes[..4] == MAGIC && bytes[28..] == checksum(bytes).to_le_bytes();
        let signal = Signal::ALL.into_iter().find(|signal| code(*signal) == bytes[5]).filter(|_| intact)?;
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let header = Self {
            signal,
            items: u32_at(8),
            written_unix_s: u64::from(u32_at(16)) | u64::from(u32_at(20)) << 32,
            done: bytes[4] == DONE,
            payload_bytes: u32_at(12),
            payload_crc: u32_at(24),
        };
        Some(header).filter(|header| header.payload_len() <= MAX_PAYLOAD_BYTES)
    }

    pub(super) fn payload_len(&self) -> usize {
        self.payload_bytes as usize
    }

    /// The whole entry, in bytes.
    pub(super) fn entry_len(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.payload_bytes)
    }

    /// Whether the payload is the one that was written.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        crc32fast::hash(payload) == self.payload_crc
    }
}

fn code(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Logs => 2,
    }
}

fn checksum(header: &[u8; HEADER_BYTES]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..4]);
    hasher.update(&header[5..28]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header() -> Header {
        Header::of(Signal::Logs, 7, b"payload", 1_790_000_000).expect("a short payload")
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::decode(&header().encode()), Some(header()));
        assert_eq!(header().entry_len(), 39);
        assert!(header().fits(b"payload") && !header().fits(b"payloaD"));
    }

    #[test]
    fn the_mark_alone_may_be_written_later() {
        let mut bytes = header().encode();
        bytes[MARK_AT as usize] = DONE;
        assert_eq!(Header::decode(&bytes), Some(Header { done: true, ..header() }));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_noticed_or_repeats_the_entry(bit in 0..8 * HEADER_BYTES) {
            let mut bytes = header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let repeats = bit / 8 == MARK_AT as usize;
            prop_assert_eq!(Header::decode(&bytes), repeats.then(header));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: [u8; HEADER_BYTES]) {
            prop_assert_eq!(Header::decode(&bytes), None);
        }
    }
}
