//! Exporters without a network that fail in every way: files, standard output, memory, those of others, and the SDK's.

use crate::cases::Fate;
use crate::{A_WHILE, IMPATIENT, SOON, assert_adds_up, assert_lasted, make, status_of, turn, with_settings};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, thread};
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::export::sdk::Sdk;
use telemetry_runtime::{Batch, Builder, ExportError, Exported, Exporter, Guard, Signal, builder};

/// Does with every batch of either signal what it was told.
struct Own(fn(&Batch) -> Result<Exported, ExportError>);

impl Exporter for Own {
    fn takes(&self, _: Signal) -> bool {
        true
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        (self.0)(batch)
    }
}

/// The same for an exporter of the SDK.
#[derive(Debug)]
struct OfSdk(fn() -> OTelSdkResult);

impl SpanExporter for OfSdk {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        (self.0)()
    }
}

/// One of the SDK that never answers.
#[derive(Debug)]
struct Silent;

impl SpanExporter for Silent {
    fn export(&self, _: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        std::future::pending()
    }
}

/// An exporter's name, how it is installed, and what becomes of its batches.
type Row = (&'static str, fn(Builder, &str) -> Builder, Fate);

const TABLE: [Row; 11] = [
    ("panics", |b, name| b.exporter(name, Own(|_| panic!("as the test wants it"))), Fate::Dropped),
    ("hangs", |b, name| b.exporter(name, Own(|_| hang())), Fate::Left),
    ("refuses", |b, name| b.exporter(name, Own(|_| Err(ExportError::permanent("no")))), Fate::Dropped),
    ("later", |b, name| b.exporter(name, Own(|_| Err(ExportError::retryable("no", None)))), Fate::Left),
    ("too large", |b, name| b.exporter(name, Own(|_| Err(ExportError::too_large("no")))), Fate::Halved),
    ("rejects", |b, name| b.exporter(name, Own(|_| Ok(Exported::with_rejected(usize::MAX)))), Fate::Rejected),
    ("full memory", |b, name| b.exporter(name, Memory::with_limit(0)), Fate::Rejected),
    ("SDK, fails", |b, name| b.exporter(name, Sdk::new(OfSdk(|| Err(failure())))), Fate::Dropped),
    ("SDK, panics", |b, name| b.exporter(name, Sdk::new(OfSdk(|| panic!("as is wanted")))), Fate::Dropped),
    ("SDK, hangs", |b, name| b.exporter(name, Sdk::new(Silent).with_timeout(SHORT)), Fate::Dropped),
    ("SDK, blocks", |b, name| b.exporter(name, Sdk::new(OfSdk(hang))), Fate::Left),
];
const SHORT: Duration = Duration::from_millis(50);

fn failure() -> OTelSdkError {
    OTelSdkError::InternalFailure("no".to_owned())
}

/// Never returns.
fn hang<T>() -> T {
    loop {
        thread::park();
    }
}

fn install(builder: Builder) -> Guard {
    builder.install().expect("one installation at a time")
}

/// Makes ten spans and log records in this round, all of which arrive in this memory soon, whatever becomes of others.
fn round(guard: &Guard, healthy: &Memory, round: usize) {
    make(10);
    assert_adds_up(guard);
    let _report = guard.flush(A_WHILE);
    assert_adds_up(guard);
    assert_eq!((healthy.spans().len(), healthy.logs().len()), (10 * round, 10 * round));
}

#[test]
fn an_exporter_of_whatever_kind_that_fails_alone_loses_its_own_and_says_so() {
    let _turn = turn();
    for (name, put, fate) in TABLE {
        let guard = install(put(builder(), name));
        make(10);
        assert_adds_up(&guard);
        assert!(!guard.shutdown(6 * SHORT).is_complete(), "{name}");
        assert_lasted(&guard, name, fate, 10);
    }
}

#[test]
fn an_exporter_of_whatever_kind_that_fails_takes_nothing_from_a_healthy_one() {
    let _turn = turn();
    let healthy = Memory::new();
    let all = TABLE.into_iter().fold(builder(), |builder, (name, put, _)| put(builder, name));
    let guard = install(all.exporter("healthy", healthy.clone()));
    (1..=3).for_each(|number| round(&guard, &healthy, number));
    let _report = guard.shutdown(A_WHILE);
    TABLE.iter().for_each(|(name, _, fate)| assert_lasted(&guard, name, *fate, 30));
    assert_lasted(&guard, "healthy", Fate::Taken, 30);
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("telemetry-faults-{}", std::process::id()));
        fs::create_dir(&path).expect("a folder that is not there");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn to_files(folder: &Path) -> String {
    let path = folder.join("{signal}.jsonl");
    format!(
        "telemetry: {{exporters: [{{provider: file, file: {{path: \"{}\"}}, retry: {IMPATIENT}}}]}}",
        path.display()
    )
}

fn exported_and_lost(guard: &Guard) -> [(u64, u64); 2] {
    Signal::ALL.map(|signal| {
        let status = status_of(guard, "file", signal);
        assert_eq!(status.dropped.total(), status.dropped.retry_exhausted, "{status}");
        (status.exported, status.dropped.retry_exhausted)
    })
}

#[test]
fn files_whose_folder_is_gone_lose_what_comes_meanwhile_and_are_written_again_once_it_is_back() {
    let _turn = turn();
    let folder = Folder::new();
    let healthy = Memory::new();
    let guard = install(with_settings(&to_files(&folder.0)).exporter("healthy", healthy.clone()));
    round(&guard, &healthy, 1);
    fs::remove_dir_all(&folder.0).expect("it is ours");
    round(&guard, &healthy, 2);
    assert_eq!(exported_and_lost(&guard), [(10, 10); 2]);
    fs::create_dir(&folder.0).expect("it is gone");
    round(&guard, &healthy, 3);
    assert_eq!(exported_and_lost(&guard), [(20, 10); 2]);
    for signal in Signal::ALL {
        let lines = fs::read_to_string(folder.0.join(format!("{signal}.jsonl"))).expect("a file");
        let named = if signal == Signal::Traces { "\"name\":\"work\"" } else { "\"stringValue\":\"sold\"" };
        assert_eq!(lines.matches(named).count(), 10, "{lines}");
    }
    assert!(guard.shutdown(SOON).is_complete(), "nothing is lost in the end");
}

/// Set in the process whose standard output is closed.
const CHILD: &str = "TELEMETRY_FAULTS_STDOUT";

/// What that process does once it is told that its standard output is closed.
#[test]
fn child() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let _turn = turn();
    eprintln!("all that the test's own machinery prints is printed");
    std::io::stdin().read_line(&mut String::new()).expect("a line");
    let healthy = Memory::new();
    let printers = "telemetry: {exporters: [{provider: console}, {provider: file, file: {path: stdout}}]}";
    let guard = install(with_settings(printers).exporter("healthy", healthy.clone()));
    (1..=3).for_each(|number| round(&guard, &healthy, number));
    let _report = guard.shutdown(SOON);
    ["console", "file"].iter().for_each(|name| assert_lasted(&guard, name, Fate::Dropped, 30));
    eprintln!("all is well");
}

#[test]
fn what_cannot_be_printed_on_standard_output_is_lost_and_takes_nothing_from_others() {
    let mut child = Command::new(env::current_exe().expect("this program has a path"))
        .args(["--exact", "local::child", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    stderr.read_line(&mut String::new()).expect("a line");
    drop(child.stdout.take());
    child.stdin.take().expect("it is piped").write_all(b"go on\n").expect("it reads");
    let mut said = String::new();
    stderr.read_to_string(&mut said).expect("text");
    // How the process ends is up to the test's machinery, which cannot print any more.
    let _status = child.wait().expect("it ends");
    assert!(said.contains("all is well"), "{said}");
}
