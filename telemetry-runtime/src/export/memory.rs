//! Keeps spans and log records in memory: the exporter for tests.

use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, LogData, Signal, SpanData};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many spans, and how many log records, a [`Memory`] keeps unless told otherwise.
pub const DEFAULT_LIMIT: usize = 100_000;

/// Keeps the spans and log records it is given. Clones share what is kept: give one to the pipeline and read from the other.
///
/// They arrive when their batch does, so flush the guard before reading. What exceeds the limit is refused and counted
/// as rejected.
///
/// # Examples
/// ```
/// use telemetry_runtime::export::memory::Memory;
///
/// let memory = Memory::new();
/// let exporter = memory.clone(); // for `builder().exporter("memory", exporter)`
/// assert!(memory.spans().is_empty());
/// # drop(exporter);
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    kept: Arc<Mutex<Kept>>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Kept {
    spans: Vec<SpanData>,
    logs: Vec<LogData>,
}

impl Memory {
    /// An empty memory for [`DEFAULT_LIMIT`] spans and as many log records.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// An empty memory for so many spans and as many log records.
    pub fn with_limit(items: usize) -> Self {
        Self { kept: Arc::default(), limit: items }
    }

    /// A copy of the spans kept, in the order of their arrival.
    pub fn spans(&self) -> Vec<SpanData> {
        self.lock().spans.clone()
    }

    /// The spans kept, which are then forgotten.
    pub fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.lock().spans)
    }

    /// A copy of the log records kept, in the order of their arrival.
    pub fn logs(&self) -> Vec<LogData> {
        self.lock().logs.clone()
    }

    /// The log records kept, which are then forgotten.
    pub fn take_logs(&self) -> Vec<LogData> {
        std::mem::take(&mut self.lock().logs)
    }

    /// The spans kept that fulfil the condition, which are then forgotten.
    #[cfg(feature = "testing")]
    pub(crate) fn take_if(&self, condition: impl Fn(&SpanData) -> bool) -> Vec<SpanData> {
        self.lock().spans.extract_if(.., |span| condition(span)).collect()
    }

    /// The log records kept that fulfil the condition, which are then forgotten.
    #[cfg(all(feature = "testing", feature = "logging"))]
    pub(crate) fn take_logs_if(&self, condition: impl Fn(&LogData) -> bool) -> Vec<LogData> {
        self.lock().logs.extract_if(.., |log| condition(log)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Exporter for Memory {
    fn takes(&self, signal: Signal) -> bool {
        matches!(signal, Signal::Traces | Signal::Logs)
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let mut kept = self.lock();
        let Kept { spans, logs } = &mut *kept;
        let rejected = match batch.signal() {
            Signal::Traces => keep(spans, batch.spans().map(SpanData::from), self.limit),
            Signal::Logs => keep(logs, batch.logs().map(LogData::from), self.limit),
        };
        Ok(Exported::with_rejected(rejected))
    }
}

/// Keeps as many as there is room for; how many there was none for.
fn keep<T>(kept: &mut Vec<T>, mut items: impl Iterator<Item = T>, limit: usize) -> usize {
    let room = limit.saturating_sub(kept.len());
    kept.extend(items.by_ref().take(room));
    items.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Level;
    use crate::record::sample::{LogSample, Sample, batch, logs};

    #[test]
    fn clones_share_what_is_kept_and_taking_forgets() {
        let memory = Memory::new();
        let exported = memory.clone().export(&batch(&[Sample::root("a", 1), Sample::root("b", 2)]));
        assert_eq!(exported.ok(), Some(Exported::all()));
        let names = |spans: Vec<SpanData>| spans.into_iter().map(|span| span.name).collect::<Vec<_>>();
        assert_eq!(names(memory.spans()), ["a", "b"]);
        assert_eq!(names(memory.take()), ["a", "b"]);
        assert!(memory.spans().is_empty());
    }

    #[test]
    fn log_records_are_kept_beside_spans_under_the_same_limit() {
        let mut memory = Memory::with_limit(1);
        let log = |body| LogSample::new(Level::Info, 1, body);
        assert_eq!(memory.export(&logs(&[log("a"), log("b")])).map(Exported::rejected).ok(), Some(1));
        assert_eq!(memory.export(&batch(&[Sample::root("a", 1)])).map(Exported::rejected).ok(), Some(0));
        assert_eq!(memory.logs().iter().map(|log| log.body.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!((memory.take_logs().len(), memory.logs().len(), memory.spans().len()), (1, 0, 1));
    }

    #[test]
    fn rejects_what_exceeds_the_limit() {
        let mut memory = Memory::with_limit(3);
        let two = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
        assert_eq!(memory.export(&two).map(Exported::rejected).ok(), Some(0));
        assert_eq!(memory.export(&two).map(Exported::rejected).ok(), Some(1));
        assert_eq!(memory.export(&two).map(Exported::rejected).ok(), Some(2));
        assert_eq!(memory.spans().len(), 3);
    }
}
