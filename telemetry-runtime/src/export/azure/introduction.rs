//! When the service is told of the resource: with the first spans, and then once a minute.

use crate::record::Batch;

/// How long the service knows who reports, by the spans' clock: every batch would be as dear as every span.
const INTERVAL_NS: u64 = 60_000_000_000;

/// What one exporter has told the service of the resource.
#[derive(Debug)]
pub(super) struct Introduction {
    is_wanted: bool,
    told_unix_ns: Option<u64>,
}

impl Introduction {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self { is_wanted, told_unix_ns: None }
    }

    /// Whether the batch is to tell it. A batch that comes again is told the same, as long as nothing was noted since.
    pub(super) fn is_due(&self, batch: &Batch) -> bool {
        let is_over = |now: u64| self.told_unix_ns.is_none_or(|told| now.saturating_sub(told) >= INTERVAL_NS);
        self.is_wanted && began(batch).is_some_and(is_over)
    }

    /// Notes that a batch for which it was due has told it.
    pub(super) fn note(&mut self, batch: &Batch) {
        if self.is_due(batch) {
            self.told_unix_ns = began(batch);
        }
    }
}

/// When the first of the batch's spans began; only spans tell it, as with the vendor's exporters.
fn began(batch: &Batch) -> Option<u64> {
    batch.spans().next().map(|span| span.start_unix_ns())
}
