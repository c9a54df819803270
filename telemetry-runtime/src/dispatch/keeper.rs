//! The thread that puts an exporter's batches on disk: it packs what waits when that cannot be sent, whatever the workers do.

use super::queue::Queue;
use super::shelf::{Chore, KEEPER, Kept};
use super::stats::Dropped;
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
                Chore::GiveBack(place) => self.queue.put_back_kept(place),
                Chore::Sync => self.queue.sync_disk(),
                Chore::Adopt => self.queue.adopt(),
            }
        }
        self.queue.close_disk();
        // A panic at the very end has nothing left to spoil.
        let _ = catch_unwind(AssertUnwindSafe(|| self.exporter.shutdown()));
    }

    /// Puts what the exporter is to get of the batch on disk, in parts as large as it, and the disk, takes; what does not get there, back
    /// into memory.
    fn keep(&mut self, batch: &Batch) {
        let mut parts = Vec::from_iter(self.queue.choose(KEEPER, batch));
        while let Some(part) = parts.pop() {
            let (part, others) = part.split(self.queue.options.max_batch_items);
            parts.extend(others);
            match self.keep_part(&part) {
                Kept::Yes => {}
                Kept::DoesNotFit if part.item_count() > 1 => {
                    let (first, second) = part.split(part.item_count() / 2);
                    parts.extend(second);
                    parts.push(first);
                }
                kept => return self.queue.keep_in_memory(kept),
            }
        }
    }

    fn keep_part(&mut self, part: &Batch) -> Kept {
        let items = part.item_count() as u64;
        match catch_unwind(AssertUnwindSafe(|| self.exporter.pack(part))) {
            Ok(Some(packed)) => self.queue.keep(KEEPER, part.signal(), items, &packed),
            Ok(None) if items > 1 => Kept::DoesNotFit,
            _ => {
                let dropped = Dropped { permanent_error: items, ..Dropped::default() };
                self.queue.drop_unsent(KEEPER, part.signal(), "the exporter cannot pack the batch", dropped);
                Kept::Yes
            }
        }
    }
}
