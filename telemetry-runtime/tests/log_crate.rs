//! Records of the `log` crate on their way to an exporter.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::{Level, LogData, Settings, builder, instrument};

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
    let memory = Memory::new();
    let settings =
        Settings::from_text("telemetry: {exporters: []}", "settings.yaml").expect("valid settings");
    let guard =
        builder().settings(settings).exporter("memory", memory.clone()).install().expect("the only one");

    sells();

    assert!(guard.flush(Duration::from_secs(10)).is_complete());
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
    assert_eq!((sold.body.as_str(), sold.target.as_str()), ("sold", "log_crate"));
    assert_eq!(sold.attribute("log.file"), Some(&"a field like any other".into()));
}
