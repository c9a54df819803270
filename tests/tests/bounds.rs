//! Requests and items that are no larger than a receiver takes, whichever way they go.

use std::time::Duration;
use telemetry_runtime::export::otlp::{Otlp, Target};
use telemetry_runtime::{Builder, ExporterStatus, Settings, Span, builder, instrument};
use telemetry_tests::{Receiver, turn};

const SOON: Duration = Duration::from_secs(10);

#[instrument]
fn work(text: &str) {
    Span::current().set_attribute("words", text);
}

/// What became of the spans that `record` makes.
fn status_after(builder: Builder, record: impl FnOnce()) -> ExporterStatus {
    let guard = builder.install().expect("one installation at a time");
    record();
    let _report = guard.flush(SOON);
    let status = guard.status().exporters.remove(0);
    assert!(status.adds_up(), "{status}");
    status
}

fn of_settings(receiver: &Receiver, more: &str) -> Builder {
    let endpoint = receiver.endpoint();
    let text = format!(
        "telemetry: {{exporters: [{{provider: otlp, otlp: {{endpoint: '{endpoint}'}}, max_batch_bytes: 8KiB{more}}}]}}"
    );
    builder().settings(Settings::from_text(&text, "settings.yaml").expect("settings"))
}

fn assert_within_bounds(receiver: &Receiver) {
    let sizes: Vec<_> = receiver.requests().iter().map(|request| request.body.len()).collect();
    assert!(sizes.len() > 10 && sizes.iter().all(|bytes| *bytes <= 8 << 10), "{sizes:?}");
}

#[test]
fn a_batch_that_makes_a_larger_request_is_sent_in_parts() {
    let _turn = turn();
    let receiver = Receiver::start();
    let status = status_after(of_settings(&receiver, ""), || (0..1000).for_each(|_| work("some words")));
    assert_eq!((status.exported, receiver.spans().len()), (1000, 1000), "{status}");
    assert_within_bounds(&receiver);
}

#[test]
fn what_goes_over_a_spool_is_kept_in_parts_too() {
    let _turn = turn();
    let folder = std::env::temp_dir().join(format!("telemetry-bounds-{}", std::process::id()));
    let receiver = Receiver::start();
    let spool = format!(", spool: {{path: '{}', mode: always}}", folder.display());
    let status = status_after(of_settings(&receiver, &spool), || (0..1000).for_each(|_| work("some words")));
    receiver.wait_for_spans(1000, SOON);
    assert_eq!(status.dropped.total(), 0, "{status}");
    assert_within_bounds(&receiver);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn an_item_that_is_too_large_is_dropped_and_counted_and_takes_no_other_with_it() {
    let _turn = turn();
    let receiver = Receiver::start();
    let target = Target { max_item_bytes: Some(600), ..Target::new(receiver.traces_url()) };
    let otlp = Otlp::new(target).expect("a target");
    let status = status_after(builder().exporter("otlp", otlp), || {
        (0..40).for_each(|_| work("some words"));
        work(&"x".repeat(3000));
        (0..59).for_each(|_| work("some words"));
    });
    assert_eq!((status.exported, status.dropped.too_large), (99, 1), "{status}");
    assert_eq!(receiver.spans().len(), 99);
}
