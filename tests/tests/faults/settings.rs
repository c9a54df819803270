//! Installations that run nothing, refuse to, or give an exporter a part only.

use crate::{A_WHILE, SOON, assert_adds_up, install_text, turn, work};
use std::time::Instant;
use telemetry_tests::Receiver;

#[test]
fn where_nothing_runs_nothing_is_waited_for() {
    let _turn = turn();
    let started = Instant::now();
    drop(install_text("telemetry: {enabled: false}").expect("one installation at a time"));
    let guard = install_text("telemetry: {exporters: []}").expect("the one before has ended");
    let _report = guard.shutdown(SOON);
    assert!(guard.flush(SOON).is_complete());
    assert!(started.elapsed() < A_WHILE, "{:?}", started.elapsed());
}

#[cfg(unix)]
#[test]
fn a_spool_folder_that_must_not_be_used_is_told_of_at_once() {
    use std::os::unix::fs::PermissionsExt;
    let _turn = turn();
    let folder = std::env::temp_dir().join(format!("telemetry-refused-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder that is not there");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("ours to change");
    let started = Instant::now();
    let text =
        format!("telemetry: {{exporters: [{{provider: otlp, spool: {{path: \"{}\"}}}}]}}", folder.display());
    let error = install_text(&text).expect_err("open to others");
    let elapsed = started.elapsed();
    std::fs::remove_dir(&folder).expect("nothing was put there");
    assert!(error.is_settings() && error.to_string().contains("is open to others"), "{error}");
    assert!(elapsed < A_WHILE, "{elapsed:?}");
}

#[test]
fn an_exporter_gets_what_its_settings_choose_and_the_rest_is_counted_apart() {
    let _turn = turn();
    let (all, half, none) = (Receiver::start(), Receiver::start(), Receiver::start());
    let text = format!(
        "telemetry: {{exporters: [\
         {{provider: otlp, name: all, concurrency: 3, otlp: {{endpoint: \"{}\"}}}}, \
         {{provider: otlp, name: half, sampling_ratio: 0.5, otlp: {{endpoint: \"{}\"}}}}, \
         {{provider: otlp, name: none, exclude: [{{n: 7}}], otlp: {{endpoint: \"{}\"}}}}]}}",
        all.endpoint(),
        half.endpoint(),
        none.endpoint()
    );
    let guard = install_text(&text).expect("one installation at a time");
    (0..200).for_each(|_| work(7));
    let report = guard.flush(SOON);
    assert!(report.is_complete(), "what is left out on purpose is not lost: {report:?}");
    assert_adds_up(&guard);
    let kept = half.spans().len();
    assert_eq!((all.spans().len(), none.spans().len()), (200, 0));
    assert!((50..150).contains(&kept), "{kept}");
    let status = guard.status();
    let dropped = |name| {
        let exporter = status.exporters.iter().find(|exporter| exporter.name == name);
        exporter.expect("it is there").dropped
    };
    assert_eq!(dropped("half").sampled as usize, 200 - kept);
    assert_eq!(dropped("none").filtered, 200);
}
