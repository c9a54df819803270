//! A thread's own queue of records to the collector: one writer, one reader, bounded, never blocking.
//!
//! A ring of words. Records are contiguous: one that would not fit before the ring's end is preceded by padding up to it. `tail` and
//! `head` count words since the beginning and never wrap; their difference is what is in the ring.

use super::sync::{Arc, AtomicBool, AtomicU64, Memory, Ordering};
use crate::record::layout::{first_word, kind};
use crate::record::{PerSignal, Signal};
use std::cell::Cell;

/// What both ends share.
pub(crate) struct Lane {
    bytes: usize,
    /// Written by the producer.
    producer: OwnCacheLine<ProducerSide>,
    /// Written by the consumer: how far it has read.
    head: OwnCacheLine<AtomicU64>,
}

#[repr(align(128))]
struct OwnCacheLine<T>(T);

struct ProducerSide {
    /// How far records are complete.
    tail: AtomicU64,
    spans: Offers,
    /// Records that belong to spans.
    extras: Offers,
    logs: Offers,
    /// The producer is gone: nothing more will come.
    closed: AtomicBool,
}

/// How many records of a kind came.
struct Offers {
    /// All of them.
    offered: AtomicU64,
    /// Those that found the lane full.
    dropped: AtomicU64,
}

/// The writing end. One thread's: it is not `Sync`.
pub(crate) struct Producer {
    memory: Memory,
    lane: Arc<Lane>,
    tail: Cell<u64>,
    /// Up to here a record may be written without looking at `head`, the ring's end or the wake-up mark.
    limit: Cell<u64>,
}

/// The reading end.
pub(crate) struct Consumer {
    memory: Memory,
    lane: Arc<Lane>,
    head: u64,
}

/// The counts of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneCounts {
    pub(crate) created: PerSignal<u64>,
    pub(crate) dropped: PerSignal<u64>,
    /// Records that belong to spans.
    pub(crate) dropped_extras: u64,
}

impl LaneCounts {
    pub(crate) fn add(&mut self, other: Self) {
        for signal in Signal::ALL {
            self.created[signal] += other.created[signal];
            self.dropped[signal] += other.dropped[signal];
        }
        self.dropped_extras += other.dropped_extras;
    }
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Done,
    /// Done, and the lane is so full that the collector should come now.
    WakeCollector,
    /// Dropped and counted: the lane is full.
    Full,
}

/// A lane of at least `bytes`, rounded up to a power of two.
pub(crate) fn lane(bytes: usize) -> (Producer, Consumer) {
    let memory = Memory::new((bytes / 8).next_power_of_two());
    let limit = Cell::new(memory.len() as u64 / 2);
    let lane = Arc::new(Lane {
        bytes: memory.len() * 8,
        producer: OwnCacheLine(ProducerSide {
            tail: AtomicU64::new(0),
            spans: Offers::new(),
            extras: Offers::new(),
            logs: Offers::new(),
            closed: AtomicBool::new(false),
        }),
        head: OwnCacheLine(AtomicU64::new(0)),
    });
    let producer = Producer { memory: memory.clone(), lane: lane.clone(), tail: Cell::new(0), limit };
    (producer, Consumer { memory, lane, head: 0 })
}

impl Lane {
    pub(crate) fn counts(&self) -> LaneCounts {
        let ProducerSide { spans, extras, logs, .. } = &self.producer.0;
        // A drop is counted after its record, so reading drops first never finds more drops than records.
        let dropped = PerSignal {
            traces: spans.dropped.load(Ordering::Acquire),
            logs: logs.dropped.load(Ordering::Acquire),
        };
        let dropped_extras = extras.dropped.load(Ordering::Relaxed);
        let created = PerSignal {
            traces: spans.offered.load(Ordering::Acquire),
            logs: logs.offered.load(Ordering::Acquire),
        };
        LaneCounts { created, dropped, dropped_extras }
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes
    }
}

impl Offers {
    fn new() -> Self {
        Self { offered: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }
}

impl Producer {
    /// Appends a span record, whole or not at all.
    pub(crate) fn push_span<const H: usize>(&self, header: [u64; H], attributes: &[u64]) -> Pushed {
        self.push_counted(&self.lane.producer.0.spans, header, attributes)
    }

    /// The same, if there is room that has been looked for already; whether there was.
    #[inline(always)]
    pub(crate) fn push_span_at_once<const H: usize>(&self, header: [u64; H], attributes: &[u64]) -> bool {
        self.push_at_once(&self.lane.producer.0.spans, header, attributes)
    }

    /// Appends a record that belongs to a span.
    pub(crate) fn push_extra<const H: usize>(&self, header: [u64; H], payload: &[u64]) -> Pushed {
        self.push_counted(&self.lane.producer.0.extras, header, payload)
    }

    /// The same, if there is room that has been looked for already; whether there was.
    #[inline(always)]
    pub(crate) fn push_extra_at_once<const H: usize>(&self, header: [u64; H], payload: &[u64]) -> bool {
        self.push_at_once(&self.lane.producer.0.extras, header, payload)
    }

    /// Appends a log record, whole or not at all.
    pub(crate) fn push_log<const H: usize>(&self, header: [u64; H], payload: &[u64]) -> Pushed {
        self.push_counted(&self.lane.producer.0.logs, header, payload)
    }

    fn push_counted<const H: usize>(&self, offers: &Offers, header: [u64; H], body: &[u64]) -> Pushed {
        count_one(&offers.offered);
        let pushed = self.push(header, body);
        if pushed == Pushed::Full {
            count(&offers.dropped);
        }
        pushed
    }

    #[inline(always)]
    fn push_at_once<const H: usize>(&self, offers: &Offers, header: [u64; H], body: &[u64]) -> bool {
        let has_room = self.has_room_at_hand(H + body.len());
        if has_room {
            count_one(&offers.offered);
            self.append(self.tail.get(), header, body);
        }
        has_room
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.lane.bytes
    }

    /// Whether the collector would be far behind after so many words more.
    pub(crate) fn is_half_full_with(&self, words: usize) -> bool {
        !self.has_room_at_hand(words)
            && self.tail.get() + words as u64 > self.lane.head.0.load(Ordering::Acquire) + self.capacity() / 2
    }

    #[inline(always)]
    fn has_room_at_hand(&self, words: usize) -> bool {
        self.tail.get() + words as u64 <= self.limit.get()
    }

    fn push<const H: usize>(&self, header: [u64; H], body: &[u64]) -> Pushed {
        let words = H + body.len();
        if self.has_room_at_hand(words) {
            self.append(self.tail.get(), header, body);
            return Pushed::Done;
        }
        let (place, pushed) = self.make_room(words as u64);
        if let Some(tail) = place {
            self.append(tail, header, body);
        }
        pushed
    }

    /// Writes a record at `tail`, for which there is room up to `limit`.
    #[inline(always)]
    fn append<const H: usize>(&self, tail: u64, header: [u64; H], body: &[u64]) {
        let at = (tail & (self.capacity() - 1)) as usize;
        // SAFETY: `limit` is at most the ring's end and at most one capacity ahead of a `head` that was read with `Acquire`, so the
        // words lie inside the ring and the consumer is done with them; it sees none of them before `tail` is stored below.
        unsafe { self.memory.write(at, header, body) };
        let tail = tail + (H + body.len()) as u64;
        self.tail.set(tail);
        self.lane.producer.0.tail.store(tail, Ordering::Release);
    }

    #[inline(always)]
    fn capacity(&self) -> u64 {
        self.memory.len() as u64
    }

    /// Where a record of so many words may go, if anywhere; moves `limit`, and pads to the ring's end where needed.
    #[cold]
    #[inline(never)]
    fn make_room(&self, words: u64) -> (Option<u64>, Pushed) {
        let capacity = self.capacity();
        let head = self.lane.head.0.load(Ordering::Acquire);
        let mut tail = self.tail.get();
        let ring_end = (tail / capacity + 1) * capacity;
        let padding = if tail + words > ring_end { ring_end - tail } else { 0 };
        if tail + padding + words - head > capacity {
            return (None, Pushed::Full);
        }
        if padding > 0 {
            let at = (tail & (capacity - 1)) as usize;
            // SAFETY: as in `append`: the words up to the ring's end are free.
            unsafe { self.memory.write(at, [first_word(padding as u32 * 8, kind::PADDING, 0, 0)], &[]) };
            tail += padding;
        }
        let half_full = head + capacity / 2;
        let ring_end = (tail / capacity + 1) * capacity;
        let soon = tail + words + capacity / 8;
        self.limit.set(half_full.max(soon).min(head + capacity).min(ring_end));
        (Some(tail), if tail + words > half_full { Pushed::WakeCollector } else { Pushed::Done })
    }
}

#[cold]
fn count(counter: &AtomicU64) {
    count_one(counter);
}

#[inline(always)]
fn count_one(counter: &AtomicU64) {
    // Only the producer writes it: a plain store is enough.
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.lane.producer.0.closed.store(true, Ordering::Release);
    }
}

impl Consumer {
    /// What both ends share.
    pub(crate) fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// How far the producer has got.
    pub(crate) fn tail(&self) -> u64 {
        self.lane.producer.0.tail.load(Ordering::Acquire)
    }

    /// Whether everything was read and nothing more will come.
    pub(crate) fn is_finished(&self) -> bool {
        // Closed first: what was written before closing is then visible in the tail.
        self.lane.producer.0.closed.load(Ordering::Acquire) && self.tail() == self.head
    }

    /// How many records that belong to spans are in the lane, or were, up to the [`tail`](Self::tail) that was read last; or more.
    pub(crate) fn extras(&self) -> u64 {
        let Offers { offered, dropped } = &self.lane.producer.0.extras;
        // A record is counted before it is written, and a drop after that: read in this order, none is missed.
        let dropped = dropped.load(Ordering::Acquire);
        offered.load(Ordering::Relaxed) - dropped
    }

    /// How far the reader has given room back.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Shows the records from `from` up to `to`, in one or two runs of whole records. Both are ends of records: an earlier
    /// [`tail`](Self::tail), or [`head`](Self::head).
    pub(crate) fn read(&self, from: u64, to: u64, mut records: impl FnMut(&[u8])) {
        assert!(self.head <= from && to <= self.tail(), "only what is written and not given back is read");
        let capacity = self.memory.len() as u64;
        let mut from = from;
        while from < to {
            let at = from & (capacity - 1);
            let count = (to - from).min(capacity - at);
            // SAFETY: below a tail read with `Acquire` all words are written, and the producer does not touch those from `head` on.
            unsafe { self.memory.read(at as usize, count as usize, &mut records) };
            from += count;
        }
    }

    /// Gives the room of the records up to `to` back to the producer.
    pub(crate) fn release(&mut self, to: u64) {
        self.head = self.head.max(to);
        self.lane.head.0.store(self.head, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::record::layout::RawRecord;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    fn push(producer: &Producer, id: u64, body: &[u64]) -> Pushed {
        producer.push_span([first_word(16 + body.len() as u32 * 8, kind::SPAN, 0, 0), id], body)
    }

    fn drain(consumer: &mut Consumer, tail: u64) -> Vec<(u64, Vec<u64>)> {
        let mut found = Vec::new();
        consumer.read(consumer.head(), tail, |mut records| {
            while let Some((record, rest)) = RawRecord::split(records) {
                if record.kind() == kind::SPAN {
                    let words = record.0.len() / 8;
                    found.push((record.word(1), (2..words).map(|index| record.word(index)).collect()));
                }
                records = rest;
            }
        });
        consumer.release(tail);
        found
    }

    #[test]
    fn drops_the_newest_when_full_and_counts_it() {
        let (producer, mut consumer) = lane(128);
        for id in 0..8 {
            assert_ne!(push(&producer, id, &[]), Pushed::Full);
        }
        assert_eq!(push(&producer, 8, &[]), Pushed::Full);
        let of_spans = |traces| PerSignal { traces, logs: 0 };
        let expected = LaneCounts { created: of_spans(9), dropped: of_spans(1), dropped_extras: 0 };
        assert_eq!(consumer.lane().counts(), expected);
        let tail = consumer.tail();
        assert_eq!(drain(&mut consumer, tail).len(), 8);
        assert_eq!(push(&producer, 9, &[]), Pushed::Done);
    }

    #[test]
    fn asks_for_the_collector_once_half_full() {
        let (producer, _consumer) = lane(1024);
        let wakes =
            (0..64).map(|id| push(&producer, id, &[])).filter(|p| *p == Pushed::WakeCollector).count();
        assert!((1..=4).contains(&wakes), "{wakes}");
    }

    #[test]
    fn is_finished_only_when_closed_and_empty() {
        let (producer, mut consumer) = lane(128);
        push(&producer, 1, &[7]);
        assert!(!consumer.is_finished());
        drop(producer);
        assert!(!consumer.is_finished());
        let tail = consumer.tail();
        assert_eq!(drain(&mut consumer, tail), [(1, vec![7])]);
        assert!(consumer.is_finished());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8, Vec<u64>),
        /// Gives room back up to so many records after the first one, none if there are fewer.
        Drain(usize),
    }

    /// Records of three words at least, in a ring of 64: now and then one is larger than the ring.
    fn step() -> impl Strategy<Value = Step> {
        let body = || prop_oneof![20 => 0..15_usize, 1 => 40..70_usize];
        let body = move || body().prop_flat_map(|words| proptest::collection::vec(any::<u64>(), words));
        prop_oneof![
            4 => body().prop_map(|body| Step::Push(kind::SPAN, body)),
            2 => body().prop_map(|body| Step::Push(kind::EVENT, body)),
            1 => body().prop_map(|body| Step::Push(kind::LOG, body)),
            1 => (0..8_usize).prop_map(Step::Drain),
        ]
    }

    /// The queue that a lane behaves like, and what it has refused.
    #[derive(Default)]
    struct Model {
        /// Kind, number and body of a record, and where it ends.
        queue: VecDeque<(u8, u64, Vec<u64>, u64)>,
        counts: LaneCounts,
    }

    impl Model {
        /// The records that end there or before.
        fn take(&mut self, to: u64) -> Vec<(u8, u64, Vec<u64>)> {
            let count = self.queue.iter().take_while(|record| record.3 <= to).count();
            self.queue.drain(..count).map(|(kind, number, body, _)| (kind, number, body)).collect()
        }
    }

    /// Pushes as callers do: the straight way, if there is room at hand, else the other one.
    fn push_any(producer: &Producer, kind: u8, number: u64, body: &[u64]) -> Pushed {
        let header = [first_word(24 + body.len() as u32 * 8, kind, 0, 0), number, !number];
        let at_once = match kind {
            kind::SPAN => producer.push_span_at_once(header, body),
            kind::LOG => false,
            _ => producer.push_extra_at_once(header, body),
        };
        match kind {
            _ if at_once => Pushed::Done,
            kind::SPAN => producer.push_span(header, body),
            kind::LOG => producer.push_log(header, body),
            _ => producer.push_extra(header, body),
        }
    }

    fn read(consumer: &Consumer, to: u64) -> Vec<(u8, u64, Vec<u64>)> {
        let mut found = Vec::new();
        consumer.read(consumer.head(), to, |mut records| {
            while let Some((record, rest)) = RawRecord::split(records) {
                if record.kind() != kind::PADDING {
                    assert_eq!(record.word(2), !record.word(1));
                    let body = (3..record.0.len() / 8).map(|index| record.word(index)).collect();
                    found.push((record.kind(), record.word(1), body));
                }
                records = rest;
            }
        });
        found
    }

    proptest! {
        #[test]
        fn behaves_like_a_queue_that_sometimes_refuses(steps in proptest::collection::vec(step(), 1..400)) {
            let (producer, mut consumer) = lane(512);
            let mut model = Model::default();
            for (number, step) in (1..).zip(steps) {
                let (kind, body) = match step {
                    Step::Push(kind, body) => (kind, body),
                    Step::Drain(count) => {
                        let to = model.queue.get(count).map_or(consumer.head(), |record| record.3);
                        prop_assert_eq!(read(&consumer, to), model.take(to));
                        consumer.release(to);
                        continue;
                    }
                };
                let room = 64 - (consumer.tail() - consumer.head());
                let refused = push_any(&producer, kind, number, &body) == Pushed::Full;
                let LaneCounts { created, dropped, dropped_extras } = &mut model.counts;
                match kind {
                    kind::SPAN => (created.traces, dropped.traces) = (created.traces + 1, dropped.traces + u64::from(refused)),
                    kind::LOG => (created.logs, dropped.logs) = (created.logs + 1, dropped.logs + u64::from(refused)),
                    _ => *dropped_extras += u64::from(refused),
                }
                // Padding takes less room than the record that needs it.
                let words = body.len() as u64 + 3;
                prop_assert!(!refused || room < 2 * words, "{} words refused with room for {}", words, room);
                if !refused {
                    model.queue.push_back((kind, number, body, consumer.tail()));
                }
                prop_assert!(consumer.tail() - consumer.head() <= 64);
                prop_assert_eq!(consumer.lane().counts(), model.counts);
            }
            drop(producer);
            let tail = consumer.tail();
            prop_assert_eq!(read(&consumer, tail), model.take(tail));
            consumer.release(tail);
            prop_assert!(consumer.is_finished());
        }
    }
}

/// Every interleaving of two threads on a small lane: `RUSTFLAGS="--cfg loom" cargo test -p telemetry-runtime --lib --release lane::`.
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::record::layout::RawRecord;
    use loom::thread;

    fn push(producer: &Producer, id: u64) -> Pushed {
        producer.push_span([first_word(16, kind::SPAN, 0, 0), id], &[])
    }

    fn ids(consumer: &Consumer, to: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        consumer.read(consumer.head(), to, |mut records| {
            while let Some((record, rest)) = RawRecord::split(records) {
                if record.kind() != kind::PADDING {
                    ids.push(record.word(1));
                }
                records = rest;
            }
        });
        ids
    }

    fn drain(consumer: &mut Consumer) -> Vec<u64> {
        let tail = consumer.tail();
        let arrived = ids(consumer, tail);
        consumer.release(tail);
        arrived
    }

    /// What arrived and what was refused are all that was pushed, in order.
    fn check(arrived: &[u64], refused: usize, pushed: u64) {
        assert_eq!(arrived.len() + refused, pushed as usize);
        assert!(arrived.is_sorted());
    }

    #[test]
    fn records_arrive_whole_and_in_order_while_the_ring_wraps() {
        loom::model(|| {
            // Four words: two records fill it.
            let (producer, mut consumer) = lane(32);
            let writer =
                thread::spawn(move || (1..=3).filter(|id| push(&producer, *id) == Pushed::Full).count());
            let mut arrived = drain(&mut consumer);
            arrived.extend(drain(&mut consumer));
            let refused = writer.join().expect("the writer ends");
            arrived.extend(drain(&mut consumer));
            check(&arrived, refused, 3);
            assert_eq!(consumer.lane().counts().dropped.traces, refused as u64);
        });
    }

    #[test]
    fn records_that_need_padding_arrive_whole() {
        loom::model(|| {
            // Eight words; records of three: the third does not fit before the ring's end.
            let (producer, mut consumer) = lane(64);
            let writer = thread::spawn(move || {
                let push = |id: u64| producer.push_span([first_word(24, kind::SPAN, 0, 0), id], &[id]);
                (1..=3).filter(|id| push(*id) == Pushed::Full).count()
            });
            let mut arrived = drain(&mut consumer);
            let refused = writer.join().expect("the writer ends");
            arrived.extend(drain(&mut consumer));
            check(&arrived, refused, 3);
        });
    }

    #[test]
    fn a_closed_lane_is_finished_only_after_its_last_record_was_read() {
        loom::model(|| {
            let (producer, mut consumer) = lane(64);
            let writer = thread::spawn(move || {
                push(&producer, 1);
                drop(producer);
            });
            let mut arrived = drain(&mut consumer);
            let finished = consumer.is_finished();
            if finished {
                assert_eq!(arrived, [1]);
            }
            writer.join().expect("the writer ends");
            arrived.extend(drain(&mut consumer));
            assert_eq!(arrived, [1]);
            assert!(consumer.is_finished());
        });
    }

    /// Pushes as callers do: the straight way, if there is room at hand, else the other one; whether it was refused.
    fn push_either_way(producer: &Producer, id: u64) -> bool {
        let header = |kind| [first_word(16, kind, 0, 0), id];
        if id.is_multiple_of(2) {
            let header = header(kind::EVENT);
            return !producer.push_extra_at_once(header, &[])
                && producer.push_extra(header, &[]) == Pushed::Full;
        }
        let header = header(kind::SPAN);
        !producer.push_span_at_once(header, &[]) && producer.push_span(header, &[]) == Pushed::Full
    }

    #[test]
    fn room_at_hand_is_room_that_the_reader_gave_back() {
        loom::model(|| {
            // Eight words, of which four are at hand at first: the third record must look for room, the sixth reuses what was read.
            let (producer, mut consumer) = lane(64);
            let writer = thread::spawn(move || (1..=6).filter(|id| push_either_way(&producer, *id)).count());
            let mut arrived = drain(&mut consumer);
            arrived.extend(drain(&mut consumer));
            let refused = writer.join().expect("the writer ends");
            arrived.extend(drain(&mut consumer));
            check(&arrived, refused, 6);
            let LaneCounts { created, dropped, dropped_extras } = consumer.lane().counts();
            assert_eq!((created.traces, dropped.traces + dropped_extras), (3, refused as u64));
            assert!(consumer.is_finished());
        });
    }

    #[test]
    fn a_record_that_is_read_twice_is_the_same_until_its_room_is_given_back() {
        loom::model(|| {
            let (producer, mut consumer) = lane(32);
            let writer =
                thread::spawn(move || (1..=3).filter(|id| push(&producer, *id) == Pushed::Full).count());
            // As the collector does: it searches for events first, and takes the spans later.
            let tail = consumer.tail();
            let searched = ids(&consumer, tail);
            let later = consumer.tail();
            assert!(ids(&consumer, later).starts_with(&searched));
            consumer.release(tail);
            writer.join().expect("the writer ends");
        });
    }

    #[test]
    fn the_end_of_a_thread_gives_its_memory_to_the_reader_alone() {
        loom::model(|| {
            let (producer, mut consumer) = lane(32);
            let writer = thread::spawn(move || {
                push(&producer, 1);
                drop(producer);
            });
            // The reader may go first: each end keeps the memory for as long as it needs it.
            assert!(!consumer.is_finished());
            let arrived = drain(&mut consumer);
            assert!(arrived.len() <= 1);
            drop(consumer);
            writer.join().expect("the writer ends");
        });
    }

    #[test]
    fn counts_never_show_more_drops_than_spans() {
        loom::model(|| {
            let (producer, consumer) = lane(16);
            let writer = thread::spawn(move || {
                push(&producer, 1);
                push(&producer, 2);
            });
            let LaneCounts { created, dropped, .. } = consumer.lane().counts();
            assert!(dropped.traces <= created.traces);
            writer.join().expect("the writer ends");
        });
    }
}
