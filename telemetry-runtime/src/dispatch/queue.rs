//! The bounded queue in front of one exporter, and the counts of everything that went in.

use super::Options;
use super::stats::{self, Dropped, ExporterStatus};
use crate::record::{Batch, PerSignal, Signal};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Batches on their way to one exporter.
///
/// Every count changes in the same critical section as what it counts, so the identity holds whenever the lock is free.
pub(crate) struct Queue {
    name: String,
    options: Options,
    /// What the exporter takes.
    takes: PerSignal<bool>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Batch>>,
    waiting_bytes: usize,
    /// Being sent: its items are neither waiting nor settled.
    in_flight: Option<Arc<Batch>>,
    counts: PerSignal<Counts>,
    /// No batch comes any more; once what waits is gone, the worker may go.
    closed: bool,
    /// Whatever waits is given up.
    abandoned: bool,
}

/// What became of one signal's items.
#[derive(Clone, Default)]
struct Counts {
    offered: u64,
    exported: u64,
    rejected: u64,
    dropped: Dropped,
    last_error: Option<String>,
}

/// What became of the batch in flight.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Exported { rejected: u64 },
    PermanentError,
    RetryExhausted,
}

/// Why a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    Over,
    /// Shutdown gave up on the batch.
    Abandoned,
}

impl Queue {
    pub(crate) fn new(name: String, options: Options, takes: PerSignal<bool>) -> Self {
        Self { name, options, takes, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the exporter takes it.
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        self.takes[signal]
    }

    pub(super) fn options(&self) -> Options {
        self.options
    }

    /// Takes the batch, or drops it and counts its items.
    pub(crate) fn push(&self, batch: Arc<Batch>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        let counts = &mut state.counts[batch.signal()];
        let items = batch.item_count() as u64;
        counts.offered += items;
        if state.closed {
            counts.dropped.shutdown += items;
        } else if state.waiting_bytes + batch.len_bytes() > self.options.max_queue_bytes {
            counts.dropped.queue_full += items;
        } else {
            state.waiting_bytes += batch.len_bytes();
            state.waiting.push_back(batch);
            self.changed.notify_all();
        }
    }

    /// Whether at least half is free, or nothing is kept any more.
    pub(crate) fn has_room(&self) -> bool {
        let state = self.lock();
        state.closed || state.waiting_bytes <= self.options.max_queue_bytes / 2
    }

    /// The next batch, which is then in flight; waits for one. `None` when no more will come.
    pub(super) fn take(&self) -> Option<Arc<Batch>> {
        let mut state = self.lock();
        loop {
            if state.abandoned {
                return None;
            }
            if let Some(batch) = state.waiting.pop_front() {
                state.waiting_bytes -= batch.len_bytes();
                state.in_flight = Some(batch.clone());
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Counts the batch in flight, unless shutdown has given it up already.
    pub(super) fn settle(&self, outcome: Outcome) {
        let mut state = self.lock();
        let Some(batch) = state.in_flight.take() else { return };
        let items = batch.item_count() as u64;
        let counts = &mut state.counts[batch.signal()];
        match outcome {
            Outcome::Exported { rejected } => {
                let rejected = rejected.min(items);
                counts.exported += items - rejected;
                counts.rejected += rejected;
                if counts.last_error.take().is_some() {
                    stats::log_recovery(&self.name, batch.signal());
                }
            }
            Outcome::PermanentError => counts.dropped.permanent_error += items,
            Outcome::RetryExhausted => counts.dropped.retry_exhausted += items,
        }
        self.changed.notify_all();
    }

    /// Remembers what went wrong, and says so when it begins to.
    pub(super) fn complain(&self, signal: Signal, error: String) {
        let before = self.lock().counts[signal].last_error.replace(error.clone());
        if before.is_none() {
            stats::log_failure(&self.name, signal, &error);
        }
    }

    /// Waits before the batch in flight is tried again.
    pub(super) fn pause(&self, pause: Duration) -> Pause {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        while !state.abandoned {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Pause::Over;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Pause::Abandoned
    }

    /// Waits until everything that is here now has been settled; false if that takes longer than `deadline`.
    pub(crate) fn wait_until_settled(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        let offered = state.offered();
        while state.settled() < offered {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Lets the worker go once it has sent what waits.
    pub(crate) fn close(&self) {
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
        state.waiting_bytes = 0;
        state.in_flight = None;
        self.changed.notify_all();
    }

    /// The exporter's counts of a signal, if it takes that. What is still before the queue is for the caller to add.
    pub(crate) fn status(&self, signal: Signal) -> Option<QueueStatus> {
        if !self.takes(signal) {
            return None;
        }
        let state = self.lock();
        let Counts { offered, exported, rejected, dropped, last_error } = state.counts[signal].clone();
        let (name, queued) = (self.name.clone(), state.left(signal));
        let status =
            ExporterStatus { name, signal, created: 0, exported, rejected, dropped, queued, last_error };
        Some(QueueStatus { offered, status })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// An exporter's counts as far as its queue knows them.
pub(crate) struct QueueStatus {
    /// Items that have reached the queue.
    pub(crate) offered: u64,
    pub(crate) status: ExporterStatus,
}

impl State {
    fn offered(&self) -> u64 {
        Signal::ALL.into_iter().map(|signal| self.counts[signal].offered).sum()
    }

    fn settled(&self) -> u64 {
        let settled = |counts: &Counts| counts.exported + counts.rejected + counts.dropped.total();
        Signal::ALL.into_iter().map(|signal| settled(&self.counts[signal])).sum()
    }

    /// Items that wait or are being sent, counted where they are.
    fn left(&self, signal: Signal) -> u64 {
        let batches = self.waiting.iter().chain(&self.in_flight);
        batches.filter(|batch| batch.signal() == signal).map(|batch| batch.item_count() as u64).sum()
    }
}
