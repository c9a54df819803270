//! An immutable run of records on its way to the exporters.

use super::{Callsite, Logs, Resource, Signal, Spans};
use std::sync::Arc;

/// Spans or log records that leave together: one signal, so that what is tried again repeats nothing else. Shared by all exporters and
/// never changed.
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
#[derive(Debug)]
pub struct Batch {
    signal: Signal,
    /// Span records, each followed by the other records of the same span; or log records.
    bytes: Vec<u8>,
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
        Batch { signal: self.signal, bytes, items, callsites, resource, scale }
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
        self.bytes.len()
    }

    /// Whose they are.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    fn bytes_of(&self, signal: Signal) -> &[u8] {
        if self.signal == signal { &self.bytes } else { &[] }
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
