//! The demo as a process: what it answers, what it prints, and how it ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long the demo may take for anything, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to end, however it is occupied.
const LONGEST_END: Duration = Duration::from_secs(5);

/// The program, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "telemetry-demo"]).status();
        assert!(built.expect("cargo runs").success());
        // This test is target/<profile>/deps/<name>; the program is built in the profile `dev`.
        let this = std::env::current_exe().expect("this program has a path");
        this.ancestors().nth(3).expect("a target directory").join("debug/telemetry-demo")
    })
}

/// A running demo, killed when dropped.
struct Demo {
    process: Child,
    address: String,
    stdout: Option<JoinHandle<String>>,
    stderr: BufReader<ChildStderr>,
}

/// How a demo ended.
struct End {
    status: ExitStatus,
    took: Duration,
    stdout: String,
    stderr: String,
}

impl Demo {
    fn start() -> Self {
        let mut process = Command::new(program())
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = process.stdout.take().map(|stdout| thread::spawn(|| read_all(stdout)));
        let mut stderr = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut first = String::new();
        stderr.read_line(&mut first).expect("it says where it listens");
        let address = first.trim().rsplit_once("http://").expect("an address").1.to_owned();
        Self { process, address, stdout, stderr }
    }

    /// The whole answer to a request of that head and body, from its status line on.
    fn ask(&self, head: &str, body: &str) -> String {
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

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1"), "")
    }

    fn post(&self, body: &str) -> String {
        self.ask("POST /orders HTTP/1.1\r\ncontent-type: application/json", body)
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("there is a `kill`");
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    fn end(mut self) -> End {
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

fn read_all(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).expect("it is text");
    text
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).expect("a status line")
}

/// The trace's tree: the branches and names of its spans, without what else the lines say.
fn tree(stdout: &str, trace_id: &str) -> Vec<String> {
    let trace = stdout.split("\n\n").find(|trace| trace.contains(&format!("trace {trace_id}")));
    let lines = trace.expect("the trace is printed").lines().skip(1);
    lines.map(branch_and_name).collect()
}

fn branch_and_name(line: &str) -> String {
    let name_at = line.find(|c| !"│├└─ ".contains(c)).expect("a name");
    let (branch, rest) = line.split_at(name_at);
    let name = rest.split(" ‹").next().and_then(|rest| rest.split("  ").next()).expect("a name");
    format!("{branch}{name}")
}

#[test]
fn every_route_gives_its_answer() {
    let demo = Demo::start();

    for (answer, expected, within) in [
        (demo.get("/health"), "200", r#"{"status":"ok"}"#),
        (demo.post(r#"{"item": "tea", "quantity": 2}"#), "201", r#""item":"tea","quantity":2"#),
        (demo.get("/orders"), "200", r#"{"orders":[{"id":1,"#),
        (demo.get("/orders/1"), "200", r#"{"id":1,"item":"tea""#),
        (demo.get("/orders/2"), "404", r#""instance":"/orders/2","trace_id":""#),
        (demo.get("/debug/fail"), "500", "the card was declined"),
        (demo.get("/debug/panic"), "500", "panicked"),
        (demo.get("/debug/slow?ms=1"), "200", r#"{"slept_ms":1}"#),
        (demo.get("/openapi.json"), "200", r#"{"openapi":"3.1"#),
        (demo.get("/docs"), "200", "<!doctype html>"),
        (demo.get("/docs/docs.js"), "200", "SwaggerUIBundle"),
        (demo.get("/nothing"), "404", "application/problem+json"),
        (demo.post("{"), "400", "line 1 column 1"),
        (demo.ask("DELETE /orders HTTP/1.1", ""), "405", "allow: POST, GET, HEAD"),
    ] {
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.contains(within), "{answer}");
    }
}

#[test]
fn head_answers_have_no_body() {
    let answer = Demo::start().ask("HEAD /health HTTP/1.1", "");

    assert_eq!(status(&answer), "200");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn a_trace_shows_the_functions_threads_and_statements_below_the_caller_s_trace_id() {
    let demo = Demo::start();
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let head = format!(
        "POST /orders HTTP/1.1\r\ncontent-type: application/json\r\ntraceparent: 00-{trace_id}-b7ad6b7169203331-01"
    );
    assert_eq!(status(&demo.ask(&head, r#"{"item": "tea", "quantity": 2}"#)), "201");

    demo.signal("TERM");

    assert_eq!(
        tree(&demo.end().stdout, trace_id),
        [
            "POST /orders",
            "└─ create_order",
            "   ├─ validate",
            "   ├─ store.insert",
            "   │  └─ INSERT orders",
            "   └─ notify",
            "      └─ pack",
        ]
    );
}

#[test]
fn it_says_at_the_start_where_spans_go_and_what_to_try() {
    let demo = Demo::start();
    let try_first = format!("try: curl -i http://{}/orders ", demo.address);

    demo.signal("TERM");

    let said = demo.end().stderr;
    assert!(said.contains("spans go to: console\n"), "{said}");
    assert!(said.contains(&try_first), "{said}");
}

#[test]
fn either_signal_ends_it_in_order() {
    for signal in ["INT", "TERM"] {
        let demo = Demo::start();
        let order = r#"{"item": "tea", "quantity": 2}"#;
        assert_eq!(status(&demo.post(order)), "201");

        demo.signal(signal);

        let end = demo.end();
        assert_eq!(end.status.code(), Some(0), "{signal}");
        assert!(end.stdout.contains("INSERT orders"), "what was recorded is delivered: {}", end.stdout);
        let data_dir =
            end.stderr.lines().find_map(|line| line.strip_prefix("orders are kept in ")).expect("it says so");
        let data_dir = data_dir.strip_suffix(" (removed at the end)").expect("a temporary directory");
        assert!(!Path::new(data_dir).exists());
    }
}

#[test]
fn requests_under_way_do_not_keep_it() -> io::Result<()> {
    let demo = Demo::start();
    let mut slow = TcpStream::connect(&demo.address)?;
    slow.write_all(b"GET /debug/slow?ms=10000 HTTP/1.1\r\nhost: demo\r\n\r\n")?;
    let _silent = TcpStream::connect(&demo.address)?;
    // Accepted in order: once this is answered, the others are under way.
    demo.get("/health");

    demo.signal("TERM");

    let end = demo.end();
    assert_eq!(end.status.code(), Some(0));
    assert!(end.took < LONGEST_END, "{:?}", end.took);
    assert!(end.stdout.contains("GET /debug/slow"), "a request that is cut off is delivered: {}", end.stdout);
    Ok(())
}

#[test]
fn a_taken_port_is_one_line_and_exit_code_1() {
    let demo = Demo::start();
    let port = demo.address.rsplit_once(':').expect("a port").1;

    let second = Command::new(program()).args(["--port", port]).output().expect("the program starts");

    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).expect("it is text");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}
