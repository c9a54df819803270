#![no_implicit_prelude]
#![deny(warnings)]

extern crate telemetry_runtime as anything;

mod std {}
mod core {}
mod tracing {}
mod telemetry_runtime {}

#[allow(dead_code)]
enum Result {
    Ok,
    Err,
}
#[allow(dead_code)]
enum Option {
    Some,
    None,
}

#[anything::instrument(ret, fields(?a, b = 1))]
fn f(a: u8, c: u16) -> ::std::result::Result<u8, ::std::string::String> {
    ::std::result::Result::Ok(a + c as u8)
}

#[anything::instrument]
async fn g(a: u8) -> ::std::result::Result<u8, ::std::string::String> {
    ::std::result::Result::Ok(a)
}

#[anything::instrument]
fn h(__span: u8, __value: u8) -> ::std::result::Result<u8, u8> {
    ::std::result::Result::Ok(__span + __value)
}

fn main() {
    f(1, 2).unwrap();
    h(1, 2).unwrap();
    ::std::mem::drop(g(1));
}
