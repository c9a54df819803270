//! Every thread's lane: made at the thread's first record, known to the collector, bounded together.

use super::lane::{Consumer, Lane, LaneCounts, Producer, Pushed, lane};
use super::sync::Arc;
use crate::record::{PerSignal, Signal};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

/// The most memory that all lanes together may take, in bytes, unless the settings say otherwise.
pub(crate) const DEFAULT_MAX_BYTES: usize = 64 << 20;
/// What a thread's lane begins with, in bytes: a thread that records little takes little.
const SMALLEST_LANE_BYTES: usize = 1 << 14;
/// What it grows to, in bytes, as long as there is plenty of room.
const LARGEST_LANE_BYTES: usize = 1 << 22;

/// All lanes of the process.
pub(crate) struct Lanes {
    state: Mutex<State>,
    /// The most memory that all lanes together may take, in bytes.
    max_bytes: AtomicUsize,
    used_bytes: AtomicUsize,
    /// Spans for which no lane was to be had.
    spans_without_lane: AtomicU64,
    extras_without_lane: AtomicU64,
    logs_without_lane: AtomicU64,
    /// What the collector has taken out.
    collected: PerSignal<AtomicU64>,
    wake_pending: AtomicBool,
}

/// What has become of the spans that ended and the log records that were made on any thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    pub(crate) counts: LaneCounts,
    /// What the collector has taken out of the lanes.
    pub(crate) collected: PerSignal<u64>,
}

struct State {
    /// Lanes that the collector has not met yet.
    new: Vec<Consumer>,
    /// Lanes that are in use, for their counts.
    live: Vec<Arc<Lane>>,
    /// The counts of lanes that are gone.
    retired: LaneCounts,
    collector: Option<Thread>,
}

impl State {
    const NONE: Self = Self {
        new: Vec::new(),
        live: Vec::new(),
        retired: LaneCounts {
            created: PerSignal { traces: 0, logs: 0 },
            dropped: PerSignal { traces: 0, logs: 0 },
            dropped_extras: 0,
        },
        collector: None,
    };
}

pub(crate) static LANES: Lanes = Lanes {
    state: Mutex::new(State::NONE),
    max_bytes: AtomicUsize::new(DEFAULT_MAX_BYTES),
    used_bytes: AtomicUsize::new(0),
    spans_without_lane: AtomicU64::new(0),
    extras_without_lane: AtomicU64::new(0),
    logs_without_lane: AtomicU64::new(0),
    collected: PerSignal { traces: AtomicU64::new(0), logs: AtomicU64::new(0) },
    wake_pending: AtomicBool::new(false),
};

thread_local! {
    /// The thread's lane while it is open, on the heap. Without a destructor: reading it is reading memory.
    static LANE: Cell<*mut Producer> = const { Cell::new(std::ptr::null_mut()) };
    static CLOSES_LANE: ClosesLane = const { ClosesLane };
}

/// Closes the lane when its thread ends.
struct ClosesLane;

impl Drop for ClosesLane {
    fn drop(&mut self) {
        close_lane(LANE.replace(std::ptr::null_mut()));
    }
}

/// Closes what was the thread's lane.
fn close_lane(lane: *mut Producer) {
    if !lane.is_null() {
        // SAFETY: it came out of a box in `open_lane`, and nothing shows to it any more.
        drop(unsafe { Box::from_raw(lane) });
    }
}

/// Hands a finished span to the collector, if the thread has a lane with room at hand; whether it had.
#[inline(always)]
pub(super) fn push_span_at_once<const H: usize>(header: [u64; H], attributes: &[u64]) -> bool {
    // SAFETY: as in `this_lane`.
    unsafe { LANE.get().as_ref() }.is_some_and(|lane| lane.push_span_at_once(header, attributes))
}

/// Hands a finished span to the collector, or drops and counts it.
pub(crate) fn push_span<const H: usize>(header: [u64; H], attributes: &[u64]) {
    let words = H + attributes.len();
    push(words, |lane| lane.push_span(header, attributes), &LANES.spans_without_lane);
}

/// Hands another record of a span to the collector, or drops and counts it.
#[inline]
pub(crate) fn push_extra<const H: usize>(header: [u64; H], payload: &[u64]) {
    // SAFETY: as in `this_lane`.
    if unsafe { LANE.get().as_ref() }.is_some_and(|lane| lane.push_extra_at_once(header, payload)) {
        return;
    }
    let words = H + payload.len();
    push(words, |lane| lane.push_extra(header, payload), &LANES.extras_without_lane);
}

/// Hands a log record to the collector, or drops and counts it.
pub(super) fn push_log<const H: usize>(header: [u64; H], payload: &[u64]) {
    push(H + payload.len(), |lane| lane.push_log(header, payload), &LANES.logs_without_lane);
}

/// Pushes a record of so many words to this thread's lane, or counts it.
#[cold]
#[inline(never)]
fn push(words: usize, push: impl Fn(&Producer) -> Pushed, without_lane: &AtomicU64) {
    match this_lane(words).map(&push).or_else(|| last_lane().as_ref().map(push)) {
        Some(Pushed::Done | Pushed::Full) => {}
        Some(Pushed::WakeCollector) => LANES.wake_collector(),
        None => {
            without_lane.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread's lane, with room for so many words if that can be had; `None` where there is no memory for one, or the thread has ended
/// but for its last destructors.
fn this_lane<'a>(words: usize) -> Option<&'a Producer> {
    // SAFETY: what the pointer shows to is on the heap until it is replaced, in `open_lane` and `ClosesLane`, both on this thread;
    // nobody keeps the reference beyond a push, during which neither of them runs.
    let lane = || unsafe { LANE.get().as_ref() };
    match lane() {
        None => open_lane(SMALLEST_LANE_BYTES, SMALLEST_LANE_BYTES),
        Some(lane) if lane.len_bytes() < LARGEST_LANE_BYTES && lane.is_half_full_with(words) => {
            open_lane(lane.len_bytes() * 2, lane.len_bytes() * 4);
        }
        Some(_) => {}
    }
    lane()
}

/// Makes the thread's lane if memory is left, at its first record; or a larger one, which takes the place of what it has.
fn open_lane(min_bytes: usize, max_bytes: usize) {
    // A thread that is being torn down has closed its lane for good: see `last_lane`.
    let _ = CLOSES_LANE.try_with(|_| {
        if let Some(producer) = LANES.open(min_bytes, max_bytes.min(LARGEST_LANE_BYTES)) {
            close_lane(LANE.replace(Box::into_raw(Box::new(producer))));
        }
    });
}

/// A lane for one record of a thread that has closed its own: the record comes from one of the thread's last destructors.
fn last_lane() -> Option<Producer> {
    // A thread that could still have its own lacks the memory for it.
    let is_over = CLOSES_LANE.try_with(|_| ()).is_err();
    is_over.then(|| LANES.open(SMALLEST_LANE_BYTES, SMALLEST_LANE_BYTES)).flatten()
}

impl Lanes {
    /// A lane of a size in between, if memory is left.
    fn open(&self, min_bytes: usize, max_bytes: usize) -> Option<Producer> {
        if self.is_half_used() {
            // Many threads come and go: lanes of those that ended are given back by the collector.
            self.wake_collector();
        }
        let (producer, consumer) = lane(self.reserve(min_bytes, max_bytes)?);
        self.admit(consumer);
        Some(producer)
    }

    /// Room for one more lane: smaller ones as the room gets less, so that late threads get one, too.
    fn reserve(&self, min_bytes: usize, max_bytes: usize) -> Option<usize> {
        let mut used = self.used_bytes.load(Ordering::Relaxed);
        loop {
            let left = self.max_bytes().saturating_sub(used);
            let fair = (left / 16).clamp(SMALLEST_LANE_BYTES, max_bytes);
            let bytes = 1 << fair.ilog2();
            if bytes > left || bytes < min_bytes {
                return None;
            }
            match self.used_bytes.compare_exchange_weak(
                used,
                used + bytes,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(bytes),
                Err(now) => used = now,
            }
        }
    }

    fn max_bytes(&self) -> usize {
        self.max_bytes.load(Ordering::Relaxed)
    }

    /// Says how much memory all lanes together may take from now on; those that there are stay.
    pub(crate) fn limit(&self, max_bytes: usize) {
        self.max_bytes.store(max_bytes, Ordering::Relaxed);
    }

    fn is_half_used(&self) -> bool {
        self.used_bytes.load(Ordering::Relaxed) > self.max_bytes() / 2
    }

    fn admit(&self, consumer: Consumer) {
        let mut state = self.lock();
        state.live.push(consumer.lane().clone());
        state.new.push(consumer);
    }

    /// The lanes that came since the last call.
    pub(crate) fn take_new(&self) -> Vec<Consumer> {
        std::mem::take(&mut self.lock().new)
    }

    /// Takes lanes back from a collector that ends, for the next one.
    pub(crate) fn give_back(&self, lanes: Vec<Consumer>) {
        self.lock().new.extend(lanes);
    }

    /// Gives a finished lane's memory back and keeps its counts.
    pub(crate) fn retire(&self, finished: &Consumer) {
        let lane = finished.lane();
        let mut state = self.lock();
        state.live.retain(|live| !Arc::ptr_eq(live, lane));
        state.retired.add(lane.counts());
        self.used_bytes.fetch_sub(lane.len_bytes(), Ordering::Relaxed);
    }

    /// The collector took so many out.
    pub(crate) fn count_collected(&self, signal: Signal, items: u64) {
        self.collected[signal].fetch_add(items, Ordering::Release);
    }

    /// What all lanes that ever were have seen.
    pub(crate) fn collected(&self) -> Collected {
        // What was taken out is read first: it never exceeds what was put in.
        let collected = PerSignal::of(|signal| self.collected[signal].load(Ordering::Acquire));
        Collected { counts: self.counts(), collected }
    }

    fn counts(&self) -> LaneCounts {
        let state = self.lock();
        let without_lane = PerSignal {
            traces: self.spans_without_lane.load(Ordering::Relaxed),
            logs: self.logs_without_lane.load(Ordering::Relaxed),
        };
        let dropped_extras = self.extras_without_lane.load(Ordering::Relaxed);
        let mut sum = LaneCounts { created: without_lane, dropped: without_lane, dropped_extras };
        sum.add(state.retired);
        state.live.iter().for_each(|lane| sum.add(lane.counts()));
        sum
    }

    /// Says whom to wake when a lane fills.
    pub(crate) fn set_collector(&self, collector: Option<Thread>) {
        self.lock().collector = collector;
    }

    /// The collector has woken: the next full lane may wake it again.
    pub(crate) fn collector_is_awake(&self) {
        self.wake_pending.store(false, Ordering::Relaxed);
    }

    #[cold]
    fn wake_collector(&self) {
        if self.wake_pending.swap(true, Ordering::Relaxed) {
            return;
        }
        // Somebody holds the lock for a moment: the next record over the mark wakes the collector instead.
        match self.state.try_lock() {
            Ok(state) => state.collector.iter().for_each(Thread::unpark),
            Err(_) => self.wake_pending.store(false, Ordering::Relaxed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All lanes, locked for a fork: no other thread is half-way through a change of them when the child gets its copy.
#[cfg(unix)]
pub(super) struct Locked(MutexGuard<'static, State>);

#[cfg(unix)]
impl Locked {
    pub(super) fn new() -> Self {
        Self(LANES.lock())
    }

    /// In the child: the lanes are the parent's, with all that they hold; this thread's is as well.
    ///
    /// Their memory is kept: threads that are not here own a part of it, and a child may not rely on the allocator.
    pub(super) fn forget_lanes(mut self) {
        std::mem::forget(std::mem::replace(&mut *self.0, State::NONE));
        LANE.set(std::ptr::null_mut());
        LANES.used_bytes.store(0, Ordering::Relaxed);
        LANES.wake_pending.store(false, Ordering::Relaxed);
        let PerSignal { traces, logs } = &LANES.collected;
        let without_lane = [&LANES.spans_without_lane, &LANES.extras_without_lane, &LANES.logs_without_lane];
        for count in without_lane.into_iter().chain([traces, logs]) {
            count.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn empty(max_bytes: usize) -> Lanes {
        Lanes {
            state: Mutex::new(State::NONE),
            max_bytes: AtomicUsize::new(max_bytes),
            used_bytes: AtomicUsize::new(0),
            spans_without_lane: AtomicU64::new(0),
            extras_without_lane: AtomicU64::new(0),
            logs_without_lane: AtomicU64::new(0),
            collected: PerSignal::default(),
            wake_pending: AtomicBool::new(false),
        }
    }

    #[test]
    fn all_lanes_together_stay_within_their_bound() {
        let lanes = empty(4 << 20);
        let largest = || lanes.reserve(SMALLEST_LANE_BYTES, LARGEST_LANE_BYTES);
        let sizes: Vec<_> = std::iter::from_fn(largest).collect();
        assert!(sizes.iter().sum::<usize>() <= 4 << 20);
        assert_eq!(sizes.last(), Some(&SMALLEST_LANE_BYTES));
        assert!(sizes.len() > 64, "late threads get smaller lanes, too: {}", sizes.len());
    }

    #[test]
    fn thousands_of_threads_that_record_little_have_a_lane_each() {
        let lanes = empty(DEFAULT_MAX_BYTES);
        let count = std::iter::from_fn(|| lanes.reserve(SMALLEST_LANE_BYTES, SMALLEST_LANE_BYTES)).count();
        assert_eq!(count, 4096);
    }

    #[test]
    fn a_lane_that_cannot_become_larger_is_not_replaced() {
        let lanes = empty(SMALLEST_LANE_BYTES * 17);
        assert_eq!(lanes.reserve(SMALLEST_LANE_BYTES, SMALLEST_LANE_BYTES), Some(SMALLEST_LANE_BYTES));
        assert_eq!(lanes.reserve(SMALLEST_LANE_BYTES * 2, SMALLEST_LANE_BYTES * 4), None);
        assert_eq!(lanes.used_bytes.load(Ordering::Relaxed), SMALLEST_LANE_BYTES);
    }

    #[test]
    fn a_finished_lane_gives_its_memory_back_and_keeps_its_counts() {
        let lanes = empty(4 << 20);
        let bytes = lanes.reserve(SMALLEST_LANE_BYTES, LARGEST_LANE_BYTES).expect("there is room");
        let (producer, consumer) = lane(bytes);
        producer.push_span([0; 8], &[]);
        drop(producer);
        lanes.admit(consumer);
        for consumer in lanes.take_new() {
            lanes.retire(&consumer);
        }
        assert_eq!(lanes.used_bytes.load(Ordering::Relaxed), 0);
        assert_eq!(lanes.counts().created.traces, 1);
    }
}
