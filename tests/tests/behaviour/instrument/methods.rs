//! Methods, of types and of traits.

use std::rc::Rc;

use async_trait::async_trait;
use telemetry_runtime::{StatusCode, ValueBuf, instrument};

use super::{block_on, keys, only, yield_once};

#[derive(Debug, Default)]
struct Cart {
    items: Vec<u32>,
}

impl Cart {
    #[instrument]
    fn total(&self, factor: u32) -> u32 {
        self.items.iter().sum::<u32>() * factor
    }

    #[instrument(fields(before = self.items.len()))]
    fn add(&mut self, item: u32) {
        self.items.push(item);
    }

    #[instrument]
    fn close(self) -> Result<Vec<u32>, &'static str> {
        if self.items.is_empty() { Err("empty") } else { Ok(self.items) }
    }

    #[instrument]
    async fn send(&mut self, to: u64) -> Result<&[u32], String> {
        yield_once().await;
        self.items.push(to as u32);
        Ok(&self.items)
    }

    #[instrument]
    fn shared(self: Rc<Self>, n: u8) -> u8 {
        n
    }

    #[instrument(ret)]
    fn new(first: u32) -> Self {
        Self { items: vec![first] }
    }
}

#[test]
fn methods_of_every_receiver_are_spans() {
    let mut cart = Cart::default();
    assert_eq!(keys(&only(|| _ = cart.total(2))), ["factor"]);
    let span = only(|| cart.add(5));
    assert_eq!(span.attribute("before"), Some(&ValueBuf::I64(0)));
    assert_eq!(only(|| assert_eq!(block_on(cart.send(7)), Ok(&[5, 7][..]))).name, "send");
    assert_eq!(only(|| assert_eq!(cart.close(), Ok(vec![5, 7]))).name, "close");
    assert_eq!(only(|| _ = Cart::default().close()).status_message, "empty");
    assert_eq!(only(|| _ = Rc::new(Cart::default()).shared(1)).status, StatusCode::Unset);
    assert!(only(|| _ = Cart::new(1)).attribute("return").is_some());
}

trait Store {
    #[instrument]
    fn provided(&self, id: u64) -> Result<u64, String> {
        self.required(id)
    }

    fn required(&self, id: u64) -> Result<u64, String>;
}

impl Store for Cart {
    #[instrument]
    fn required(&self, id: u64) -> Result<u64, String> {
        Err(format!("no {id}"))
    }
}

#[test]
fn trait_methods_are_spans() {
    let spans = telemetry_runtime::testing::capture(|| _ = Cart::default().provided(3));
    let seen: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span.status_message.as_str())).collect();
    assert_eq!(seen, [("provided", "no 3"), ("required", "no 3")]);
    assert_eq!(spans[1].parent_span_id, Some(spans[0].span_id));
}

#[async_trait]
trait Remote {
    async fn fetch(&mut self, id: u64, name: &str) -> Result<u64, String>;

    #[instrument]
    async fn ping(&self) -> Result<(), String>
    where
        Self: Sync,
    {
        yield_once().await;
        Err("unreachable host".to_owned())
    }
}

#[async_trait]
impl Remote for Cart {
    #[instrument(fields(name, count = self.items.len()))]
    async fn fetch(&mut self, id: u64, name: &str) -> Result<u64, String> {
        yield_once().await;
        self.items.push(id as u32);
        if name.is_empty() {
            return Err(format!("no name for {id}"));
        }
        let parsed: u64 = name.parse().map_err(|_| "no number")?;
        Ok(parsed)
    }
}

#[test]
fn async_trait_methods_are_spans_over_their_whole_work() {
    let mut cart = Cart::default();
    let span = only(|| _ = block_on(cart.fetch(4, "")));
    assert_eq!(span.name, "fetch");
    assert_eq!(keys(&span), ["id", "name", "count"]);
    assert_eq!(span.status_message, "no name for 4");
    assert_eq!(only(|| assert_eq!(block_on(cart.fetch(4, "9")), Ok(9))).status, StatusCode::Unset);
    assert_eq!(only(|| _ = block_on(cart.ping())).status_message, "unreachable host");
}
