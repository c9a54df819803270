//! Keeps spans in memory: the exporter for tests.

use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, SpanData};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many spans a [`Memory`] keeps unless told otherwise.
pub const DEFAULT_LIMIT: usize = 100_000;

/// Keeps the spans it is given. Clones share what is kept: give one to the pipeline and read from the other.
///
/// Spans arrive when their batch does, so flush the guard before reading. What exceeds the limit is refused and counted
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
    spans: Arc<Mutex<Vec<SpanData>>>,
    limit: usize,
}

impl Memory {
    /// An empty memory for [`DEFAULT_LIMIT`] spans.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// An empty memory for so many spans.
    pub fn with_limit(spans: usize) -> Self {
        Self { spans: Arc::default(), limit: spans }
    }

    /// A copy of the spans kept, in the order of their arrival.
    pub fn spans(&self) -> Vec<SpanData> {
        self.lock().clone()
    }

    /// The spans kept, which are then forgotten.
    pub fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut self.lock())
    }

    /// The spans kept that fulfil the condition, which are then forgotten.
    #[cfg(feature = "testing")]
    pub(crate) fn take_if(&self, condition: impl Fn(&SpanData) -> bool) -> Vec<SpanData> {
        self.lock().extract_if(.., |span| condition(span)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Exporter for Memory {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let mut spans = self.lock();
        let room = self.limit.saturating_sub(spans.len());
        spans.extend(batch.spans().take(room).map(SpanData::from));
        Ok(Exported::with_rejected(batch.span_count().saturating_sub(room)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{Sample, batch};

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
    fn rejects_what_exceeds_the_limit() {
        let mut memory = Memory::with_limit(3);
        let two = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
        assert_eq!(memory.export(&two).map(Exported::rejected).ok(), Some(0));
        assert_eq!(memory.export(&two).map(Exported::rejected).ok(), Some(1));
        assert_eq!(memory.export(&two).map(Exported::rejected).ok(), Some(2));
        assert_eq!(memory.spans().len(), 3);
    }
}
