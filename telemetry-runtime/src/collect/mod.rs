//! The collector: drains every thread's lane into immutable batches and hands each to every exporter's queue.

mod join;

use crate::clock::Clock;
use crate::dispatch::Queue;
use crate::record::layout::{RawRecord, kind, padded};
use crate::record::{Batch, BatchBuilder, Callsite, PerSignal, Resource, Signal, callsites};
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
    /// The longest that a finished span or log record waits for company. Default: 200 ms.
    pub(crate) delay: PerSignal<Duration>,
    /// A batch leaves at once when its records take so many bytes. Default: 256 KiB: what is
    /// encoded from it still lies in a processor's cache when it is sent.
    pub(crate) max_batch_bytes: usize,
    /// A batch leaves at once when it has so many spans or log records. Default: 8192.
    pub(crate) max_batch_items: usize,
    /// The memory for records of spans that still run, in bytes; the oldest are dropped and counted. Default: 16 MiB.
    pub(crate) max_waiting_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            delay: PerSignal::of(|_| Duration::from_millis(200)),
            max_batch_bytes: 1 << 18,
            max_batch_items: 8192,
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
    batches: PerSignal<Filling>,
}

/// A batch that is not due yet.
struct Filling {
    batch: BatchBuilder,
    /// When the first record of `batch` came.
    since: Option<Instant>,
}

impl Filling {
    fn new(signal: Signal) -> Self {
        Self { batch: BatchBuilder::new(signal), since: None }
    }

    fn is_full(&self, options: &Options) -> bool {
        self.batch.len_bytes() >= options.max_batch_bytes || self.batch.items() >= options.max_batch_items
    }

    fn is_due(&self, delay: Duration) -> bool {
        self.since.is_some_and(|since| since.elapsed() >= delay)
    }

    fn note_age(&mut self) {
        if self.batch.items() > 0 {
            self.since.get_or_insert_with(Instant::now);
        }
    }
}

/// A lane and how far it has been searched for what belongs to spans.
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

    /// Takes what belongs to spans, if there is any that was not found yet.
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
            batches: PerSignal::of(Filling::new),
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
            for signal in Signal::ALL {
                if answers || stop || self.batches[signal].is_due(self.options.delay[signal]) {
                    self.send_batch(signal);
                }
            }
            if answers {
                self.control.lock().done = asked;
                self.control.changed.notify_all();
            }
            if stop {
                break;
            }
            if self.control.lock().asked == asked {
                thread::park_timeout(self.options.delay.traces.min(self.options.delay.logs));
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
            self.take_items(source, end);
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

    /// Takes spans and log records; what belongs to spans was taken before.
    fn take_items(&mut self, source: &mut Source, end: u64) {
        source.lane.read(source.lane.head(), end, |mut records| {
            let mut taken = PerSignal::<u64>::default();
            while let Some((record, rest)) = RawRecord::split(records) {
                let (signal, items, left) = match record.kind() {
                    kind::SPAN => self.take_spans(record, records),
                    kind::LOG => self.take_log(records, rest),
                    _ => {
                        records = rest;
                        continue;
                    }
                };
                records = left;
                taken[signal] += items as u64;
                if self.batches[signal].is_full(&self.options) {
                    LANES.count_collected(signal, std::mem::take(&mut taken[signal]));
                    self.send_batch(signal);
                }
            }
            Signal::ALL.into_iter().for_each(|signal| LANES.count_collected(signal, taken[signal]));
        });
        source.lane.release(end);
        Signal::ALL.into_iter().for_each(|signal| self.batches[signal].note_age());
    }

    /// Takes the spans that the records begin with: how many, and what is left.
    #[inline(always)]
    fn take_spans<'r>(&mut self, first: RawRecord<'_>, records: &'r [u8]) -> (Signal, usize, &'r [u8]) {
        let (run, spans) = self.run_of_spans(records);
        let batch = &mut self.batches.traces.batch;
        batch.push_spans(run, spans);
        self.extras.move_to(batch, first.span_id());
        (Signal::Traces, spans, &records[run.len()..])
    }

    /// Takes the log record that the records begin with.
    fn take_log<'r>(&mut self, records: &[u8], rest: &'r [u8]) -> (Signal, usize, &'r [u8]) {
        self.batches.logs.batch.push_log(&records[..records.len() - rest.len()]);
        (Signal::Logs, 1, rest)
    }

    /// The spans that the records begin with, as many as go into the batch; one at a time where others have something to be joined.
    fn run_of_spans<'r>(&self, records: &'r [u8]) -> (&'r [u8], usize) {
        let batch = &self.batches.traces.batch;
        let max_spans = if self.extras.is_empty() { self.options.max_batch_items - batch.items() } else { 1 };
        let max_bytes = self.options.max_batch_bytes.saturating_sub(batch.len_bytes());
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

    fn send_batch(&mut self, signal: Signal) {
        let filling = &mut self.batches[signal];
        filling.since = None;
        if filling.batch.items() == 0 {
            return;
        }
        if callsites(&mut self.known_callsites) {
            self.callsites = self.known_callsites.as_slice().into();
        }
        let (callsites, resource) = (self.callsites.clone(), self.resource.clone());
        let batch: Arc<Batch> = Arc::new(filling.batch.finish(callsites, resource, self.clock.scale()));
        for queue in self.queues.iter().filter(|queue| queue.takes(signal)) {
            queue.push(batch.clone());
        }
    }
}
