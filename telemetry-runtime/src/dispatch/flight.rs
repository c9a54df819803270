//! What workers ask of the queue: the next batch, leave to call the exporter, and to count what became of the call.

use super::circuit::Admission;
use super::crew::Ticket;
use super::queue::{Queue, State, Waiting};
use super::spool::{Entry, Place};
use super::stats::{self, Dropped, Outlook, Settled};
use crate::record::{Batch, Signal};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A batch that a worker has: its items are neither waiting nor settled.
pub(super) struct Flight {
    pub(super) worker: Ticket,
    load: Load,
    /// How many of its items are not settled: the last ones, since parts are settled in order.
    pub(super) left: u64,
    /// Whether a part was settled in part: nobody but the worker's exporter knows which items of it are left.
    is_torn: bool,
    failing_since: Option<Instant>,
    /// Since when the exporter has been called with it, if it is just now.
    calling_since: Option<Instant>,
}

/// Where the batch is.
enum Load {
    /// In memory.
    Batch(Waiting),
    /// On disk, where it stays until it is settled.
    Kept { signal: Signal, earlier: bool, place: Place },
}

/// What a worker is to do next.
pub(super) enum Task {
    Batch(Arc<Batch>),
    /// To send the oldest that is on disk.
    Kept,
}

impl Flight {
    pub(super) fn of_batch(worker: Ticket, waiting: Waiting) -> Self {
        let left = waiting.batch.item_count() as u64;
        Self::new(worker, Load::Batch(waiting), left)
    }

    pub(super) fn of_entry(worker: Ticket, entry: &Entry) -> Self {
        let Entry { signal, items, earlier, place, .. } = *entry;
        Self::new(worker, Load::Kept { signal, earlier, place }, items.into())
    }

    fn new(worker: Ticket, load: Load, left: u64) -> Self {
        Self { worker, load, left, is_torn: false, failing_since: None, calling_since: None }
    }

    pub(super) fn signal(&self) -> Signal {
        match &self.load {
            Load::Batch(waiting) => waiting.batch.signal(),
            Load::Kept { signal, .. } => *signal,
        }
    }

    /// The batch's place among all, unless it is on disk.
    pub(super) fn number(&self) -> Option<u64> {
        self.batch().map(|waiting| waiting.number)
    }

    pub(super) fn is_kept(&self) -> bool {
        self.batch().is_none()
    }

    /// The place on disk, if it has one.
    pub(super) fn place(&self) -> Option<Place> {
        match self.load {
            Load::Kept { place, .. } => Some(place),
            Load::Batch(_) => None,
        }
    }

    pub(super) fn batch(&self) -> Option<&Waiting> {
        match &self.load {
            Load::Batch(waiting) => Some(waiting),
            Load::Kept { .. } => None,
        }
    }

    /// What of the batch is not settled, if it is in memory and anybody knows.
    pub(super) fn rest(&self) -> Option<Batch> {
        let Waiting { batch, .. } = self.batch().filter(|_| !self.is_torn)?;
        batch.split(batch.item_count().checked_sub(self.left as usize)?).1
    }

    /// When the batch came, if it has not been on disk.
    fn came(&self) -> Option<Instant> {
        self.batch().map(|waiting| waiting.came)
    }
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
    /// How many items of what the call was made with are not settled.
    pub(super) left: u64,
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

    /// The next batch, which is the worker's then; waits for one. What is on disk goes first, since it is older. `None` when no more will
    /// come, or another has the worker's place.
    pub(super) fn take(&self, worker: Ticket) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.over || state.abandoned || !state.crew.take_back(worker, self.options.concurrency) {
                return None;
            }
            if let Some(task) = self.next_task(&mut state, worker) {
                return Some(task);
            }
            if state.closed && state.is_all_kept() {
                return None;
            }
            let until = state.disk.next_try();
            state = self.wait(state, until);
        }
    }

    fn next_task(&self, state: &mut State, worker: Ticket) -> Option<Task> {
        let batch = if state.disk.take_turn() { self.next_batch(state, worker) } else { None };
        let kept = || self.is_kept_due(state).then_some(Task::Kept);
        batch.or_else(kept).or_else(|| self.next_batch(state, worker))
    }

    /// The first of those that wait for a worker rather than for the disk.
    fn next_batch(&self, state: &mut State, worker: Ticket) -> Option<Task> {
        let is_for_disk = self.is_for_disk(state);
        let waiting = state.pop(|waiting| waiting.in_memory || !is_for_disk)?;
        let batch = waiting.batch.clone();
        state.flights.push(Flight::of_batch(worker, waiting));
        Some(Task::Batch(batch))
    }

    /// What of the worker's batch the exporter is to get, if anything: that is its batch from now on, and the rest is counted.
    pub(super) fn choose(&self, worker: Ticket, batch: &Batch) -> Option<Batch> {
        let (chosen, left_out) = self.options.selection.of(batch);
        let mut state = self.lock();
        state.settle(worker, left_out.into());
        if let Some(Flight { load: Load::Batch(waiting), .. }) = state.flight(worker) {
            waiting.batch = Arc::new(chosen.clone());
        }
        self.changed.notify_all();
        Some(chosen).filter(|chosen| chosen.item_count() > 0)
    }

    /// Waits until the worker may call the exporter; false if its batch was given up, or stays on disk since time is up.
    pub(super) fn admit(&self, worker: Ticket) -> bool {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let is_over = state.over || state.closed && !state.is_answered();
            let State { circuit, flights, .. } = &mut *state;
            let Some(flight) = flights.iter_mut().find(|flight| flight.worker == worker) else {
                return false;
            };
            if is_over && flight.is_kept() {
                return false;
            }
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
        let spool = self.hold_spool(worker);
        let mut state = self.lock();
        if !state.has_flight(worker) {
            return;
        }
        state.circuit.answered();
        let was_failing = state.counts[signal].last_error.take().is_some();
        let place = state.settle(worker, settled);
        self.changed.notify_all();
        drop(state);
        self.forget(spool, place);
        if was_failing {
            stats::log_recovery(&self.name, signal);
        }
    }

    /// Counts a call that failed for good.
    pub(super) fn refuse(&self, worker: Ticket, signal: Signal, message: &str, settled: Settled) {
        let spool = self.hold_spool(worker);
        let mut state = self.lock();
        if !state.has_flight(worker) {
            return;
        }
        state.circuit.answered();
        let is_news = state.complain(signal, message, Outlook::Lost);
        let place = state.settle(worker, settled);
        self.changed.notify_all();
        drop(state);
        self.forget(spool, place);
        self.log_if(is_news, signal, message, Outlook::Lost);
    }

    /// Counts an item that could not be sent.
    pub(super) fn drop_unsent(&self, worker: Ticket, signal: Signal, message: &str, dropped: Dropped) {
        let mut state = self.lock();
        let is_news = state.has_flight(worker) && state.complain(signal, message, Outlook::Lost);
        drop(state);
        self.settle(worker, dropped);
        self.log_if(is_news, signal, message, Outlook::Lost);
    }

    /// Counts what is settled without an answer: left out, too large, or out of time.
    pub(super) fn settle(&self, worker: Ticket, settled: impl Into<Settled>) {
        let spool = self.hold_spool(worker);
        let mut state = self.lock();
        state.circuit.withdrawn(worker, Instant::now());
        let place = state.settle(worker, settled.into());
        self.changed.notify_all();
        drop(state);
        self.forget(spool, place);
    }

    /// Counts a call that may be tried again, and says whether it is to be. `done` is what of the batch was done all the same.
    pub(super) fn fail(&self, worker: Ticket, failure: Failure, done: Settled) -> Verdict {
        let Failure { signal, message, left, pause, asked } = failure;
        let budget = self.options.retry.budget;
        let now = Instant::now();
        let mut state = self.lock();
        if !state.has_flight(worker) {
            return Verdict::GivenUp;
        }
        // Who says "come back next year" is asked again before that.
        state.circuit.failed(now, pause.min(budget), asked);
        let failing = state.failing(worker, now);
        let is_over = failing.saturating_add(pause) > budget;
        let outlook = if is_over && !self.has_spool() { Outlook::Lost } else { Outlook::Again };
        let is_news = state.complain(signal, &message, outlook);
        let was_torn = state.flight(worker).is_some_and(|flight| flight.is_torn);
        state.settle(worker, done);
        if let Some(flight) = state.flight(worker) {
            flight.is_torn = left > 0 && (was_torn || done.total() > 0);
        }
        self.changed.notify_all();
        drop(state);
        self.log_if(is_news, signal, &message, outlook);
        if is_over { Verdict::Exhausted } else { Verdict::Retry }
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

    /// Lets so much time pass before the worker takes anything, unless the end comes; no more than the breaker does.
    pub(super) fn rest(&self, pause: Duration) {
        let until = Instant::now() + pause.min(self.options.retry.budget);
        let mut state = self.lock();
        while !state.closed && Instant::now() < until {
            state = self.wait(state, Some(until));
        }
    }

    /// Settles what was given to calls that have taken too long, and goes on without their workers; when to look again. What there is a
    /// spool for is sent again, all others are dropped.
    pub(super) fn cut_hung(&self, now: Instant) -> Instant {
        let timeout = self.options.export_timeout;
        let message = format!("the exporter did not return within {timeout:?}");
        let mut complaints = Vec::new();
        let mut state = self.lock();
        while let Some((worker, signal, left)) = state.hung(now, timeout) {
            let dropped = Dropped { timed_out: left, ..Dropped::default() };
            state.circuit.failed(now, self.options.retry.max, false);
            let place = state.remove_kept(worker);
            place.into_iter().for_each(|place| state.disk.give_back_later(place));
            self.rescue(&mut state, worker);
            let outlook = if state.has_flight(worker) { Outlook::Lost } else { Outlook::Again };
            state.settle(worker, dropped.into());
            state.crew.leave_behind(worker);
            if state.complain(signal, &message, outlook) {
                complaints.push((signal, outlook));
            }
            self.changed.notify_all();
        }
        let first = state.flights.iter().filter_map(|flight| flight.calling_since).min();
        drop(state);
        complaints.into_iter().for_each(|(signal, outlook)| self.log_if(true, signal, &message, outlook));
        first.unwrap_or(now) + timeout
    }

    /// Whether there is work for more workers than there are.
    pub(super) fn is_short_of_workers(&self) -> bool {
        let state = self.lock();
        let is_over = state.over || state.abandoned || state.closed && state.waiting.is_empty();
        !is_over && state.crew.is_short(self.options.concurrency)
    }

    pub(super) fn log_if(&self, is_news: bool, signal: Signal, message: &str, outlook: Outlook) {
        if is_news {
            stats::log_failure(&self.name, signal, message, outlook);
        }
    }
}

impl State {
    pub(super) fn has_flight(&self, worker: Ticket) -> bool {
        self.flights.iter().any(|flight| flight.worker == worker)
    }

    pub(super) fn flight(&mut self, worker: Ticket) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.worker == worker)
    }

    /// Counts items of the worker's batch; once all are, it has none. What was given up is counted already. Where the batch is on disk,
    /// if it is settled now.
    pub(super) fn settle(&mut self, worker: Ticket, settled: Settled) -> Option<Place> {
        let at = self.flights.iter().position(|flight| flight.worker == worker)?;
        let flight = &mut self.flights[at];
        (flight.calling_since, flight.is_torn) = (None, false);
        flight.left = flight.left.saturating_sub(settled.total());
        let (signal, is_settled) = (flight.signal(), flight.left == 0);
        let counts = &mut self.counts[signal];
        let place = match flight.load {
            Load::Batch(_) => {
                counts.add(settled);
                None
            }
            Load::Kept { earlier, place, .. } => {
                counts.add_kept(settled, earlier);
                self.disk.went += settled.total();
                Some(place)
            }
        };
        if is_settled {
            self.flights.swap_remove(at);
        }
        place.filter(|_| is_settled)
    }

    /// Takes from the worker a batch that is on disk; where it is.
    pub(super) fn remove_kept(&mut self, worker: Ticket) -> Option<Place> {
        let at = self.flights.iter().position(|flight| flight.worker == worker && flight.is_kept())?;
        self.flights.swap_remove(at).place()
    }

    /// Takes what is left of the worker's batch back to those that wait, if anybody knows what that is.
    pub(super) fn return_rest(&mut self, worker: Ticket, in_memory: bool) {
        let at = self.flights.iter().position(|flight| flight.worker == worker);
        let Some((at, rest)) = at.and_then(|at| Some((at, self.flights[at].rest()?))) else { return };
        if let Load::Batch(waiting) = self.flights.swap_remove(at).load {
            self.put_back(Waiting { batch: Arc::new(rest), in_memory, ..waiting });
        }
    }

    /// Remembers what went wrong; whether it is news that anything does, or that something is lost.
    fn complain(&mut self, signal: Signal, message: &str, outlook: Outlook) -> bool {
        let counts = &mut self.counts[signal];
        let is_loss_news = outlook == Outlook::Lost && counts.is_loss_news(Instant::now());
        counts.last_error.replace(message.to_owned()).is_none() || is_loss_news
    }

    /// How long the worker's batch has been failing: from its own first failure, or from when it came behind others that failed.
    fn failing(&mut self, worker: Ticket, now: Instant) -> Duration {
        let outage = self.circuit.failing_since().unwrap_or(now);
        let Some(flight) = self.flight(worker) else { return Duration::ZERO };
        let behind = flight.came().map_or(outage, |came| outage.max(came));
        let since = flight.failing_since.map_or(behind, |own| own.min(behind));
        flight.failing_since = Some(since);
        now.saturating_duration_since(since)
    }

    /// A worker whose call has taken too long, and how much of which signal it had.
    fn hung(&self, now: Instant, timeout: Duration) -> Option<(Ticket, Signal, u64)> {
        let is_hung = |flight: &&Flight| flight.calling_since.is_some_and(|since| now >= since + timeout);
        let flight = self.flights.iter().find(is_hung)?;
        Some((flight.worker, flight.signal(), flight.left))
    }
}
