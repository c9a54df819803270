//! Times and durations as Azure Monitor writes them.

use crate::record::date;
use std::fmt;

/// A moment in nanoseconds since the Unix epoch, as RFC 3339 in UTC with microseconds.
pub(super) struct Timestamp(pub(super) u64);

/// A time span in nanoseconds, as `d.hh:mm:ss.ffffff`; less than 1000 days, as the schema demands.
pub(super) struct TimeSpan(pub(super) u64);

const US_PER_S: u64 = 1_000_000;
const S_PER_DAY: u64 = 24 * 60 * 60;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0 / 1000;
        let (s, us) = (us / US_PER_S, us % US_PER_S);
        let (year, month, day) = date(s / S_PER_DAY);
        let (hour, minute, second) = clock(s % S_PER_DAY);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{us:06}Z")
    }
}

impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = (self.0 / 1000).min(1000 * S_PER_DAY * US_PER_S - 1);
        let (s, us) = (us / US_PER_S, us % US_PER_S);
        let (hour, minute, second) = clock(s % S_PER_DAY);
        write!(f, "{}.{hour:02}:{minute:02}:{second:02}.{us:06}", s / S_PER_DAY)
    }
}

fn clock(second_of_day: u64) -> (u64, u64, u64) {
    (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp(951_782_399_000_001_999).to_string(), "2000-02-28T23:59:59.000001Z");
        assert_eq!(Timestamp(951_782_400_000_000_000).to_string(), "2000-02-29T00:00:00.000000Z");
        assert_eq!(Timestamp(1_795_667_116_123_456_789).to_string(), "2026-11-26T04:25:16.123456Z");
        assert_eq!(Timestamp(u64::MAX).to_string(), "2554-07-21T23:34:33.709551Z");
    }

    #[test]
    fn a_time_span_has_days_and_microseconds() {
        assert_eq!(TimeSpan(1_234_999).to_string(), "0.00:00:00.001234");
        assert_eq!(TimeSpan((26 * 3600 + 62) * 1_000_000_000).to_string(), "1.02:01:02.000000");
        assert_eq!(TimeSpan(u64::MAX).to_string(), "999.23:59:59.999999");
    }
}
