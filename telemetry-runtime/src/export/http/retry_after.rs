//! When the receiver wants to hear from us again: the `Retry-After` header.

use crate::record::days_since_1970;
use std::time::Duration;

/// More than this is taken for a day: what waits longer is not waiting but lost.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause that `Retry-After` asks for; `None` if it cannot be read.
///
/// A date counts from the answer's own `Date`, so that the two machines' clocks need not agree, or else from `now_s`.
///
/// Source: RFC 9110, sections 10.2.3 and 5.6.7.
pub(crate) fn pause(retry_after: &str, date: Option<&str>, now_s: impl FnOnce() -> u64) -> Option<Duration> {
    let retry_after = retry_after.trim();
    let pause_s = if retry_after.bytes().all(|b| b.is_ascii_digit()) && !retry_after.is_empty() {
        // More digits than fit are a long time all the same.
        retry_after.parse().unwrap_or(u64::MAX)
    } else {
        let then_s = http_date_s(retry_after)?;
        then_s.saturating_sub(date.and_then(http_date_s).unwrap_or_else(now_s))
    };
    Some(Duration::from_secs(pause_s).min(LONGEST_PAUSE))
}

/// Seconds since the Unix epoch, from any of the three forms of an HTTP date.
fn http_date_s(date: &str) -> Option<u64> {
    let words: Vec<&str> = date.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words[..] {
        [weekday, day, month, year, time, "GMT"] if is_weekday(weekday) => (day, month, year, time),
        [weekday, month, day, time, year] if is_weekday(weekday) => (day, month, year, time),
        _ => return None,
    };
    let days = days_since_1970(full_year(year)?, month_index(month)?, number(day, 1..=31)?);
    Some(days * 86_400 + second_of_day(time)?)
}

/// Which one it is says nothing that the date does not.
fn is_weekday(word: &str) -> bool {
    const NAMES: [&str; 7] = ["Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun"];
    NAMES.iter().any(|name| word == &name[..3] || word.strip_suffix("day") == Some(name))
}

fn second_of_day(time: &str) -> Option<u64> {
    let mut parts = time.split(':');
    let hour = number(parts.next()?, 0..=23)?;
    let minute = number(parts.next()?, 0..=59)?;
    let second = number(parts.next()?, 0..=60)?;
    parts.next().is_none().then_some(hour * 3600 + minute * 60 + second)
}

/// A year of two digits is the obsolete form's: nobody means one before 1970.
fn full_year(year: &str) -> Option<u64> {
    match year.len() {
        2 => number(year, 0..=99).map(|year| if year < 70 { 2000 + year } else { 1900 + year }),
        _ => number(year, 1970..=9999),
    }
}

fn month_index(month: &str) -> Option<usize> {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES.iter().position(|name| *name == month)
}

fn number(digits: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
    // A number in Rust may have a sign.
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pause_s(retry_after: &str, date: Option<&str>) -> Option<u64> {
        pause(retry_after, date, || 784_111_770).map(|pause| pause.as_secs())
    }

    #[test]
    fn reads_seconds() {
        assert_eq!(pause_s("0", None), Some(0));
        assert_eq!(pause_s(" 120 ", None), Some(120));
        assert_eq!(pause_s("99999999999999999999999", None), Some(LONGEST_PAUSE.as_secs()));
    }

    #[test]
    fn reads_all_three_forms_of_a_date() {
        for date in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(http_date_s(date), Some(784_111_777), "{date}");
            assert_eq!(pause_s(date, None), Some(7), "{date}");
        }
        assert_eq!(http_date_s("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(http_date_s("Wed, 01 Jan 2025 00:00:00 GMT"), Some(1_735_689_600));
    }

    #[test]
    fn counts_a_date_from_the_answers_own() {
        let answered = Some("Sun, 06 Nov 1994 08:49:00 GMT");
        assert_eq!(pause_s("Sun, 06 Nov 1994 08:49:37 GMT", answered), Some(37));
        assert_eq!(pause_s("Sun, 06 Nov 1994 08:48:00 GMT", answered), Some(0), "a date in the past");
    }

    #[test]
    fn ignores_what_is_neither() {
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "a b c d e",
        ] {
            assert_eq!(pause_s(text, None), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_text(text in "\\PC*", date in ".{0,40}") {
            pause(&text, Some(&date), || 0);
        }

        #[test]
        fn days_follow_one_another(year in 1970_u64..3000) {
            prop_assert_eq!(days_since_1970(year, 11, 31) + 1, days_since_1970(year + 1, 0, 1));
            let february = days_since_1970(year, 2, 1) - days_since_1970(year, 1, 1);
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            prop_assert_eq!(february, if is_leap { 29 } else { 28 });
        }
    }
}
