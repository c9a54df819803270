//! The `tracing` events that `err` and `ret` make when they are given a level.

use std::fmt;
use std::sync::{Arc, Mutex};

use telemetry_runtime::instrument;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::block_on;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() != "quiet"
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut line);
        self.0.lock().expect("no panic while writing").push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn events(body: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), body);
    lines.0.lock().expect("no panic while writing").clone()
}

#[instrument(err(level = "warn"), ret(level = 2))]
fn halve(n: u8) -> Result<u8, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

#[instrument(target = "math", err(Debug, level = telemetry_runtime::Level::ERROR), ret(Display, level = "info"))]
async fn halve_later(n: u8) -> Result<u8, String> {
    halve_quietly(n)
}

#[instrument(target = "quiet", err(level = "error"))]
fn halve_quietly(n: u8) -> Result<u8, String> {
    halve_silently(n)
}

#[instrument(err, ret)]
fn halve_silently(n: u8) -> Result<u8, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

#[test]
fn an_outcome_with_a_level_is_an_event() {
    let seen = events(|| {
        _ = halve(3);
        _ = halve(4);
        _ = block_on(halve_later(5));
        _ = block_on(halve_later(6));
    });
    let module = module_path!();
    assert_eq!(
        seen,
        [
            &*format!("WARN {module} error=3 is odd"),
            &*format!("DEBUG {module} return=2"),
            "ERROR math error=\"5 is odd\"",
            "INFO math return=3"
        ]
    );
}

#[test]
fn an_err_that_does_not_count_is_no_event() {
    #[instrument(err(level = "error"), err_if = |code| *code > 400)]
    fn get(code: u16) -> Result<(), u16> {
        Err(code)
    }
    let seen = events(|| {
        _ = get(304);
        _ = get(500);
    });
    assert_eq!(seen, [format!("ERROR {} error=500", module_path!())]);
}
