//! `event!`: typed events of the current span.

use telemetry_runtime::{Level, ValueBuf, event, instrument};

use super::instrument::only;

#[test]
fn is_added_to_the_current_span_with_typed_values() {
    struct Cache {
        size: u64,
    }

    #[instrument]
    fn find(user: u64) -> Result<(), std::num::ParseIntError> {
        let (cache, hint) = (Cache { size: 512 }, "warm");
        event!("cache.miss", cache.size = cache.size, user, ?hint, "level" = 3, parsed = "7".parse::<i32>()?);
        event!("cache.retry", level = "debug");
        Ok(())
    }

    let span = only(|| find(7).expect("7 is a number"));
    let [miss, retry] = span.events.as_slice() else { panic!("two events: {:?}", span.events) };
    assert_eq!((miss.name.as_str(), retry.name.as_str()), ("cache.miss", "cache.retry"));
    let expected: [(&str, ValueBuf); 5] = [
        ("cache.size", 512.into()),
        ("user", 7.into()),
        ("hint", "\"warm\"".into()),
        ("level", 3.into()),
        ("parsed", 7.into()),
    ];
    for (key, value) in expected {
        assert_eq!(miss.attribute(key), Some(&value), "{key}");
    }
    assert!(miss.unix_ns <= retry.unix_ns);
}

#[test]
fn takes_a_const_as_its_name_and_other_events_levels() {
    const MISS: &str = "cache.miss";

    #[instrument]
    fn find() {
        event!(MISS, level = Level::Warn, target = "cache", attempt = 1);
    }

    assert_eq!(only(find).events[0].name, MISS);
}

#[test]
fn evaluates_nothing_where_no_span_is_recorded() {
    fn fails() -> u64 {
        panic!("nobody records this")
    }
    event!("cache.miss", size = fails());
}

#[test]
fn does_not_show_what_is_named_like_a_secret() {
    #[instrument]
    fn login(password: &str) {
        event!("login", password, pin = expose(password));
    }

    let span = only(|| login("hunter2"));
    assert_eq!(span.events[0].attribute("password"), Some(&"[REDACTED]".into()));
    assert_eq!(span.events[0].attribute("pin"), Some(&"hunter2".into()));
}
