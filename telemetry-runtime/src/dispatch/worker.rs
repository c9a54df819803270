//! One of an exporter's threads: takes batches from the queue, splits and exports them, retries, and survives panics.

use super::crew::Ticket;
use super::flight::{Failure, Task, Verdict};
use super::queue::Queue;
use super::retry::Backoff;
use super::shelf::Kept;
use super::spool::Entry;
use super::stats::{Dropped, Settled};
use crate::export::{ExportError, Exported, Exporter};
use crate::record::{Batch, Chain, Signal};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// An exporter and its place at a queue.
pub(crate) struct Worker {
    queue: Arc<Queue>,
    ticket: Ticket,
    exporter: Box<dyn Exporter>,
    backoff: Backoff,
    /// How long to wait before anything else is sent: what failed is on disk.
    rest: Option<Duration>,
}

/// What became of a part of a batch.
enum Sent {
    Settled,
    /// It may go in halves.
    TooLarge,
    /// Somebody has settled the whole batch meanwhile.
    GivenUp,
}

impl Worker {
    /// A worker of this queue, unless that has as many as it should.
    pub(crate) fn new(queue: Arc<Queue>, exporter: Box<dyn Exporter>) -> Option<Self> {
        let ticket = queue.hire()?;
        let backoff = Backoff::new(queue.options.retry);
        Some(Self { queue, ticket, exporter, backoff, rest: None })
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Exports until the queue is closed and empty, or abandoned, or another has the place.
    pub(crate) fn run(mut self) {
        while let Some(task) = self.queue.take(self.ticket) {
            match task {
                Task::Batch(batch) => self.deliver(&batch),
                Task::Kept => self.deliver_kept(),
            }
            if let Some(pause) = self.rest.take() {
                self.queue.rest(pause);
            }
        }
        // A panic at the very end has nothing left to spoil.
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown()));
    }

    /// Sends what the exporter is to get of the batch, in parts as large as it may.
    fn deliver(&mut self, batch: &Batch) {
        let mut parts = Vec::from_iter(self.queue.choose(self.ticket, batch));
        while let Some(part) = parts.pop() {
            let (part, others) = part.split(self.queue.options.max_batch_items);
            parts.extend(others);
            match self.send(&part) {
                Sent::Settled => {}
                Sent::TooLarge => {
                    let (first, second) = part.split(part.item_count() / 2);
                    parts.extend(second);
                    parts.push(first);
                }
                Sent::GivenUp => return,
            }
        }
    }

    /// Sends the oldest batch that is on disk, once: where it failed, it stays there.
    fn deliver_kept(&mut self) {
        self.queue.tell_of_overflow();
        let Some(entry) = self.queue.take_kept(self.ticket) else { return };
        if self.queue.admit(self.ticket) {
            self.send_kept(&entry);
        }
        self.queue.give_back(self.ticket);
    }

    fn send_kept(&mut self, entry: &Entry) {
        let Entry { signal, items, ref payload, .. } = *entry;
        let left = u64::from(items);
        let export = AssertUnwindSafe(|| self.exporter.export_packed(signal, payload));
        let error = match catch_unwind(export).unwrap_or_else(|_| Err(panicked())) {
            Ok(exported) => return self.succeed(signal, exported, left),
            Err(error) => error,
        };
        if error.is_retryable() {
            let (failure, pause) = self.failure(signal, &error, left);
            self.queue.fail(self.ticket, failure, Settled::default());
            self.rest = Some(pause);
        } else if error.is_too_large() {
            self.halve_kept(entry, &error);
        } else {
            let done = done(&error, left);
            self.refuse(signal, &error, done, left - done.total());
        }
    }

    /// Puts halves in the place of a batch on disk that is too large, or drops it if it has none.
    fn halve_kept(&mut self, entry: &Entry, error: &ExportError) {
        let Entry { signal, items, ref payload, .. } = *entry;
        let halve = AssertUnwindSafe(|| self.exporter.halve_packed(signal, payload));
        let halves = catch_unwind(halve).ok().flatten().filter(|[(first, _), (second, _)]| {
            *first > 0 && *second > 0 && first.checked_add(*second) == Some(items as usize)
        });
        let kept = halves.map(|[(first, one), (second, other)]| {
            self.queue.replace(self.ticket, entry, [(first, &one), (second, &other)])
        });
        match kept {
            Some(Kept::Yes) => {}
            // The disk may take them later.
            Some(Kept::No) => self.rest = Some(self.backoff.next(None)),
            None | Some(Kept::DoesNotFit) => {
                let dropped = Dropped { too_large: items.into(), ..Dropped::default() };
                self.queue.drop_unsent(self.ticket, signal, &Chain(error).to_string(), dropped);
            }
        }
    }

    /// Tries until the part is settled, or on disk.
    fn send(&mut self, part: &Batch) -> Sent {
        let mut left = part.item_count() as u64;
        while left > 0 {
            self.queue.tell_of_overflow();
            if self.queue.is_failing()
                && let Some(end) = self.keep(part, left)
            {
                return end;
            }
            if !self.queue.admit(self.ticket) {
                return Sent::GivenUp;
            }
            let error = match self.attempt(part) {
                Ok(exported) => {
                    self.succeed(part.signal(), exported, left);
                    return Sent::Settled;
                }
                Err(error) => error,
            };
            if error.is_too_large() {
                return self.too_large(part, &error, left);
            }
            let done = done(&error, left);
            left -= done.total();
            if !error.is_retryable() {
                self.refuse(part.signal(), &error, done, left);
                return Sent::Settled;
            }
            if let Some(end) = self.fail(part, &error, done, left) {
                return end;
            }
        }
        Sent::Settled
    }

    fn attempt(&mut self, part: &Batch) -> Result<Exported, ExportError> {
        catch_unwind(AssertUnwindSafe(|| self.exporter.export(part))).unwrap_or_else(|_| Err(panicked()))
    }

    /// Puts what is left of the part on disk, if that is possible, perhaps in halves.
    fn keep(&mut self, part: &Batch, left: u64) -> Option<Sent> {
        if !self.queue.may_keep(self.ticket) {
            return None;
        }
        let packed = catch_unwind(AssertUnwindSafe(|| self.exporter.pack(part))).ok().flatten()?;
        match self.queue.keep(self.ticket, part.signal(), left, &packed) {
            Kept::Yes => Some(Sent::Settled),
            Kept::DoesNotFit if is_divisible(part, left) => Some(Sent::TooLarge),
            Kept::DoesNotFit | Kept::No => None,
        }
    }

    fn succeed(&mut self, signal: Signal, exported: Exported, left: u64) {
        self.backoff.reset();
        let rejected = (exported.rejected() as u64).min(left);
        let settled = Settled { exported: left - rejected, rejected, ..Settled::default() };
        self.queue.succeed(self.ticket, signal, settled);
    }

    fn refuse(&mut self, signal: Signal, error: &ExportError, done: Settled, left: u64) {
        self.backoff.reset();
        let dropped = Dropped { permanent_error: left, ..Dropped::default() };
        let settled = Settled { dropped, ..done };
        self.queue.refuse(self.ticket, signal, &Chain(error).to_string(), settled);
    }

    fn too_large(&mut self, part: &Batch, error: &ExportError, left: u64) -> Sent {
        if is_divisible(part, left) {
            // Nothing was sent: another may find out whether the other side answers.
            self.queue.settle(self.ticket, Settled::default());
            return Sent::TooLarge;
        }
        let dropped = Dropped { too_large: left, ..Dropped::default() };
        self.queue.drop_unsent(self.ticket, part.signal(), &Chain(error).to_string(), dropped);
        Sent::Settled
    }

    /// Waits, if the part is to be tried again from memory; else its end.
    fn fail(&mut self, part: &Batch, error: &ExportError, done: Settled, left: u64) -> Option<Sent> {
        let (failure, pause) = self.failure(part.signal(), error, left);
        match self.queue.fail(self.ticket, failure, done) {
            _ if left == 0 => None,
            Verdict::GivenUp => Some(Sent::GivenUp),
            verdict => match self.keep(part, left) {
                Some(end) => {
                    self.rest = Some(pause);
                    Some(end)
                }
                None => self.go_on(verdict, pause, left),
            },
        }
    }

    /// Waits for the next attempt from memory, if there is to be one; else the part's end.
    fn go_on(&mut self, verdict: Verdict, pause: Duration, left: u64) -> Option<Sent> {
        if verdict == Verdict::Retry {
            return (!self.queue.pause(self.ticket, pause)).then_some(Sent::GivenUp);
        }
        let dropped = Dropped { retry_exhausted: left, ..Dropped::default() };
        self.queue.settle(self.ticket, dropped);
        Some(Sent::Settled)
    }

    /// What the queue is to know of a failure, and how long to wait after it.
    fn failure(&mut self, signal: Signal, error: &ExportError, left: u64) -> (Failure, Duration) {
        let floor = error.retry_after().filter(|floor| !floor.is_zero());
        let pause = self.backoff.next(floor);
        (Failure { signal, message: Chain(error).to_string(), left, pause, asked: floor.is_some() }, pause)
    }
}

fn panicked() -> ExportError {
    ExportError::permanent("the exporter panicked")
}

/// Whether the part may go in halves. When it is done in part, only the exporter knows which items are left: halves would repeat the others.
fn is_divisible(part: &Batch, left: u64) -> bool {
    left > 1 && left == part.item_count() as u64
}

/// What was done of the part although it failed; not more than was left.
fn done(error: &ExportError, left: u64) -> Settled {
    let (exported, rejected) = error.settled();
    let exported = (exported as u64).min(left);
    let rejected = (rejected as u64).min(left - exported);
    Settled { exported, rejected, ..Settled::default() }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.discharge(self.ticket);
    }
}
