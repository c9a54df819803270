//! What became of every span and log record, per exporter: the accounting identity, and the reports made of it.

use super::circuit::Breaker;
use crate::record::Signal;
use std::fmt;
use std::ops::AddAssign;

/// How telemetry is doing right now: one entry per exporter and signal.
///
/// For each of them, at every instant, `created = exported + rejected + dropped.total() + queued + spooled`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// What became of the spans, for each exporter that takes them, in the order of the settings; then the same for log records.
    pub exporters: Vec<ExporterStatus>,
    /// Events, late attributes, links and the like that were thrown away before any exporter saw them.
    pub dropped_details: u64,
    /// Attribute values that were cut to the value limit.
    pub truncated_values: u64,
}

/// What became of the spans, or of the log records, on their way to one exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExporterStatus {
    /// The exporter's name in the settings.
    pub name: String,
    /// What is counted here: spans or log records.
    pub signal: Signal,
    /// Those that ended, or were made, while telemetry was installed.
    pub created: u64,
    /// Those that the other side took.
    pub exported: u64,
    /// Those that the other side refused one by one.
    pub rejected: u64,
    /// Those thrown away, by reason.
    pub dropped: Dropped,
    /// Those on their way: in a thread's lane, at the collector, in the queue, or being sent.
    pub queued: u64,
    /// Those on disk, to be sent later; none, since there is no such store yet.
    pub spooled: u64,
    /// Whether what waits is being sent; the same for all signals of an exporter.
    pub breaker: Breaker,
    /// What the exporter last complained of, if it has not delivered any since.
    pub last_error: Option<String>,
}

/// Spans or log records thrown away, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// The thread's lane was full, or there was no memory for one.
    pub lane_full: u64,
    /// The exporter's queue was full.
    pub queue_full: u64,
    /// The other side refused the batch for good, or the exporter panicked.
    pub permanent_error: u64,
    /// The other side did not take the batch within the time for retries.
    pub retry_exhausted: u64,
    /// The exporter did not return within its `export_timeout`. The other side may have got them nevertheless.
    pub timed_out: u64,
    /// Those that make a request larger than may be sent, also alone.
    pub too_large: u64,
    /// Spans of traces that are not in the exporter's own `sampling_ratio`.
    pub sampled: u64,
    /// The exporter's `level`, `include` or `exclude` left them out.
    pub filtered: u64,
    /// Time was up at shutdown.
    pub shutdown: u64,
}

/// What a flush or shutdown came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a report says whether everything was delivered"]
#[non_exhaustive]
pub struct Report {
    /// The spans of each exporter that takes them, in the order of the settings; then the same for log records.
    pub exporters: Vec<ExporterReport>,
}

/// What a flush or shutdown came to for the spans, or the log records, of one exporter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExporterReport {
    /// The exporter's name in the settings.
    pub name: String,
    /// What is counted here: spans or log records.
    pub signal: Signal,
    /// Those delivered during the call.
    pub delivered: u64,
    /// Those put on disk during the call, to be sent later; none, since there is no such store yet.
    pub spooled: u64,
    /// Those dropped, or refused by the other side, during the call; not counting what the exporter's settings leave out.
    pub dropped: u64,
    /// Those that had not left when time was up; 0 if everything from before the call was settled in time.
    pub left: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.lost() + self.sampled + self.filtered
    }

    /// Those that the exporter should have got: all but what its settings leave out.
    pub fn lost(&self) -> u64 {
        let Self {
            lane_full,
            queue_full,
            permanent_error,
            retry_exhausted,
            timed_out,
            too_large,
            shutdown,
            ..
        } = self;
        lane_full + queue_full + permanent_error + retry_exhausted + timed_out + too_large + shutdown
    }
}

impl AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        self.lane_full += other.lane_full;
        self.queue_full += other.queue_full;
        self.permanent_error += other.permanent_error;
        self.retry_exhausted += other.retry_exhausted;
        self.timed_out += other.timed_out;
        self.too_large += other.too_large;
        self.sampled += other.sampled;
        self.filtered += other.filtered;
        self.shutdown += other.shutdown;
    }
}

/// What became of some items at the same moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    pub(super) exported: u64,
    pub(super) rejected: u64,
    pub(super) dropped: Dropped,
}

impl Settled {
    pub(super) fn total(&self) -> u64 {
        self.exported + self.rejected + self.dropped.total()
    }
}

impl From<Dropped> for Settled {
    fn from(dropped: Dropped) -> Self {
        Self { dropped, ..Self::default() }
    }
}

impl ExporterStatus {
    /// Whether everything created is accounted for.
    pub fn adds_up(&self) -> bool {
        self.created == self.exported + self.rejected + self.dropped.total() + self.queued + self.spooled
    }
}

impl Report {
    /// Whether nothing was lost or left.
    pub fn is_complete(&self) -> bool {
        self.exporters.iter().all(|exporter| exporter.dropped == 0 && exporter.left == 0)
    }

    /// What changed between two states, and which exporters were done by then.
    pub(crate) fn between(before: &Status, after: &Status, settled: &[bool]) -> Self {
        let lost = |status: &ExporterStatus| status.rejected + status.dropped.lost();
        let both = before.exporters.iter().zip(&after.exporters);
        let exporters = both.zip(settled).map(|((before, after), settled)| ExporterReport {
            name: after.name.clone(),
            signal: after.signal,
            delivered: after.exported - before.exported,
            spooled: after.spooled.saturating_sub(before.spooled),
            dropped: lost(after) - lost(before),
            left: if *settled { 0 } else { after.queued },
        });
        Self { exporters: exporters.collect() }
    }
}

/// Says that an exporter began to fail: once, not for every attempt.
#[cfg_attr(not(feature = "logging"), expect(unused_variables, reason = "there is nowhere to say it"))]
pub(super) fn log_failure(exporter: &str, signal: Signal, error: &str) {
    #[cfg(feature = "logging")]
    tracing::warn!(target: "telemetry", exporter, error, "{signal} do not leave; trying again");
}

/// Says that an exporter delivers again.
#[cfg_attr(not(feature = "logging"), expect(unused_variables, reason = "there is nowhere to say it"))]
pub(super) fn log_recovery(exporter: &str, signal: Signal) {
    #[cfg(feature = "logging")]
    tracing::info!(target: "telemetry", exporter, "{signal} leave again");
}

impl fmt::Display for ExporterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, signal, created, exported, rejected, dropped, queued, spooled, breaker, last_error } =
            self;
        write!(f, "{signal} to {name}: {created} created = {exported} exported + {rejected} rejected + ")?;
        write!(f, "{} dropped + {queued} queued + {spooled} spooled", dropped.total())?;
        if *breaker != Breaker::Closed {
            write!(f, "; breaker {breaker}")?;
        }
        match last_error {
            Some(error) => write!(f, "; last error: {error}"),
            None => Ok(()),
        }
    }
}
