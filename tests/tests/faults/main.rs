//! Exporters whose other side fails in every way, alone and beside one that works: what is lost is counted, and nobody else notices.

mod cases;
mod end;
mod local;
mod network;
mod settings;
mod side;

use cases::Fate;
use std::sync::{MutexGuard, Once};
use std::time::Duration;
use telemetry_runtime::{
    Builder, ExporterStatus, Guard, InitError, Settings, Signal, bridge, builder, instrument,
};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};

const SOON: Duration = Duration::from_secs(10);
const A_WHILE: Duration = Duration::from_secs(1);
/// Trying again for a short time only.
const IMPATIENT: &str = "{initial: 10ms, max: 50ms, budget: 50ms}";
/// Whose events become log records: receivers in this process have their own.
const TARGET: &str = "orders";

#[instrument]
fn work(n: u32) {
    let _ = n;
}

fn log(n: u32) {
    tracing::info!(target: TARGET, n, "sold");
}

/// So many spans, and as many log records.
fn make(count: u32) {
    (0..count).for_each(|n| {
        work(n);
        log(n);
    });
}

/// One installation at a time, of which none writes log lines.
fn turn() -> MutexGuard<'static, ()> {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let records = bridge::events::layer().with_filter(filter_fn(|event| event.target() == TARGET));
        let subscriber = tracing_subscriber::registry().with(records);
        tracing::subscriber::set_global_default(subscriber).expect("the only one");
    });
    telemetry_tests::turn()
}

fn with_settings(text: &str) -> Builder {
    builder().settings(Settings::from_text(text, "settings.yaml").expect("valid settings"))
}

fn install_text(text: &str) -> Result<Guard, InitError> {
    with_settings(text).install()
}

/// An installation of these exporters, each as a list of the settings has it.
fn install(exporters: &[String]) -> Guard {
    let text = format!("telemetry: {{exporters: [{}]}}", exporters.join(", "));
    install_text(&text).expect("one installation at a time")
}

fn assert_adds_up(guard: &Guard) {
    guard.status().exporters.into_iter().for_each(|exporter| assert!(exporter.adds_up(), "{exporter}"));
}

fn status_of(guard: &Guard, name: &str, signal: Signal) -> ExporterStatus {
    let mut exporters = guard.status().exporters.into_iter();
    let found = exporters.find(|exporter| exporter.name == name && exporter.signal == signal);
    found.expect("an exporter of that name")
}

/// What has become of so many spans, and as many log records, of an exporter that never saw anything but the fault.
fn assert_lasted(guard: &Guard, name: &str, fate: Fate, created: u64) {
    let of_name: Vec<_> = guard.status().exporters.into_iter().filter(|status| status.name == name).collect();
    assert!(!of_name.is_empty(), "no exporter `{name}`");
    for status in of_name {
        let ExporterStatus { exported, rejected, dropped, .. } = status;
        assert!(status.adds_up() && (status.created, status.queued) == (created, 0), "{status}");
        match fate {
            Fate::Again | Fate::Later => assert_eq!(dropped.retry_exhausted, created, "{status}"),
            Fate::Rest => assert!(exported > 0 && exported + dropped.retry_exhausted == created, "{status}"),
            Fate::Dropped => assert_eq!(dropped.permanent_error, created, "{status}"),
            Fate::Halved => assert_eq!(dropped.too_large, created, "{status}"),
            Fate::Rejected => assert!(rejected > 0 && exported + rejected == created, "{status}"),
            Fate::Left => assert_eq!(dropped.shutdown, created, "{status}"),
            Fate::Taken => assert_eq!(exported, created, "{status}"),
        }
    }
}
