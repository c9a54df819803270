//! Between the collector and an exporter: a bounded queue, one worker that retries, and the counts of what became of everything.

mod queue;
mod retry;
mod stats;
mod worker;

pub(crate) use queue::{Queue, QueueStatus};
pub(crate) use retry::RetryOptions;
pub use stats::{Dropped, ExporterReport, ExporterStatus, Report, Status};
pub(crate) use worker::Worker;

/// The bounds of one exporter's queue and how hard it tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The memory of the batches that wait, in bytes; a batch that does not fit is dropped and counted. Default: 16 MiB.
    pub(crate) max_queue_bytes: usize,
    /// How failed batches are tried again.
    pub(crate) retry: RetryOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_queue_bytes: 16 << 20, retry: RetryOptions::default() }
    }
}
