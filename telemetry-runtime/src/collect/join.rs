//! Joins events, late attributes and the like to the spans they belong to.

use crate::record::BatchBuilder;
use crate::record::layout::{RawRecord, kind, padded};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Records that wait for their span to end, bounded by bytes.
pub(super) struct Extras {
    waiting: HashMap<u64, Waiting, BuildHasherDefault<SpanIdHasher>>,
    bytes: usize,
    max_bytes: usize,
    /// Rises with every new span that waits: who came first goes first when room is short.
    next_age: u64,
    dropped: u64,
}

struct Waiting {
    records: Vec<u8>,
    count: u64,
    age: u64,
}

impl Extras {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { waiting: HashMap::default(), bytes: 0, max_bytes, next_age: 0, dropped: 0 }
    }

    /// How many records were thrown away because their span did not end in time.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Keeps every record that belongs to a span, and says how many those are.
    pub(super) fn take_from(&mut self, mut records: &[u8]) -> u64 {
        let mut kept = 0;
        while let Some((record, rest)) = RawRecord::split(records) {
            if !matches!(record.kind(), kind::SPAN | kind::LOG | kind::PADDING) {
                self.keep(record);
                kept += 1;
            }
            records = rest;
        }
        kept
    }

    #[inline(never)]
    fn keep(&mut self, record: RawRecord<'_>) {
        let next_age = &mut self.next_age;
        let waiting = self.waiting.entry(record.span_id()).or_insert_with(|| {
            *next_age += 1;
            Waiting { records: Vec::new(), count: 0, age: *next_age }
        });
        waiting.records.extend_from_slice(record.0);
        waiting.records.resize(padded(waiting.records.len()), 0);
        waiting.count += 1;
        self.bytes += padded(record.0.len());
        if self.bytes > self.max_bytes {
            self.drop_oldest();
        }
    }

    /// Appends what waits for this span, which has just been appended itself.
    #[inline]
    pub(super) fn move_to(&mut self, batch: &mut BatchBuilder, span_id: u64) {
        if self.waiting.is_empty() {
            return;
        }
        if let Some(waiting) = self.waiting.remove(&span_id) {
            self.bytes -= waiting.records.len();
            batch.push_padded(&waiting.records);
        }
    }

    /// Makes a quarter of the room free.
    #[cold]
    fn drop_oldest(&mut self) {
        let mut by_age: Vec<(u64, u64)> =
            self.waiting.iter().map(|(id, waiting)| (waiting.age, *id)).collect();
        by_age.sort_unstable();
        for (_, span_id) in by_age {
            if self.bytes <= self.max_bytes / 4 * 3 {
                break;
            }
            if let Some(waiting) = self.waiting.remove(&span_id) {
                self.bytes -= waiting.records.len();
                self.dropped += waiting.count;
            }
        }
    }
}

/// Span ids are random already.
#[derive(Default)]
struct SpanIdHasher(u64);

impl Hasher for SpanIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::layout::ExtraHeader;

    fn event(span_id: u64) -> Vec<u8> {
        ExtraHeader { length: 40, kind: kind::EVENT, span_id, ..ExtraHeader::default() }
            .words()
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect()
    }

    #[test]
    fn drops_the_oldest_spans_records_first_and_counts_them() {
        let mut extras = Extras::new(40 * 10);
        for span_id in 1..=11 {
            extras.take_from(&event(span_id));
        }
        assert!(extras.dropped() > 0 && extras.bytes <= 400);
        assert!(!extras.waiting.contains_key(&1));
        assert!(extras.waiting.contains_key(&11));
    }

    #[test]
    fn gives_a_spans_records_away_once() {
        let mut extras = Extras::new(1000);
        extras.take_from(&[event(5), event(5)].concat());
        let mut batch = BatchBuilder::default();
        extras.move_to(&mut batch, 5);
        assert_eq!(batch.len_bytes(), 80);
        extras.move_to(&mut batch, 5);
        assert_eq!((batch.len_bytes(), extras.bytes), (80, 0));
    }
}
