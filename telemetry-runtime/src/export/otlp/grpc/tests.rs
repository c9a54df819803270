//! Calls to a receiver that does what a test wants.

use crate::export::otlp::{Otlp, Protocol, Target, TlsFiles};
use crate::export::{ExportError, Exported, Exporter};
use crate::record::sample::{LogSample, Sample, batch, logs};
use crate::record::{Level, Secret};
use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;
use telemetry_tests::{Authority, GrpcAnswer, GrpcReceiver, Reason};

fn target(endpoint: impl Into<String>) -> Target {
    Target { protocol: Protocol::Grpc, ..Target::new(endpoint) }
}

fn otlp(receiver: &GrpcReceiver) -> Otlp {
    Otlp::new(target(receiver.endpoint())).expect("a valid target")
}

fn send(otlp: &mut Otlp) -> Result<Exported, ExportError> {
    otlp.export(&batch(&[Sample::root("sent", 1)]))
}

fn error_after(answer: GrpcAnswer) -> ExportError {
    send(&mut otlp(&GrpcReceiver::scripted([answer]))).expect_err("no success")
}

#[test]
fn spans_and_log_records_arrive_at_their_services_with_the_headers_of_the_protocol() {
    let receiver = GrpcReceiver::start();
    let mut traces = target(receiver.endpoint());
    traces.headers.push(("Api-Key".to_owned(), Secret::new("1234")));
    let logs_target = Target { gzip: true, ..target(receiver.endpoint()) };
    let mut otlp = Otlp::new(traces).and_then(|otlp| otlp.with_logs(logs_target)).expect("valid targets");
    assert_eq!(send(&mut otlp).ok(), Some(Exported::all()));
    assert_eq!(otlp.export(&logs(&[LogSample::new(Level::Info, 1, "one")])).ok(), Some(Exported::all()));
    assert_eq!(receiver.spans()[0].span.name, "sent");
    assert_eq!(receiver.logs()[0].body(), "one");
    let [span_call, log_call] = &*receiver.calls() else { panic!("two calls") };
    assert_eq!(span_call.line, "POST /opentelemetry.proto.collector.trace.v1.TraceService/Export");
    assert_eq!(log_call.line, "POST /opentelemetry.proto.collector.logs.v1.LogsService/Export");
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", "10000m"),
        ("api-key", "1234"),
    ] {
        assert_eq!(span_call.header(name), Some(value), "{name}");
    }
    assert!(span_call.header("user-agent").is_some_and(|agent| agent.contains("OTel-OTLP-Exporter-Rust/")));
    assert_eq!((span_call.header("grpc-encoding"), log_call.header("grpc-encoding")), (None, Some("gzip")));
}

#[test]
fn a_check_calls_with_an_empty_message() {
    let receiver = GrpcReceiver::scripted([GrpcAnswer::ok(), GrpcAnswer::status(16, "no key")]);
    let mut otlp = otlp(&receiver);
    assert!(otlp.check().is_ok());
    assert_eq!((receiver.calls().len(), receiver.spans().len()), (1, 0));
    assert!(otlp.check().expect_err("unauthenticated").to_string().contains("no key"));
}

#[test]
fn keeps_its_connection_until_that_is_closed() {
    let answers = [GrpcAnswer::ok(), GrpcAnswer::status(3, "bad"), GrpcAnswer::GoAway];
    let receiver = GrpcReceiver::scripted(answers);
    let mut otlp = otlp(&receiver);
    let outcomes = [(); 3].map(|()| send(&mut otlp).is_ok());
    assert_eq!((outcomes, receiver.connections()), ([true, false, true], 1));
    // The first of these may still go over the old one, which ends when what it carries has ended.
    assert!(send(&mut otlp).is_ok() && send(&mut otlp).is_ok());
    assert_eq!((receiver.spans().len(), receiver.connections()), (4, 2));
}

#[test]
fn partial_success_counts_the_rejected() {
    let receiver = GrpcReceiver::scripted([GrpcAnswer::partial_success(1, "too old")]);
    assert_eq!(send(&mut otlp(&receiver)).ok(), Some(Exported::with_rejected(1)));
}

#[test]
fn only_some_statuses_may_be_tried_again() {
    for code in 1..=17 {
        let error = error_after(GrpcAnswer::status(code, "no"));
        assert_eq!(error.is_retryable(), [1, 4, 10, 11, 14, 15].contains(&code), "{error}");
    }
}

#[test]
fn the_receivers_delay_is_passed_on() {
    let details = super::status::tests::IN_2500_MS.to_owned();
    let error = error_after(GrpcAnswer::Status(8, "busy".to_owned(), Some(details)));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(2500)));
}

#[test]
fn a_reset_is_the_status_that_grpc_gives_it() {
    for (reason, is_retryable) in
        [(Reason::CANCEL, true), (Reason::REFUSED_STREAM, true), (Reason::INTERNAL_ERROR, false)]
    {
        let error = error_after(GrpcAnswer::Reset(reason));
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
    }
}

#[test]
fn what_something_in_between_answers_is_mapped_from_http() {
    assert!(error_after(GrpcAnswer::Http(503)).is_retryable());
    let error = error_after(GrpcAnswer::Http(404));
    assert!(!error.is_retryable() && error.to_string().ends_with("answered UNIMPLEMENTED"), "{error}");
}

#[test]
fn an_answer_that_is_not_grpc_is_final() {
    let garbage = |text: &str| GrpcAnswer::Raw(text.as_bytes().to_vec());
    for answer in [
        garbage("220 mail.example.com ESMTP\r\n\r\n"),
        garbage("HTTP/1.1 400 Bad Request\r\n\r\n"),
        GrpcAnswer::Http(200),
    ] {
        let error = error_after(answer);
        assert!(!error.is_retryable() && error.to_string().ends_with("did not answer in gRPC"), "{error}");
    }
}

#[test]
fn what_breaks_before_an_answer_may_be_tried_again() {
    let unused = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let nobody = send(&mut Otlp::new(target(format!("http://{unused}"))).expect("a valid target"));
    for error in [error_after(GrpcAnswer::Raw(Vec::new())), nobody.expect_err("nobody listens")] {
        assert!(error.is_retryable() && error.source().is_some(), "{error}");
    }
}

#[test]
fn a_receiver_that_says_nothing_times_out_and_the_next_call_goes_over_a_new_connection() {
    let receiver = GrpcReceiver::scripted([GrpcAnswer::Hang]);
    let target = Target { timeout: Duration::from_millis(100), ..target(receiver.endpoint()) };
    let mut otlp = Otlp::new(target).expect("a valid target");
    let error = send(&mut otlp).expect_err("no answer");
    assert!(error.is_retryable());
    assert!(error.to_string().ends_with("did not answer within 100ms"), "{error}");
    assert!(send(&mut otlp).is_ok());
    assert_eq!(receiver.connections(), 2);
}

#[test]
fn an_answer_beyond_the_limit_is_final() {
    let error = error_after(GrpcAnswer::Message(vec![0; (4 << 20) + 1]));
    assert!(!error.is_retryable());
    assert!(error.to_string().ends_with("answered with more than 4194304 bytes"), "{error}");
}

#[test]
fn an_endpoint_with_a_path_is_refused() {
    let error = Otlp::new(target("http://localhost:4317/v1/traces")).expect_err("a path");
    assert!(error.is_url(), "{error}");
}

#[test]
fn no_error_shows_a_secret() {
    for answer in
        [GrpcAnswer::status(16, "unknown%20key%20canary-1234"), GrpcAnswer::Raw(b"canary-1234".to_vec())]
    {
        let receiver = GrpcReceiver::scripted([answer]);
        let mut target = target(receiver.endpoint());
        target.headers.push(("authorization".to_owned(), Secret::new("Bearer canary-1234")));
        let error = send(&mut Otlp::new(target).expect("a valid target")).expect_err("no success");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn what_a_receiver_writes_into_its_goodbye_is_not_shown() {
    let debug_data = b"unknown key canary-1234";
    let length = u8::try_from(8 + debug_data.len()).expect("a short frame");
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let go_away = [0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    let raw = [&settings[..], &go_away, debug_data].concat();
    let error = error_after(GrpcAnswer::Raw(raw));
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    let source = error.source().expect("the reason");
    assert!(error.is_retryable() && !source.to_string().contains("canary"), "{source}");
    assert!(source.to_string().contains("excessive load"), "{source}");
}

#[test]
fn a_thread_that_runs_another_runtime_gets_an_error() {
    let receiver = GrpcReceiver::start();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut otlp = otlp(&receiver);
    assert!(send(&mut otlp).is_ok());
    runtime.block_on(async {
        assert!(send(&mut otlp).is_err_and(|error| !error.is_retryable()));
        drop(otlp);
    });
}

/// A folder that is removed with its files.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("telemetry-grpc-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> Option<PathBuf> {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a file");
        Some(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn trusts_the_authority_that_it_is_told_to_and_no_other() {
    let folder = Folder::new("trust");
    let (authority, other) = (Authority::default(), Authority::default());
    let receiver = GrpcReceiver::secure(authority.server(None));
    let sent = |authority: &Authority| {
        let tls = TlsFiles { ca_file: folder.file("ca.pem", &authority.pem()), ..TlsFiles::default() };
        send(&mut Otlp::new(Target { tls, ..target(receiver.endpoint()) }).expect("a valid target"))
    };
    assert!(sent(&authority).is_ok());
    let error = sent(&other).expect_err("another authority");
    assert!(!error.is_retryable() && error.to_string().starts_with("no secure connection to"), "{error}");
    assert!(error.source().is_some_and(|source| source.to_string().contains("UnknownIssuer")), "{error:?}");
    assert_eq!(receiver.spans().len(), 1);
}

#[test]
fn shows_its_certificate_to_a_receiver_that_asks_for_one() {
    let folder = Folder::new("mutual");
    let (authority, clients) = (Authority::default(), Authority::default());
    let receiver = GrpcReceiver::secure(authority.server(Some(&clients)));
    let (cert, key) = clients.identity();
    let ca_file = folder.file("ca.pem", &authority.pem());
    let known = TlsFiles {
        ca_file: ca_file.clone(),
        cert_file: folder.file("cert.pem", &cert),
        key_file: folder.file("key.pem", &key),
    };
    let sent =
        |tls| send(&mut Otlp::new(Target { tls, ..target(receiver.endpoint()) }).expect("a valid target"));
    assert!(sent(known).is_ok());
    // Whether the receiver's reason arrives before the end of the connection is up to the system.
    assert!(sent(TlsFiles { ca_file, ..TlsFiles::default() }).is_err());
    assert_eq!(receiver.spans().len(), 1);
}
