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
    /// Those on disk, in the exporter's `spool`, to be sent later, perhaps by a later process.
    pub spooled: u64,
    /// Those that other processes left on disk, which this one did not create.
    pub replayed: Replayed,
    /// Whether what waits is being sent; the same for all signals of an exporter.
    pub breaker: Breaker,
    /// What the exporter last complained of, with its causes, if it has not delivered any since.
    pub last_error: Option<String>,
    /// Why nothing can be put on disk, or read from there, if that is so; the same for all signals of an exporter. Meanwhile batches are
    /// sent from memory, as without a `spool`.
    pub spool_error: Option<String>,
    /// Entries on disk that were so torn or corrupt that nobody knows what they held, of any signal: each is the rest of a file.
    pub unreadable_entries: u64,
}

/// What became of the spans, or of the log records, that processes which have ended left on disk for an exporter.
///
/// `found = exported + rejected + dropped + waiting` for those that could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Those that were there when this process began, or were left while it ran by another with the same path.
    pub found: u64,
    /// Those that the other side has taken since.
    pub exported: u64,
    /// Those that the other side refused one by one.
    pub rejected: u64,
    /// Those thrown away: too old, too many, not as they were written, or refused for good.
    pub dropped: u64,
    /// Those still on disk.
    pub waiting: u64,
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
    /// The oldest on disk, when the `spool` was full.
    pub disk_full: u64,
    /// They were on disk for longer than the `spool` keeps them.
    pub expired: u64,
    /// On disk they became something else than what was written.
    pub corrupt: u64,
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
    /// How many more of those on disk, to be sent later, there are after the call than before.
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
            disk_full,
            expired,
            corrupt,
            sampled: _,
            filtered: _,
        } = self;
        let in_memory = lane_full + queue_full + retry_exhausted + timed_out + shutdown;
        in_memory + permanent_error + too_large + disk_full + expired + corrupt
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
        self.disk_full += other.disk_full;
        self.expired += other.expired;
        self.corrupt += other.corrupt;
    }
}

/// What became of some items at the same moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    pub(super) exported: u64,
    pub(super) rejected: u64,
    pub(super) dropped: Dropped,
    /// Put on disk.
    pub(super) spooled: u64,
}

impl Settled {
    pub(super) fn total(&self) -> u64 {
        self.exported + self.rejected + self.dropped.total() + self.spooled
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

    /// Says what was lost, where nobody is given the report.
    pub(crate) fn log_losses(&self) {
        let lossy = self.exporters.iter().filter(|exporter| exporter.dropped + exporter.left > 0);
        lossy.for_each(log_loss);
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

/// What becomes of what an exporter failed to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// It is tried again, from memory or from the spool.
    Again,
    /// It is dropped.
    Lost,
}

/// Says that an exporter began to fail: once, not for every attempt.
#[cfg_attr(not(feature = "logging"), expect(unused_variables, reason = "there is nowhere to say it"))]
pub(super) fn log_failure(exporter: &str, signal: Signal, error: &str, outlook: Outlook) {
    #[cfg(feature = "logging")]
    match outlook {
        Outlook::Again => {
            tracing::warn!(target: "telemetry", exporter, error, "{signal} do not leave; trying again");
        }
        Outlook::Lost => {
            tracing::warn!(target: "telemetry", exporter, error, "{signal} do not leave, and are dropped");
        }
    }
}

/// Says that an exporter's batches are kept in memory only.
#[cfg_attr(not(feature = "logging"), expect(unused_variables, reason = "there is nowhere to say it"))]
pub(super) fn log_disk_failure(exporter: &str, error: &str) {
    #[cfg(feature = "logging")]
    tracing::warn!(target: "telemetry", exporter, error, "the spool cannot be used; going on in memory");
}

/// Says what an exporter has lost at the end. What is left then does not leave any more.
#[cfg_attr(not(feature = "logging"), expect(unused_variables, reason = "there is nowhere to say it"))]
fn log_loss(report: &ExporterReport) {
    #[cfg(feature = "logging")]
    {
        let ExporterReport { ref name, signal, delivered, spooled, dropped, left } = *report;
        let (exporter, dropped) = (name.as_str(), dropped + left);
        tracing::warn!(target: "telemetry", exporter, delivered, spooled, dropped, "{signal} were lost at the end");
    }
}

/// Says that an exporter delivers again.
#[cfg_attr(not(feature = "logging"), expect(unused_variables, reason = "there is nowhere to say it"))]
pub(super) fn log_recovery(exporter: &str, signal: Signal) {
    #[cfg(feature = "logging")]
    tracing::info!(target: "telemetry", exporter, "{signal} leave again");
}

impl fmt::Display for ExporterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, signal, created, exported, rejected, dropped, queued, spooled, .. } = self;
        write!(f, "{signal} to {name}: {created} created = {exported} exported + {rejected} rejected + ")?;
        write!(f, "{} dropped + {queued} queued + {spooled} spooled", dropped.total())?;
        let Self { replayed, breaker, last_error, spool_error, .. } = self;
        if *replayed != Replayed::default() {
            write!(f, "; {replayed}")?;
        }
        if *breaker != Breaker::Closed {
            write!(f, "; breaker {breaker}")?;
        }
        let errors = [("last error", last_error), ("spool", spool_error)];
        let mut errors = errors.into_iter().filter_map(|(what, error)| Some((what, error.as_ref()?)));
        errors.try_for_each(|(what, error)| write!(f, "; {what}: {error}"))
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, exported, rejected, dropped, waiting } = self;
        write!(
            f,
            "from earlier: {found} found = {exported} exported + {rejected} rejected + {dropped} dropped"
        )?;
        write!(f, " + {waiting} spooled")
    }
}
