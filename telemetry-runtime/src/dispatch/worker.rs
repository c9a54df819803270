//! One exporter's thread: takes batches from its queue, exports them, retries, and survives panics.

use super::queue::{Outcome, Pause, Queue};
use super::retry::Backoff;
use crate::export::{ExportError, Exported, Exporter};
use crate::record::Batch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// An exporter and its queue.
pub(crate) struct Worker {
    queue: Arc<Queue>,
    exporter: Box<dyn Exporter>,
}

impl Worker {
    pub(crate) fn new(queue: Arc<Queue>, exporter: Box<dyn Exporter>) -> Self {
        Self { queue, exporter }
    }

    /// Exports until the queue is closed and empty, or abandoned.
    pub(crate) fn run(mut self) {
        while let Some(batch) = self.queue.take() {
            if let Some(outcome) = self.deliver(&batch) {
                self.queue.settle(outcome);
            }
        }
        // A panic at the very end has nothing left to spoil.
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown()));
    }

    /// Tries until there is an outcome; `None` if shutdown gave the batch up meanwhile.
    fn deliver(&mut self, batch: &Batch) -> Option<Outcome> {
        let mut backoff = Backoff::new(self.queue.options().retry);
        let mut failing_since = None;
        loop {
            let error = match self.attempt(batch) {
                Ok(exported) => return Some(Outcome::Exported { rejected: exported.rejected() as u64 }),
                Err(error) => error,
            };
            self.queue.complain(batch.signal(), error.to_string());
            if !error.is_retryable() {
                return Some(Outcome::PermanentError);
            }
            let failing = failing_since.get_or_insert_with(Instant::now).elapsed();
            let Some(pause) = backoff.next(failing, error.retry_after()) else {
                return Some(Outcome::RetryExhausted);
            };
            if self.queue.pause(pause) == Pause::Abandoned {
                return None;
            }
        }
    }

    fn attempt(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        catch_unwind(AssertUnwindSafe(|| self.exporter.export(batch)))
            .unwrap_or_else(|_| Err(ExportError::permanent("the exporter panicked")))
    }
}
