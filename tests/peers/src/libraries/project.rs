//! This project.

use crate::counter;
use crate::library::{Failure, Library, Subject, Yield, body};
use crate::sink::Sink;
use std::time::Duration;
use telemetry_runtime::export::otlp::{Otlp, Target};
use telemetry_runtime::policy::Ratio;
use telemetry_runtime::{
    Batch, Builder, ExportError, Exported, Exporter, Guard, Settings, builder, event, instrument,
};

/// Samples all or nothing.
pub(crate) fn start(policy: Ratio, code_attributes: bool, sink: &Sink) -> Box<dyn Subject> {
    install(builder(), policy, code_attributes, sink)
}

/// The same by settings, which bring a subscriber of `tracing` along.
pub(crate) fn start_by_settings(policy: Ratio, sink: &Sink) -> Box<dyn Subject> {
    const SETTINGS: &str = "telemetry: {exporters: []}\nlogging: {level: off}";
    let settings = Settings::from_text(SETTINGS, "settings.yaml").expect("they are right");
    install(builder().settings(settings), policy, true, sink)
}

fn install(builder: Builder, policy: Ratio, code_attributes: bool, sink: &Sink) -> Box<dyn Subject> {
    let builder = match sink {
        Sink::Counter => builder.exporter(EXPORTER, Counting),
        Sink::Otlp(url) => builder.exporter(EXPORTER, otlp(url, code_attributes)),
    };
    let guard = builder.policy(policy).install().expect("the first installation of this process");
    Box::new(Project { guard: Some(guard) })
}

/// Does not start.
pub(crate) fn without_init() -> Box<dyn Subject> {
    Box::new(Project { guard: None })
}

const EXPORTER: &str = "peers";
const PATIENCE: Duration = Duration::from_secs(60);

fn otlp(url: &str, code_attributes: bool) -> Otlp {
    let target = Target { code_attributes, ..Target::new(url) };
    Otlp::new(target).expect("the receiver's own URL")
}

struct Counting;

impl Exporter for Counting {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        counter::add(batch.span_count());
        Ok(Exported::all())
    }
}

struct Project {
    guard: Option<Guard>,
}

impl Library for Project {
    fn trace(&self, children: impl FnOnce()) {
        trace(children);
    }

    spans_of_functions!();

    fn flush(&self) {
        if let Some(guard) = &self.guard {
            let _ = guard.flush(PATIENCE);
        }
    }

    fn lost(&self) -> Option<u64> {
        let status = self.guard.as_ref()?.status();
        status.exporters.first().map(|exporter| exporter.dropped.total() + exporter.rejected)
    }
}

#[instrument(skip_all)]
#[inline(never)]
fn trace(children: impl FnOnce()) {
    children();
}

#[instrument]
#[inline(never)]
fn plain() {
    body();
}

#[instrument(fields(number, text, owned))]
#[inline(never)]
fn attributes(number: i64, text: &str, owned: &str) {
    body();
}

#[instrument(fields(?text))]
#[inline(never)]
fn formatted(text: &str) {
    body();
}

#[instrument]
#[inline(never)]
fn failing() -> Result<(), Failure> {
    body();
    Err(Failure)
}

#[instrument]
#[inline(never)]
fn event() {
    event!("cache.miss", cache.size = 512_i64);
}

#[instrument]
#[inline(never)]
async fn ready() {
    body();
}

#[instrument]
#[inline(never)]
async fn yielding() {
    Yield::default().await;
}

#[instrument(skip_all)]
#[inline(never)]
fn nested(depth: u32) {
    if depth > 1 {
        nested(depth - 1);
    }
    body();
}
