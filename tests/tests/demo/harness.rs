//! A demo that runs: how it is started, asked and ended.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the demo may take for anything, on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to end, however it is occupied.
pub(crate) const LONGEST_END: Duration = Duration::from_secs(5);

/// A running demo, killed when dropped.
pub(crate) struct Demo {
    pub(crate) process: Child,
    pub(crate) address: String,
    pub(crate) stdout: Option<JoinHandle<String>>,
    pub(crate) stderr: BufReader<ChildStderr>,
}

/// How a demo ended.
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program in a directory without a settings file and in an environment that says nothing of telemetry.
pub(crate) fn command() -> Command {
    let mut command = Command::new(telemetry_tests::demo());
    command.current_dir(env!("CARGO_TARGET_TMPDIR")).env("RUST_BACKTRACE", "0").args(["--port", "0"]);
    command
}

/// The program with a settings file of this text.
pub(crate) fn command_with(settings: &str) -> Command {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("settings-{}-{}.yaml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, settings).expect("a writable directory");
    let mut command = command();
    command.arg("--config").arg(path);
    command
}

/// Settings that send spans to this OTLP endpoint and nowhere else.
pub(crate) fn otlp_settings(endpoint: &str) -> String {
    format!(
        "service: {{name: orders}}
telemetry:
  exclude_endpoints: [/health]
  exporters:
    - provider: otlp
      otlp: {{endpoint: '{endpoint}', compression: gzip}}
"
    )
}

impl Demo {
    pub(crate) fn start() -> Self {
        Self::start_as(command())
    }

    pub(crate) fn start_as(mut command: Command) -> Self {
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = process.stdout.take().map(|stdout| thread::spawn(|| read_all(stdout)));
        let mut stderr = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut first = String::new();
        stderr.read_line(&mut first).expect("it says where it listens");
        let address = first.trim().rsplit_once("http://").expect("an address").1.to_owned();
        Self { process, address, stdout, stderr }
    }

    /// The whole answer to a request of that head and body, from its status line on.
    pub(crate) fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let length = body.len();
        let request =
            format!("{head}\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1"), "")
    }

    pub(crate) fn post(&self, body: &str) -> String {
        self.ask("POST /orders HTTP/1.1\r\ncontent-type: application/json", body)
    }

    /// Asks for the same so many times over one connection; all answers must be of that status.
    pub(crate) fn get_often(&self, path: &str, times: usize, expected: &str) {
        let mut stream = BufReader::new(TcpStream::connect(&self.address).expect("it listens"));
        stream.get_ref().set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = format!("GET {path} HTTP/1.1\r\nhost: demo\r\n\r\n");
        for _ in 0..times {
            stream.get_mut().write_all(request.as_bytes()).expect("it reads");
            let (head, length) = read_head(&mut stream);
            assert_eq!(status(&head), expected, "{head}");
            io::copy(&mut stream.by_ref().take(length), &mut io::sink()).expect("the whole answer");
        }
    }

    /// The memory that is resident, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says so");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("there is a `kill`");
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn end(mut self) -> End {
        let start = Instant::now();
        let status = self.process.wait().expect("it ends");
        let took = start.elapsed();
        let stdout = self.stdout.take().expect("it is piped").join().expect("it is read");
        End { status, took, stdout, stderr: read_all(&mut self.stderr) }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn read_all(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("it is text");
    text
}

/// An answer's head, and the length of its body.
pub(crate) fn read_head(from: &mut impl BufRead) -> (String, u64) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(from.read_line(&mut head).expect("it answers") > 0, "cut off: {head}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let length = length.parse().expect("a number");
    (head, length)
}

pub(crate) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).expect("a status line")
}
