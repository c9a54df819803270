//! The collector: drains every thread's lane into immutable batches and hands each to every exporter's queue.

mod join;

use crate::clock::Clock;
use crate::dispatch::Queue;
use crate::record::layout::{RawRecord, kind, padded};
use crate::record::{Batch, BatchBuilder, Callsite, Resource, callsites};
use crate::span::lane::Consumer;
use crate::span::lanes::LANES;
use join::Extras;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// When batches leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The longest that a finished span waits for company. Default: 200 ms.
    pub(crate) delay: Duration,
    /// A batch leaves at once when its records take so many bytes. Default: 256 KiB: what is
    /// encoded from it still lies in a processor's cache when it is sent.
    pub(crate) max_batch_bytes: usize,
    /// A batch leaves at once when it has so many spans. Default: 8192.
    pub(crate) max_batch_spans: usize,
    /// The memory for records of spans that still run, in bytes; the oldest are dropped and counted. Default: 16 MiB.
    pub(crate) max_waiting_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(200),
            max_batch_bytes: 1 << 18,
            max_batch_spans: 8192,
            max_waiting_bytes: 16 << 20,
        }
    }
}

/// How often full queues are looked at again: they hold more than is sent meanwhile.
const PAUSE_WHEN_FULL: Duration = Duration::from_millis(5);

/// What others may ask of the running collector.
#[derive(Default)]
pub(crate) struct Control {
    state: Mutex<ControlState>,
    changed: Condvar,
    /// Events, late attributes and the like that were thrown away.
    dropped_extras: AtomicU64,
}

#[derive(Default)]
struct ControlState {
    thread: Option<Thread>,
    asked: u64,
    done: u64,
    stop: bool,
}

impl Control {
    /// Collects what has ended so far and hands it to the queues; false if that took longer than `deadline`.
    pub(crate) fn collect_now(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        state.asked += 1;
        let mine = state.asked;
        state.thread.iter().for_each(Thread::unpark);
        while state.done < mine {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Ends the collector after one more round.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stop = true;
        state.thread.iter().for_each(Thread::unpark);
    }

    pub(crate) fn dropped_extras(&self) -> u64 {
        self.dropped_extras.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ControlState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves records from the lanes to the queues until it is told to stop.
pub(crate) struct Collector {
    options: Options,
    clock: Clock,
    resource: Arc<Resource>,
    queues: Vec<Arc<Queue>>,
    control: Arc<Control>,
    lanes: Vec<Source>,
    known_callsites: Vec<&'static Callsite>,
    /// The same, to be shared with batches.
    callsites: Arc<[&'static Callsite]>,
    extras: Extras,
    batch: BatchBuilder,
    /// When the first span of `batch` came.
    batch_since: Option<Instant>,
}

/// A lane and how far it has been searched for what is not a span.
struct Source {
    lane: Consumer,
    searched: u64,
    /// How many such records were found.
    extras: u64,
}

impl Source {
    fn new(lane: Consumer) -> Self {
        Self { searched: lane.head(), lane, extras: 0 }
    }

    /// Takes what is no span, if there is any that was not found yet.
    fn search(&mut self, extras: &mut Extras) {
        let end = self.lane.tail();
        if self.lane.extras() != self.extras {
            self.lane.read(self.searched, end, |records| self.extras += extras.take_from(records));
        }
        self.searched = end;
    }
}

impl Collector {
    pub(crate) fn new(
        options: Options,
        clock: Clock,
        resource: Arc<Resource>,
        queues: Vec<Arc<Queue>>,
        control: Arc<Control>,
    ) -> Self {
        Self {
            extras: Extras::new(options.max_waiting_bytes),
            options,
            clock,
            resource,
            queues,
            control,
            lanes: Vec::new(),
            known_callsites: Vec::new(),
            callsites: Arc::default(),
            batch: BatchBuilder::default(),
            batch_since: None,
        }
    }

    /// Runs until [`Control::stop`], then gives the lanes back for whoever collects next.
    pub(crate) fn run(mut self) {
        self.control.lock().thread = Some(thread::current());
        LANES.set_collector(Some(thread::current()));
        loop {
            let (asked, stop) = {
                let state = self.control.lock();
                (state.asked, state.stop)
            };
            let answers = asked > self.control.lock().done;
            if !stop && !answers && !self.has_room_ahead() {
                // What is more than the exporters can take is cheapest dropped where it arises: in lanes that stay full. They wake nobody
                // meanwhile.
                thread::park_timeout(PAUSE_WHEN_FULL);
                continue;
            }
            LANES.collector_is_awake();
            self.round();
            if answers || stop || self.batch_is_due() {
                self.send_batch();
            }
            if answers {
                self.control.lock().done = asked;
                self.control.changed.notify_all();
            }
            if stop {
                break;
            }
            if self.control.lock().asked == asked {
                thread::park_timeout(self.options.delay);
            }
        }
        LANES.set_collector(None);
        LANES.give_back(self.lanes.into_iter().map(|source| source.lane).collect());
    }

    /// Whether any exporter's queue has room for what a round may bring, or there is none to wait for.
    fn has_room_ahead(&self) -> bool {
        self.queues.is_empty() || self.queues.iter().any(|queue| queue.has_room())
    }

    /// Takes everything that the lanes hold.
    ///
    /// An event or late attribute may stand in another lane than its span. Whatever happened before a span's end in any thread is
    /// in its lane before the end is: so the ends of all lanes are read first, and spans are only taken up to there, while other
    /// records are taken up to ends that are read later.
    fn round(&mut self) {
        self.meet_new_lanes();
        let span_ends: Vec<u64> = self.lanes.iter().map(|source| source.lane.tail()).collect();
        // Lanes that came meanwhile are searched like the others; their spans have time until the next round.
        self.meet_new_lanes();
        for source in &mut self.lanes {
            source.search(&mut self.extras);
        }
        let mut lanes = std::mem::take(&mut self.lanes);
        for (source, end) in lanes.iter_mut().zip(span_ends) {
            self.take_spans(source, end);
        }
        self.lanes = lanes;
        self.control.dropped_extras.store(self.extras.dropped(), Ordering::Relaxed);
        self.lanes.retain(|source| {
            let finished = source.lane.is_finished();
            if finished {
                LANES.retire(&source.lane);
            }
            !finished
        });
    }

    fn meet_new_lanes(&mut self) {
        self.lanes.extend(LANES.take_new().into_iter().map(Source::new));
    }

    fn take_spans(&mut self, source: &mut Source, end: u64) {
        source.lane.read(source.lane.head(), end, |mut records| {
            let mut taken = 0;
            while let Some((record, rest)) = RawRecord::split(records) {
                if record.kind() != kind::SPAN {
                    records = rest;
                    continue;
                }
                let (run, spans) = self.run_of_spans(records);
                self.batch.push_spans(run, spans);
                self.extras.move_to(&mut self.batch, record.span_id());
                records = &records[run.len()..];
                taken += spans as u64;
                if self.batch_is_full() {
                    LANES.count_collected(std::mem::take(&mut taken));
                    self.send_batch();
                }
            }
            LANES.count_collected(taken);
        });
        source.lane.release(end);
        if self.batch.spans() > 0 {
            self.batch_since.get_or_insert_with(Instant::now);
        }
    }

    /// The spans that the records begin with, as many as go into the batch; one at a time where others have something to be joined.
    fn run_of_spans<'r>(&self, records: &'r [u8]) -> (&'r [u8], usize) {
        let max_spans =
            if self.extras.is_empty() { self.options.max_batch_spans - self.batch.spans() } else { 1 };
        let max_bytes = self.options.max_batch_bytes.saturating_sub(self.batch.len_bytes());
        let (mut bytes, mut spans) = (0, 0);
        while let Some((record, _)) = RawRecord::split(&records[bytes..]) {
            if record.kind() != kind::SPAN || spans == max_spans || bytes > max_bytes {
                break;
            }
            bytes += padded(record.0.len());
            spans += 1;
        }
        (&records[..bytes], spans)
    }

    fn batch_is_full(&self) -> bool {
        self.batch.len_bytes() >= self.options.max_batch_bytes
            || self.batch.spans() >= self.options.max_batch_spans
    }

    fn batch_is_due(&self) -> bool {
        self.batch_since.is_some_and(|since| since.elapsed() >= self.options.delay)
    }

    fn send_batch(&mut self) {
        self.batch_since = None;
        if self.batch.spans() == 0 {
            return;
        }
        if callsites(&mut self.known_callsites) {
            self.callsites = self.known_callsites.as_slice().into();
        }
        let batch: Arc<Batch> =
            Arc::new(self.batch.finish(self.callsites.clone(), self.resource.clone(), self.clock.scale()));
        for queue in &self.queues {
            queue.push(batch.clone());
        }
    }
}
