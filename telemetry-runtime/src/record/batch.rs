//! An immutable run of records on its way to the exporters.

use super::layout::{RawRecord, kind};
use super::{Callsite, Logs, Resource, Signal, Spans};
use std::ops::Range;
use std::sync::Arc;

/// Spans or log records that leave together: one signal, so that what is tried again repeats nothing else. Shared by all exporters and
/// never changed; a clone, or a part of it, shares the records.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Batch, ExportError, Exporter, Exported};
///
/// struct Names;
/// impl Exporter for Names {
///     fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
///         for span in batch.spans() {
///             eprintln!("{} took {} ns", span.name(), span.duration_ns());
///         }
///         Ok(Exported::all())
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    signal: Signal,
    /// Span records, each followed by the other records of the same span; or log records. Those of the whole that this may be a part of.
    whole: Arc<Vec<u8>>,
    /// Which of them are this batch's.
    range: Range<usize>,
    items: usize,
    callsites: Arc<[&'static Callsite]>,
    resource: Arc<Resource>,
    scale: TickScale,
}

/// How the ticks of a batch become time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TickScale {
    /// A moment in ticks, and the same moment in nanoseconds since the Unix epoch.
    pub(crate) anchor_ticks: u64,
    pub(crate) anchor_unix_ns: u64,
    /// Nanoseconds per tick, times 2^32.
    pub(crate) ns_per_tick_q32: u64,
}

impl TickScale {
    #[inline]
    pub(crate) fn unix_ns(&self, ticks: u64) -> u64 {
        let since = i128::from(ticks.wrapping_sub(self.anchor_ticks) as i64);
        let ns = (since * i128::from(self.ns_per_tick_q32)) >> 32;
        self.anchor_unix_ns.saturating_add_signed(ns as i64)
    }

    #[inline]
    pub(crate) fn duration_ns(&self, ticks: u64) -> u64 {
        ((u128::from(ticks) * u128::from(self.ns_per_tick_q32)) >> 32) as u64
    }
}

/// A batch being filled, by the collector only.
#[derive(Default)]
pub(crate) struct BatchBuilder {
    signal: Signal,
    bytes: Vec<u8>,
    items: usize,
}

impl BatchBuilder {
    pub(crate) fn new(signal: Signal) -> Self {
        Self { signal, ..Self::default() }
    }

    /// Appends so many span records, each padded. Other records of the last one must follow before the next span.
    #[inline]
    pub(crate) fn push_spans(&mut self, records: &[u8], spans: usize) {
        self.items += spans;
        self.bytes.extend_from_slice(records);
    }

    /// Appends other records of the last span, each padded.
    pub(crate) fn push_padded(&mut self, records: &[u8]) {
        self.bytes.extend_from_slice(records);
    }

    /// Appends a log record, padded.
    pub(crate) fn push_log(&mut self, record: &[u8]) {
        self.items += 1;
        self.bytes.extend_from_slice(record);
    }

    pub(crate) fn items(&self) -> usize {
        self.items
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn finish(
        &mut self,
        callsites: Arc<[&'static Callsite]>,
        resource: Arc<Resource>,
        scale: TickScale,
    ) -> Batch {
        let capacity = self.bytes.capacity();
        let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(capacity));
        let items = std::mem::take(&mut self.items);
        let range = 0..bytes.len();
        Batch { signal: self.signal, whole: Arc::new(bytes), range, items, callsites, resource, scale }
    }
}

impl Batch {
    /// What the batch holds: spans, or log records.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// How many spans or log records there are.
    pub fn item_count(&self) -> usize {
        self.items
    }

    /// The spans, in the order in which they ended on each thread; none in a batch of another signal.
    pub fn spans(&self) -> Spans<'_> {
        Spans::new(self, self.bytes_of(Signal::Traces))
    }

    /// How many spans there are.
    pub fn span_count(&self) -> usize {
        if self.signal == Signal::Traces { self.items } else { 0 }
    }

    /// The log records, in the order in which they were made on each thread; none in a batch of another signal.
    pub fn logs(&self) -> Logs<'_> {
        Logs::new(self, self.bytes_of(Signal::Logs))
    }

    /// The memory that the records take, in bytes.
    pub fn len_bytes(&self) -> usize {
        self.range.len()
    }

    /// Whose they are.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The first items, so many of them, and the others, if there are any: in the order of this batch, whose memory they share.
    pub(crate) fn split(&self, items: usize) -> (Self, Option<Self>) {
        if items >= self.items {
            return (self.clone(), None);
        }
        let middle = self.range.start + self.end_of(items);
        let first = Self { range: self.range.start..middle, items, ..self.clone() };
        let others = Self { range: middle..self.range.end, items: self.items - items, ..self.clone() };
        (first, Some(others))
    }

    /// How many bytes the first items take.
    fn end_of(&self, items: usize) -> usize {
        let mut rest = self.records();
        let mut seen = 0;
        while let Some((record, after)) = RawRecord::split(rest) {
            seen += usize::from(matches!(record.kind(), kind::SPAN | kind::LOG));
            if seen > items {
                break;
            }
            rest = after;
        }
        self.range.len() - rest.len()
    }

    /// The same batch with these items instead of its own, which are of its callsites.
    pub(super) fn with_records(&self, records: Vec<u8>, items: usize) -> Self {
        Self { range: 0..records.len(), whole: Arc::new(records), items, ..self.clone() }
    }

    pub(super) fn records(&self) -> &[u8] {
        self.whole.get(self.range.clone()).unwrap_or_default()
    }

    fn bytes_of(&self, signal: Signal) -> &[u8] {
        if self.signal == signal { self.records() } else { &[] }
    }

    /// The callsite of that number, from 1.
    #[inline]
    pub(super) fn callsite(&self, number: u32) -> Option<&'static Callsite> {
        self.callsites.get((number as usize).wrapping_sub(1)).copied()
    }

    #[inline]
    pub(super) fn scale(&self) -> &TickScale {
        &self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{LogSample, Sample, batch, logs};
    use crate::record::{Level, Value};

    fn names(batch: &Batch) -> Vec<String> {
        let logs = batch.logs().map(|log| log.body().to_owned());
        batch.spans().map(|span| format!("{}{}", span.name(), span.events().count())).chain(logs).collect()
    }

    #[test]
    fn parts_share_the_records_and_keep_their_order() {
        let event = |name, id| Sample::root(name, id).event("e", 1, &[("k", Value::Bool(true))]);
        let spans = batch(&[event("a", 1), Sample::root("b", 2), event("c", 3).event("f", 2, &[])]);
        let (first, others) = spans.split(2);
        let others = others.expect("one is left");
        assert_eq!((names(&first), names(&others)), (vec!["a1".into(), "b0".into()], vec!["c2".into()]));
        assert_eq!((first.item_count(), others.item_count()), (2, 1));
        assert_eq!(first.len_bytes() + others.len_bytes(), spans.len_bytes());
        assert!(Arc::ptr_eq(&first.whole, &others.whole));
        let (one, two) = first.split(1);
        assert_eq!((names(&one), names(&two.expect("one is left"))), (vec!["a1".into()], vec!["b0".into()]));
    }

    #[test]
    fn a_batch_that_is_small_enough_is_its_own_first_part() {
        let log = |body| LogSample::new(Level::Info, 1, body);
        let batch = logs(&[log("a"), log("b")]);
        assert!(batch.split(2).1.is_none() && batch.split(9).1.is_none());
        let (first, others) = batch.split(1);
        assert_eq!(
            (names(&first), others.map(|others| names(&others))),
            (vec!["a".into()], Some(vec!["b".into()]))
        );
    }
}
