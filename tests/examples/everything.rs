//! Spans and log records of every kind, each once, as the settings say: what the checks beside others' libraries compare (`interop/`).
//!
//! `everything finite` leaves out numbers that are not finite.

use std::error::Error;
use std::io;
use std::time::Duration;
use telemetry_runtime::propagation::tracecontext;
use telemetry_runtime::{Span, SpanContext, StatusCode, attach, event, init, instrument, span};

fn main() -> Result<(), Box<dyn Error>> {
    let guard = init()?;
    log_at_every_level();
    let caller = |flags| caller(flags).ok_or("a caller in another process");
    spans(&caller("01")?);
    in_a_trace_that_is_not_recorded(&caller("00")?);
    let report = guard.shutdown(Duration::from_secs(30));
    if report.is_complete() { Ok(()) } else { Err(format!("not all was delivered: {report:?}").into()) }
}

/// The span above all that are made here, of another process.
fn caller(flags: &str) -> Option<SpanContext> {
    let traceparent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
    tracecontext::parse(&traceparent, "vendor=value,other=1")
}

/// Spans of every kind and status, with attributes, events and links of every type.
fn spans(caller: &SpanContext) {
    let _attached = attach(caller);
    let names = vec!["tea".to_owned(), "café ☕".to_owned()];
    let not_finite = |number| (!finite_only()).then_some(number);
    let _all = span!(
        "all types", kind = "server", yes = true, no = false, least = i64::MIN, most = i64::MAX, beyond = u64::MAX, half = 0.5,
        whole = 2.0, tiny = 5e-324, nan = not_finite(f64::NAN), infinite = not_finite(f64::NEG_INFINITY),
        text = "quoted \" \\ \n \u{1b} ☕ 🦀", empty = "", letter = 'ä', debug = ?names, names, flags = [true, false],
        numbers = [1_u32, 2], halves = [0.5, 1.5], none = None::<u32>
    );
    event!("happens", count = 3, text = "now", share = 0.25);
    event!("happens without attributes");
    let around = Span::current().context();
    drop(span!("call", kind = "client", links = [caller.clone(), around]));
    drop(span!("send", kind = "producer"));
    drop(span!("receive", kind = "consumer", root, links = [caller.clone()]));
    let failed = fails();
    tracing::info!(target: "orders::store", failed = failed.is_err(), "in a span");
    log_at_every_level();
    {
        let _span = span!("went well");
        Span::current().set_status(StatusCode::Ok, "");
        Span::current().add_link(caller);
    }
}

fn finite_only() -> bool {
    std::env::args().nth(1).as_deref() == Some("finite")
}

/// Its span has the status of an error, and an exception as its event.
#[instrument]
fn fails() -> io::Result<()> {
    Err(io::Error::other("out of tea"))
}

fn in_a_trace_that_is_not_recorded(caller: &SpanContext) {
    let _attached = attach(caller);
    tracing::info!(recorded = false, "in a span that is not recorded");
}

fn log_at_every_level() {
    let error = io::Error::other("no order");
    tracing::error!(
        target: "orders", yes = true, least = i64::MIN, beyond = u64::MAX, half = 0.5, whole = 2.0, text = "t",
        hostile = "a\n{\"severity\":\"INFO\"}\u{1b}[31m", empty = "", debug = ?Some("x"), display = %'c', order.id = 7,
        error = &error as &dyn Error, "sold {} of \"tea\" ☕", 3
    );
    if !finite_only() {
        tracing::warn!(nan = f64::NAN, "few are left");
    }
    tracing::info!(name: "order.sold", quantity = 2, "sold");
    tracing::debug!(quantity = 2);
    tracing::trace!("on the way");
    log::warn!(target: "elsewhere", "of the log crate");
}
