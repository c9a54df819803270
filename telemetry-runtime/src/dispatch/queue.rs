//! The bounded queue in front of one exporter, and the counts of everything that went in.

use super::Options;
use super::books::Books;
use super::circuit::Circuit;
use super::crew::Crew;
use super::flight::Flight;
use super::shelf::Shelf;
use super::stats::{Dropped, ExporterStatus, Outlook, Replayed, Settled};
use crate::record::{Batch, PerSignal, Signal};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the log is told nothing more of what an exporter loses of a signal.
const QUIET: Duration = Duration::from_secs(60);

/// Batches on their way to one exporter.
///
/// Every count changes in the same critical section as what it counts, so the identity holds whenever the lock is free.
pub(crate) struct Queue {
    pub(super) name: String,
    pub(super) options: Options,
    /// What the exporter takes.
    takes: PerSignal<bool>,
    state: Mutex<State>,
    pub(super) changed: Condvar,
    /// What is on disk. Its lock is never taken by who holds that of the state.
    pub(super) shelf: Option<Shelf>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    waiting_items: usize,
    /// How many batches have come.
    pushed: u64,
    /// Those that workers have.
    pub(super) flights: Vec<Flight>,
    pub(super) crew: Crew,
    pub(super) circuit: Circuit,
    pub(super) disk: Books,
    pub(super) counts: PerSignal<Counts>,
    /// No batch comes any more; once what waits is gone, the workers may go.
    pub(super) closed: bool,
    /// Time is up: workers begin nothing more.
    pub(super) over: bool,
    /// Whatever waits is given up.
    pub(super) abandoned: bool,
}

/// A batch that no worker has.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) batch: Arc<Batch>,
    /// Its place among all batches.
    pub(super) number: u64,
    /// When it came.
    pub(super) came: Instant,
    /// Whether it is not for the disk: an entry of it does not fit there.
    pub(super) in_memory: bool,
}

/// What became of one signal's items.
#[derive(Clone, Default)]
pub(super) struct Counts {
    offered: u64,
    exported: u64,
    rejected: u64,
    pub(super) dropped: Dropped,
    /// Those on disk.
    pub(super) spooled: u64,
    /// Those that other processes left on disk.
    pub(super) replayed: Replayed,
    pub(super) last_error: Option<String>,
    /// When the log was last told that something is lost.
    loss_told: Option<Instant>,
    /// Whether something was dropped for lack of room since a worker has last told of it.
    overflowed: bool,
}

impl Counts {
    pub(super) fn add(&mut self, settled: Settled) {
        self.exported += settled.exported;
        self.rejected += settled.rejected;
        self.dropped += settled.dropped;
        self.spooled += settled.spooled;
    }

    /// Whether the log is to be told now that something is lost; then it is not for a while.
    pub(super) fn is_loss_news(&mut self, now: Instant) -> bool {
        let is_news = self.loss_told.is_none_or(|told| now.saturating_duration_since(told) >= QUIET);
        if is_news {
            self.loss_told = Some(now);
        }
        is_news
    }
}

impl Queue {
    pub(crate) fn new(name: String, options: Options, takes: PerSignal<bool>) -> Self {
        Self { name, options, takes, state: Mutex::default(), changed: Condvar::new(), shelf: None }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the exporter takes it.
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        self.takes[signal]
    }

    /// Takes the batch, or drops it and counts its items.
    pub(crate) fn push(&self, batch: Arc<Batch>) {
        let came = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let counts = &mut state.counts[batch.signal()];
        let (items, bytes) = (batch.item_count(), batch.len_bytes());
        counts.offered += items as u64;
        if state.closed {
            counts.dropped.shutdown += items as u64;
        } else if state.waiting_bytes + bytes > self.options.max_queue_bytes
            || state.waiting_items + items > self.options.max_queue_items
        {
            counts.dropped.queue_full += items as u64;
            counts.overflowed = true;
        } else {
            let number = state.pushed;
            state.pushed += 1;
            state.waiting_bytes += bytes;
            state.waiting_items += items;
            state.waiting.push_back(Waiting { batch, number, came, in_memory: false });
            self.changed.notify_all();
        }
    }

    /// Tells the log of what was dropped for lack of room. That is a worker's to do: who fills the queue fills those of others, too, and
    /// waits for no log.
    pub(super) fn tell_of_overflow(&self) {
        let now = Instant::now();
        let is_news =
            |counts: &mut Counts| std::mem::take(&mut counts.overflowed) && counts.is_loss_news(now);
        let mut state = self.lock();
        let news = PerSignal::of(|signal| is_news(&mut state.counts[signal]));
        drop(state);
        for signal in Signal::ALL {
            self.log_if(news[signal], signal, "the queue is full", Outlook::Lost);
        }
    }

    /// Whether at least half is free, or nothing is kept any more.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        state.closed || self.is_half_empty(&state)
    }

    pub(super) fn is_half_empty(&self, state: &State) -> bool {
        state.waiting_bytes <= self.options.max_queue_bytes / 2
            && state.waiting_items <= self.options.max_queue_items / 2
    }

    /// Waits until everything that is here now has been settled, or is on disk while nothing can be sent; false if that takes longer than
    /// `deadline`.
    pub(crate) fn wait_until_settled(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        let end = state.pushed;
        while state.first_unsettled() < end {
            if Instant::now() >= deadline {
                return false;
            }
            state = self.wait(state, Some(deadline));
        }
        let end = state.disk.came;
        while state.disk.went < end && state.is_answered() && !state.abandoned {
            if Instant::now() >= deadline {
                // What is on disk is safe.
                break;
            }
            state = self.wait(state, Some(deadline));
        }
        true
    }

    /// Waits until no worker is left but those whose calls do not return; false if that takes longer than `deadline`.
    pub(super) fn wait_for_workers(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while !state.crew.is_nobody_at_work() {
            if Instant::now() >= deadline {
                return false;
            }
            state = self.wait(state, Some(deadline));
        }
        true
    }

    /// Lets the workers go once they have sent what waits.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Gives up what has not left: it is counted as dropped, and a worker that pauses is let go.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.abandoned = true;
        for signal in Signal::ALL {
            let left = state.left(signal);
            state.counts[signal].dropped.shutdown += left;
        }
        state.waiting.clear();
        (state.waiting_bytes, state.waiting_items) = (0, 0);
        state.flights.clear();
        self.changed.notify_all();
    }

    /// The exporter's counts of a signal, if it takes that. What is still before the queue is for the caller to add.
    pub(crate) fn status(&self, signal: Signal) -> Option<QueueStatus> {
        if !self.takes(signal) {
            return None;
        }
        let state = self.lock();
        let counts = state.counts[signal].clone();
        let Counts { offered, exported, rejected, dropped, spooled, replayed, last_error, .. } = counts;
        let status = ExporterStatus {
            name: self.name.clone(),
            signal,
            exported,
            rejected,
            dropped,
            queued: state.left(signal),
            spooled,
            replayed,
            breaker: state.circuit.breaker(),
            last_error,
            spool_error: state.disk.error(),
            unreadable_entries: state.disk.unreadable_entries,
            ..ExporterStatus::default()
        };
        Some(QueueStatus { offered, status })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something changes, but not beyond a moment.
    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        let Some(until) = until else {
            return self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        let left = until.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// An exporter's counts as far as its queue knows them.
pub(crate) struct QueueStatus {
    /// Items that have reached the queue.
    pub(crate) offered: u64,
    pub(crate) status: ExporterStatus,
}

impl State {
    /// The batch that has waited longest of those that are wanted.
    pub(super) fn pop(&mut self, is_wanted: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let at = self.waiting.iter().position(is_wanted)?;
        let first = self.waiting.remove(at)?;
        self.waiting_bytes -= first.batch.len_bytes();
        self.waiting_items -= first.batch.item_count();
        Some(first)
    }

    /// Takes back a batch, which is the first of all then.
    pub(super) fn put_back(&mut self, waiting: Waiting) {
        self.waiting_bytes += waiting.batch.len_bytes();
        self.waiting_items += waiting.batch.item_count();
        self.waiting.push_front(waiting);
    }

    /// Whether the last call, if there was one, was answered.
    pub(super) fn is_answered(&self) -> bool {
        self.circuit.failing_since().is_none()
    }

    /// The number of the first batch that is not settled, which several workers need not do in order.
    fn first_unsettled(&self) -> u64 {
        let in_flight = self.flights.iter().filter_map(Flight::number);
        let waiting = self.waiting.iter().map(|waiting| waiting.number);
        in_flight.chain(waiting).min().unwrap_or(self.pushed)
    }

    /// Items that wait or are being sent, counted where they are; not those on disk.
    fn left(&self, signal: Signal) -> u64 {
        let waiting = self.waiting.iter().filter(|waiting| waiting.batch.signal() == signal);
        let waiting: u64 = waiting.map(|waiting| waiting.batch.item_count() as u64).sum();
        let flights = self.flights.iter().filter(|flight| flight.signal() == signal && !flight.is_kept());
        waiting + flights.map(|flight| flight.left).sum::<u64>()
    }
}
