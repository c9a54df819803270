//! What workers ask of the queue: the next batch, leave to call the exporter, and to count what became of the call.

use super::circuit::Admission;
use super::crew::Ticket;
use super::queue::{Queue, State};
use super::stats::{self, Dropped, Settled};
use crate::record::{Batch, Signal};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A batch that a worker has: its items are neither waiting nor settled.
pub(super) struct Flight {
    worker: Ticket,
    pub(super) batch: Arc<Batch>,
    /// Its place among all batches.
    pub(super) number: u64,
    /// When it came.
    came: Instant,
    /// How many of its items are not settled.
    pub(super) left: u64,
    failing_since: Option<Instant>,
    /// Since when the exporter has been called with it, if it is just now.
    calling_since: Option<Instant>,
}

/// What to do after a failure that may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Retry,
    /// The time for retries is over.
    Exhausted,
    /// Somebody has settled the batch meanwhile.
    GivenUp,
}

/// A call that may be tried again.
pub(super) struct Failure {
    pub(super) signal: Signal,
    pub(super) message: String,
    /// How long the worker would wait.
    pub(super) pause: Duration,
    /// Whether the other side asked for that.
    pub(super) asked: bool,
}

impl Queue {
    /// Takes a worker on, unless there are enough.
    pub(super) fn hire(&self) -> Option<Ticket> {
        self.lock().crew.hire(self.options.concurrency)
    }

    pub(super) fn discharge(&self, worker: Ticket) {
        let mut state = self.lock();
        state.circuit.withdrawn(worker, Instant::now());
        state.crew.discharge(worker);
        self.changed.notify_all();
    }

    /// The next batch, which is the worker's then; waits for one. `None` when no more will come, or another has the worker's place.
    pub(super) fn take(&self, worker: Ticket) -> Option<Arc<Batch>> {
        let mut state = self.lock();
        loop {
            if state.abandoned || !state.crew.take_back(worker, self.options.concurrency) {
                return None;
            }
            if let Some((batch, number, came)) = state.pop() {
                let left = batch.item_count() as u64;
                let flight = Flight {
                    worker,
                    batch: batch.clone(),
                    number,
                    came,
                    left,
                    failing_since: None,
                    calling_since: None,
                };
                state.flights.push(flight);
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state = self.wait(state, None);
        }
    }

    /// Waits until the worker may call the exporter; false if its batch was given up.
    pub(super) fn admit(&self, worker: Ticket) -> bool {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let State { circuit, flights, .. } = &mut *state;
            let Some(flight) = flights.iter_mut().find(|flight| flight.worker == worker) else {
                return false;
            };
            let until = match circuit.admit(worker, now) {
                Admission::Now => {
                    flight.calling_since = Some(now);
                    return true;
                }
                Admission::NotBefore(until) => Some(until),
                Admission::AfterTheProbe => None,
            };
            state = self.wait(state, until);
        }
    }

    /// Counts a call that succeeded.
    pub(super) fn succeed(&self, worker: Ticket, signal: Signal, settled: Settled) {
        let mut state = self.lock();
        if !state.has_flight(worker) {
            return;
        }
        state.circuit.answered();
        let was_failing = state.counts[signal].last_error.take().is_some();
        state.settle(worker, settled);
        self.changed.notify_all();
        drop(state);
        if was_failing {
            stats::log_recovery(&self.name, signal);
        }
    }

    /// Counts a call that failed for good.
    pub(super) fn refuse(&self, worker: Ticket, signal: Signal, message: &str, settled: Settled) {
        let mut state = self.lock();
        if !state.has_flight(worker) {
            return;
        }
        state.circuit.answered();
        let is_news = state.complain(signal, message);
        state.settle(worker, settled);
        self.changed.notify_all();
        drop(state);
        self.log_if(is_news, signal, message);
    }

    /// Counts an item that could not be sent.
    pub(super) fn drop_unsent(&self, worker: Ticket, signal: Signal, message: &str, dropped: Dropped) {
        let mut state = self.lock();
        let is_news = state.has_flight(worker) && state.complain(signal, message);
        drop(state);
        self.settle(worker, dropped);
        self.log_if(is_news, signal, message);
    }

    /// Counts what is settled without an answer: left out, too large, or out of time.
    pub(super) fn settle(&self, worker: Ticket, settled: impl Into<Settled>) {
        let mut state = self.lock();
        state.circuit.withdrawn(worker, Instant::now());
        state.settle(worker, settled.into());
        self.changed.notify_all();
    }

    /// Counts a call that may be tried again, and says whether it is to be. `done` is what of the batch was done all the same.
    pub(super) fn fail(&self, worker: Ticket, failure: Failure, done: Settled) -> Verdict {
        let Failure { signal, message, pause, asked } = failure;
        let budget = self.options.retry.budget;
        let now = Instant::now();
        let mut state = self.lock();
        if !state.has_flight(worker) {
            return Verdict::GivenUp;
        }
        // Who says "come back next year" is asked again before that.
        state.circuit.failed(now, pause.min(budget), asked);
        let failing = state.failing(worker, now);
        let is_news = state.complain(signal, &message);
        state.settle(worker, done);
        self.changed.notify_all();
        drop(state);
        self.log_if(is_news, signal, &message);
        if failing.saturating_add(pause) <= budget { Verdict::Retry } else { Verdict::Exhausted }
    }

    /// Waits before the worker's batch is tried again; false if it was given up.
    pub(super) fn pause(&self, worker: Ticket, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        while state.has_flight(worker) {
            if Instant::now() >= until {
                return true;
            }
            state = self.wait(state, Some(until));
        }
        false
    }

    /// Settles what was given to calls that have taken too long, and goes on without their workers; when to look again.
    pub(super) fn cut_hung(&self, now: Instant) -> Instant {
        let timeout = self.options.export_timeout;
        let message = format!("the exporter did not return within {timeout:?}");
        let mut complaints = Vec::new();
        let mut state = self.lock();
        while let Some((worker, signal, left)) = state.hung(now, timeout) {
            let dropped = Dropped { timed_out: left, ..Dropped::default() };
            state.circuit.failed(now, self.options.retry.max, false);
            state.settle(worker, dropped.into());
            state.crew.leave_behind(worker);
            if state.complain(signal, &message) {
                complaints.push(signal);
            }
            self.changed.notify_all();
        }
        let first = state.flights.iter().filter_map(|flight| flight.calling_since).min();
        drop(state);
        complaints.into_iter().for_each(|signal| self.log_if(true, signal, &message));
        first.unwrap_or(now) + timeout
    }

    /// Whether there is work for more workers than there are.
    pub(super) fn is_short_of_workers(&self) -> bool {
        let state = self.lock();
        let is_over = state.abandoned || state.closed && state.waiting.is_empty();
        !is_over && state.crew.is_short(self.options.concurrency)
    }

    fn log_if(&self, is_news: bool, signal: Signal, message: &str) {
        if is_news {
            stats::log_failure(&self.name, signal, message);
        }
    }
}

impl State {
    fn has_flight(&self, worker: Ticket) -> bool {
        self.flights.iter().any(|flight| flight.worker == worker)
    }

    /// Counts items of the worker's batch; once all are, it has none. What was given up is counted already.
    fn settle(&mut self, worker: Ticket, settled: Settled) {
        let Some(at) = self.flights.iter().position(|flight| flight.worker == worker) else { return };
        let flight = &mut self.flights[at];
        flight.calling_since = None;
        flight.left = flight.left.saturating_sub(settled.total());
        let signal = flight.batch.signal();
        if flight.left == 0 {
            self.flights.swap_remove(at);
        }
        self.counts[signal].add(settled);
    }

    /// Remembers what went wrong; whether it is news that anything does.
    fn complain(&mut self, signal: Signal, message: &str) -> bool {
        self.counts[signal].last_error.replace(message.to_owned()).is_none()
    }

    /// How long the worker's batch has been failing: from its own first failure, or from when it came behind others that failed.
    fn failing(&mut self, worker: Ticket, now: Instant) -> Duration {
        let outage = self.circuit.failing_since().unwrap_or(now);
        let Some(flight) = self.flights.iter_mut().find(|flight| flight.worker == worker) else {
            return Duration::ZERO;
        };
        let behind = outage.max(flight.came);
        let since = flight.failing_since.map_or(behind, |own| own.min(behind));
        flight.failing_since = Some(since);
        now.saturating_duration_since(since)
    }

    /// A worker whose call has taken too long, and how much of which signal it had.
    fn hung(&self, now: Instant, timeout: Duration) -> Option<(Ticket, Signal, u64)> {
        let is_hung = |flight: &&Flight| flight.calling_since.is_some_and(|since| now >= since + timeout);
        let flight = self.flights.iter().find(is_hung)?;
        Some((flight.worker, flight.batch.signal(), flight.left))
    }
}
