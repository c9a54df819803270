//! `telemetry-demo check-config`: what it prints, whom it asks, and its exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use telemetry_tests::{Answer, GrpcReceiver, Receiver, unused};

/// A settings file of this test's own.
fn file(test: &str, settings: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{test}.yaml"));
    fs::write(&path, settings).expect("a writable directory");
    path
}

/// What the command makes of the file in an environment of these variables and nothing else.
fn check(file: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(telemetry_tests::demo());
    command.env_clear().envs(variables.iter().copied()).arg("check-config").arg("--config").arg(file);
    command.output().expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it is text")
}

/// What is said of the key, with single blanks: its value and its origin.
fn line(output: &Output, key: &str) -> String {
    let stdout = stdout(output);
    let line =
        stdout.lines().find(|line| line.trim_start_matches([' ', '-']).starts_with(&format!("{key}: ")));
    line.unwrap_or_else(|| panic!("nothing of {key}: {stdout}"))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn all_is_well_if_every_exporter_answers_an_empty_export() {
    let (http, grpc) = (Receiver::start(), GrpcReceiver::start());
    let settings = format!(
        "service: {{name: orders}}
telemetry:
  exporters:
    - provider: otlp
      otlp:
        endpoint: {}
        headers: {{api-key: '${{KEY}}', x-tenant: c4nary}}
    - {{provider: otlp, name: rpc, otlp: {{endpoint: '{}', protocol: grpc}}}}
    - {{provider: console}}
    - provider: azure_monitor
      azure_monitor: {{connection_string: 'InstrumentationKey=c4c4c4c4-3333-4444-5555-66667777aaaa;IngestionEndpoint={}'}}
server: {{port: 0}}
",
        http.endpoint(),
        grpc.endpoint(),
        http.endpoint()
    );
    let file = file("well", &settings);

    let output = check(&file, &[("KEY", "c4nary"), ("OTEL_SERVICE_NAME", "billing")]);

    let said = stdout(&output);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{said}");
    assert!(
        said.ends_with("\notlp answers\nrpc answers\nconsole answers\nazure_monitor answers\n"),
        "{said}"
    );
    for secret in ["c4nary", "c4c4c4c4"] {
        assert!(!said.contains(secret), "{said}");
    }
    let name = file.display();
    assert_eq!(line(&output, "name"), "name: billing # OTEL_SERVICE_NAME");
    assert_eq!(line(&output, "endpoint"), format!("endpoint: {} # {name}:6:19", http.endpoint()));
    assert_eq!(line(&output, "api-key"), format!("api-key: \"***\" # {name}:7:19"));
    assert_eq!(line(&output, "connection_string"), format!("connection_string: \"***\" # {name}:11:42"));
    assert_eq!(line(&output, "timeout"), "timeout: 10s # default");
    assert_eq!(line(&output, "port"), format!("port: 0 # {name}:12:16"));

    let mut lines: Vec<_> = http.requests().into_iter().map(|request| request.line).collect();
    lines.sort();
    assert_eq!(lines, ["POST /v1/logs", "POST /v1/traces", "POST /v2.1/track"]);
    assert_eq!((http.spans().len(), grpc.calls().len(), grpc.spans().len()), (0, 2, 0));
    let with_key = http.requests().into_iter().filter(|request| request.header("api-key") == Some("c4nary"));
    assert_eq!(with_key.count(), 2);
}

#[test]
fn an_exporter_that_does_not_answer_is_named_beside_those_that_do() {
    let (well, strict) = (Receiver::start(), Receiver::scripted([Answer::error(401, "unknown key c4nary")]));
    let settings = format!(
        "telemetry:
  exporters:
    - {{provider: otlp, name: well, signals: [traces], otlp: {{endpoint: '{}'}}}}
    - {{provider: otlp, name: closed, otlp: {{endpoint: '{}'}}}}
    - {{provider: otlp, name: strict, signals: [logs], otlp: {{endpoint: '{}', headers: {{api-key: c4nary}}}}}}
    - {{provider: file, signals: [logs], file: {{path: no/such/folder/logs.jsonl}}}}
    - {{provider: otlp, name: off, enabled: false, otlp: {{endpoint: '{}'}}}}
",
        well.endpoint(),
        unused(),
        strict.endpoint(),
        strict.endpoint()
    );

    let output = check(&file("silent", &settings), &[]);

    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert_eq!(stderr(&output), "telemetry-demo: 3 exporters do not answer\n");
    let (_, answers) = said.rsplit_once("\n\n").expect("the settings come first");
    let [well, closed, strict_one, file] = &*answers.lines().collect::<Vec<_>>() else { panic!("{answers}") };
    assert_eq!(*well, "well answers");
    assert!(
        closed.starts_with("closed does not answer: traces: no connection to http://127.0.0.1:"),
        "{closed}"
    );
    let refused = format!("strict does not answer: logs: {} answered 401 Unauthorized", strict.endpoint());
    assert!(strict_one.starts_with(&refused), "{strict_one}");
    assert!(file.starts_with("file does not answer: it cannot work: no/such/folder/logs.jsonl: "), "{file}");
    assert!(!said.contains("c4nary"), "{said}");
    assert_eq!(strict.requests().len(), 1);
}

#[test]
fn wrong_settings_are_told_of_as_at_the_start_and_nobody_is_asked() {
    let receiver = Receiver::start();
    let settings = format!(
        "telemetry:
  sampling_ratio: 2
  exporters:
    - {{provider: otlp, otlp: {{endpoint: '{}', timout: c4nary}}}}
",
        receiver.endpoint()
    );
    let file = file("wrong", &settings);

    let output = check(&file, &[]);

    assert_eq!((output.status.code(), stdout(&output)), (Some(78), String::new()));
    let said = stderr(&output);
    for expected in ["2 mistakes in the settings", ":2:19: expected a number", "unknown key `timout`"] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!said.contains("c4nary"), "{said}");
    let mut started = Command::new(telemetry_tests::demo());
    let started = started.env_clear().arg("--config").arg(&file).output().expect("the program runs");
    assert_eq!((started.status.code(), stderr(&started)), (Some(78), said));
    assert_eq!(receiver.connections(), 0);
}

#[test]
fn a_mistake_in_the_application_s_own_section_is_one_of_the_settings() {
    let output = check(&file("server", "server: {prot: 1}\n"), &[]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(78), String::new()));
    assert!(stderr(&output).contains("unknown key `prot`"), "{}", stderr(&output));
}
