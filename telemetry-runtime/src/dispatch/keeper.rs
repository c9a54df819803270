//! The thread that puts an exporter's batches on disk: it packs what waits when that cannot be sent, whatever the workers do.

use super::queue::Queue;
use super::shelf::{Chore, KEEPER};
use super::stats::{Dropped, Settled};
use crate::export::Exporter;
use crate::record::Batch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A queue with a spool, and an exporter that packs batches and sends nothing.
pub(crate) struct Keeper {
    pub(crate) queue: Arc<Queue>,
    pub(crate) exporter: Box<dyn Exporter>,
}

impl Keeper {
    /// Keeps batches until the queue is abandoned, then closes the spool.
    pub(crate) fn run(mut self) {
        while let Some(chore) = self.queue.next_chore() {
            match chore {
                Chore::Keep(batch) => self.keep(&batch),
                Chore::Sync => self.queue.sync_disk(),
            }
        }
        self.queue.close_disk();
        // A panic at the very end has nothing left to spoil.
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown()));
    }

    /// Puts what the exporter is to get of the batch on disk, in parts as large as it takes; what does not get there, back into memory.
    fn keep(&mut self, batch: &Batch) {
        let (chosen, left_out) = self.queue.options.selection.of(batch);
        self.queue.settle(KEEPER, Settled::from(left_out));
        let mut rest = Some(chosen).filter(|chosen| chosen.item_count() > 0);
        while let Some(batch) = rest {
            let (part, others) = batch.split(self.queue.options.max_batch_items);
            if !self.keep_part(&part) {
                return self.queue.keep_in_memory(batch);
            }
            rest = others;
        }
    }

    fn keep_part(&mut self, part: &Batch) -> bool {
        let packed = catch_unwind(AssertUnwindSafe(|| self.exporter.pack(part))).ok().flatten();
        let items = part.item_count() as u64;
        let Some(packed) = packed else {
            let dropped = Dropped { permanent_error: items, ..Dropped::default() };
            self.queue.drop_unsent(KEEPER, part.signal(), "the exporter cannot pack the batch", dropped);
            return true;
        };
        self.queue.keep(KEEPER, part.signal(), items, &packed)
    }
}
