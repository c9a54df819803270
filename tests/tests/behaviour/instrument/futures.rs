//! Spans around futures: lazy, current while polled, cancelled when dropped.

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use telemetry_runtime::{Span, StatusCode, ValueBuf, instrument, testing};

use super::{block_on, keys, only, yield_once};

#[test]
fn an_async_function_is_a_span_that_begins_when_polled() {
    #[instrument]
    async fn work(n: u8) -> u8 {
        yield_once().await;
        n
    }
    assert!(testing::capture(|| drop(work(1))).is_empty());
    let span = only(|| assert_eq!(block_on(work(3)), 3));
    assert_eq!((span.name.as_str(), keys(&span)), ("work", vec!["n"]));
}

#[test]
fn children_find_their_parent_over_an_await() {
    #[instrument]
    async fn outer() {
        yield_once().await;
        inner().await;
    }
    #[instrument]
    async fn inner() {
        yield_once().await;
    }
    let spans = testing::capture(|| block_on(outer()));
    assert_eq!(spans[1].parent_span_id, Some(spans[0].span_id));
}

#[test]
fn a_future_that_is_dropped_half_way_is_cancelled() {
    #[instrument]
    async fn wait() -> Result<(), String> {
        yield_once().await;
        Ok(())
    }
    let span = only(|| {
        let mut waiting = pin!(wait());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    assert_eq!(span.status, StatusCode::Unset);
    assert_eq!(span.attribute("cancelled"), Some(&ValueBuf::Bool(true)));
}

#[test]
fn a_returned_boxed_future_is_a_span_over_its_whole_work() {
    type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

    #[instrument]
    fn plain(id: u64, name: &str) -> Pin<Box<dyn Future<Output = Result<u64, String>> + Send + '_>> {
        let length = name.len() as u64;
        Box::pin(async move {
            yield_once().await;
            assert!(Span::current().is_recording());
            if name.is_empty() {
                Err("no name")?
            }
            Ok(id + length)
        })
    }
    #[instrument]
    fn aliased(id: u64, moved: String) -> Boxed<'static, Result<String, std::num::ParseIntError>> {
        let text = moved;
        ::std::boxed::Box::pin(async move { text.parse::<u8>().map(|_| format!("{id}")) })
    }
    #[instrument]
    fn opaque(id: u64) -> impl Future<Output = Result<u64, String>> {
        async move { if id == 0 { Err("zero".to_owned()) } else { Ok(id) } }
    }
    let span = only(|| _ = block_on(plain(1, "")));
    assert_eq!((keys(&span), span.status_message.as_str()), (vec!["id"], "no name"));
    assert_eq!(only(|| assert_eq!(block_on(plain(1, "ab")), Ok(3))).status, StatusCode::Unset);
    let span = only(|| _ = block_on(aliased(1, "x".to_owned())));
    assert_eq!((keys(&span), span.status_message.as_str()), (vec!["id"], "invalid digit found in string"));
    assert_eq!(only(|| _ = block_on(opaque(0))).status_message, "zero");
}

#[test]
fn what_the_returned_block_does_not_hold_may_be_gone() {
    struct Ticket(Box<u8>);
    #[instrument]
    fn take(ticket: Ticket, borrowed: &u64, n: u64) -> Pin<Box<dyn Future<Output = u64>>> {
        let taken = u64::from(*ticket.0) + *borrowed + n;
        drop(ticket);
        Box::pin(async move { taken })
    }
    assert_eq!(keys(&only(|| assert_eq!(block_on(take(Ticket(Box::new(1)), &2, 3)), 6))), ["n"]);
}

#[test]
fn an_instrumented_future_may_be_sent() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    #[instrument]
    async fn receive(from: std::sync::mpsc::Receiver<u8>) -> Result<u8, std::sync::mpsc::TryRecvError> {
        yield_once().await;
        from.try_recv()
    }
    let (to, from) = std::sync::mpsc::channel();
    to.send(1).expect("the receiver is there");
    assert_eq!(block_on(sent(receive(from))), Ok(1));
}

#[test]
fn a_layer_adds_little_to_a_future() {
    async fn plain(n: u8) -> u8 {
        yield_once().await;
        n
    }
    #[instrument(skip_all)]
    async fn layer() -> u8 {
        plain(1).await
    }
    let added = size_of_val(&layer()) - size_of_val(&plain(1));
    assert!(added < 100, "a layer adds {added} bytes");
}
