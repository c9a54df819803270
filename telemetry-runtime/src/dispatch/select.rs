//! Which spans and log records one exporter gets: a share of the traces, from a level on, and by their attributes.

use super::share;
use super::stats::Dropped;
use crate::record::probability::randomness;
use crate::record::{Attributes, Batch, Keep, Level, Signal, SpanView, ValueBuf};

/// What one exporter gets of what is recorded. By default all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    /// Spans of traces that stand lower among all are left out: (1 − share) · 2^56, where the share is of all traces, not of those that are
    /// recorded. So what a smaller share keeps, a larger one keeps, too. Log records belong to no share.
    pub(crate) threshold: u64,
    /// Less important ones are left out.
    pub(crate) level: Option<Level>,
    /// What is like none of these is left out, if there are any.
    pub(crate) include: Vec<Pattern>,
    /// What is like one of these is left out.
    pub(crate) exclude: Vec<Pattern>,
}

/// Attributes that must all be there, with these values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern(pub(crate) Vec<(String, ValueBuf)>);

impl Selection {
    /// What is left of the batch, and what is not.
    pub(super) fn of(&self, batch: &Batch) -> (Batch, Dropped) {
        if *self == Self::default() {
            return (batch.clone(), Dropped::default());
        }
        let mut sampled = 0;
        let chosen = match batch.signal() {
            Signal::Traces => batch.choose_spans(|span| self.span(span, &mut sampled)),
            Signal::Logs => batch.choose_logs(|log| self.takes(log.level(), &log.attributes())),
        };
        let filtered = (batch.item_count() - chosen.item_count()) as u64 - sampled;
        (chosen, Dropped { sampled, filtered, ..Dropped::default() })
    }

    fn span(&self, span: SpanView<'_>, sampled: &mut u64) -> Keep {
        let state = if self.threshold == 0 { "" } else { span.trace_state() };
        if randomness(span.trace_id(), state) < self.threshold {
            *sampled += 1;
            return Keep::No;
        }
        if !self.takes(span.callsite().level(), &span.attributes()) {
            return Keep::No;
        }
        share::raised(state, self.threshold).map_or(Keep::AsItIs, Keep::WithState)
    }

    fn takes(&self, level: Level, attributes: &Attributes<'_>) -> bool {
        let is_like = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(attributes));
        self.level.is_none_or(|least| level >= least)
            && (self.include.is_empty() || is_like(&self.include))
            && !is_like(&self.exclude)
    }
}

impl Pattern {
    fn matches(&self, attributes: &Attributes<'_>) -> bool {
        self.0.iter().all(|(key, value)| {
            attributes.clone().any(|attribute| attribute.key == key && attribute.value == value.as_value())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{LogSample, Sample, batch, logs};
    use proptest::prelude::*;

    fn names(batch: &Batch) -> Vec<&str> {
        batch.spans().map(|span| span.name()).chain(batch.logs().map(|log| log.body())).collect()
    }

    fn pattern(key: &str, value: impl Into<ValueBuf>) -> Pattern {
        Pattern(vec![(key.to_owned(), value.into())])
    }

    #[test]
    fn attributes_choose_by_their_values_and_types() {
        let all = batch(&[
            Sample::root("health", 1).attribute("http.route", "/health").attribute("status", 200),
            Sample::root("orders", 2).attribute("http.route", "/orders").attribute("status", 200),
            Sample::root("other", 3),
        ]);
        let exclude = |patterns| Selection { exclude: patterns, ..Selection::default() };
        let include = |patterns| Selection { include: patterns, ..Selection::default() };
        for (selection, left) in [
            (exclude(vec![pattern("http.route", "/health")]), vec!["orders", "other"]),
            (exclude(vec![pattern("status", "200")]), vec!["health", "orders", "other"]),
            (include(vec![pattern("status", 200_i64)]), vec!["health", "orders"]),
            (
                include(vec![pattern("http.route", "/health"), pattern("http.route", "/orders")]),
                vec!["health", "orders"],
            ),
        ] {
            let (chosen, dropped) = selection.of(&all);
            assert_eq!((names(&chosen), dropped.filtered), (left, 3 - chosen.item_count() as u64));
        }
    }

    #[test]
    fn log_records_below_the_level_are_left_out() {
        let log = |level, body| LogSample::new(level, 1, body);
        let all = logs(&[log(Level::Info, "a"), log(Level::Warn, "b"), log(Level::Error, "c")]);
        let selection = Selection { level: Some(Level::Warn), threshold: 1 << 56, ..Selection::default() };
        let (chosen, dropped) = selection.of(&all);
        assert_eq!((names(&chosen), dropped.filtered, dropped.sampled), (vec!["b", "c"], 1, 0));
    }

    #[test]
    fn a_thinned_span_says_so_where_it_says_how_likely_it_was() {
        let all = batch(&[Sample::root("a", 1).trace(u128::MAX).trace_state("ot=th:4")]);
        let (chosen, _) = Selection { threshold: 1 << 55, ..Selection::default() }.of(&all);
        assert_eq!(chosen.spans().map(|span| span.trace_state().to_owned()).collect::<Vec<_>>(), ["ot=th:8"]);
        assert_eq!(all.spans().map(|span| span.trace_state().to_owned()).collect::<Vec<_>>(), ["ot=th:4"]);
    }

    proptest! {
        #[test]
        fn what_a_smaller_share_keeps_a_larger_one_keeps_too(ids: Vec<u128>, one in 0..=1_u64 << 56, two in 0..=1_u64 << 56) {
            let all = batch(&ids.iter().map(|id| Sample::root("s", 1).trace(*id)).collect::<Vec<_>>());
            let kept = |threshold| {
                let (chosen, dropped) = Selection { threshold, ..Selection::default() }.of(&all);
                assert_eq!(dropped.sampled as usize, ids.len() - chosen.item_count());
                chosen.spans().map(|span| span.trace_id()).collect::<std::collections::HashSet<_>>()
            };
            prop_assert!(kept(one.max(two)).is_subset(&kept(one.min(two))));
        }
    }
}
