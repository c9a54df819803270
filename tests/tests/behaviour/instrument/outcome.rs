//! What an error, a panic or an early return leaves in the span.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use telemetry_runtime::{StatusCode, ValueBuf, instrument, testing};

use super::{block_on, only, yield_once};

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
fn an_error_tells_its_sources_whatever_holds_it() {
    #[derive(Debug)]
    struct Failed(Declined);
    impl fmt::Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no order")
        }
    }
    impl std::error::Error for Failed {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    /// As `anyhow::Error` does it.
    struct Anyhow(Box<dyn std::error::Error + Send + Sync>);
    impl std::ops::Deref for Anyhow {
        type Target = dyn std::error::Error + Send + Sync;
        fn deref(&self) -> &Self::Target {
            &*self.0
        }
    }
    impl fmt::Display for Anyhow {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    #[instrument]
    fn plain() -> Result<(), Failed> {
        Err(Failed(Declined))
    }
    #[instrument]
    fn boxed() -> Result<(), Box<dyn std::error::Error>> {
        Err(Failed(Declined).into())
    }
    #[instrument]
    fn boxed_and_sent() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(Failed(Declined).into())
    }
    #[instrument]
    async fn anyhow() -> Result<(), Anyhow> {
        Err(Anyhow(Box::new(Failed(Declined))))
    }
    #[instrument(err(Debug))]
    fn debug() -> Result<(), Failed> {
        Err(Failed(Declined))
    }
    #[instrument]
    fn by_hand() {
        telemetry_runtime::Span::current().record_error(&Failed(Declined));
    }
    for body in [|| _ = plain(), || _ = boxed(), || _ = boxed_and_sent(), || _ = block_on(anyhow()), by_hand]
    {
        let span = only(body);
        let exception = span.event("exception").expect("an exception");
        let message = ValueBuf::Str("no order: card declined".to_owned());
        assert_eq!(exception.attribute("exception.message"), Some(&message), "{}", span.name);
        assert_eq!(span.status_message, "no order: card declined");
    }
    assert_eq!(only(|| _ = debug()).status_message, "Failed(Declined)");
}

#[test]
fn an_err_is_a_failure_where_it_counts() {
    #[instrument(err_if = |error| *error > 400)]
    fn get(code: u16) -> Result<(), u16> {
        Err(code)
    }
    #[instrument(err_if = is_fatal, err(level = "warn"))]
    async fn get_later(code: u16) -> Result<(), u16> {
        yield_once().await;
        Err(code)
    }
    fn is_fatal(code: &u16) -> bool {
        *code > 400
    }
    assert_eq!(only(|| _ = get(304)).status, StatusCode::Unset);
    assert_eq!(only(|| _ = get(500)).status_message, "500");
    assert_eq!(only(|| _ = block_on(get_later(304))).status, StatusCode::Unset);
    assert_eq!(only(|| _ = block_on(get_later(500))).status_message, "500");
}

#[test]
fn a_value_is_a_success_where_it_counts() {
    #[instrument(ok_if = |response| response.code < 500)]
    fn get(code: u16) -> Result<Response, String> {
        if code == 0 { Err("no answer".to_owned()) } else { Ok(Response { code }) }
    }
    #[instrument(ok_if = Option::is_some)]
    async fn find(there: bool) -> Option<u8> {
        there.then_some(1)
    }
    struct Response {
        code: u16,
    }
    assert_eq!(only(|| _ = get(200)).status, StatusCode::Unset);
    assert_eq!(only(|| _ = get(503)).status, StatusCode::Error);
    assert_eq!(only(|| _ = get(0)).status_message, "no answer");
    assert_eq!(only(|| _ = block_on(find(true))).status, StatusCode::Unset);
    assert_eq!(only(|| _ = block_on(find(false))).status, StatusCode::Error);
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
