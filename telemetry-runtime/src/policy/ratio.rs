//! A fixed share of all traces, chosen by trace id, so that every service that uses the same share chooses the same traces.

use super::{Decision, LocalRoot, SamplingPolicy};

/// Samples a share of the traces, whatever a parent says; [`Ratio::ALWAYS`] and [`Ratio::NEVER`] are its ends.
///
/// A trace is sampled when the low 56 bits of its id are at least (1 − share) · 2^56.
///
/// Source: OpenTelemetry specification, trace state, "probability sampling".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    threshold: u64,
}

const ALL: u64 = 1 << 56;

impl Ratio {
    /// Samples every trace.
    pub const ALWAYS: Self = Self { threshold: 0 };
    /// Samples no trace.
    pub const NEVER: Self = Self { threshold: ALL };

    /// Samples `share` of the traces, from 0.0 to 1.0; `None` outside of that.
    pub fn new(share: f64) -> Option<Self> {
        let kept = (share * ALL as f64).round() as u64;
        (0.0..=1.0).contains(&share).then(|| Self { threshold: ALL - kept })
    }

    /// What the low 56 bits of a sampled trace's id are at least.
    pub(crate) fn threshold(self) -> u64 {
        self.threshold
    }

    /// The part of it whose low 56 bits are at least so much.
    pub(crate) fn but_from(self, threshold: u64) -> Self {
        Self { threshold: self.threshold.max(threshold) }
    }

    /// The share, from 0 to 1.
    pub(crate) fn share(self) -> f64 {
        (ALL - self.threshold) as f64 / ALL as f64
    }
}

impl SamplingPolicy for Ratio {
    fn decide(&self, root: &LocalRoot<'_>) -> Decision {
        if root.trace_id.to_int() as u64 & (ALL - 1) >= self.threshold {
            Decision::Sample
        } else {
            Decision::Drop
        }
    }

    fn threshold_without_parent(&self) -> Option<u64> {
        Some(self.threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Callsite, TraceId};

    static CALLSITE: Callsite = Callsite::new("f", "m", "f.rs", 1, &[]);

    fn samples(ratio: Ratio, low: u64) -> bool {
        let trace_id = TraceId::from_int(u128::from(low) | 1 << 100);
        ratio.decide(&LocalRoot::new(trace_id, None, &CALLSITE)) == Decision::Sample
    }

    #[test]
    fn the_ends_are_all_and_nothing() {
        for low in [0, 1, ALL - 1, u64::MAX] {
            assert!(samples(Ratio::ALWAYS, low));
            assert!(!samples(Ratio::NEVER, low));
        }
        assert_eq!(Ratio::new(1.0), Some(Ratio::ALWAYS));
        assert_eq!(Ratio::new(0.0), Some(Ratio::NEVER));
    }

    #[test]
    fn the_threshold_is_that_of_the_specification() {
        // The specification's `th` for these shares, without trailing zeros: 8, e6666666666666 (rounded), c.
        for (share, threshold) in
            [(0.5, 0x80_0000_0000_0000), (0.1, 0xe6_6666_6666_6666), (0.25, 0xc0_0000_0000_0000)]
        {
            let ratio = Ratio::new(share).expect("a share");
            assert_eq!(ratio.threshold, threshold, "{share}");
            assert!(samples(ratio, threshold) && !samples(ratio, threshold - 1));
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Ratio::new(share), None);
        }
    }
}
