#![deny(warnings, unused, clippy::all, clippy::pedantic)]
#![deny(unused_qualifications, single_use_lifetimes, let_underscore_drop, unreachable_pub, rust_2018_idioms)]

use std::pin::Pin;

use telemetry_runtime::{SpanContext, instrument, span};

#[derive(Debug)]
struct Cart(Vec<u8>);

#[instrument(level = "debug", capture = all)]
impl Cart {
    fn add(&mut self, item: u8, _unused: &str) -> Result<u8, String> {
        self.0.push(item);
        Ok(item)
    }

    async fn first(&self, fallback: Option<u8>) -> Option<u8> {
        self.0.first().copied().or(fallback)
    }
}

#[instrument(parent = parent, links = [parent], name = format!("{n}"), err_if = |e| *e > n, ok_if = |v| *v > 1, ret(level = "info"))]
fn all(parent: &SpanContext, n: u8) -> Result<u8, u8> {
    Ok(n)
}

#[instrument(root, sample = 0.5, err(level = "warn"))]
async fn later(n: u8) -> Result<u8, u8> {
    Ok(n)
}

#[instrument]
fn returned(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    if n == 0 {
        return Box::pin(async { 0 });
    }
    Box::pin(async move { n })
}

#[instrument]
fn opaque(n: u8) -> impl Future<Output = Result<u8, String>> {
    std::future::ready(Ok(n))
}

fn main() {
    let _span = span!("main", n = 1, parent = None);
    let mut cart = Cart(vec![]);
    let _ = cart.add(1, "").is_ok() && all(&SpanContext::default(), 2).is_ok();
    drop((cart.first(None), later(1), returned(1), opaque(1)));
}
