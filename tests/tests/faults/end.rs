//! The end of programs whose three exporters are all dead, each in its own way: it comes in time, and what was lost is told.

use crate::side::resetting;
use crate::{A_WHILE, install_text, work};
use std::env;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use telemetry_runtime::Guard;
use telemetry_tests::{GrpcAnswer, GrpcReceiver, Receiver, turn, unused};

/// Set in a process that is to end: how, and the exporters of its settings.
const CHILD: &str = "TELEMETRY_FAULTS_CHILD";
/// How long an end may take that is given five seconds.
const IN_TIME: Duration = Duration::from_millis(5500);

/// Exporters that try for longer than an end lasts, as by default.
fn dead(hangs: &GrpcReceiver) -> String {
    let key = "InstrumentationKey=11112222-3333-4444-5555-66667777aaaa";
    format!(
        "{{provider: otlp, name: refuses, signals: [traces], otlp: {{endpoint: '{}'}}}}, \
         {{provider: azure_monitor, name: resets, signals: [traces], \
         azure_monitor: {{connection_string: '{key};IngestionEndpoint=http://{}'}}}}, \
         {{provider: otlp, name: hangs, signals: [traces], otlp: {{endpoint: '{}', protocol: grpc}}}}",
        unused(),
        resetting(),
        hangs.endpoint()
    )
}

/// What the process does that the tests start: it fails, too, if its end does not come in time.
#[test]
fn child() {
    let Ok(told) = env::var(CHILD) else { return };
    let (how, exporters) = told.split_once('|').expect("how, and exporters");
    let guard = install_text(&format!("telemetry: {{exporters: [{exporters}]}}")).expect("the only one");
    let started = Instant::now();
    match how {
        "returns from main" => shuts_down(&guard),
        "within threads of Tokio" => {
            block_on(tokio::runtime::Builder::new_multi_thread(), async { shuts_down(&guard) });
        }
        "within one thread of Tokio" => {
            block_on(tokio::runtime::Builder::new_current_thread(), async { shuts_down(&guard) });
        }
        "panics" => {
            let unwound = thread::spawn(move || {
                let _guard = guard;
                (0..100).for_each(work);
                panic!("as the test wants it");
            });
            assert!(unwound.join().is_err());
        }
        "drops the guard in async code" => {
            block_on(tokio::runtime::Builder::new_current_thread(), async move {
                (0..100).for_each(work);
                drop(guard);
            });
        }
        _ => panic!("{how}"),
    }
    assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
}

fn block_on(mut runtime: tokio::runtime::Builder, body: impl Future<Output = ()>) {
    runtime.enable_all().build().expect("a runtime").block_on(body);
}

fn shuts_down(guard: &Guard) {
    (0..100).for_each(work);
    let report = guard.shutdown(Duration::from_secs(5));
    assert!(!report.is_complete());
    assert_eq!(report.exporters.iter().map(|exporter| exporter.dropped).collect::<Vec<_>>(), [100; 3]);
    for exporter in guard.status().exporters {
        assert!(exporter.adds_up(), "{exporter}");
        let counts = (exporter.created, exporter.exported, exporter.dropped.lost(), exporter.queued);
        assert_eq!(counts, (100, 0, 100, 0), "{exporter}");
    }
}

/// This test again, in a process of its own.
fn begin(how: &str, exporters: &str) -> Child {
    Command::new(env::current_exe().expect("this program has a path"))
        .args(["--exact", "end::child", "--nocapture"])
        .env(CHILD, format!("{how}|{exporters}"))
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the child starts")
}

/// What it writes to standard error. It has done what it should.
fn end(how: &str, child: Child) -> String {
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{how}: {said}");
    said
}

/// The fields of the warnings of what was lost.
fn losses(said: &str) -> Vec<serde_json::Value> {
    let lines = said.lines().filter(|line| line.contains("\"message\":\"traces were lost at the end\""));
    let fields = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["fields"].take();
    lines.map(fields).collect()
}

#[test]
fn with_three_dead_exporters_every_end_comes_in_time_and_tells_the_truth() {
    // Nobody else is to take the time.
    let _turn = turn();
    let hangs = GrpcReceiver::always(GrpcAnswer::Hang);
    let exporters = dead(&hangs);
    let reported = ["returns from main", "within threads of Tokio", "within one thread of Tokio"];
    let dropped = ["panics", "drops the guard in async code"];
    let begin = |how| (how, begin(how, &exporters));
    let (with_report, without) = (reported.map(begin), dropped.map(begin));
    for (how, child) in with_report {
        let said = end(how, child);
        assert_eq!(
            losses(&said),
            [(); 0].map(serde_json::Value::from),
            "{how}: who has a report needs no log"
        );
    }
    for (how, child) in without {
        let said = end(how, child);
        let of = |exporter| serde_json::json!({"exporter": exporter, "delivered": 0, "spooled": 0, "dropped": 100});
        assert_eq!(losses(&said), ["refuses", "resets", "hangs"].map(of), "{how}: {said}");
    }
}

#[test]
fn a_drop_that_loses_nothing_says_nothing() {
    let _turn = turn();
    let healthy = Receiver::start();
    let exporter =
        format!("{{provider: otlp, signals: [traces], otlp: {{endpoint: '{}'}}}}", healthy.endpoint());
    let how = "drops the guard in async code";
    let started = Instant::now();
    let said = end(how, begin(how, &exporter));
    assert_eq!((healthy.spans().len(), said.as_str()), (100, ""));
    assert!(started.elapsed() < 5 * A_WHILE, "what is done need not be waited for");
}
