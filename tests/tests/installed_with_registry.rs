//! What `init` installs where the filter of log lines looks into spans: the same, in a registry that keeps them.

use std::time::Duration;

use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::{Settings, builder};
use tracing::{debug, debug_span, info_span};

/// One test: there is one subscriber in a process.
#[test]
fn spans_and_events_are_recorded_as_ever_and_the_filter_sees_into_spans() {
    let memory = Memory::new();
    let settings = "telemetry: {exporters: []}\nlogging: {level: \"info,[chosen{id=1}]=debug\"}";
    let guard = builder()
        .settings(Settings::from_text(settings, "settings.yaml").expect("they are right"))
        .exporter("memory", memory.clone())
        .install()
        .expect("telemetry starts");
    for id in [1, 2] {
        info_span!("chosen", id).in_scope(|| debug!(id, "seen"));
    }
    debug_span!("fine detail").in_scope(|| {});
    assert!(guard.flush(Duration::from_secs(10)).is_complete());
    let spans: Vec<_> =
        memory.take().into_iter().map(|span| (span.name.clone(), span.attribute("id").cloned())).collect();
    let chosen = |id: i32| ("chosen".to_owned(), Some(id.into()));
    assert_eq!(spans, [chosen(1), chosen(2)]);
    let logs: Vec<_> = memory.take_logs().iter().map(|log| log.attribute("id").cloned()).collect();
    assert_eq!(logs, [Some(1.into())]);
}
