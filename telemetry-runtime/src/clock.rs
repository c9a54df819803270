//! The one door to time: turns ticks into nanoseconds since the Unix epoch, re-anchored to the wall clock.

use crate::record::TickScale;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A counter's ticks beside the operating system's clocks.
#[derive(Debug)]
pub(crate) struct Clock {
    ticks: fn() -> u64,
    first: Reading,
}

/// The same moment on three clocks.
#[derive(Clone, Copy, Debug)]
struct Reading {
    ticks: u64,
    steady: Instant,
    unix_ns: u64,
}

impl Clock {
    /// A clock over a counter that never goes back.
    pub(crate) fn new(ticks: fn() -> u64) -> Self {
        Self { ticks, first: Reading::now(ticks) }
    }

    /// How to read ticks from now on: anchored at this moment, at the rate measured since the start.
    pub(crate) fn scale(&self) -> TickScale {
        self.first.scale_at(Reading::now(self.ticks))
    }
}

impl Reading {
    fn scale_at(self, now: Self) -> TickScale {
        TickScale {
            anchor_ticks: now.ticks,
            anchor_unix_ns: now.unix_ns,
            ns_per_tick_q32: rate_q32(
                now.ticks.saturating_sub(self.ticks),
                now.steady.duration_since(self.steady).as_nanos(),
            ),
        }
    }

    /// The closest of three attempts: an interruption between the clocks makes them disagree.
    #[expect(clippy::disallowed_methods, reason = "this is the door to time that the lint guards")]
    fn now(ticks: fn() -> u64) -> Self {
        let attempt = || {
            let before = ticks();
            let (steady, wall) = (Instant::now(), SystemTime::now());
            let gap = ticks().saturating_sub(before);
            let unix_ns = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
            (gap, Self { ticks: before + gap / 2, steady, unix_ns })
        };
        let [first, second, third] = [attempt(), attempt(), attempt()];
        [second, third].into_iter().fold(first, |best, next| if next.0 < best.0 { next } else { best }).1
    }
}

/// Whole seconds since the Unix epoch, for dates in protocols.
#[expect(clippy::disallowed_methods, reason = "this is the door to time that the lint guards")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn rate_q32(ticks: u64, ns: u128) -> u64 {
    let rate = (ns << 32).checked_div(u128::from(ticks)).unwrap_or(1 << 32);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ticks_become_time_at_the_measured_rate() {
        // A counter of 2 GHz, read 5 seconds after the start.
        let scale = TickScale {
            anchor_ticks: 10_000_000_000,
            anchor_unix_ns: 1_700_000_000_000_000_000,
            ns_per_tick_q32: rate_q32(10_000_000_000, 5_000_000_000),
        };
        assert_eq!(scale.unix_ns(10_000_002_000), 1_700_000_000_000_001_000);
        assert_eq!(scale.unix_ns(9_999_998_000), 1_699_999_999_999_999_000);
        assert_eq!(scale.duration_ns(2_000), 1_000);
    }

    /// A counter of 2.1 GHz that runs 40 millionths too fast, and a wall clock that is slewed by as much the other way: what the machine
    /// shows so many nanoseconds after the start.
    fn drifting(start: Instant, after_ns: u64) -> Reading {
        let share = |parts: u64| after_ns / 1_000_000 * parts;
        Reading {
            ticks: 7 + (after_ns + share(40)) * 21 / 10,
            steady: start + Duration::from_nanos(after_ns),
            unix_ns: 1_700_000_000_000_000_000 + after_ns - share(40),
        }
    }

    #[test]
    fn spans_are_dated_within_a_millisecond_of_the_wall_clock_however_long_the_clocks_drift() {
        const SECOND: u64 = 1_000_000_000;
        let start = Instant::now();
        let first = drifting(start, 0);
        for hours in [0, 1, 24] {
            let now = hours * 3600 * SECOND + SECOND;
            let scale = first.scale_at(drifting(start, now));
            // A batch has spans of the last fifth of a second, at most.
            for age in [0, SECOND / 5] {
                let moment = drifting(start, now - age);
                let error = scale.unix_ns(moment.ticks).abs_diff(moment.unix_ns);
                assert!(error < 1_000_000, "{error} ns off after {hours} hours");
            }
            let minute = drifting(start, now + 60 * SECOND).ticks - drifting(start, now).ticks;
            assert!(scale.duration_ns(minute).abs_diff(60 * SECOND) < 100_000, "a minute is a minute");
        }
    }

    #[test]
    fn a_span_that_ends_before_it_starts_on_the_counter_has_no_duration() {
        let scale = TickScale { anchor_ticks: 100, anchor_unix_ns: 5_000, ns_per_tick_q32: 1 << 32 };
        assert_eq!((scale.unix_ns(90), scale.unix_ns(110)), (4_990, 5_010));
        assert_eq!(scale.duration_ns(90_u64.saturating_sub(110)), 0);
    }

    #[test]
    fn a_counter_that_stands_still_divides_nothing_by_zero() {
        assert_eq!(rate_q32(0, 0), 1 << 32);
    }
}
