//! The bounded queue in front of one exporter, and the counts of everything that went in.

use super::Options;
use super::stats::{self, Dropped, ExporterStatus};
use crate::record::Batch;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Batches on their way to one exporter.
///
/// Every count changes in the same critical section as what it counts, so the identity holds whenever the lock is free.
pub(crate) struct Queue {
    name: String,
    options: Options,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Batch>>,
    waiting_bytes: usize,
    /// Being sent: its spans are neither waiting nor settled.
    in_flight: Option<Arc<Batch>>,
    offered: u64,
    exported: u64,
    rejected: u64,
    dropped: Dropped,
    last_error: Option<String>,
    /// No batch comes any more; once what waits is gone, the worker may go.
    closed: bool,
    /// Whatever waits is given up.
    abandoned: bool,
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
    pub(crate) fn new(name: String, options: Options) -> Self {
        Self { name, options, state: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn options(&self) -> Options {
        self.options
    }

    /// Takes the batch, or drops it and counts its spans.
    pub(crate) fn push(&self, batch: Arc<Batch>) {
        let mut state = self.lock();
        let spans = batch.span_count() as u64;
        state.offered += spans;
        if state.closed {
            state.dropped.shutdown += spans;
        } else if state.waiting_bytes + batch.len_bytes() > self.options.max_queue_bytes {
            state.dropped.queue_full += spans;
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
        let spans = batch.span_count() as u64;
        match outcome {
            Outcome::Exported { rejected } => {
                let rejected = rejected.min(spans);
                state.exported += spans - rejected;
                state.rejected += rejected;
                if state.last_error.take().is_some() {
                    stats::log_recovery(&self.name);
                }
            }
            Outcome::PermanentError => state.dropped.permanent_error += spans,
            Outcome::RetryExhausted => state.dropped.retry_exhausted += spans,
        }
        self.changed.notify_all();
    }

    /// Remembers what went wrong, and says so when it begins to.
    pub(super) fn complain(&self, error: String) {
        let before = self.lock().last_error.replace(error.clone());
        if before.is_none() {
            stats::log_failure(&self.name, &error);
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
        let offered = state.offered;
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
        let left = state.left();
        state.dropped.shutdown += left;
        state.waiting.clear();
        state.waiting_bytes = 0;
        state.in_flight = None;
        self.changed.notify_all();
    }

    /// The exporter's counts. What is still before the queue is for the caller to add.
    pub(crate) fn status(&self) -> QueueStatus {
        let state = self.lock();
        QueueStatus {
            offered: state.offered,
            status: ExporterStatus {
                name: self.name.clone(),
                created: 0,
                exported: state.exported,
                rejected: state.rejected,
                dropped: state.dropped,
                queued: state.left(),
                last_error: state.last_error.clone(),
            },
        }
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
    /// Spans that have reached the queue.
    pub(crate) offered: u64,
    pub(crate) status: ExporterStatus,
}

impl State {
    fn settled(&self) -> u64 {
        self.exported + self.rejected + self.dropped.total()
    }

    /// Spans that wait or are being sent, counted where they are.
    fn left(&self) -> u64 {
        self.waiting.iter().chain(&self.in_flight).map(|batch| batch.span_count() as u64).sum()
    }
}
