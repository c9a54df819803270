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
#[allow(dead_code)]
struct Box;

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

#[anything::instrument(
    name = ::std::format!("{parent}"), root, links = [__below], capture = all, err(level = "warn"), ret(Display, level = "info"),
    err_if = |error| *error > 1, ok_if = |value| *value > 1, sample = 0.5, keep_if_slower = "1s", metrics, fields(password)
)]
fn everything(parent: u8, __below: &anything::SpanContext, __event: u8) -> ::std::result::Result<u8, u8> {
    ::std::result::Result::Ok(parent + __event)
}

#[anything::instrument(parent = __below, err(Debug, level = "warn"), sample = never)]
async fn everything_later(__below: &anything::SpanContext, __work: u8) -> ::std::result::Result<u8, u8> {
    ::std::result::Result::Ok(__work)
}

#[anything::instrument(err(level = "error"))]
fn returned(
    __work: u8,
) -> ::std::pin::Pin<::std::boxed::Box<dyn ::std::future::Future<Output = ::std::result::Result<u8, u8>>>> {
    if __work == 1 {
        return ::std::boxed::Box::pin(async { ::std::result::Result::Err(1) });
    }
    ::std::boxed::Box::pin(async move { ::std::result::Result::Ok(__work) })
}

struct Type(u8);

#[anything::instrument(fields(x = self.0))]
impl Type {
    fn method(&self, __span: u8) -> ::std::result::Result<u8, u8> {
        ::std::result::Result::Ok(self.0 + __span)
    }
}

fn main() {
    f(1, 2).unwrap();
    h(1, 2).unwrap();
    ::std::mem::drop(g(1));
    let context = <anything::SpanContext as ::std::default::Default>::default();
    everything(1, &context, 2).unwrap();
    ::std::mem::drop(everything_later(&context, 1));
    ::std::mem::drop(returned(1));
    Type(1).method(2).unwrap();
    let __span = 1;
    let _guard = anything::span!("block", __span, ?context, parent = context);
    ::std::mem::drop(anything::detached_span!(::std::format!("block"), x = __span));
}
