//! The receiver by itself, spoken to over a plain socket.

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use telemetry_tests::proto::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use telemetry_tests::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use telemetry_tests::{Answer, Receiver};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn takes_spans_and_answers_with_success() {
    let receiver = Receiver::start();
    let mut connection = connect(&receiver);
    send(&mut connection, "", &request("a"));
    assert_eq!(
        status_and_body(&mut connection),
        (200, ExportTraceServiceResponse::default().encode_to_vec())
    );
    let spans = receiver.wait_for_spans(1, SOON);
    assert_eq!(spans[0].span.name, "a");
    assert_eq!(receiver.requests()[0].line, "POST /v1/traces");
}

#[test]
fn takes_spans_in_gzip() {
    let receiver = Receiver::start();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&request("zipped")).expect("writing to memory");
    let mut connection = connect(&receiver);
    send(&mut connection, "Content-Encoding: gzip\r\n", &gzip.finish().expect("writing to memory"));
    assert_eq!(receiver.wait_for_spans(1, SOON)[0].span.name, "zipped");
}

#[test]
fn follows_its_script_and_then_takes_everything() {
    let receiver =
        Receiver::scripted([Answer::status(503).header("Retry-After", "1"), Answer::partial_success(2, "x")]);
    let mut connection = connect(&receiver);
    for (name, expected) in [("a", 503), ("b", 200), ("c", 200)] {
        send(&mut connection, "", &request(name));
        assert_eq!(status_and_body(&mut connection).0, expected);
    }
    let names: Vec<_> = receiver.spans().into_iter().map(|received| received.span.name).collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!((receiver.requests().len(), receiver.connections()), (3, 1));
}

#[test]
fn refuses_what_is_not_otlp() {
    let receiver = Receiver::start();
    let mut connection = connect(&receiver);
    send(&mut connection, "", b"\xff\xff\xff");
    assert_eq!(status_and_body(&mut connection).0, 400);
    assert!(receiver.spans().is_empty());
}

#[test]
fn hangs_up_when_told() {
    let receiver = Receiver::scripted([Answer::hang_up()]);
    let mut connection = connect(&receiver);
    send(&mut connection, "", &request("a"));
    assert_eq!(connection.read(&mut [0; 16]).expect("an orderly end"), 0);
    assert_eq!(receiver.wait_for_requests(1, SOON).len(), 1);
}

#[test]
fn a_hanging_answer_ends_with_the_receiver() {
    let receiver = Receiver::scripted([Answer::hang()]);
    let mut connection = connect(&receiver);
    send(&mut connection, "", &request("a"));
    receiver.wait_for_requests(1, SOON);
    drop(receiver);
    assert_eq!(connection.read(&mut [0; 16]).expect("an orderly end"), 0);
}

#[test]
#[should_panic(expected = "only 0 of 1 spans, 0 requests")]
fn waiting_in_vain_says_what_is_missing() {
    Receiver::start().wait_for_spans(1, Duration::from_millis(10));
}

fn connect(receiver: &Receiver) -> TcpStream {
    let stream = TcpStream::connect(receiver.endpoint().trim_start_matches("http://")).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("a timeout above zero");
    stream
}

fn send(connection: &mut TcpStream, headers: &str, body: &[u8]) {
    let head = format!("POST /v1/traces HTTP/1.1\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    connection.write_all(&[head.as_bytes(), body].concat()).expect("an open connection");
}

fn status_and_body(connection: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("a head in ASCII");
    let field = |before: &str| {
        head.split(before).nth(1).and_then(|rest| rest.split_whitespace().next()).map(str::to_owned)
    };
    let number = |before| field(before).and_then(|text| text.parse::<u16>().ok()).expect("a number");
    let mut body = vec![0; number("Content-Length:").into()];
    connection.read_exact(&mut body).expect("a whole body");
    (number("HTTP/1.1 "), body)
}

fn request(name: &str) -> Vec<u8> {
    let span = Span { name: name.to_owned(), ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}
