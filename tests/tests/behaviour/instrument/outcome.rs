//! What an error, a panic or an early return leaves in the span.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use telemetry_runtime::{StatusCode, ValueBuf, instrument, testing};

use super::{block_on, only};

#[derive(Debug)]
struct Declined;

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("card declined")
    }
}

impl std::error::Error for Declined {}

type Answer<T = ()> = Result<T, Declined>;

#[test]
fn an_err_is_status_and_exception_under_any_alias() {
    #[instrument]
    fn charge() -> Answer {
        Err(Declined)
    }
    let span = only(|| _ = charge());
    assert_eq!((span.status, span.status_message.as_str()), (StatusCode::Error, "card declined"));
    let exception = span.event("exception").expect("an exception");
    let kind = exception.attribute("exception.type").expect("its type");
    assert!(matches!(kind, ValueBuf::Str(name) if name.ends_with("::Declined")), "{kind:?}");
    assert_eq!(exception.attribute("exception.message"), Some(&ValueBuf::Str("card declined".to_owned())));
}

#[test]
fn ok_and_what_is_no_result_leaves_the_status_unset() {
    #[instrument]
    fn ok() -> Answer<u8> {
        Ok(1)
    }
    #[expect(dead_code, reason = "a lookalike")]
    enum Result {
        Ok(u8),
        Err(u8),
    }
    #[instrument]
    fn lookalike() -> Result {
        Result::Err(1)
    }
    assert_eq!(only(|| _ = ok()).status, StatusCode::Unset);
    assert_eq!(only(|| _ = lookalike()).status, StatusCode::Unset);
}

#[test]
fn an_error_says_what_it_can() {
    #[derive(Debug)]
    struct OnlyDebug;
    struct Silent;
    #[instrument]
    fn only_debug() -> Result<(), OnlyDebug> {
        Err(OnlyDebug)
    }
    #[instrument]
    fn silent() -> Result<(), Silent> {
        Err(Silent)
    }
    #[instrument(err(Debug))]
    fn debug() -> Result<(), Declined> {
        Err(Declined)
    }
    #[instrument]
    fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("boxed".into())
    }
    assert_eq!(only(|| _ = only_debug()).status_message, "OnlyDebug");
    assert!(only(|| _ = silent()).status_message.ends_with("::Silent"));
    assert_eq!(only(|| _ = debug()).status_message, "Declined");
    assert_eq!(only(|| _ = boxed()).status_message, "boxed");
}

#[test]
fn err_can_be_turned_off() {
    #[instrument(err = false)]
    fn expected() -> Answer {
        Err(Declined)
    }
    assert_eq!(only(|| _ = expected()).status, StatusCode::Unset);
}

#[test]
fn a_generic_error_is_seen() {
    #[instrument]
    fn generic<T, E: std::error::Error>(error: E) -> Result<T, E> {
        Err(error)
    }
    assert_eq!(only(|| _ = generic::<(), _>(Declined)).status_message, "card declined");
}

#[test]
fn question_mark_and_early_return_are_seen() {
    #[instrument]
    fn parse(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
        if text.is_empty() {
            return Err(Box::new(Declined));
        }
        let number: u32 = text.parse()?;
        Ok(number)
    }
    assert_eq!(only(|| _ = parse("")).status_message, "card declined");
    assert_eq!(only(|| _ = parse("x")).status_message, "invalid digit found in string");
    assert_eq!(only(|| _ = parse("1")).status, StatusCode::Unset);
}

#[test]
fn an_async_err_is_seen() {
    #[instrument]
    async fn charge(fail: bool) -> Answer<u8> {
        if fail {
            Err(Declined)?;
        }
        Ok(1)
    }
    assert_eq!(only(|| _ = block_on(charge(true))).status_message, "card declined");
    assert_eq!(only(|| _ = block_on(charge(false))).status, StatusCode::Unset);
}

#[test]
fn a_panic_marks_the_span_and_goes_on() {
    #[instrument]
    fn boom() -> Answer {
        panic!("out of cheese");
    }
    #[instrument]
    async fn boom_later() {
        panic!("out of cheese");
    }
    let spans = testing::capture(|| {
        assert!(catch_unwind(|| _ = boom()).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(boom_later()))).is_err());
    });
    for span in &spans {
        assert_eq!(span.status, StatusCode::Error, "{}", span.name);
        assert!(span.status_message.contains("out of cheese"));
    }
    assert_eq!(spans.len(), 2);
}
