//! `Retry-After`: a day at most, the same again in seconds, and dates as others read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::{Duration, UNIX_EPOCH};
use telemetry_runtime::fuzzing::retry_after;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fuzz_target!(|text: &str| {
    let (value, date) = text.split_once('\n').unwrap_or((text, ""));
    let now_s = 784_111_770;
    let pause = retry_after(value, None, now_s);
    if let Some(pause) = pause {
        assert!(pause <= DAY && !value.contains('+'));
        assert_eq!(retry_after(&pause.as_secs().to_string(), Some(date), 0), Some(pause));
    }
    let Ok(then) = httpdate::parse_http_date(value.trim()) else { return };
    // That takes dates which are none, too.
    if pause.is_some() || httpdate::fmt_http_date(then) == value {
        let now = UNIX_EPOCH + Duration::from_secs(now_s);
        assert_eq!(pause, Some(then.duration_since(now).unwrap_or_default().min(DAY)));
    }
});
