//! Of how many spans one stands: the `sampleRate` that has the service count them all.

use super::key::{Key, Known};
use crate::record::SpanView;

/// Below this, of 2^56, no trace is taken; see [`Rates`].
type Threshold = u64;

const ALL: u64 = 1 << 56;

/// How the head decision was made, where spans do not say it themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    head: Threshold,
}

impl Rates {
    /// With this share of traces recorded, from 0 to 1.
    pub(super) fn of_share(share: f64) -> Self {
        let kept = (share.clamp(0.0, 1.0) * ALL as f64).round() as u64;
        Self { head: ALL - kept.clamp(1, ALL) }
    }

    /// The percentage of which this span is one; `None` for all. The service counts the span as `100 / sampleRate`.
    ///
    /// The attribute `_MS.sampleRate` goes first, then the threshold `th` in the trace's state, then the share of the settings; but a trace
    /// that this share would not have taken was taken for another reason, and stands for itself.
    ///
    /// Source: OpenTelemetry specification, trace state, "probability sampling"; the vendor's exporter for `_MS.sampleRate`.
    pub(super) fn of_span(self, span: &SpanView<'_>, known: &Known<'_>) -> Option<f64> {
        if let Some(percentage) = own(known) {
            return Some(percentage).filter(|percentage| *percentage < 100.0);
        }
        let random = span.trace_id().to_int() as u64 & (ALL - 1);
        let threshold =
            threshold(span.trace_state()).unwrap_or(if random < self.head { 0 } else { self.head });
        (threshold > 0).then(|| 100.0 * (ALL - threshold) as f64 / ALL as f64)
    }
}

/// What the attribute says, if that makes sense.
pub(super) fn own(known: &Known<'_>) -> Option<f64> {
    known.number(Key::SampleRate).filter(|percentage| *percentage > 0.0 && *percentage <= 100.0)
}

/// The threshold in OpenTelemetry's part of the state: up to 14 hexadecimal digits, without the zeros at their end.
fn threshold(trace_state: &str) -> Option<Threshold> {
    let ours = trace_state.split(',').find_map(|member| member.trim().strip_prefix("ot="))?;
    let digits = ours.split(';').find_map(|part| part.strip_prefix("th:"))?;
    if digits.is_empty() || digits.len() > 14 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u64::from_str_radix(digits, 16).ok()?;
    Some(number << (4 * (14 - digits.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{Sample, batch};
    use proptest::prelude::*;

    fn rate(share: f64, sample: Sample) -> Option<f64> {
        let batch = batch(&[sample]);
        let span = batch.spans().next().expect("a span");
        Rates::of_share(share).of_span(&span, &Known::of(span.attributes()))
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
        fn no_rate_is_outside_of_its_range(share: f64, low: u64, state in "ot=th:[0-9a-f]{0,15}") {
            let sample = Sample::root("span", 1).trace(u128::from(low) | 1 << 100).trace_state(&state);
            prop_assert!(rate(share, sample).is_none_or(|rate| rate > 0.0 && rate <= 100.0));
        }
    }
}
