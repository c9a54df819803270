//! The table of faults: what may happen to a request, and what each exporter is to make of it.

use crate::side::{plain, resetting, silent};
use std::sync::{Arc, LazyLock};
use telemetry_tests::{Answer, Authority, GrpcAnswer, Reason, Receiver, unused};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Protobuf,
    Json,
    Grpc,
    Azure,
}

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// It is sent again.
    Again,
    /// The same, but not within the second that the other side asks for.
    Later,
    /// What was not taken of it is sent again.
    Rest,
    /// It is dropped, and never sent again.
    Dropped,
    /// Its halves are sent; an item of its own is dropped.
    Halved,
    /// Some of its items are refused, and never sent again.
    Rejected,
    /// Time is up at the end, and it has not left.
    Left,
    /// It has arrived.
    Taken,
}

#[derive(Clone)]
pub(crate) enum Fault {
    Http(Answer),
    Grpc(GrpcAnswer),
    Tls(Arc<rustls::ServerConfig>),
    /// Whoever listens at this URL, if anybody does.
    At(String),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    pub(crate) fate: Fate,
}

/// Where redirects lead. It is another host than that of all others, which are at `127.0.0.1`.
pub(crate) static ELSEWHERE: LazyLock<Receiver> = LazyLock::new(Receiver::start);

use Fate::{Again, Dropped, Halved, Later, Rejected, Rest, Taken};

/// All that may happen to exporters of this kind, which trust this authority if they can be told whom to trust.
pub(crate) fn cases(kind: Kind, trusted: &Authority) -> Vec<Case> {
    let (mut cases, own) = match kind {
        Kind::Protobuf => (over_http(kind), vec![http("partial", partial(), Rejected)]),
        Kind::Json => (over_http(kind), vec![http("partial", partial_json(), Rejected)]),
        Kind::Azure => (over_http(kind), of_azure()),
        Kind::Grpc => (Vec::new(), over_grpc()),
    };
    cases.extend(own);
    cases.extend(before_any_request());
    cases.extend(of_tls(kind, trusted));
    cases
}

fn http(name: &'static str, answer: Answer, fate: Fate) -> Case {
    Case { name, fault: Fault::Http(answer), fate }
}

fn busy(status: u16) -> Answer {
    Answer::error(status, "busy")
}

fn partial() -> Answer {
    Answer::partial_success(1, "too old")
}

fn partial_json() -> Answer {
    Answer::json(200, r#"{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}"#)
}

/// Source: OTLP specification 1.11, "OTLP/HTTP Response"; the vendor's exporter for Python for Azure Monitor.
fn over_http(kind: Kind) -> Vec<Case> {
    let elsewhere = ELSEWHERE.endpoint().replace("127.0.0.1", "localhost");
    let redirect = |status| Answer::status(status).header("Location", elsewhere.clone());
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    let table = [
        // The fault, the answer, and what OTLP and Azure Monitor's exporter make of it.
        ("hang", Answer::hang(), Again, Again),
        ("slow byte", Answer::trickle(), Again, Again),
        ("hang up", Answer::hang_up(), Again, Again),
        ("400", busy(400), Dropped, Dropped),
        ("401", busy(401), Dropped, Again),
        ("402", busy(402), Dropped, Dropped),
        ("404", busy(404), Dropped, Dropped),
        ("408", busy(408), Dropped, Again),
        ("413", busy(413), Halved, Halved),
        ("429", busy(429), Again, Again),
        ("429 with Retry-After", busy(429).header("Retry-After", "1"), Later, Later),
        ("439", busy(439), Dropped, Dropped),
        ("500", busy(500), Dropped, Again),
        ("501", busy(501), Dropped, Dropped),
        ("502", busy(502), Again, Again),
        ("503", busy(503), Again, Again),
        ("503 with Retry-After", busy(503).header("Retry-After", "1"), Later, Later),
        ("504", busy(504), Again, Again),
        ("garbage", Answer::raw("220 mail.example.com ESMTP\r\n\r\n"), Dropped, Dropped),
        ("redirect", redirect(307), Dropped, Dropped),
        ("moved", redirect(301), Dropped, Dropped),
        ("oversized", Answer::protobuf(200, vec![0; (4 << 20) + 1]), Dropped, Dropped),
        // A success is one, whatever comes of its body.
        ("a page", Answer::json(200, "<html>"), Taken, Taken),
        ("a body that breaks off", Answer::raw(cut), Taken, Taken),
    ];
    let row =
        |(name, answer, otlp, azure)| http(name, answer, if kind == Kind::Azure { azure } else { otlp });
    table.into_iter().map(row).collect()
}

/// What only Azure Monitor says: of which items of a request it did not take. The first one of the process may be about the resource.
fn of_azure() -> Vec<Case> {
    let first_two = |status: u16| {
        let error = |index| format!(r#"{{"index": {index}, "statusCode": {status}, "message": "no"}}"#);
        Answer::json(206, format!(r#"{{"itemsReceived": 2, "errors": [{}, {}]}}"#, error(0), error(1)))
    };
    vec![
        http("partial", first_two(400), Rejected),
        http("partial, later", first_two(500), Rest),
        http("partial, a page", Answer::json(206, "<html>"), Dropped),
    ]
}

/// Source: OTLP specification 1.11, "OTLP/gRPC Response"; gRPC over HTTP/2, "Errors"; gRPC, "HTTP to gRPC Status Code Mapping".
fn over_grpc() -> Vec<Case> {
    /// `google.rpc.Status { code: 8, details: [RetryInfo { retry_delay: 1 s }] }`.
    const IN_A_SECOND: &str = "CAgaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgIIAQ==";
    let in_a_second = |code| GrpcAnswer::Status(code, "busy".to_owned(), Some(IN_A_SECOND.to_owned()));
    let raw = |bytes: &[u8]| GrpcAnswer::Raw(bytes.to_vec());
    // Settings, and a goodbye for having heard enough (11) of what came up to stream 0.
    let goodbye = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    let table = [
        ("CANCELLED", GrpcAnswer::status(1, "busy"), Again),
        ("INVALID_ARGUMENT", GrpcAnswer::status(3, "busy"), Dropped),
        ("DEADLINE_EXCEEDED", GrpcAnswer::status(4, "busy"), Again),
        ("PERMISSION_DENIED", GrpcAnswer::status(7, "busy"), Dropped),
        ("RESOURCE_EXHAUSTED", GrpcAnswer::status(8, "busy"), Dropped),
        ("RESOURCE_EXHAUSTED with RetryInfo", in_a_second(8), Later),
        ("ABORTED", GrpcAnswer::status(10, "busy"), Again),
        ("OUT_OF_RANGE", GrpcAnswer::status(11, "busy"), Again),
        ("UNIMPLEMENTED", GrpcAnswer::status(12, "busy"), Dropped),
        ("INTERNAL", GrpcAnswer::status(13, "busy"), Dropped),
        ("UNAVAILABLE", GrpcAnswer::status(14, "busy"), Again),
        ("UNAVAILABLE with RetryInfo", in_a_second(14), Later),
        ("DATA_LOSS", GrpcAnswer::status(15, "busy"), Again),
        ("UNAUTHENTICATED", GrpcAnswer::status(16, "busy"), Dropped),
        ("429", GrpcAnswer::Http(429), Again),
        ("500", GrpcAnswer::Http(500), Dropped),
        ("503", GrpcAnswer::Http(503), Again),
        ("redirect", GrpcAnswer::Http(307), Dropped),
        ("partial", GrpcAnswer::partial_success(1, "too old"), Rejected),
        ("oversized", GrpcAnswer::Message(vec![0; (4 << 20) + 1]), Dropped),
        ("garbage", raw(b"220 mail.example.com ESMTP\r\n\r\n"), Dropped),
        ("hang", GrpcAnswer::Hang, Again),
        ("hang after headers", GrpcAnswer::HangAfterHeaders, Again),
        ("hang up", raw(b""), Again),
        ("goodbye instead", raw(&goodbye), Again),
        ("goodbye after the answer", GrpcAnswer::GoAway, Taken),
        ("reset", GrpcAnswer::Reset(Reason::INTERNAL_ERROR), Dropped),
        ("reset, not looked at", GrpcAnswer::Reset(Reason::REFUSED_STREAM), Again),
    ];
    table.into_iter().map(|(name, answer, fate)| Case { name, fault: Fault::Grpc(answer), fate }).collect()
}

fn at(name: &'static str, scheme: &str, address: &str, fate: Fate) -> Case {
    Case { name, fault: Fault::At(format!("{scheme}://{address}")), fate }
}

fn before_any_request() -> [Case; 3] {
    [
        Case { name: "nobody", fault: Fault::At(unused()), fate: Again },
        at("reset connection", "http", resetting(), Again),
        at("silence", "http", silent(), Again),
    ]
}

fn of_tls(kind: Kind, trusted: &Authority) -> Vec<Case> {
    let tls = |name, server, fate| Case { name, fault: Fault::Tls(server), fate };
    let mut cases = vec![
        at("no TLS", "https", plain(), Dropped),
        at("reset handshake", "https", resetting(), Again),
        at("silent handshake", "https", silent(), Again),
        tls("unknown authority", Authority::default().server(None), Dropped),
    ];
    // Azure Monitor's exporter trusts whom the system trusts: nobody whom a test could be.
    if kind != Kind::Azure {
        cases.extend([
            tls("another host's certificate", trusted.server_named("other.example"), Dropped),
            tls("expired certificate", trusted.expired_server(), Dropped),
            tls("sound certificate", trusted.server(None), Taken),
        ]);
    }
    cases
}
