//! Receivers that fail in every way, alone and beside one that works: what is lost is counted, and nobody else notices.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};
use telemetry_runtime::{ExporterStatus, Guard, InitError, Report, Settings, builder, instrument};
use telemetry_tests::{Answer, Receiver, turn, unused};

const SOON: Duration = Duration::from_secs(10);
const A_WHILE: Duration = Duration::from_secs(1);

#[instrument]
fn work(n: u32) {
    let _ = n;
}

/// Trying for a short time only.
const IMPATIENT: &str = "timeout: 200ms}, retry: {initial: 10ms, max: 50ms, budget: 300ms}";
/// Trying for longer than a shutdown lasts, as by default.
const PATIENT: &str = "timeout: 10s}";

/// An installation that sends to each of these, by these names.
fn install(receivers: &[(&str, String)], patience: &str) -> Guard {
    let entry = |(name, endpoint): &(&str, String)| {
        format!("{{provider: otlp, name: {name}, otlp: {{endpoint: \"{endpoint}\", {patience}}}")
    };
    let exporters: Vec<_> = receivers.iter().map(entry).collect();
    let text = format!("telemetry: {{exporters: [{}]}}", exporters.join(", "));
    install_text(&text).expect("one installation at a time")
}

fn install_text(text: &str) -> Result<Guard, InitError> {
    builder().settings(Settings::from_text(text, "settings.yaml").expect("valid settings")).install()
}

fn assert_adds_up(guard: &Guard) {
    guard.status().exporters.into_iter().for_each(|exporter| assert!(exporter.adds_up(), "{exporter}"));
}

/// A port whose connections are reset in the middle of a request.
fn resetting() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            // What comes behind the first byte is never read: closing resets the connection.
            let _ = stream.read(&mut [0]);
        }
    });
    format!("http://{address}")
}

#[test]
fn whatever_one_receiver_does_the_other_gets_everything_and_the_counts_add_up() {
    let _turn = turn();
    let busy = |status| Answer::error(status, "busy");
    let answers: [(&str, Answer); 11] = [
        ("hang", Answer::hang()),
        ("slow byte", Answer::trickle()),
        ("hang up", Answer::hang_up()),
        ("slow", Answer::ok().after(A_WHILE)),
        ("429", busy(429).header("Retry-After", "1")),
        ("500", busy(500)),
        ("503", busy(503)),
        ("partial", Answer::partial_success(1, "too old")),
        ("garbage", Answer::raw("220 mail.example.com ESMTP\r\n\r\n")),
        ("redirect", Answer::status(307).header("Location", "http://127.0.0.1:9/")),
        ("oversized", Answer::protobuf(200, vec![0; (4 << 20) + 1])),
    ];
    for (name, answer) in answers {
        let bad = Receiver::scripted(vec![answer; 50]);
        alone_and_beside_a_healthy_one(name, &bad.endpoint());
    }
    alone_and_beside_a_healthy_one("refuse", &unused());
    alone_and_beside_a_healthy_one("reset", &resetting());
    let plain = Receiver::start();
    alone_and_beside_a_healthy_one("no TLS", &plain.endpoint().replace("http:", "https:"));
}

fn alone_and_beside_a_healthy_one(fault: &str, bad: &str) {
    let guard = install(&[("bad", bad.to_owned())], IMPATIENT);
    (0..10).for_each(work);
    let report = guard.shutdown(A_WHILE);
    assert_adds_up(&guard);
    let bad_alone = spans_of(&guard, "bad");
    assert_eq!((bad_alone.created, bad_alone.queued), (10, 0), "{fault}: {bad_alone}");
    assert!(bad_alone.exported < 10 && !report.is_complete(), "{fault}: {report:?}");
    beside_a_healthy_one(fault, bad);
}

fn beside_a_healthy_one(fault: &str, bad: &str) {
    let healthy = Receiver::start();
    let guard = install(&[("bad", bad.to_owned()), ("healthy", healthy.endpoint())], IMPATIENT);
    for round in 0..3 {
        (0..10).for_each(|n| work(round * 10 + n));
        let report = guard.flush(A_WHILE);
        assert_adds_up(&guard);
        let mut good = report.exporters.iter().filter(|exporter| exporter.name == "healthy");
        assert!(good.all(|exporter| exporter.left == 0 && exporter.dropped == 0), "{fault}: {report:?}");
        assert_eq!(healthy.spans().len() as u32, 10 * (round + 1), "{fault}: {report:?}");
    }
    let report = guard.shutdown(A_WHILE);
    assert_adds_up(&guard);
    assert_eq!(healthy.spans().len(), 30, "{fault}: {report:?}");
    let bad = spans_of(&guard, "bad");
    assert_eq!((bad.created, bad.queued), (30, 0), "{fault}: {bad}");
    assert!(bad.exported < 30, "{fault}: {bad}");
}

/// The counts of spans of this exporter.
fn spans_of(guard: &Guard, name: &str) -> ExporterStatus {
    let mut exporters = guard.status().exporters.into_iter();
    exporters.find(|exporter| exporter.name == name).expect("spans come first")
}

/// Three receivers that are dead, each in its own way.
fn dead() -> (Receiver, Guard) {
    let hangs = Receiver::scripted(vec![Answer::hang(); 50]);
    let guard =
        install(&[("refuses", unused()), ("resets", resetting()), ("hangs", hangs.endpoint())], PATIENT);
    (hangs, guard)
}

fn shuts_down(guard: &Guard) -> Report {
    (0..100).for_each(work);
    let started = Instant::now();
    let report = guard.shutdown(Duration::from_secs(5));
    assert_told_in_time(guard, started);
    report
}

fn assert_told_in_time(guard: &Guard, started: Instant) {
    assert!(started.elapsed() < Duration::from_millis(5500), "{:?}", started.elapsed());
    let status = guard.status();
    assert_eq!(status.exporters.iter().map(|exporter| exporter.created).sum::<u64>(), 300);
    for exporter in status.exporters {
        assert!(exporter.adds_up(), "{exporter}");
        assert_eq!((exporter.exported, exporter.dropped.lost()), (0, exporter.created), "{exporter}");
    }
}

#[test]
fn shutdown_with_three_dead_receivers_is_over_in_time_and_tells_the_truth() {
    let _turn = turn();
    let (_receiver, guard) = dead();
    let report = shuts_down(&guard);
    assert_eq!(report.exporters.iter().map(|exporter| exporter.dropped).sum::<u64>(), 300);
    assert!(!report.is_complete());
}

#[test]
fn so_it_is_within_tokio_of_either_kind() {
    let _turn = turn();
    let mut runtimes =
        [tokio::runtime::Builder::new_multi_thread(), tokio::runtime::Builder::new_current_thread()];
    for runtime in &mut runtimes {
        let (_receiver, guard) = dead();
        let runtime = runtime.enable_all().build().expect("a runtime");
        let _ = runtime.block_on(async { shuts_down(&guard) });
    }
}

#[test]
fn so_it_is_while_a_panic_unwinds_and_when_async_code_drops_the_guard() {
    let _turn = turn();
    let (_receiver, guard) = dead();
    let started = Instant::now();
    let unwound = std::thread::spawn(move || {
        let _guard = guard;
        (0..100).for_each(work);
        panic!("as the test wants it");
    });
    assert!(unwound.join().is_err());
    assert!(started.elapsed() < Duration::from_millis(5500));
    let healthy = Receiver::start();
    let guard = install(&[("refuses", unused()), ("healthy", healthy.endpoint())], PATIENT);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let started = Instant::now();
    runtime.block_on(async move {
        (0..100).for_each(work);
        drop(guard);
    });
    assert!(started.elapsed() < Duration::from_millis(5500));
    assert_eq!(healthy.spans().len(), 100, "a drop delivers what there is");
}

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
