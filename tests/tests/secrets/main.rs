//! Secrets in every place that takes one, every kind of exporter at receivers that fail and repeat what they were sent, and all that a
//! process says of it: no secret is in there.

mod clouds;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{env, fs};
use telemetry_runtime::export::azure::{self, AzureMonitor};
use telemetry_runtime::export::otlp::{self, Otlp};
use telemetry_runtime::{
    Batch, ExportError, Exported, Exporter, Secret, Settings, Signal, builder, instrument,
};
use telemetry_tests::{Answer, Authority, GrpcAnswer, GrpcReceiver, Receiver, Request, turn, unused};

/// In every secret that is text of one's own, ...
const CANARY: &str = "c4nary";
/// ... and in every instrumentation key.
const KEY_CANARY: &str = "c4a9c4a9-1111";
/// Set in the process that is watched: its settings file.
const CHILD: &str = "TELEMETRY_SECRETS_CHILD";
/// More than an exporter asks in its time.
const OFTEN: usize = 200;

#[instrument]
fn work() {
    tracing::info!("working");
    log::info!("working, in the words of another crate");
}

/// Shows what it has while it ends badly.
struct Panics {
    otlp: Otlp,
    azure: AzureMonitor,
}

impl Panics {
    fn new() -> Self {
        let mut target = otlp::Target::new("http://127.0.0.1:9/v1/traces?token=c4nary-url");
        target.headers.push(("authorization".to_owned(), Secret::new("Bearer c4nary-code")));
        let connection = format!("InstrumentationKey={KEY_CANARY}-4222-8333-444455556666");
        let resource = azure::Target::new(&connection).expect("a connection string");
        println!("{target:?} {resource:?} {:?}", azure::Target::new("InstrumentationKey=c4nary;c4nary"));
        println!("{:?}", Otlp::new(otlp::Target::new("http://a:c4nary@[c4nary")).err());
        Self { otlp: Otlp::new(target).expect("a URL"), azure: AzureMonitor::new(resource) }
    }
}

impl Exporter for Panics {
    fn takes(&self, _: Signal) -> bool {
        true
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let outcome = self.otlp.export(batch);
        panic!("as it is to: {outcome:?} {:?} {:?}", self.otlp, self.azure);
    }
}

/// What the watched process does: says all that can be said.
#[test]
fn child() {
    let Ok(settings) = env::var(CHILD) else { return };
    let settings = match Settings::from_path(settings) {
        Ok(settings) => settings,
        Err(error) => return println!("{error}\n{error:?}"),
    };
    println!("{settings:?}\n{:?}", settings.warnings());
    let builder = builder().settings(settings).exporter("panics", Panics::new());
    println!("{builder:?}");
    let guard = match builder.install() {
        Ok(guard) => guard,
        Err(error) => return println!("{error}\n{error:?}"),
    };
    (0..3).for_each(|_| work());
    println!("{:?}", guard.flush(Duration::from_secs(3)));
    let status = guard.status();
    println!("{guard:?}\n{status:?}");
    status.exporters.iter().for_each(|exporter| println!("{exporter}"));
    println!("{:?}", guard.shutdown(Duration::from_secs(1)));
}

/// A folder for one test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = env::temp_dir().join(format!("telemetry-secrets-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).expect("a writable folder");
        Self(folder)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a writable folder");
        path
    }

    /// Runs the watched process with these settings and variables.
    fn run(&self, settings: &str, variables: &[(&str, &str)]) -> String {
        let settings = self.file("settings.yaml", settings);
        let Output { stdout, stderr, status } =
            Command::new(env::current_exe().expect("this program has a path"))
                .args(["--exact", "child", "--nocapture"])
                .env(CHILD, settings)
                .env("RUST_LOG", "trace")
                .envs(variables.iter().copied())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .output()
                .expect("the child runs");
        let said = format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{said}");
        said
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// All that is in the files below a folder.
fn content(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bytes.extend(content(&path));
        } else {
            fs::File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).expect("a readable file");
        }
    }
    bytes
}

#[track_caller]
fn assert_clean(what: &str, text: &str, secrets: &[&str]) {
    for secret in [CANARY, KEY_CANARY].iter().chain(secrets) {
        let line = text.lines().find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
        assert!(line.is_none(), "{what} shows {secret}: {}", line.unwrap_or_default());
    }
}

/// What receivers say that repeat what they were sent: by OTLP, with a signature of AWS besides, and by Azure Monitor.
const ECHO: &str = "no Bearer c4nary-authorization, c4nary-key";
const AWS_ECHO: &str = "no c4nary-key, c4nary-token";
const AZURE_ECHO: &str = "no c4a9c4a9-1111-4222-8333-444455556666, C4A9C4A9-1111-4222-8333-444455556666";

/// How a receiver of OTLP over HTTP or of Azure Monitor fails, where it answers at all.
fn faults(echo: &str, elsewhere: &str) -> [(&'static str, Answer); 7] {
    let json = format!("{{\"message\": \"{echo}\"}}");
    [
        ("401", Answer::error(401, echo)),
        ("401-json", Answer::json(401, json.clone())),
        ("403", Answer::json(403, json)),
        ("500", Answer::error(500, echo)),
        ("503", Answer::json(503, echo)),
        ("redirect", Answer::status(307).header("Location", elsewhere)),
        ("garbage", Answer::raw("220 mail.example.com ESMTP\r\n\r\n")),
    ]
}

/// Receivers that fail, each with the settings of an exporter for it.
struct Bad {
    entries: Vec<String>,
    http: Vec<Receiver>,
    grpc: Vec<GrpcReceiver>,
}

const HURRY: &str = "retry: {initial: 10ms, max: 20ms, budget: 300ms}";

impl Bad {
    fn none() -> Self {
        Self { entries: Vec::new(), http: Vec::new(), grpc: Vec::new() }
    }

    /// `options` are those of every OTLP exporter beside where it sends, `echo` what it is sent back.
    fn new(elsewhere: &str, spool: &Path, options: &str, echo: &str) -> Self {
        let mut bad = Self::none();
        let spool = format!("spool: {{path: \"{}\"}}", spool.display());
        for protocol in ["http/protobuf", "http/json"] {
            let otlp = |name: &str, endpoint: &str, more: &str| {
                let name = format!("{}-{name}", protocol.replace('/', "-"));
                otlp(&name, endpoint, &format!("protocol: {protocol}, {options}"), more)
            };
            for (fault, answer) in faults(echo, elsewhere) {
                let endpoint = bad.receiver(answer);
                bad.entries.push(otlp(fault, &endpoint, ""));
            }
            bad.entries.push(otlp("refused", &unused(), &spool));
            let plain = bad.receiver(Answer::ok());
            bad.entries.push(otlp("tls", &plain.replace("http:", "https:"), ""));
        }
        for (fault, answer) in [
            ("unauthenticated", GrpcAnswer::status(16, echo)),
            ("unavailable", GrpcAnswer::status(14, echo)),
            ("http", GrpcAnswer::Http(401)),
            ("away", GrpcAnswer::GoAway),
            ("garbage", GrpcAnswer::Raw(b"220 mail.example.com ESMTP\r\n\r\n".to_vec())),
        ] {
            let receiver = GrpcReceiver::scripted(vec![answer; OFTEN]);
            let endpoint = receiver.endpoint();
            bad.grpc.push(receiver);
            bad.entries.push(otlp(
                &format!("grpc-{fault}"),
                &endpoint,
                &format!("protocol: grpc, {options}"),
                "",
            ));
        }
        let plain = bad.receiver(Answer::ok()).replace("http:", "https:");
        for (fault, endpoint, more) in [("refused", unused(), spool.as_str()), ("tls", plain, "")] {
            bad.entries.push(otlp(
                &format!("grpc-{fault}"),
                &endpoint,
                &format!("protocol: grpc, {options}"),
                more,
            ));
        }
        bad
    }

    /// Those of Azure Monitor, each with a key of its own.
    fn with_azure(mut self, elsewhere: &str, spool: &Path) -> Self {
        let azure = |name: &str, endpoint: &str, more: &str| {
            let key = format!("{KEY_CANARY}-4222-8333-444455556666");
            format!(
                "{{provider: azure_monitor, name: azure-{name}, azure_monitor: {{connection_string: \
                 \"InstrumentationKey={key};IngestionEndpoint={endpoint}\", timeout: 500ms}}, {HURRY}, {more}}}"
            )
        };
        for (fault, answer) in faults(AZURE_ECHO, elsewhere) {
            let endpoint = self.receiver(answer);
            self.entries.push(azure(fault, &endpoint, ""));
        }
        let spool = format!("spool: {{path: \"{}\"}}", spool.display());
        self.entries.push(azure("refused", &unused(), &spool));
        let plain = self.receiver(Answer::ok());
        self.entries.push(azure("tls", &plain.replace("http:", "https:"), ""));
        self
    }

    fn receiver(&mut self, answer: Answer) -> String {
        let receiver = Receiver::scripted(vec![answer; OFTEN]);
        let endpoint = receiver.endpoint();
        self.http.push(receiver);
        endpoint
    }

    fn requests(&self) -> Vec<Request> {
        let http = self.http.iter().flat_map(Receiver::requests);
        http.chain(self.grpc.iter().flat_map(GrpcReceiver::calls)).collect()
    }

    fn settings(&self, healthy: &Receiver, files: &Path) -> String {
        format!(
            "service: {{name: orders}}\ntelemetry:\n  exporters:\n    - {}\n    - {{provider: otlp, name: healthy, otlp: \
             {{endpoint: \"{}\"}}}}\n    - {{provider: file, file: {{path: \"{}/{{signal}}.jsonl\"}}}}\n    - {{provider: console}}\n",
            self.entries.join("\n    - "),
            healthy.endpoint(),
            files.display(),
        )
    }
}

fn otlp(name: &str, endpoint: &str, options: &str, more: &str) -> String {
    format!(
        "{{provider: otlp, name: {name}, otlp: {{endpoint: \"{endpoint}\", timeout: 500ms, {options}}}, {HURRY}, {more}}}"
    )
}

/// Whether a request of these carried the text in this header.
fn carried(requests: &[Request], header: &str, text: &str) -> bool {
    requests.iter().any(|request| request.header(header).is_some_and(|value| value.contains(text)))
}

/// That everything spoke that could have told.
fn assert_talkative(said: &str, bad: &Bad, healthy: &Receiver) {
    for words in ["h2::", "as it is to: Err(", "last error", "Settings {", "\"exporter\":\"http-json-403\""] {
        assert!(said.contains(words), "{words:?} was not said");
    }
    assert!(
        said.matches("last error").count() >= bad.entries.len(),
        "each of the {} failed",
        bad.entries.len()
    );
    assert!(!healthy.spans().is_empty() && !healthy.logs().is_empty());
}

#[test]
fn no_secret_of_the_file_or_of_code_is_shown_whatever_fails() {
    let _turn = turn();
    let folder = Folder::new("file");
    let (spool, files) = (folder.0.join("spool"), folder.0.join("files"));
    fs::create_dir_all(&files).expect("a writable folder");
    let (healthy, elsewhere) = (Receiver::start(), Receiver::start());
    let there = elsewhere.endpoint().replace("127.0.0.1", "localhost");
    let options = "headers: {authorization: \"Bearer c4nary-authorization\", x-key: c4nary-key}";
    let mut bad = Bad::new(&there, &spool, options, ECHO).with_azure(&there, &spool);
    let (certificate, key) = Authority::default().identity();
    let (cert_file, key_file) = (folder.file("client.pem", &certificate), folder.file("client.key", &key));
    let tls = format!(
        "tls: {{cert_file: \"{}\", key_file: \"{}\"}}, {options}",
        cert_file.display(),
        key_file.display()
    );
    let secure = bad.receiver(Answer::ok()).replace("http:", "https:");
    bad.entries.push(otlp("known-client", &secure, &tls, ""));
    let key = key.lines().nth(1).expect("a key");

    let said = folder.run(&bad.settings(&healthy, &files), &[]);
    assert_talkative(&said, &bad, &healthy);
    assert_clean("the output", &said, &[key]);
    assert_clean("the spans and log records", &format!("{:?}{:?}", healthy.spans(), healthy.logs()), &[key]);
    let (spooled, written) = (content(&spool), content(&files));
    assert!(spooled.len() > 1000 && !written.is_empty(), "there is something to look at");
    assert_clean("the spool", &String::from_utf8_lossy(&spooled), &[key]);
    assert_clean("a file", &String::from_utf8_lossy(&written), &[key]);

    let requests = bad.requests();
    assert!(carried(&requests, "authorization", "Bearer c4nary-authorization"), "it was in use");
    assert!(requests.iter().any(|request| {
        request.content().is_ok_and(|body| String::from_utf8_lossy(&body).contains(KEY_CANARY))
    }));
    assert!(elsewhere.requests().is_empty(), "redirects carry nothing away");
}

#[test]
fn no_secret_of_the_environment_is_shown_whatever_fails() {
    let _turn = turn();
    let folder = Folder::new("environment");
    let (spool, files) = (folder.0.join("spool"), folder.0.join("files"));
    fs::create_dir_all(&files).expect("a writable folder");
    let (healthy, elsewhere) = (Receiver::start(), Receiver::start());
    let there = elsewhere.endpoint().replace("127.0.0.1", "localhost");
    let mut bad = Bad::new(&there, &spool, "code_attributes: false", AWS_ECHO);
    for (fault, answer) in faults(AWS_ECHO, &there) {
        let endpoint = bad.receiver(answer);
        bad.entries.push(otlp(
            &format!("aws-{fault}"),
            &endpoint,
            "auth: aws_sigv4, aws: {region: eu-west-1}",
            "",
        ));
    }
    bad.entries.push("{provider: azure_monitor, name: azure, azure_monitor: {timeout: 500ms}}".to_owned());
    let azure = bad.receiver(Answer::json(401, AZURE_ECHO));
    let connection =
        format!("InstrumentationKey={KEY_CANARY}-4222-8333-444455556666;IngestionEndpoint={azure}");
    let said = folder.run(
        &bad.settings(&healthy, &files),
        &[
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=c4nary-key,y-key=c4nary-token"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "x-key=c4nary%2Dkey,y-key=c4nary-token,z-key=c4nary-traces",
            ),
            ("AWS_ACCESS_KEY_ID", "AKIA1111"),
            ("AWS_SECRET_ACCESS_KEY", "c4nary-secret"),
            ("AWS_SESSION_TOKEN", "c4nary-token"),
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", &connection),
        ],
    );
    assert_talkative(&said, &bad, &healthy);
    assert_clean("the output", &said, &[]);
    assert_clean("the spans and log records", &format!("{:?}{:?}", healthy.spans(), healthy.logs()), &[]);
    assert_clean("the spool", &String::from_utf8_lossy(&content(&spool)), &[]);
    assert_clean("a file", &String::from_utf8_lossy(&content(&files)), &[]);
    let requests = bad.requests();
    for (header, secret) in
        [("x-key", "c4nary-key"), ("z-key", "c4nary-traces"), ("x-amz-security-token", "c4nary-token")]
    {
        assert!(carried(&requests, header, secret), "it was in use");
    }
    assert!(elsewhere.requests().is_empty(), "redirects carry nothing away");
}

#[test]
fn no_secret_in_an_endpoint_is_shown() {
    let _turn = turn();
    let (folder, receiver) = (Folder::new("endpoint"), Receiver::scripted([Answer::status(404)]));
    let endpoint = |origin: String| format!("{origin}/c4nary/traces?token=c4nary");
    for (origin, words) in [(receiver.endpoint(), "answered 404"), (unused(), "no connection to")] {
        let said = folder.run("", &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &endpoint(origin))]);
        assert!(said.contains(words), "it was in use: {said}");
        assert_clean("the output", &said, &[]);
    }
    assert_eq!(receiver.requests()[0].line, "POST /c4nary/traces?token=c4nary");
}

#[test]
fn no_secret_is_shown_where_settings_are_wrong() {
    let folder = Folder::new("wrong");
    let key_file = folder.file("c.key", "-----BEGIN PRIVATE KEY-----\nc4nary\n-----END PRIVATE KEY-----\n");
    let key_file = key_file.display();
    for (settings, variables, words) in [
        (
            "telemetry: {exporters: [{provider: otlp, otlp: {endpoint: \"http://a:c4nary@b\"}}]}",
            vec![],
            "endpoint",
        ),
        (
            "telemetry: {exporters: [{provider: otlp, otlp: {endpoint: \"http://b/?c4nary=c4nary\"}}]}",
            vec![],
            "endpoint",
        ),
        (
            "telemetry: {exporters: [{provider: otlp, otlp: {headers: {a b: c4nary, c: \"c4nary\\n\"}}}]}",
            vec![],
            "header",
        ),
        (
            "telemetry: {exporters: [{provider: azure_monitor, azure_monitor: {connection_string: c4nary}}]}",
            vec![],
            "connection string",
        ),
        (
            "",
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c4nary:c4nary@b?c4nary=c4nary")],
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        (
            "",
            vec![("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "c4nary://b")],
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ),
        ("", vec![("OTEL_EXPORTER_OTLP_HEADERS", "Bearer c4nary")], "OTEL_EXPORTER_OTLP_HEADERS"),
        ("", vec![("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=c4nary%0A")], "OTEL_EXPORTER_OTLP_LOGS_HEADERS"),
        (
            "",
            vec![("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=c4nary;c4nary=c4nary")],
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
        ),
        (
            "telemetry: {exporters: [{provider: azure_monitor}]}",
            vec![("APPINSIGHTS_INSTRUMENTATIONKEY", "c4nary")],
            "APPINSIGHTS_INSTRUMENTATIONKEY",
        ),
        (
            "telemetry: {exporters: [{provider: otlp, otlp: {endpoint: \"https://b\", tls: {cert_file: KEY, key_file: KEY}}}]}",
            vec![],
            "cert_file",
        ),
    ] {
        let said = folder.run(&settings.replace("KEY", &format!("\"{key_file}\"")), &variables);
        assert!(said.contains(words), "{words} is not named: {said}");
        assert_clean("the output", &said, &[]);
    }
}
