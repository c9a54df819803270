//! The running installation, held by the application until it ends.

use super::threads::Threads;
use super::{INSTALLED, since};
use crate::collect::Control;
use crate::dispatch::{self, ExporterStatus, Queue, QueueStatus, Report, Status, Stop};
use crate::record::Signal;
use crate::span::lanes::{Collected, LANES};
use crate::span::{fork, head, truncated_values};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long dropping a [`Guard`] may take.
const DROP_DEADLINE: Duration = Duration::from_secs(5);
/// How long the collector, which waits for nobody, may take for its last round.
const COLLECTOR_GRACE: Duration = Duration::from_secs(1);

/// Keeps telemetry running; flushes and ends it when dropped, within 5 seconds and what [`shutdown`](Self::shutdown) allows beyond its timeout.
///
/// Hold it in `main` for as long as the program runs.
///
/// A drop returns no [`Report`]. With the feature `logging`, it says by an event of `tracing` (level `WARN`, target `telemetry`) what each
/// exporter that lost something has `delivered`, `spooled` and `dropped` meanwhile; if nothing was lost, or [`shutdown`](Self::shutdown) was
/// called before, it says nothing.
///
/// In a forked child the guard of its parent is of no use: whatever it is asked, it does nothing and returns an empty report at once.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// # fn main() -> Result<(), telemetry_runtime::InitError> {
/// let guard = telemetry_runtime::builder().install()?;
/// // … the program …
/// let report = guard.shutdown(Duration::from_secs(5));
/// assert!(report.is_complete());
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping the guard ends telemetry: hold it in `main`, as in `let _guard = …`"]
pub struct Guard {
    pub(super) process: u32,
    pub(super) control: Arc<Control>,
    pub(super) queues: Vec<Arc<Queue>>,
    pub(super) collector: Threads,
    pub(super) watch: Arc<Stop>,
    /// What the lanes had seen before this installation.
    pub(super) before: Collected,
    pub(super) is_on: AtomicBool,
    pub(super) last_report: Mutex<Report>,
}

impl Guard {
    /// Delivers what has ended before the call, waiting `timeout` at most, for all exporters at once.
    ///
    /// Call it from a thread that may wait; under an async runtime that is `spawn_blocking`.
    pub fn flush(&self, timeout: Duration) -> Report {
        if self.is_inherited() {
            return Report::default();
        }
        let deadline = Instant::now() + timeout;
        let before = self.status();
        let settled = self.settle(deadline);
        Report::between(&before, &self.status(), &settled)
    }

    /// What has become of every span and log record so far, per exporter.
    pub fn status(&self) -> Status {
        if self.is_inherited() {
            return Status::default();
        }
        let of_signal = |signal| self.queues.iter().filter_map(move |queue| queue.status(signal));
        let queues: Vec<_> = Signal::ALL.into_iter().flat_map(of_signal).collect();
        // Upstream is read after downstream: nothing is ever seen to arrive before it left.
        let lanes = since(self.before, LANES.collected());
        Status {
            exporters: queues.into_iter().map(|queue| with_lanes(queue, lanes)).collect(),
            dropped_details: lanes.counts.dropped_extras + self.control.dropped_extras(),
            truncated_values: truncated_values(),
        }
    }

    /// Stops recording, delivers what there is, and ends all background threads, waiting `timeout` at most, for all exporters at once.
    /// What has not left by then is put on disk where the exporter has a `spool`, else dropped, and counted; only the collector, which waits
    /// for nobody, may take up to a second more for its last round, and the disk 400 ms. A second call does nothing and returns the first one's report.
    ///
    /// Call it from a thread that may wait; under an async runtime that is `spawn_blocking`, or after the runtime has ended.
    pub fn shutdown(&self, timeout: Duration) -> Report {
        if self.is_inherited() {
            return Report::default();
        }
        let mut last_report = self.last_report.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_on.swap(false, Ordering::AcqRel) {
            let deadline = Instant::now() + timeout;
            let before = self.status();
            head::remove();
            self.queues.iter().for_each(|queue| queue.leave());
            let settled = self.settle(deadline);
            let collector_ended = self.end(deadline);
            *last_report = Report::between(&before, &self.status(), &settled);
            // Two collectors at a time would take each other's lanes.
            INSTALLED.store(if collector_ended { 0 } else { self.process }, Ordering::Release);
        }
        last_report.clone()
    }

    /// Whether the installation is that of the process which forked this one: its threads are not here, and nobody would release a
    /// lock that one of them held.
    fn is_inherited(&self) -> bool {
        self.process != fork::this_process()
    }

    /// Has the lanes drained and the queues emptied of what had ended before the call, as far as time allows; for each exporter and
    /// signal, in the order of [`Status`], whether it did.
    fn settle(&self, deadline: Instant) -> Vec<bool> {
        // Where no collector runs, nobody would answer.
        let collected = !self.collector.wait(Instant::now()) && self.control.collect_now(deadline);
        // Workers work side by side: one deadline is enough for all of them.
        let settled: Vec<_> =
            self.queues.iter().map(|queue| queue.wait_until_settled(deadline) && collected).collect();
        let queues = || self.queues.iter().zip(&settled);
        let of_signal =
            |signal| queues().filter(move |(queue, _)| queue.takes(signal)).map(|(_, settled)| *settled);
        Signal::ALL.into_iter().flat_map(of_signal).collect()
    }

    /// Ends all threads, as far as time allows; whether the collector has ended.
    fn end(&self, deadline: Instant) -> bool {
        self.control.stop();
        let collector_ended = self.collector.wait(deadline.max(Instant::now() + COLLECTOR_GRACE));
        dispatch::end(&self.queues, deadline);
        self.watch.stop();
        collector_ended
    }
}

/// A queue's counts, and what has not come so far.
fn with_lanes(QueueStatus { offered, mut status }: QueueStatus, lanes: Collected) -> ExporterStatus {
    let signal = status.signal;
    let (created, dropped) = (lanes.counts.created[signal], lanes.counts.dropped[signal]);
    let collected = lanes.collected[signal];
    let in_lanes = created - dropped - collected;
    let at_collector = collected - offered;
    status.created = created;
    status.dropped.lane_full = dropped;
    status.queued += in_lanes + at_collector;
    status
}

impl Drop for Guard {
    fn drop(&mut self) {
        let is_first_end = self.is_on.load(Ordering::Acquire);
        let report = self.shutdown(DROP_DEADLINE);
        if is_first_end {
            report.log_losses();
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("status", &self.status()).finish_non_exhaustive()
    }
}
