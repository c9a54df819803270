//! Functions that return a future or a stream: the span is around the work, whatever expression makes it.

use std::future::ready;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_util::future::{BoxFuture, FutureExt, LocalBoxFuture};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use telemetry_runtime::{Span, StatusCode, ValueBuf, instrument, testing};

use super::{block_on, keys, only, yield_once};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

async fn work(n: u8) -> Result<u8, String> {
    yield_once().await;
    assert!(Span::current().is_recording());
    if n == 0 { Err("none".to_owned()) } else { Ok(n) }
}

#[instrument]
fn opaque(n: u8) -> impl Future<Output = Result<u8, String>> + Send {
    assert!(Span::current().is_recording(), "the future is made within the span");
    work(n)
}

#[instrument]
fn branches(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, String>> + Send>> {
    if n == 9 {
        return Box::pin(ready(Ok(9)));
    }
    match n {
        8 => work(8).boxed(),
        _ => Box::pin(async move { work(n).await }),
    }
}

#[instrument]
fn early(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, String>> + Send>> {
    if n == 0 {
        return Box::pin(async { Err("early".to_owned()) });
    }
    Box::pin(async move { work(n).await })
}

#[instrument]
fn boxed<'a>(n: u8, text: &'a str) -> BoxFuture<'a, Result<u8, String>> {
    async move { Ok(work(n).await? + text.len() as u8) }.boxed()
}

#[instrument]
fn local(n: u8) -> LocalBoxFuture<'static, Result<u8, String>> {
    work(n).boxed_local()
}

#[instrument]
fn unpinned(n: u8) -> Box<dyn Future<Output = Result<u8, String>> + Unpin> {
    Box::new(ready(if n == 0 { Err("none".to_owned()) } else { Ok(n) }))
}

#[instrument(err(level = "warn"), ok_if = |n| *n != 7)]
fn watched(n: u8) -> impl Future<Output = Result<u8, String>> {
    work(n)
}

#[test]
fn a_returned_future_is_a_span_whatever_makes_it() {
    for make in [
        |n| opaque(n).boxed_local(),
        |n| branches(n).boxed_local(),
        |n| early(n).boxed_local(),
        |n| boxed(n, "").boxed_local(),
        |n| local(n),
        |n| unpinned(n).boxed_local(),
        |n| watched(n).boxed_local(),
    ] as [fn(u8) -> LocalBoxFuture<'static, Result<u8, String>>; 7]
    {
        let span = only(|| assert_eq!(block_on(make(5)), Ok(5)));
        assert_eq!((span.status, keys(&span)), (StatusCode::Unset, vec!["n"]), "{}", span.name);
        let failed = only(|| assert!(block_on(make(0)).is_err()));
        assert!(["none", "early"].contains(&&*failed.status_message), "{failed:?}");
    }
    assert_eq!(only(|| assert_eq!(block_on(branches(8)), Ok(8))).name, "branches");
    assert_eq!(only(|| assert_eq!(block_on(branches(9)), Ok(9))).name, "branches");
    assert_eq!(only(|| assert_eq!(block_on(watched(7)), Ok(7))).status, StatusCode::Error);
}

#[test]
fn a_returned_future_that_is_dropped_is_cancelled() {
    let span = only(|| drop(opaque(1)));
    assert_eq!(span.attribute("cancelled"), Some(&ValueBuf::Bool(true)));
    assert_eq!(span.status, StatusCode::Unset);
}

#[test]
fn a_returned_future_may_be_sent_and_lives_as_long_as_it_did() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    struct Text(String);
    impl Text {
        #[instrument]
        fn length(&self, n: u8) -> impl Future<Output = usize> + '_ {
            let text = &self.0;
            async move { text.len() + usize::from(n) }.map(|length| length)
        }
        #[instrument]
        fn push<'a>(&'a mut self, more: &'a str) -> BoxFuture<'a, Result<&'a str, String>> {
            self.0.push_str(more);
            if more.is_empty() {
                return ready(Err("nothing".to_owned())).boxed();
            }
            async move { Ok(&*self.0) }.boxed()
        }
    }
    let mut text = Text("a".to_owned());
    assert_eq!(block_on(sent(text.length(1))), 2);
    assert_eq!(block_on(sent(text.push("b"))), Ok("ab"));
    assert_eq!(only(|| _ = block_on(text.push(""))).status_message, "nothing");
    drop(sent(opaque(1)));
}

#[instrument]
fn count(to: u8) -> impl Stream<Item = u8> + Send {
    stream::iter(0..to).then(|n| async move {
        yield_once().await;
        below(n)
    })
}

#[instrument]
fn below(n: u8) -> u8 {
    n
}

#[instrument]
fn checked(numbers: Vec<i8>) -> BoxStream<'static, Result<i8, String>> {
    let check = |n: i8| if n < 0 { Err(format!("{n} is negative")) } else { Ok(n) };
    if numbers.is_empty() {
        return stream::empty().boxed();
    }
    stream::iter(numbers).map(check).boxed()
}

#[test]
fn a_stream_is_a_span_that_counts_its_items() {
    let spans = testing::capture(|| assert_eq!(block_on(count(3).collect::<Vec<_>>()), [0, 1, 2]));
    assert_eq!((spans.len(), spans[0].name.as_str()), (4, "count"));
    assert_eq!(spans[0].attribute("stream.items"), Some(&ValueBuf::I64(3)));
    assert_eq!(spans[0].attribute("cancelled"), None);
    assert!(spans[1..].iter().all(|span| span.parent_span_id == Some(spans[0].span_id)));
}

#[test]
fn an_err_among_the_items_fails_the_span() {
    let span = only(|| assert_eq!(block_on(checked(vec![1, -2, 3]).count()), 3));
    assert_eq!((span.status, span.status_message.as_str()), (StatusCode::Error, "-2 is negative"));
    assert_eq!(span.attribute("stream.items"), Some(&ValueBuf::I64(3)));
    let span = only(|| assert_eq!(block_on(checked(vec![]).count()), 0));
    assert_eq!((span.status, span.attribute("stream.items")), (StatusCode::Unset, Some(&ValueBuf::I64(0))));
}

#[test]
fn a_stream_that_is_dropped_before_its_end_is_cancelled() {
    let span = only(|| {
        let mut counting = pin!(checked(vec![1, 2]));
        let next = counting.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
        assert_eq!(next, Poll::Ready(Some(Ok(1))));
    });
    assert_eq!(span.attribute("cancelled"), Some(&ValueBuf::Bool(true)));
    assert_eq!(span.attribute("stream.items"), Some(&ValueBuf::I64(1)));
}

#[test]
fn an_alias_of_a_boxed_future_is_known_by_its_end() {
    #[instrument]
    fn aliased(n: u8) -> Boxed<'static, Result<u8, String>> {
        Box::pin(async move { work(n).await })
    }
    assert_eq!(only(|| _ = block_on(aliased(0))).status_message, "none");
}
