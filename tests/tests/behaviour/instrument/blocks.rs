//! `#[instrument]` on whole `impl` and `trait` blocks.

use async_trait::async_trait;
use telemetry_runtime::{SpanKind, ValueBuf, instrument, testing};

use super::{block_on, keys, only, yield_once};

#[derive(Debug, Default)]
struct Cart<T> {
    items: Vec<T>,
}

#[instrument(kind = "client", skip(secretly), fields(store = "memory", id))]
impl<T: Clone + Default> Cart<T> {
    const MOST: usize = 3;

    fn new() -> Self {
        Self { items: Vec::new() }
    }

    /// Adds.
    #[must_use]
    pub(super) fn add(&mut self, item: T, id: u8, secretly: u8) -> Result<&mut T, String> {
        if self.items.len() >= Self::MOST || secretly == 0 {
            return Err(format!("{id} is too much"));
        }
        self.items.push(item);
        Ok(self.items.last_mut().expect("it is there"))
    }

    async fn first(&self, fallback: bool) -> Option<T> {
        yield_once().await;
        self.items.first().cloned().or(fallback.then(T::default))
    }

    #[instrument(skip)]
    fn len(&self) -> usize {
        self.items.len()
    }

    #[instrument(name = "sum", kind = "internal", skip(n), fields(store = 2, extra))]
    fn total(&self, n: usize, m: u8) -> usize {
        self.items.len() * n + usize::from(m)
    }

    const fn most() -> usize {
        Self::MOST
    }
}

#[test]
fn every_method_of_a_block_is_a_span() {
    let mut cart = Cart::<u8>::default();
    assert_eq!(only(|| drop(Cart::<u8>::new())).name, "Cart::new");
    let span = only(|| assert_eq!(cart.add(7, 1, 2), Ok(&mut 7)));
    assert_eq!((span.name.as_str(), span.kind), ("Cart::add", SpanKind::Client));
    assert_eq!(keys(&span), ["store", "id"]);
    assert_eq!(only(|| _ = cart.add(7, 1, 0)).status_message, "1 is too much");
    let span = only(|| assert_eq!(block_on(cart.first(true)), Some(7)));
    assert_eq!((span.name.as_str(), keys(&span)), ("Cart::first", vec!["fallback", "store"]));
}

#[test]
fn a_methods_own_word_goes_before_that_of_its_block() {
    let cart = Cart { items: vec![1] };
    assert!(testing::capture(|| assert_eq!((cart.len(), Cart::<u8>::most()), (1, 3))).is_empty());
    let span = only(|| assert_eq!(cart.total(2, 3), 5));
    assert_eq!((span.name.as_str(), span.kind), ("sum", SpanKind::Internal));
    assert_eq!(keys(&span), ["m", "store"]);
    assert_eq!(span.attribute("store"), Some(&ValueBuf::I64(2)));
}

#[instrument]
trait Store {
    type Key: Into<u64>;

    fn find(&self, key: Self::Key) -> Result<u64, String>;

    fn find_twice(&self, key: Self::Key, again: u8) -> Result<u64, String> {
        Ok(self.find(key)? + u64::from(again))
    }
}

#[instrument]
impl Store for Cart<u64> {
    type Key = u8;

    fn find(&self, key: u8) -> Result<u64, String> {
        self.items.get(usize::from(key)).copied().ok_or_else(|| format!("no {key}"))
    }
}

#[test]
fn default_methods_are_called_as_their_trait_and_others_as_their_type() {
    let spans = testing::capture(|| _ = Cart { items: vec![1] }.find_twice(9, 1));
    let seen: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span.status_message.as_str())).collect();
    assert_eq!(seen, [("Store::find_twice", "no 9"), ("Cart::find", "no 9")]);
}

#[async_trait]
trait Remote {
    async fn fetch(&self, id: u64) -> Result<u64, String>;
    async fn ping(&self, id: u64) -> u64;
}

#[async_trait]
#[instrument]
impl Remote for Cart<u8> {
    async fn fetch(&self, id: u64) -> Result<u64, String> {
        yield_once().await;
        Err(format!("no {id}"))
    }
    async fn ping(&self, id: u64) -> u64 {
        yield_once().await;
        id
    }
}

#[instrument]
#[async_trait]
impl Remote for Cart<u16> {
    async fn fetch(&self, id: u64) -> Result<u64, String> {
        yield_once().await;
        Err(format!("no {id}"))
    }
    async fn ping(&self, id: u64) -> u64 {
        yield_once().await;
        id
    }
}

#[test]
fn async_trait_may_stand_before_or_after() {
    fn check(remote: &impl Remote) {
        let span = only(|| _ = block_on(remote.fetch(4)));
        assert_eq!((span.name.as_str(), keys(&span)), ("Cart::fetch", vec!["id"]));
        assert_eq!(span.status_message, "no 4");
        assert_eq!(only(|| assert_eq!(block_on(remote.ping(4)), 4)).name, "Cart::ping");
    }
    check(&Cart::<u8>::default());
    check(&Cart::<u16>::default());
}

#[test]
fn a_block_may_come_from_a_macro() {
    struct Made;
    macro_rules! block {
        ($type:ty, $($method:ident)*) => {
            #[instrument]
            impl $type {
                $(fn $method(&self, n: u8) -> u8 { n })*
            }
        };
    }
    macro_rules! whole {
        ($item:item) => {
            #[instrument]
            $item
        };
    }
    block!(Made, a b);
    whole! {
        impl Made {
            fn c() {}
        }
    }
    let spans = testing::capture(|| {
        Made.a(1);
        Made.b(2);
        Made::c();
    });
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["Made::a", "Made::b", "Made::c"]);
}
