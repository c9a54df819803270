//! When a failed batch is tried again: exponential pauses with full jitter, within a budget.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How hard a worker tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryOptions {
    /// The longest first pause. Default: 1 s.
    pub(crate) initial: Duration,
    /// The longest pause. Default: 30 s.
    pub(crate) max: Duration,
    /// How long a batch may be tried, from its first failure. Default: 5 min.
    pub(crate) budget: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(30),
            budget: Duration::from_secs(300),
        }
    }
}

/// The pauses for one batch.
#[derive(Debug)]
pub(super) struct Backoff {
    options: RetryOptions,
    ceiling: Duration,
}

impl Backoff {
    pub(super) fn new(options: RetryOptions) -> Self {
        Self { ceiling: options.initial, options }
    }

    /// The next pause, `failing` since the first failure: random up to a ceiling that doubles, but never less than what the other
    /// side asked for. `None` when the budget does not allow it.
    pub(super) fn next(&mut self, failing: Duration, at_least: Option<Duration>) -> Option<Duration> {
        self.next_with(failing, at_least, random_share())
    }

    fn next_with(&mut self, failing: Duration, at_least: Option<Duration>, share: f64) -> Option<Duration> {
        let pause = self.ceiling.mul_f64(share).max(at_least.unwrap_or_default());
        self.ceiling = (self.ceiling * 2).min(self.options.max).max(at_least.unwrap_or_default());
        (failing + pause <= self.options.budget).then_some(pause)
    }
}

/// A random number from 0 to 1: whole fleets must not come back at the same moment.
fn random_share() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_the_budget() {
        let mut backoff =
            Backoff::new(RetryOptions { initial: SECOND, max: 4 * SECOND, budget: 10 * SECOND });
        let mut failing = Duration::ZERO;
        let pauses: Vec<_> = std::iter::from_fn(|| {
            let pause = backoff.next_with(failing, None, 1.0)?;
            failing += pause;
            Some(pause.as_secs())
        })
        .collect();
        assert_eq!(pauses, [1, 2, 4]);
    }

    #[test]
    fn what_the_other_side_asked_for_is_the_floor() {
        let mut backoff = Backoff::new(RetryOptions::default());
        assert_eq!(backoff.next_with(Duration::ZERO, Some(7 * SECOND), 0.5), Some(7 * SECOND));
    }

    proptest! {
        #[test]
        fn no_pause_exceeds_its_ceiling_or_the_budget(shares in proptest::collection::vec(0.0..=1.0, 1..50)) {
            let options = RetryOptions::default();
            let mut backoff = Backoff::new(options);
            let mut failing = Duration::ZERO;
            for share in shares {
                match backoff.next_with(failing, None, share) {
                    Some(pause) => {
                        prop_assert!(pause <= options.max);
                        failing += pause;
                        prop_assert!(failing <= options.budget);
                    }
                    None => break,
                }
            }
        }
    }
}
