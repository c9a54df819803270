//! Of how many spans one stands: the `sampleRate` that has the service count them all.

use super::key::{Key, Known};
use crate::record::SpanView;
use crate::record::probability::{BITS, randomness, threshold};

/// Below this, of 2^56, no trace is taken; see [`Rates`].
type Threshold = u64;

const ALL: u64 = 1 << BITS;

/// Which spans are left out before they come here.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Rates {
    /// By the head decision, where spans do not say it themselves.
    head: Threshold,
    /// By this exporter's own share, whatever they say.
    own: Threshold,
}

impl Rates {
    /// With this share of traces recorded, and this one exported, both of all traces and from 0 to 1.
    pub(in super::super) fn of_shares(recorded: f64, exported: f64) -> Self {
        Self { head: threshold_of(recorded), own: threshold_of(exported) }
    }

    /// The percentage of which this span is one; `None` for all. The service counts the span as `100 / sampleRate`.
    ///
    /// The attribute `_MS.sampleRate` goes first, and of what it stands for, the exporter took its share. Then comes the threshold `th` in
    /// the trace's state, then the share of the settings; but a trace that this share would not have taken was taken for another reason,
    /// and stands for itself. The exporter's share is the same part of all traces as that of a threshold: the smaller one counts.
    ///
    /// Source: OpenTelemetry specification, trace state, "probability sampling"; the vendor's exporter for `_MS.sampleRate`.
    pub(super) fn of_span(self, span: &SpanView<'_>, known: &Known<'_>) -> Option<f64> {
        let percentage = match own(known) {
            Some(percentage) => percentage * share_of(self.own),
            None => 100.0 * share_of(self.own.max(self.recorded(span))),
        };
        Some(percentage).filter(|percentage| *percentage < 100.0)
    }

    fn recorded(self, span: &SpanView<'_>) -> Threshold {
        let state = span.trace_state();
        threshold(state).unwrap_or_else(|| {
            let is_of_share = randomness(span.trace_id(), state) >= self.head;
            if is_of_share { self.head } else { 0 }
        })
    }
}

/// An item that is here was taken: its share is not nothing.
fn threshold_of(share: f64) -> Threshold {
    let kept = (share.clamp(0.0, 1.0) * ALL as f64).round() as u64;
    ALL - kept.clamp(1, ALL)
}

fn share_of(threshold: Threshold) -> f64 {
    (ALL - threshold) as f64 / ALL as f64
}

/// What the attribute says, if that makes sense.
pub(super) fn own(known: &Known<'_>) -> Option<f64> {
    known.number(Key::SampleRate).filter(|percentage| *percentage > 0.0 && *percentage <= 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{Sample, batch};
    use proptest::prelude::*;

    fn rate(share: f64, sample: Sample) -> Option<f64> {
        thinned(share, 1.0, sample)
    }

    fn thinned(recorded: f64, exported: f64, sample: Sample) -> Option<f64> {
        let batch = batch(&[sample]);
        let span = batch.spans().next().expect("a span");
        Rates::of_shares(recorded, exported).of_span(&span, &Known::of(span.attributes()))
    }

    fn root() -> Sample {
        Sample::root("span", 1).trace(u128::from(ALL - 1))
    }

    #[test]
    fn the_attribute_goes_before_the_state_and_that_before_the_share() {
        assert_eq!(rate(1.0, root()), None);
        assert_eq!(rate(0.25, root()), Some(25.0));
        assert_eq!(rate(0.25, root().trace_state("a=1,ot=rv:1;th:8")), Some(50.0));
        assert_eq!(rate(0.25, root().trace_state("ot=th:0")), None);
        assert_eq!(
            rate(0.25, root().trace_state("ot=th:8").later_attribute("_MS.sampleRate", 10.0)),
            Some(10.0)
        );
        assert_eq!(rate(0.25, root().later_attribute("_MS.sampleRate", 100_i64)), None);
    }

    #[test]
    fn a_trace_that_the_share_would_not_have_taken_stands_for_itself() {
        assert_eq!(rate(0.25, Sample::root("span", 1).trace(1 << 100)), None);
    }

    #[test]
    fn where_a_trace_stands_is_what_its_state_says_first() {
        let low = Sample::root("span", 1).trace(1 << 100);
        assert_eq!(rate(0.25, low.trace_state("ot=rv:ffffffffffffff")), Some(25.0));
        assert_eq!(rate(0.25, root().trace_state("ot=rv:00000000000000")), None);
    }

    #[test]
    fn the_exporters_own_share_thins_whatever_a_span_says() {
        assert_eq!(thinned(0.5, 0.25, root()), Some(25.0));
        assert_eq!(thinned(0.25, 0.5, root()), Some(25.0));
        assert_eq!(thinned(0.25, 0.5, root().trace_state("ot=th:c;rv:00000000000000")), Some(25.0));
        let taken_otherwise = Sample::root("span", 1).trace((1 << 100) | u128::from(ALL / 8 * 5));
        assert_eq!(thinned(0.25, 0.5, taken_otherwise), Some(50.0));
        assert_eq!(thinned(1.0, 0.5, root().later_attribute("_MS.sampleRate", 10.0)), Some(5.0));
        assert_eq!(thinned(0.25, 0.5, root().later_attribute("_MS.sampleRate", 100_i64)), Some(50.0));
    }

    #[test]
    fn what_makes_no_sense_is_ignored() {
        for state in ["ot=th:", "ot=th:xyz", "ot=th:123456789abcdef", "ot=rv:8", "th:8", ""] {
            assert_eq!(rate(0.5, root().trace_state(state)), Some(50.0), "{state}");
        }
        for attribute in [0.0, -1.0, 101.0, f64::NAN] {
            assert_eq!(rate(0.5, root().later_attribute("_MS.sampleRate", attribute)), Some(50.0));
        }
    }

    proptest! {
        #[test]
        fn no_rate_is_outside_of_its_range(share: f64, exported: f64, low: u64, state in "ot=th:[0-9a-f]{0,15}") {
            let sample = Sample::root("span", 1).trace(u128::from(low) | 1 << 100).trace_state(&state);
            prop_assert!(thinned(share, exported, sample).is_none_or(|rate| rate > 0.0 && rate <= 100.0));
        }
    }
}
