//! Log records, read from a batch without copying: what exporters see.

use super::batch::Batch;
use super::layout::{RawRecord, Reader};
use super::{Attributes, Callsite, Level, SpanContext, SpanId, TraceFlags, TraceId};

/// The log records of a batch: an iterator.
#[derive(Clone, Debug)]
pub struct Logs<'a> {
    batch: &'a Batch,
    rest: &'a [u8],
}

impl<'a> Logs<'a> {
    pub(super) fn new(batch: &'a Batch, records: &'a [u8]) -> Self {
        Self { batch, rest: records }
    }

    /// The records of those that are still to come.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Logs<'a> {
    type Item = LogView<'a>;

    fn next(&mut self) -> Option<LogView<'a>> {
        let (record, rest) = RawRecord::split(self.rest)?;
        self.rest = rest;
        let mut reader = Reader(record.payload());
        let callsite = self.batch.callsite(reader.word()? as u32)?;
        let target = Some(reader.text()?).filter(|target| !target.is_empty()).unwrap_or(callsite.target());
        let body = reader.text()?;
        Some(LogView { record, callsite, target, body, attributes: reader.0, batch: self.batch })
    }
}

/// One log record, borrowed from its batch.
#[derive(Clone, Copy)]
pub struct LogView<'a> {
    record: RawRecord<'a>,
    callsite: &'static Callsite,
    target: &'a str,
    body: &'a str,
    attributes: &'a [u8],
    batch: &'a Batch,
}

impl<'a> LogView<'a> {
    /// Where in the program the record comes from. Records of the `log` crate share one place for each level: what is known of theirs
    /// is among the attributes.
    pub fn callsite(&self) -> &'static Callsite {
        self.callsite
    }

    /// The name that the event was given, if it was.
    pub fn name(&self) -> Option<&'static str> {
        Some(self.callsite.name()).filter(|name| !name.is_empty())
    }

    /// How important it is.
    pub fn level(&self) -> Level {
        self.callsite.level()
    }

    /// The target: the module's path, unless it was given another one.
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// When the record was made, in nanoseconds since the Unix epoch.
    pub fn unix_ns(&self) -> u64 {
        self.batch.scale().unix_ns(self.record.word(1))
    }

    /// The span that was current on the record's thread, sampled or not; `None` if there was none.
    pub fn context(&self) -> Option<SpanContext> {
        let trace_id = TraceId::from_int(self.record.trace_id());
        let span_id = SpanId::from_int(self.record.span_id());
        let context = SpanContext::new(trace_id, span_id, TraceFlags::from_byte(self.record.flags()));
        Some(context).filter(SpanContext::is_valid)
    }

    /// The text; empty if there is none.
    pub fn body(&self) -> &'a str {
        self.body
    }

    /// The attributes.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.attributes, self.callsite)
    }
}
