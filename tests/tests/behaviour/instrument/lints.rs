//! Nothing that we write is noticed by a lint that the user has turned on.
#![deny(warnings, unused, clippy::all, clippy::pedantic, unused_qualifications, rust_2018_idioms)]
#![deny(unsafe_op_in_unsafe_fn, single_use_lifetimes, let_underscore_drop, unreachable_pub)]

use std::convert::Infallible;
use std::pin::Pin;

use telemetry_runtime::instrument;

use super::block_on;

#[instrument(fields(extra = a + 1))]
fn sync(a: u8, mut b: Vec<u8>, _c: u8) -> Result<Vec<u8>, String> {
    const ONE: u8 = 1;
    b.push(a + ONE);
    Ok(b)
}

#[instrument(ret)]
async fn later(a: u8, mut b: Vec<u8>, _c: u8) -> Result<Vec<u8>, String> {
    const ONE: u8 = 1;
    b.push(a + ONE);
    Ok(b)
}

#[instrument]
fn unit(a: u8) {
    drop(vec![a]);
}

#[instrument]
async fn unit_later(a: u8) {
    drop(vec![a]);
}

#[instrument]
async fn diverges(a: u8) -> Result<u8, String> {
    panic!("{a}")
}

#[instrument]
async fn forever() -> Infallible {
    loop {
        std::future::pending::<()>().await;
    }
}

#[instrument]
fn stops(a: u8) -> Result<Infallible, u8> {
    Err(a)
}

#[instrument]
fn boxed(a: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(async move { a })
}

struct Big {
    bytes: Vec<u8>,
}

impl Big {
    #[instrument(fields(len = self.bytes.len()))]
    fn len(&mut self, _unused: u64) -> Result<&mut Vec<u8>, u8> {
        self.bytes.push(1);
        Ok(&mut self.bytes)
    }

    #[instrument(fields(?name))]
    async fn only_in_fields(&self, name: &str, id: u64, _unused: u64) -> u64 {
        id
    }
}

#[test]
fn they_run() {
    let mut big = Big { bytes: vec![] };
    assert_eq!(big.len(1).map(|bytes| bytes.len()), Ok(1));
    assert_eq!(block_on(big.only_in_fields("", 3, 4)), 3);
    assert_eq!(sync(1, vec![], 2), Ok(vec![2]));
    assert_eq!(block_on(later(1, vec![], 2)), Ok(vec![2]));
    unit(1);
    block_on(unit_later(1));
    assert_eq!(block_on(boxed(1)), 1);
    assert_eq!(stops(1).err(), Some(1));
    drop((diverges(1), forever()));
}
