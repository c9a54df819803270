//! emit.

use crate::counter;
use crate::library::{Failure, Library, Subject, Yield, body};
use crate::sink::Sink;
use emit::Emitter;
use std::time::Duration;

/// With an emitter.
pub(crate) fn start(sink: &Sink) -> Box<dyn Subject> {
    match sink {
        Sink::Counter => emit_to(emit::emitter::from_fn(|event| {
            // Events have one point in time, spans have two.
            if event.extent().is_some_and(emit::Extent::is_range) {
                counter::add(1);
            }
        })),
        Sink::Otlp(url) => emit_to(emit_otlp::new().traces(emit_otlp::traces_http_proto(url)).spawn()),
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

fn emit_to(emitter: impl Emitter + Send + Sync + 'static) -> Box<dyn Subject> {
    let running = emit::setup().emit_to(emitter).init();
    let flush = move || {
        let _ = running.blocking_flush(PATIENCE);
    };
    Box::new(Emit { flush })
}

struct Emit<F> {
    flush: F,
}

impl<F: Fn() + Send + Sync + 'static> Library for Emit<F> {
    fn trace(&self, children: impl FnOnce()) {
        trace(children);
    }

    spans_of_functions!();

    fn flush(&self) {
        (self.flush)();
    }
}

#[emit::span("trace")]
#[inline(never)]
fn trace(children: impl FnOnce()) {
    children();
}

#[emit::span("plain")]
#[inline(never)]
fn plain() {
    body();
}

#[emit::span("attributes", number, text, owned)]
#[inline(never)]
fn attributes(number: i64, text: &str, owned: &str) {
    body();
}

#[emit::span("formatted", #[emit::as_debug] text)]
#[inline(never)]
fn formatted(text: &str) {
    body();
}

#[emit::span(err_lvl: "error", "failing")]
#[inline(never)]
fn failing() -> Result<(), Failure> {
    body();
    Err(Failure)
}

#[emit::span("event")]
#[inline(never)]
fn event() {
    emit::info!("cache.miss", cache_size: 512_i64);
}

#[emit::span("ready")]
#[inline(never)]
async fn ready() {
    body();
}

#[emit::span("yielding")]
#[inline(never)]
async fn yielding() {
    Yield::default().await;
}

#[emit::span("nested")]
#[inline(never)]
fn nested(depth: u32) {
    if depth > 1 {
        nested(depth - 1);
    }
    body();
}
