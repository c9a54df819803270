//! Requests to receivers on the loopback interface, and what comes of their answers.

use super::*;
use crate::record::sample::{LogSample, Sample, batch, logs};
use crate::record::{Level, Secret};
use std::time::Duration;
use telemetry_tests::{Answer, Receiver};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn spans_arrive() {
    let receiver = Receiver::start();
    let mut otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a valid target");
    let exported = otlp.export(&batch(&[Sample::root("a", 1), Sample::child("b", 2, 1)]));
    assert_eq!(exported.ok(), Some(Exported::all()));
    let spans = receiver.wait_for_spans(2, SOON);
    assert_eq!([spans[0].span.name.as_str(), &spans[1].span.name], ["a", "b"]);
}

#[test]
fn log_records_arrive_at_their_own_url_and_their_rejected_are_counted() {
    let receiver = Receiver::scripted([Answer::ok(), Answer::partial_success(1, "too old")]);
    let mut otlp = Otlp::new(Target::new(receiver.traces_url()))
        .and_then(|otlp| otlp.with_logs(Target::new(receiver.logs_url())))
        .expect("valid targets");
    let log = |body| LogSample::new(Level::Info, 1, body);
    assert_eq!(otlp.export(&batch(&[Sample::root("a", 1)])).ok(), Some(Exported::all()));
    let exported = otlp.export(&logs(&[log("one"), log("two")]));
    assert_eq!(exported.ok(), Some(Exported::with_rejected(1)));
    let lines: Vec<_> = receiver.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(lines, ["POST /v1/traces", "POST /v1/logs"]);
    assert_eq!(receiver.logs().iter().map(|log| log.body()).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn what_was_packed_is_sent_by_another_exporter_to_the_signal_s_target() {
    let receiver = Receiver::scripted([Answer::ok(), Answer::partial_success(1, "too old")]);
    let mut packer = Otlp::new(Target::new("http://localhost:1/"))
        .and_then(|otlp| otlp.with_logs(Target::new("http://localhost:1/")))
        .expect("valid targets");
    let mut sender = Otlp::new(Target::new(receiver.traces_url()))
        .and_then(|otlp| otlp.with_logs(Target::new(receiver.logs_url())))
        .expect("valid targets");
    let spans = packer.pack(&batch(&[Sample::root("a", 1)])).expect("spans have a target");
    let records = packer.pack(&logs(&[LogSample::new(Level::Info, 1, "one")])).expect("so have log records");
    assert_eq!(sender.export_packed(Signal::Traces, &spans).ok(), Some(Exported::all()));
    assert_eq!(sender.export_packed(Signal::Logs, &records).ok(), Some(Exported::with_rejected(1)));
    assert_eq!(receiver.wait_for_spans(1, SOON)[0].span.name, "a");
    assert_eq!(receiver.logs()[0].body(), "one");
    let error = sender.export_packed(Signal::Traces, b"{}").expect_err("this is no packed batch");
    assert!(!error.is_retryable());
}

#[test]
fn json_is_sent_and_answered_as_such() {
    let answer = |status: &str, body: &str| {
        Answer::raw(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    };
    let receiver = Receiver::scripted([
        answer("200 OK", r#"{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}"#),
        answer("200 OK", r#"{"partialSuccess": {"rejectedLogRecords": 1}}"#),
        answer("503 Busy", r#"{"code": 14, "message": "come back"}"#),
    ]);
    let json = |url| Target { protocol: Protocol::HttpJson, ..Target::new(url) };
    let mut otlp = Otlp::new(json(receiver.traces_url()))
        .and_then(|otlp| otlp.with_logs(json(receiver.logs_url())))
        .expect("valid targets");
    let spans = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
    assert_eq!(otlp.export(&spans).ok(), Some(Exported::with_rejected(1)));
    let log = logs(&[LogSample::new(Level::Info, 1, "one")]);
    assert_eq!(otlp.export(&log).ok(), Some(Exported::with_rejected(1)));
    let error = otlp.export(&spans).expect_err("the receiver is busy");
    assert!(error.is_retryable() && error.to_string().ends_with(": come back"), "{error}");
    let requests = receiver.requests();
    for (request, begin) in requests.iter().zip(["{\"resourceSpans\":", "{\"resourceLogs\":"]) {
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(request.body.starts_with(begin.as_bytes()) && request.body.ends_with(b"}"));
    }
}

#[test]
fn takes_what_it_has_a_target_for() {
    let target = || Target::new("http://localhost:4318/");
    let takes = |otlp: Otlp| Signal::ALL.map(|signal| otlp.takes(signal));
    assert_eq!(Otlp::new(target()).map(takes).ok(), Some([true, false]));
    assert_eq!(Otlp::of_logs(target()).map(takes).ok(), Some([false, true]));
    assert!(Otlp::of_logs(Target::new("")).is_err_and(|error| error.is_url()));
}

#[test]
fn no_more_spans_are_rejected_than_were_sent() {
    let receiver =
        Receiver::scripted([Answer::partial_success(900, "no"), Answer::partial_success(-1, "no")]);
    let mut otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a valid target");
    let sent = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
    assert_eq!(otlp.export(&sent).map(Exported::rejected).ok(), Some(2));
    assert_eq!(otlp.export(&sent).map(Exported::rejected).ok(), Some(0));
}

#[test]
fn refuses_targets_that_could_never_be_sent_to() {
    for url in [
        "",
        "localhost:4318",
        "ftp://host/",
        "/v1/traces",
        "http://",
        "http:// host/",
        "http://user:pass@host/",
    ] {
        assert!(Otlp::new(Target::new(url)).is_err_and(|error| error.is_url()), "{url:?}");
    }
    for (name, value) in [
        ("a b", "1"),
        ("", "1"),
        ("key", "a\nb"),
        ("Content-Length", "1"),
        ("host", "h"),
        ("Expect", "x"),
        ("grpc-a", "1"),
    ] {
        let mut target = Target::new("http://localhost/");
        target.headers.push((name.to_owned(), Secret::new(value)));
        let error = Otlp::new(target).expect_err("an invalid header");
        assert_eq!(error.header(), Some(name));
    }
}

#[cfg(not(feature = "grpc"))]
#[test]
fn a_build_without_grpc_says_which_feature_it_lacks() {
    let target = Target { protocol: Protocol::Grpc, ..Target::new("http://localhost:4317") };
    assert!(Otlp::new(target).is_err_and(|error| error.to_string().contains("feature `grpc`")));
}

#[test]
fn secrets_do_not_show() {
    let mut target = Target::new("http://localhost:4318/v1/traces?key=canary");
    target.headers.push(("api-key".to_owned(), Secret::new("canary")));
    let shown = format!("{target:?}");
    assert!(shown.contains("http://localhost:4318/v1/traces") && !shown.contains("canary"), "{shown}");
    let shown = format!("{:?}", Otlp::new(target).expect("a valid target"));
    assert!(shown.contains("localhost:4318") && !shown.contains("canary"), "{shown}");
    let shown = format!("{:?}", Target::new("http://canary:canary@localhost"));
    assert!(!shown.contains("canary"), "{shown}");
}
