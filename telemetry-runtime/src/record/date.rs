//! Days and the dates they are.

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last of its year; 400 of them have 146,097 days.
#[cfg(any(feature = "aws", feature = "azure", test))]
pub(crate) fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_0000_03_01_TO_1970: u64 = 719_468;
    let days = days + DAYS_0000_03_01_TO_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The days from the epoch to a date of the Gregorian calendar, whose year is 1970 or later.
pub(crate) fn days_since_1970(year: u64, month_index: usize, day: u64) -> u64 {
    const DAYS_BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_years_to = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leap_years_to(year) > leap_years_to(year - 1);
    let leap_days = leap_years_to(year - 1) - leap_years_to(1969) + u64::from(is_leap && month_index > 1);
    (year - 1970) * 365 + leap_days + DAYS_BEFORE_MONTH[month_index] + day - 1
}

/// The Unix seconds of a time as RFC 3339 has it, such as `2026-11-26T12:00:00Z` or `2026-11-26T13:00:00+01:00`; a fraction is cut off.
#[cfg(any(feature = "aws", feature = "gcp"))]
pub(crate) fn unix_seconds_of(time: &str) -> Option<u64> {
    let (date, time) = time.split_once('T')?;
    let (time, offset_s) = offset_s(time)?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?;
    let is_valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let days = days_since_1970(year, usize::try_from(month.checked_sub(1)?).ok().filter(|_| is_valid)?, day);
    (days * 86_400 + hour * 3600 + minute * 60 + second).checked_sub_signed(offset_s)
}

/// The time of day, and how far ahead of UTC its place is.
#[cfg(any(feature = "aws", feature = "gcp"))]
fn offset_s(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let (time, offset) = time.split_at_checked(time.len().checked_sub("+00:00".len())?)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.strip_prefix(['+', '-'])?.split_once(':')?;
    let [hours, minutes]: [u32; 2] = [hours.parse().ok()?, minutes.parse().ok()?];
    (hours < 24 && minutes < 60).then_some((time, sign * i64::from(hours * 3600 + minutes * 60)))
}

#[cfg(any(feature = "aws", feature = "gcp"))]
fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = text.split(between).map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn leap_days_are_every_fourth_year_s_but_for_most_centuries() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (11_015, (2000, 2, 28)),
            (11_016, (2000, 2, 29)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[cfg(any(feature = "aws", feature = "gcp"))]
    #[test]
    fn a_time_is_as_many_seconds_as_its_date_and_its_clock_say() {
        assert_eq!(unix_seconds_of("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(unix_seconds_of("2000-02-29T00:00:01.9Z"), Some(951_782_401));
        assert_eq!(unix_seconds_of("2026-11-26T12:34:56Z"), Some(1_795_696_496));
        assert_eq!(unix_seconds_of("2026-11-26T12:34:56.123456+00:00"), Some(1_795_696_496));
        assert_eq!(unix_seconds_of("2026-11-27T01:04:56+12:30"), Some(1_795_696_496));
        assert_eq!(unix_seconds_of("2026-11-26T11:34:56-01:00"), Some(1_795_696_496));
        for wrong in [
            "",
            "2026-11-26",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-26T24:00:00Z",
            "2026-11-26T12:00:00",
            "2026-11-26T12:00:00+1:00",
            "2026-11-26T12:00:00+24:00",
            "2026-11-26T12:00:00 01:00",
            "1970-01-01T00:00:00+00:01",
            "1969-12-31T00:00:00Z",
        ] {
            assert_eq!(unix_seconds_of(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_date_is_as_many_days_after_the_epoch_as_it_was_made_of(days in 0_u64..213_000) {
            let (year, month, day) = date(days);
            prop_assert_eq!(days_since_1970(year, month as usize - 1, day), days);
        }

        #[test]
        fn the_day_after_is_one_day_later(days in 0_u64..213_000) {
            let ((year, month, day), next) = (date(days), date(days + 1));
            let first_of_next = if month == 12 { (year + 1, 1, 1) } else { (year, month + 1, 1) };
            prop_assert!(next == (year, month, day + 1) || (next == first_of_next && day >= 28));
            prop_assert!((1..=12).contains(&month) && (1..=31).contains(&day));
        }
    }
}
