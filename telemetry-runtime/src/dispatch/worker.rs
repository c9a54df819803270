//! One of an exporter's threads: takes batches from the queue, splits and exports them, retries, and survives panics.

use super::crew::Ticket;
use super::flight::{Failure, Verdict};
use super::queue::Queue;
use super::retry::Backoff;
use super::stats::{Dropped, Settled};
use crate::export::{ExportError, Exported, Exporter};
use crate::record::Batch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// An exporter and its place at a queue.
pub(crate) struct Worker {
    queue: Arc<Queue>,
    ticket: Ticket,
    exporter: Box<dyn Exporter>,
    backoff: Backoff,
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
        Some(Self { queue, ticket, exporter, backoff })
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Exports until the queue is closed and empty, or abandoned, or another has the place.
    pub(crate) fn run(mut self) {
        while let Some(batch) = self.queue.take(self.ticket) {
            self.deliver(&batch);
        }
        // A panic at the very end has nothing left to spoil.
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown()));
    }

    /// Sends what the exporter is to get of the batch, in parts as large as it may.
    fn deliver(&mut self, batch: &Batch) {
        let (chosen, left_out) = self.queue.options.selection.of(batch);
        if left_out.total() > 0 {
            self.queue.settle(self.ticket, left_out);
        }
        let mut parts = Vec::from_iter((chosen.item_count() > 0).then_some(chosen));
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

    /// Tries until the part is settled.
    fn send(&mut self, part: &Batch) -> Sent {
        let mut left = part.item_count() as u64;
        while left > 0 {
            if !self.queue.admit(self.ticket) {
                return Sent::GivenUp;
            }
            let error = match self.attempt(part) {
                Ok(exported) => return self.succeed(part, exported, left),
                Err(error) => error,
            };
            if error.is_too_large() {
                return self.too_large(part, &error, left);
            }
            let done = done(&error, left);
            left -= done.total();
            if !error.is_retryable() {
                return self.refuse(part, &error, done, left);
            }
            if let Some(end) = self.fail(part, &error, done, left) {
                return end;
            }
        }
        Sent::Settled
    }

    fn attempt(&mut self, part: &Batch) -> Result<Exported, ExportError> {
        catch_unwind(AssertUnwindSafe(|| self.exporter.export(part)))
            .unwrap_or_else(|_| Err(ExportError::permanent("the exporter panicked")))
    }

    fn succeed(&mut self, part: &Batch, exported: Exported, left: u64) -> Sent {
        self.backoff.reset();
        let rejected = (exported.rejected() as u64).min(left);
        let settled = Settled { exported: left - rejected, rejected, ..Settled::default() };
        self.queue.succeed(self.ticket, part.signal(), settled);
        Sent::Settled
    }

    fn refuse(&mut self, part: &Batch, error: &ExportError, done: Settled, left: u64) -> Sent {
        self.backoff.reset();
        let dropped = Dropped { permanent_error: left, ..Dropped::default() };
        let settled = Settled { dropped, ..done };
        self.queue.refuse(self.ticket, part.signal(), &error.to_string(), settled);
        Sent::Settled
    }

    fn too_large(&mut self, part: &Batch, error: &ExportError, left: u64) -> Sent {
        // Of a part that is done in part, only the exporter knows which items are left: halves would repeat the others.
        if left > 1 && left == part.item_count() as u64 {
            // Nothing was sent: another may find out whether the other side answers.
            self.queue.settle(self.ticket, Settled::default());
            return Sent::TooLarge;
        }
        let dropped = Dropped { too_large: left, ..Dropped::default() };
        self.queue.drop_unsent(self.ticket, part.signal(), &error.to_string(), dropped);
        Sent::Settled
    }

    /// Waits, if the part is to be tried again; else its end.
    fn fail(&mut self, part: &Batch, error: &ExportError, done: Settled, left: u64) -> Option<Sent> {
        let floor = error.retry_after().filter(|floor| !floor.is_zero());
        let pause = self.backoff.next(floor);
        let failure =
            Failure { signal: part.signal(), message: error.to_string(), pause, asked: floor.is_some() };
        match self.queue.fail(self.ticket, failure, done) {
            _ if left == 0 => None,
            Verdict::Retry => (!self.queue.pause(self.ticket, pause)).then_some(Sent::GivenUp),
            Verdict::Exhausted => {
                let dropped = Dropped { retry_exhausted: left, ..Dropped::default() };
                self.queue.settle(self.ticket, dropped);
                Some(Sent::Settled)
            }
            Verdict::GivenUp => Some(Sent::GivenUp),
        }
    }
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
