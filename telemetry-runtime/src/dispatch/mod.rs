//! Between the collector and an exporter: a bounded queue, workers that retry, and the counts of what became of everything.

mod books;
mod circuit;
mod crew;
mod end;
mod flight;
mod keeper;
mod queue;
mod retry;
mod select;
mod share;
mod shelf;
pub(crate) mod spool;
mod stats;
#[cfg(test)]
mod tests;
mod watch;
mod worker;

pub use circuit::Breaker;
pub(crate) use end::end;
pub(crate) use keeper::Keeper;
pub(crate) use queue::{Queue, QueueStatus};
pub(crate) use retry::RetryOptions;
pub(crate) use select::{Pattern, Selection};
pub(crate) use shelf::Mode;
pub(crate) use spool::{Fsync, Options as SpoolOptions};
pub use stats::{Dropped, ExporterReport, ExporterStatus, Replayed, Report, Status};
pub(crate) use watch::{Make, Post, Stop, Watch};
pub(crate) use worker::Worker;

use std::path::PathBuf;
use std::time::Duration;

/// The bounds of one exporter's queue, what it gets, and how hard it tries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// The memory of the batches that wait, in bytes; a batch that does not fit is dropped and counted. Default: 16 MiB.
    pub(crate) max_queue_bytes: usize,
    /// The spans and log records that wait; a batch that does not fit is dropped and counted. Default: 262,144, which take 16 MiB at least.
    pub(crate) max_queue_items: usize,
    /// The spans or log records that the exporter gets at a time; larger batches are split. Default: no bound but the collector's.
    pub(crate) max_batch_items: usize,
    /// How many batches are sent at the same time, each by a worker and an exporter of its own. Default: 1.
    pub(crate) concurrency: usize,
    /// How long one call of the exporter may take. After that it is left behind, and what it had goes to the spool, or is dropped. Default: 30 s.
    ///
    /// Source: OpenTelemetry specification, trace SDK, "batching processor", `exportTimeoutMillis`.
    pub(crate) export_timeout: Duration,
    /// How failed batches are tried again.
    pub(crate) retry: RetryOptions,
    /// Which spans and log records the exporter gets. Default: all.
    pub(crate) selection: Selection,
    /// Where what cannot be sent is kept on disk. Default: nowhere.
    pub(crate) spool: Option<SpoolPlace>,
}

/// Where batches are kept on disk, and which.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SpoolPlace {
    /// A folder; each exporter has one of its own in it.
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
    pub(crate) options: SpoolOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_queue_bytes: 16 << 20,
            max_queue_items: 1 << 18,
            max_batch_items: usize::MAX,
            concurrency: 1,
            export_timeout: Duration::from_secs(30),
            retry: RetryOptions::default(),
            selection: Selection::default(),
            spool: None,
        }
    }
}
