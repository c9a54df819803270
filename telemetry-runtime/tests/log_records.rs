//! Events of `tracing` and records of the `log` crate on their way to an exporter, under the subscriber that an installation brings.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::{Level, LogData, Settings, builder, instrument};

/// What `body` makes under settings without exporters of their own. One installation at a time: tests of one process take turns.
fn memory_after(body: impl FnOnce()) -> Memory {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = Memory::new();
    let settings =
        Settings::from_text("telemetry: {exporters: []}", "settings.yaml").expect("valid settings");
    let installed = builder().settings(settings).exporter("memory", memory.clone()).install();
    let guard = installed.expect("one installation at a time");
    body();
    assert!(guard.flush(Duration::from_secs(10)).is_complete());
    memory
}

/// Where `sells` warns.
static LINE: AtomicU32 = AtomicU32::new(0);

#[instrument]
fn sells() {
    LINE.store(line!() + 1, Ordering::Relaxed);
    log::warn!(target: "orders::stock", "{} left", 3);
    log::debug!("of no interest");
    tracing::info!(log.file = "a field like any other", "sold");
}

#[test]
fn records_of_the_log_crate_have_their_own_place_and_the_ids_of_the_span() {
    let memory = memory_after(sells);
    let [left, sold]: [LogData; 2] = memory.logs().try_into().expect("two log records");
    assert_eq!(
        (left.body.as_str(), left.target.as_str(), left.level),
        ("3 left", "orders::stock", Level::Warn)
    );
    let attributes =
        [("code.file.path", file!().into()), ("code.line.number", LINE.load(Ordering::Relaxed).into())];
    assert_eq!(left.attributes, attributes.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!((left.name, left.context), (None, sold.context.clone()));
    let span = &memory.spans()[0];
    assert_eq!(sold.context.as_ref().map(|context| context.span_id()), Some(span.span_id));
    assert_eq!((sold.body.as_str(), sold.target.as_str()), ("sold", "log_records"));
    assert_eq!(sold.attribute("log.file"), Some(&"a field like any other".into()));
}

/// Logs while it is formatted: what the filter lets through, and what it does not.
struct Talks;

impl fmt::Debug for Talks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("let through");
        log::info!("let through, too");
        tracing::debug!("held back");
        log::debug!("held back, too");
        f.write_str("talks")
    }
}

#[test]
fn a_field_that_logs_under_the_filter_loses_neither_record() {
    let memory = memory_after(|| tracing::info!(field = ?Talks, "outer"));
    let logs = memory.logs();
    let count = |body: &str| logs.iter().filter(|log| log.body == body).count();
    // The lines format the field once more.
    assert_eq!((count("let through"), count("let through, too"), count("outer")), (2, 2, 1));
    assert_eq!(logs.len(), 5, "{logs:?}");
    let outer = logs.iter().find(|log| log.body == "outer").expect("it is there");
    assert_eq!(outer.attribute("field"), Some(&"talks".into()));
}

#[test]
fn a_record_within_a_span_of_another_library_has_the_ids_of_that() {
    let memory = memory_after(|| tracing::info_span!("theirs").in_scope(|| tracing::info!("within")));
    let (span, log) = (&memory.spans()[0], &memory.logs()[0]);
    assert_eq!((span.name.as_str(), log.body.as_str()), ("theirs", "within"));
    let ids = log.context.as_ref().map(|context| (context.trace_id(), context.span_id()));
    assert_eq!(ids, Some((span.trace_id, span.span_id)));
}
