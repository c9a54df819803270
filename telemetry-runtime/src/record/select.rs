//! A batch without some of its items.

use super::layout::{self, ExtraHeader, RawRecord, kind, padded};
use super::{Batch, LogView, SpanView};

/// What becomes of a span in a copy of its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It is left out.
    No,
    AsItIs,
    /// It is kept with another `tracestate`.
    WithState(String),
}

impl Batch {
    /// The same batch with only the spans that `choose` keeps, in their order.
    pub(crate) fn choose_spans(&self, mut choose: impl FnMut(SpanView<'_>) -> Keep) -> Self {
        let mut copy = Chosen::of(self);
        let mut spans = self.spans();
        let mut before = spans.rest();
        while let Some(span) = spans.next() {
            let records = &before[..before.len() - spans.rest().len()];
            before = spans.rest();
            match choose(span) {
                Keep::No => copy.differs = true,
                Keep::AsItIs => copy.push(records),
                Keep::WithState(state) => copy.push_with_state(records, &state),
            }
        }
        copy.finish(self)
    }

    /// The same batch with only the log records that `keep` is true of, in their order.
    pub(crate) fn choose_logs(&self, mut keep: impl FnMut(LogView<'_>) -> bool) -> Self {
        let mut copy = Chosen::of(self);
        let mut logs = self.logs();
        let mut before = logs.rest();
        while let Some(log) = logs.next() {
            let record = &before[..before.len() - logs.rest().len()];
            before = logs.rest();
            if keep(log) {
                copy.push(record);
            } else {
                copy.differs = true;
            }
        }
        copy.finish(self)
    }
}

/// The records of a copy.
struct Chosen {
    records: Vec<u8>,
    items: usize,
    differs: bool,
}

impl Chosen {
    fn of(batch: &Batch) -> Self {
        Self { records: Vec::with_capacity(batch.len_bytes()), items: 0, differs: false }
    }

    fn push(&mut self, records: &[u8]) {
        self.items += 1;
        self.records.extend_from_slice(records);
    }

    /// Copies the records of a span, with a new one for its state instead of the old.
    fn push_with_state(&mut self, mut rest: &[u8], state: &str) {
        self.differs = true;
        self.items += 1;
        let mut ids = (0, 0);
        while let Some((record, after)) = RawRecord::split(rest) {
            if record.kind() != kind::TRACE_STATE {
                self.records.extend_from_slice(&rest[..rest.len() - after.len()]);
            }
            if record.kind() == kind::SPAN {
                ids = (record.trace_id(), record.span_id());
            }
            rest = after;
        }
        self.push_state(state, ids);
    }

    fn push_state(&mut self, state: &str, (trace_id, span_id): (u128, u64)) {
        let length = layout::EXTRA_HEADER_BYTES + state.len();
        let Ok(header_length) = u32::try_from(length) else { return };
        let header = ExtraHeader {
            length: header_length,
            kind: kind::TRACE_STATE,
            trace_id,
            span_id,
            ..ExtraHeader::default()
        };
        let start = self.records.len();
        self.records.extend(header.words().iter().flat_map(|word| word.to_ne_bytes()));
        self.records.extend_from_slice(state.as_bytes());
        self.records.resize(start + padded(length), 0);
    }

    /// The batch of the records, which is the old one if nothing was changed.
    fn finish(self, old: &Batch) -> Batch {
        if self.differs { old.with_records(self.records, self.items) } else { old.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{LogSample, Sample, batch, logs};
    use crate::record::{Level, SpanData};

    #[test]
    fn spans_keep_what_belongs_to_them() {
        let spans = batch(&[
            Sample::root("a", 1).event("e", 1, &[]),
            Sample::root("b", 2).trace_state("x=1").attribute("k", 7),
            Sample::root("c", 3).event("f", 2, &[]),
        ]);
        let chosen = spans.choose_spans(|span| match span.name() {
            "a" => Keep::No,
            "b" => Keep::WithState("x=1,ot=th:8".to_owned()),
            _ => Keep::AsItIs,
        });
        let [b, c]: [SpanData; 2] =
            chosen.spans().map(SpanData::from).collect::<Vec<_>>().try_into().expect("two spans");
        let [_, old_b, old_c]: [SpanData; 3] =
            spans.spans().map(SpanData::from).collect::<Vec<_>>().try_into().expect("three spans");
        assert_eq!(b.trace_state.as_str(), "x=1,ot=th:8");
        assert_eq!(SpanData { trace_state: old_b.trace_state.clone(), ..b }, old_b);
        assert_eq!(c, old_c);
        assert_eq!(chosen.item_count(), 2);
    }

    #[test]
    fn what_is_left_as_it_was_is_not_copied() {
        let spans = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
        let chosen = spans.choose_spans(|_| Keep::AsItIs);
        assert!(std::ptr::eq(chosen.records(), spans.records()));
    }

    #[test]
    fn log_records_are_chosen_in_their_order() {
        let log = |level, body| LogSample::new(level, 1, body).attribute("k", 1);
        let all = logs(&[log(Level::Info, "a"), log(Level::Error, "b"), log(Level::Warn, "c")]);
        let chosen = all.choose_logs(|log| log.level() >= Level::Warn);
        assert_eq!(chosen.logs().map(|log| log.body()).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!((chosen.item_count(), all.choose_logs(|_| false).item_count()), (2, 0));
    }
}
