//! The circuit breaker of one exporter: while the other side is down, one call at a time finds out whether it still is.

use super::crew::Ticket;
use std::fmt;
use std::time::{Duration, Instant};

/// How many failures in a row open the breaker, over all batches and calls of the exporter.
const OPENS_AFTER: u32 = 5;

/// Whether what waits for an exporter is being sent.
///
/// What counts as a failure is what may be tried again, and a call that took too long. After five of them in a row, or one that came with
/// a time to wait (`Retry-After`), the breaker opens, and nothing is sent until the pause of the failed call is over. Then one batch is
/// sent, alone. If that is answered, whatever the answer is, the breaker closes and all go on; if not, it opens for the next, longer pause.
///
/// A batch that comes or waits meanwhile is not tried to exhaustion: its time for retries runs from when it came, so that one which has
/// waited for longer than that is dropped (as `retry_exhausted`) by the first failure of its own. Where the exporter has a spool, what waits
/// goes there instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breaker {
    /// It is being sent.
    #[default]
    Closed,
    /// It waits, since the other side did not answer.
    Open,
    /// It waits while one batch tries whether the other side answers again.
    HalfOpen,
}

impl fmt::Display for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// The breaker and what it has seen.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    state: State,
    /// How many calls in a row have failed.
    failures: u32,
    /// When the first of them did.
    failing_since: Option<Instant>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        probe: Ticket,
    },
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Now,
    /// Not before this moment.
    NotBefore(Instant),
    /// Not before the call that is being made has ended.
    AfterTheProbe,
}

impl Circuit {
    /// Whether this worker may call now. Where the breaker was open, its call is the one that decides.
    pub(super) fn admit(&mut self, worker: Ticket, now: Instant) -> Admission {
        match self.state {
            State::Closed => Admission::Now,
            State::Open { until } if now < until => Admission::NotBefore(until),
            State::Open { .. } => {
                self.state = State::HalfOpen { probe: worker };
                Admission::Now
            }
            State::HalfOpen { probe } if probe == worker => Admission::Now,
            State::HalfOpen { .. } => Admission::AfterTheProbe,
        }
    }

    /// The other side has answered a call.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// A call has failed, and the worker will wait so long; `asked` if the other side said so.
    pub(super) fn failed(&mut self, now: Instant, pause: Duration, asked: bool) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        if asked || self.failures >= OPENS_AFTER || !matches!(self.state, State::Closed) {
            let until = now + pause;
            let before = if let State::Open { until } = self.state { until } else { until };
            self.state = State::Open { until: until.max(before) };
        }
    }

    /// This worker will not make the call that was to decide.
    pub(super) fn withdrawn(&mut self, worker: Ticket, now: Instant) {
        if matches!(self.state, State::HalfOpen { probe } if probe == worker) {
            self.state = State::Open { until: now };
        }
    }

    /// Since when no call was answered, if the last one failed.
    pub(super) fn failing_since(&self) -> Option<Instant> {
        self.failing_since
    }

    pub(super) fn breaker(&self) -> Breaker {
        match self.state {
            State::Closed => Breaker::Closed,
            State::Open { .. } => Breaker::Open,
            State::HalfOpen { .. } => Breaker::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const ONE: Ticket = Ticket(1);
    const TWO: Ticket = Ticket(2);

    fn open(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        (0..OPENS_AFTER).for_each(|_| circuit.failed(now, SECOND, false));
        circuit
    }

    #[test]
    fn opens_after_five_failures_in_a_row() {
        let now = Instant::now();
        let mut circuit = Circuit::default();
        (1..OPENS_AFTER).for_each(|_| circuit.failed(now, SECOND, false));
        circuit.answered();
        (1..OPENS_AFTER).for_each(|_| circuit.failed(now, SECOND, false));
        assert_eq!((circuit.breaker(), circuit.admit(ONE, now)), (Breaker::Closed, Admission::Now));
        circuit.failed(now, SECOND, false);
        assert_eq!(circuit.breaker(), Breaker::Open);
        assert_eq!(circuit.admit(ONE, now), Admission::NotBefore(now + SECOND));
    }

    #[test]
    fn opens_at_once_when_the_other_side_asks_for_time() {
        let now = Instant::now();
        let mut circuit = Circuit::default();
        circuit.failed(now, SECOND, true);
        assert_eq!(circuit.admit(ONE, now), Admission::NotBefore(now + SECOND));
    }

    #[test]
    fn one_call_decides_when_the_pause_is_over() {
        let now = Instant::now();
        let mut circuit = open(now);
        let later = now + SECOND;
        assert_eq!(circuit.admit(ONE, later), Admission::Now);
        assert_eq!(
            (circuit.admit(TWO, later), circuit.breaker()),
            (Admission::AfterTheProbe, Breaker::HalfOpen)
        );
        circuit.failed(later, 2 * SECOND, false);
        assert_eq!(circuit.admit(TWO, later), Admission::NotBefore(later + 2 * SECOND));
        assert_eq!(circuit.failing_since(), Some(now));
        assert_eq!(circuit.admit(TWO, later + 2 * SECOND), Admission::Now);
        circuit.answered();
        assert_eq!((circuit.breaker(), circuit.failing_since()), (Breaker::Closed, None));
    }

    #[test]
    fn a_call_that_is_not_made_leaves_the_decision_to_the_next() {
        let now = Instant::now();
        let mut circuit = open(now);
        assert_eq!(circuit.admit(ONE, now + SECOND), Admission::Now);
        circuit.withdrawn(TWO, now);
        assert_eq!(circuit.breaker(), Breaker::HalfOpen);
        circuit.withdrawn(ONE, now + SECOND);
        assert_eq!(circuit.admit(TWO, now + SECOND), Admission::Now);
    }
}
