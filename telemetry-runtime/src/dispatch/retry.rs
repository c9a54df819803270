//! When a failed batch is tried again: exponential pauses with full jitter, within a budget.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How hard a worker tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryOptions {
    /// The longest first pause. Default: 1 s.
    pub(crate) initial: Duration,
    /// The longest pause. Default: 30 s.
    pub(crate) max: Duration,
    /// How long a batch may be tried, from its first failure; if it came while the exporter was failing already, from then. Default: 5 min.
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

/// The pauses of one worker, which grow until it is answered.
#[derive(Debug)]
pub(super) struct Backoff {
    options: RetryOptions,
    ceiling: Duration,
}

impl Backoff {
    pub(super) fn new(options: RetryOptions) -> Self {
        Self { ceiling: options.initial.min(options.max), options }
    }

    /// The next pause is the first again.
    pub(super) fn reset(&mut self) {
        self.ceiling = self.options.initial.min(self.options.max);
    }

    /// The next pause: random up to a ceiling that doubles, but never less than what the other side asked for.
    pub(super) fn next(&mut self, at_least: Option<Duration>) -> Duration {
        self.next_with(at_least.unwrap_or_default(), random_share())
    }

    fn next_with(&mut self, at_least: Duration, share: f64) -> Duration {
        let pause = self.ceiling.mul_f64(share).max(at_least);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.options.max).max(at_least);
        pause
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

    fn backoff() -> Backoff {
        Backoff::new(RetryOptions { initial: SECOND, max: 4 * SECOND, ..RetryOptions::default() })
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_an_answer() {
        let mut backoff = backoff();
        let pauses = [(); 4].map(|()| backoff.next_with(Duration::ZERO, 1.0).as_secs());
        assert_eq!(pauses, [1, 2, 4, 4]);
        backoff.reset();
        assert_eq!(backoff.next_with(Duration::ZERO, 1.0), SECOND);
    }

    #[test]
    fn what_the_other_side_asked_for_is_the_floor_of_this_pause_and_of_the_next_ceiling() {
        let mut backoff = backoff();
        assert_eq!(backoff.next_with(7 * SECOND, 0.5), 7 * SECOND);
        assert_eq!(backoff.next_with(Duration::ZERO, 1.0), 7 * SECOND);
        assert_eq!(backoff.next_with(Duration::ZERO, 1.0), 4 * SECOND);
    }

    proptest! {
        #[test]
        fn no_pause_exceeds_its_ceiling(shares in proptest::collection::vec(0.0..=1.0, 1..50)) {
            let mut backoff = backoff();
            let mut ceiling = SECOND;
            for share in shares {
                prop_assert!(backoff.next_with(Duration::ZERO, share) <= ceiling);
                ceiling = (2 * ceiling).min(4 * SECOND);
            }
        }
    }
}
