//! Batches on disk: they outlive an outage, a shutdown and a `kill -9`, and are counted apart in the next process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};
use telemetry_runtime::{ExporterStatus, Guard, Settings, builder, instrument};
use telemetry_tests::{Answer, Receiver, Request, turn, unused};

const SOON: Duration = Duration::from_secs(10);
/// How long a loop waits for something to leave before it looks again.
const PACE: Duration = Duration::from_millis(50);
/// Set in the process that is to be killed: the folder of its spool, the receiver, and the number of the round.
const CHILD: &str = "TELEMETRY_SPOOL_CHILD";
/// How many processes are killed; 5 unless set.
const ROUNDS: &str = "TELEMETRY_CRASH_ROUNDS";

/// A folder for one test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        Self(env::temp_dir().join(format!("telemetry-spool-{}-{test}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[instrument]
fn work(n: u64) {
    let _ = n;
}

fn install(endpoint: &str, spool: &Path, more: &str) -> Guard {
    install_exporter(&format!("provider: otlp, otlp: {{endpoint: \"{endpoint}\", timeout: 2s}}"), spool, more)
}

fn install_exporter(exporter: &str, spool: &Path, more: &str) -> Guard {
    let text = format!(
        "telemetry: {{exporters: [{{{exporter}, retry: {{initial: 20ms, max: 100ms}}, \
         spool: {{path: \"{}\"{more}}}}}]}}",
        spool.display()
    );
    let settings = Settings::from_text(&text, "settings.yaml").expect("valid settings");
    builder().settings(settings).install().expect("one installation at a time")
}

/// The counts of spans, which must add up.
fn spans(guard: &Guard) -> ExporterStatus {
    let status = guard.status().exporters.remove(0);
    assert!(status.adds_up(), "{status}");
    status
}

fn wait_for(guard: &Guard, is_wanted: impl Fn(&ExporterStatus) -> bool) -> ExporterStatus {
    let deadline = Instant::now() + SOON;
    loop {
        let status = spans(guard);
        if is_wanted(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "{status}");
        let _report = guard.flush(PACE);
    }
}

/// The values of `n` that arrived, sorted, and how many times in all.
fn arrived(receiver: &Receiver) -> (Vec<u64>, usize) {
    let spans = receiver.spans();
    let n = |attribute: &telemetry_tests::proto::common::v1::KeyValue| match &attribute.value.as_ref()?.value
    {
        Some(telemetry_tests::proto::common::v1::any_value::Value::IntValue(n)) if attribute.key == "n" => {
            Some(*n as u64)
        }
        _ => None,
    };
    let mut all: Vec<u64> = spans.iter().filter_map(|span| span.span.attributes.iter().find_map(n)).collect();
    all.sort_unstable();
    let total = all.len();
    all.dedup();
    (all, total)
}

#[test]
fn what_a_dead_receiver_did_not_take_is_sent_by_the_next_process_once() {
    let _turn = turn();
    let folder = Folder::new("dead");
    let guard = install(&unused(), &folder.0, "");
    (0..1000).for_each(work);
    let started = Instant::now();
    let report = guard.shutdown(Duration::from_secs(5));
    assert!(started.elapsed() < Duration::from_secs(5), "{report:?}");
    let status = spans(&guard);
    assert_eq!(
        (status.spooled, status.dropped.total(), report.exporters[0].spooled),
        (1000, 0, 1000),
        "{status}"
    );
    drop(guard);

    let receiver = Receiver::start();
    let guard = install(&receiver.endpoint(), &folder.0, "");
    let status = wait_for(&guard, |status| status.replayed.exported == 1000);
    assert_eq!((status.created, status.replayed.found, status.replayed.waiting), (0, 1000, 0));
    assert_eq!(arrived(&receiver), ((0..1000).collect(), 1000));
    drop(guard);
}

#[test]
fn an_outage_is_bridged_within_one_process() {
    let _turn = turn();
    let folder = Folder::new("outage");
    let receiver = Receiver::scripted((0..8).map(|_| Answer::error(503, "busy")));
    let guard = install(&receiver.endpoint(), &folder.0, "");
    (0..500).for_each(work);
    wait_for(&guard, |status| status.spooled == 500);
    (500..1000).for_each(work);
    let status = wait_for(&guard, |status| status.exported == 1000);
    assert_eq!((status.spooled, status.dropped.total()), (0, 0));
    assert_eq!(arrived(&receiver), ((0..1000).collect(), 1000));
    drop(guard);
}

#[test]
fn a_call_that_hangs_at_the_end_leaves_its_batch_and_all_behind_it_on_disk() {
    let _turn = turn();
    let folder = Folder::new("hang");
    let receiver = Receiver::scripted([Answer::hang()]);
    let guard = install(&receiver.endpoint(), &folder.0, "");
    work(0);
    receiver.wait_for_requests(1, SOON);
    (1..100).for_each(work);
    let started = Instant::now();
    let _report = guard.shutdown(Duration::from_secs(1));
    assert!(started.elapsed() < Duration::from_millis(1600));
    let status = spans(&guard);
    assert_eq!((status.spooled, status.dropped.total()), (100, 0), "{status}");
}

/// A span whose mark is the same text in all protocols.
#[instrument(fields(mark))]
fn marked(mark: &str) {
    let _ = mark;
}

/// What a process that reached nobody has left is sent to a receiver that takes no large requests.
fn sent_in_small_requests(test: &str, exporter: impl Fn(&str) -> String) {
    const MOST_BYTES: usize = 8 << 10;
    let _turn = turn();
    let folder = Folder::new(test);
    let marks: Vec<_> = (0..300).map(|n| format!("mark-{n:03}.")).collect();
    let guard = install_exporter(&exporter(&unused()), &folder.0, "");
    marks.iter().for_each(|mark| marked(mark));
    let _report = guard.shutdown(Duration::from_millis(100));
    assert_eq!(spans(&guard).spooled, 300, "{}", spans(&guard));
    drop(guard);

    let content = |request: &Request| request.content().expect("as it was packed");
    let receiver = Receiver::judged_by(move |request| match content(request).len() {
        ..=MOST_BYTES => Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        _ => Answer::error(413, "too large"),
    });
    let guard = install_exporter(&exporter(&receiver.endpoint()), &folder.0, "");
    let status = wait_for(&guard, |status| status.replayed.waiting == 0);
    assert_eq!((status.replayed.exported, status.replayed.dropped), (300, 0), "{status}");
    drop(guard);
    let requests = receiver.requests();
    let taken: Vec<_> = requests.iter().map(content).filter(|content| content.len() <= MOST_BYTES).collect();
    assert!(taken.len() < requests.len(), "none was too large");
    let taken = String::from_utf8_lossy(&taken.concat()).into_owned();
    for mark in marks {
        assert_eq!(taken.matches(&mark).count(), 1, "{mark}");
    }
}

#[test]
fn what_is_too_large_on_disk_is_sent_in_parts_as_protobuf() {
    sent_in_small_requests("large-protobuf", |endpoint| {
        format!("provider: otlp, otlp: {{endpoint: \"{endpoint}\", timeout: 2s}}")
    });
}

#[test]
fn what_is_too_large_on_disk_is_sent_in_parts_as_json() {
    sent_in_small_requests("large-json", |endpoint| {
        format!("provider: otlp, otlp: {{endpoint: \"{endpoint}\", protocol: http/json, compression: gzip}}")
    });
}

#[test]
fn what_is_too_large_on_disk_is_sent_in_parts_to_azure_monitor() {
    sent_in_small_requests("large-azure", |endpoint| {
        let key = "11112222-3333-4444-5555-66667777aaaa";
        let connection = format!("InstrumentationKey={key};IngestionEndpoint={endpoint}");
        format!("provider: azure_monitor, azure_monitor: {{connection_string: \"{connection}\"}}")
    });
}

#[test]
fn with_mode_always_everything_passes_the_disk_and_arrives() {
    let _turn = turn();
    let folder = Folder::new("always");
    let receiver = Receiver::scripted([Answer::hang()]);
    let guard = install(&receiver.endpoint(), &folder.0, ", mode: always, fsync: always");
    (0..1000).for_each(work);
    receiver.wait_for_requests(1, SOON);
    // What is being sent is on disk, although no call has failed.
    let status = spans(&guard);
    assert_eq!((status.spooled > 0, status.exported, status.dropped.total()), (true, 0, 0), "{status}");
    // The call that hangs is given up by its own timeout.
    let status = wait_for(&guard, |status| status.exported == 1000);
    assert_eq!((status.spooled, status.dropped.total()), (0, 0), "{status}");
    assert_eq!(arrived(&receiver), ((0..1000).collect(), 1000));
    drop(guard);
}

#[test]
fn a_spool_that_cannot_be_written_is_told_of_and_delivery_goes_on() {
    let _turn = turn();
    let receiver = Receiver::start();
    let guard = install(&receiver.endpoint(), Path::new("/proc/no-such-folder"), "");
    (0..10).for_each(work);
    assert!(guard.flush(SOON).is_complete());
    let status = spans(&guard);
    assert!(status.spool_error.is_some() && status.exported == 10, "{status}");
}

/// What the killed process does: records without end, and says how many spans are on disk for sure.
#[test]
fn child() {
    let Ok(arguments) = env::var(CHILD) else { return };
    let [endpoint, folder, mode] = *arguments.split('|').collect::<Vec<_>>() else { panic!("{arguments}") };
    let guard = install(endpoint, Path::new(folder), mode);
    let mut n = 0;
    loop {
        (0..50).for_each(|_| {
            work(n);
            n += 1;
        });
        let _report = guard.flush(PACE);
        let status = spans(&guard);
        assert_eq!(status.dropped.total(), 0, "{status}");
        println!("safe {}", status.spooled + status.exported);
    }
}

/// A process that is killed once so many spans are on disk; how many it said were.
fn kill_one(endpoint: &str, folder: &Path, mode: &str, after: u64) -> u64 {
    let mut child = Command::new(env::current_exe().expect("this program has a path"))
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, format!("{endpoint}|{}|{mode}", folder.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut safe = 0;
    for line in lines.map_while(Result::ok) {
        if let Some((_, count)) = line.rsplit_once("safe ") {
            safe = count.parse().expect("a number");
        }
        if safe >= after {
            child.kill().expect("it runs");
        }
    }
    child.wait().expect("it has ended");
    assert!(safe >= after, "the child ended by itself");
    safe
}

#[test]
fn what_a_killed_process_left_is_sent_by_one_that_runs() {
    let _turn = turn();
    let folder = Folder::new("beside");
    let receiver = Receiver::start();
    let guard = install(&receiver.endpoint(), &folder.0, "");
    let safe = kill_one(&unused(), &folder.0, "", 300);
    let status = wait_for(&guard, |status| status.replayed.exported >= safe);
    assert_eq!((status.created, status.replayed.dropped), (0, 0), "{status}");
    drop(guard);
    let (distinct, total) = arrived(&receiver);
    assert!(distinct.len() as u64 >= safe && distinct.len() == total, "{total} of {safe}");
}

#[test]
fn what_was_on_disk_when_the_process_was_killed_arrives() {
    let _turn = turn();
    let rounds = env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5_u64);
    let (mut promised, mut came) = (0, 0);
    for round in 0..rounds {
        let folder = Folder::new(&format!("kill-{round}"));
        let mode = if round % 2 == 0 { "" } else { ", mode: always, fsync: always" };
        let safe = kill_one(&unused(), &folder.0, mode, 300 + 97 * (round % 20));
        let receiver = Receiver::start();
        let guard = install(&receiver.endpoint(), &folder.0, mode);
        let status = wait_for(&guard, |status| status.replayed.waiting == 0);
        assert!(status.replayed.found >= safe, "{status}");
        drop(guard);
        let (distinct, total) = arrived(&receiver);
        // Nobody took anything from the process that was killed.
        assert_eq!(distinct.len(), total, "round {round}: some arrived twice");
        assert!(distinct.len() as u64 >= safe, "round {round}: {} of {safe}", distinct.len());
        // Where all go to disk first, they do so in order; else those that fail may come behind those that are not tried.
        let first = distinct.iter().zip(0..).take_while(|(n, expected)| *n == expected).count();
        assert!(mode.is_empty() || first as u64 >= safe, "round {round}: {first} of {safe}");
        (promised, came) = (promised + safe, came + total);
    }
    println!("{rounds} rounds: {promised} spans were on disk for sure, {came} arrived, each once");
}
