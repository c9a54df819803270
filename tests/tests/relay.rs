//! What the demo's relay passes on of the contexts that come in: the rules of W3C Trace Context, case by case, and of the settings.
//!
//! Source of the cases: W3C Trace Context Level 2, sections 3.2 and 3.3, each rule of which its test suite asks for as well.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use telemetry_tests::proto::trace::v1::span::SpanKind;
use telemetry_tests::{Received, Receiver};

/// How long anything may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "1234567890123456";
const SAMPLED: &str = "traceparent: 00-12345678901234567890123456789012-1234567890123456-01";
const UNSAMPLED: &str = "traceparent: 00-12345678901234567890123456789012-1234567890123456-00";

/// A running demo, killed when dropped.
struct Process {
    process: Child,
    address: String,
}

impl Process {
    fn start(arguments: &[&str], settings: &str, variables: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("relay-{}-{}.yaml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, settings).expect("a writable directory");
        let mut process = Command::new(telemetry_tests::demo())
            .args(arguments)
            .args(["--port", "0", "--config"])
            .arg(path)
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut first = String::new();
        let stderr = process.stderr.take().expect("it is piped");
        BufReader::new(stderr).read_line(&mut first).expect("it says where it listens");
        let address = first.trim().rsplit_once("http://").expect("an address").1.to_owned();
        Self { process, address }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A relay, and a target that it relays to.
struct Relay {
    relay: Process,
    target: TcpListener,
}

impl Relay {
    fn start() -> Self {
        Self::start_with("telemetry: {exporters: []}", &[])
    }

    fn start_with(settings: &str, variables: &[(&str, &str)]) -> Self {
        let relay = Process::start(&["relay"], settings, variables);
        Self { relay, target: TcpListener::bind("127.0.0.1:0").expect("a free port") }
    }

    /// The head of the request that arrives at the target when one with these header lines goes to the relay.
    fn relayed(&self, headers: &[&str]) -> Head {
        self.relayed_often(headers, 1).remove(0)
    }

    fn relayed_often(&self, headers: &[&str], times: usize) -> Vec<Head> {
        let target = self.target.local_addr().expect("it is bound");
        let errand = format!("{{\"url\": \"http://{target}/callback\", \"arguments\": []}}");
        let asked = self.send(headers, &format!("[{}]", vec![errand; times].join(",")));
        let heads = (0..times).map(|_| self.arrived()).collect();
        let answer = text(asked);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(answer.matches("\"status\":204").count(), times, "{answer}");
        heads
    }

    fn send(&self, headers: &[&str], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.relay.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "POST /relay HTTP/1.1\r\nhost: relay\r\nconnection: close\r\ncontent-type: application/json\r\n\
             {lines}content-length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        stream
    }

    /// Takes one request at the target.
    fn arrived(&self) -> Head {
        let (mut stream, _) = self.target.accept().expect("the relay connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut lines = BufReader::new(&stream).lines().map(|line| line.expect("a whole head"));
        let head = Head(lines.by_ref().take_while(|line| !line.is_empty()).collect());
        drop(lines);
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").expect("it reads");
        head
    }
}

fn text(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    text
}

/// The lines of a request's head.
#[derive(Debug)]
struct Head(Vec<String>);

impl Head {
    fn values(&self, name: &str) -> Vec<&str> {
        let headers = self.0.iter().skip(1).filter_map(|line| line.split_once(": "));
        headers.filter(|header| header.0.eq_ignore_ascii_case(name)).map(|header| header.1).collect()
    }

    /// The fields of the one `traceparent`, which is well formed, and not what came in.
    fn parent(&self) -> [&str; 4] {
        let values = self.values("traceparent");
        assert_eq!(values.len(), 1, "{self:?}");
        let fields: Vec<_> = values[0].split('-').collect();
        let fields: [&str; 4] = fields.try_into().expect("four fields");
        assert_eq!((fields[0], fields.map(str::len)), ("00", [2, 32, 16, 2]));
        let is_hex = |field: &str| field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(fields.iter().all(|field| is_hex(field)), "{fields:?}");
        assert!(fields[1..3].iter().all(|id| id.bytes().any(|byte| byte != b'0')), "{fields:?}");
        assert_ne!(fields[2], PARENT);
        fields
    }

    fn trace_id(&self) -> &str {
        self.parent()[1]
    }

    fn state(&self) -> String {
        let values = self.values("tracestate");
        assert!(values.iter().all(|value| !value.is_empty()), "empty ones are not sent");
        values.join(",")
    }
}

/// The `tracestate` that leaves the relay when these came in.
fn state_of(relay: &Relay, states: &[&str]) -> String {
    let lines: Vec<_> = states.iter().map(|state| format!("tracestate: {state}")).collect();
    let lines: Vec<_> = [UNSAMPLED].into_iter().chain(lines.iter().map(String::as_str)).collect();
    let head = relay.relayed(&lines);
    assert_eq!(head.trace_id(), TRACE, "a bad state leaves the parent alone: {states:?}");
    head.state()
}

#[test]
fn a_valid_parent_is_continued() {
    let relay = Relay::start();
    for line in [
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-00",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-02",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-ff",
        "TraceParent: 00-12345678901234567890123456789012-1234567890123456-01",
        "TrAcEpArEnT: 00-12345678901234567890123456789012-1234567890123456-01",
        "TRACEPARENT: 00-12345678901234567890123456789012-1234567890123456-01",
        "traceparent:00-12345678901234567890123456789012-1234567890123456-01",
        "traceparent:  00-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: \t00-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-01 ",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-01\t",
        "traceparent: \t 00-12345678901234567890123456789012-1234567890123456-01 \t",
        // Later versions.
        "traceparent: 01-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: cc-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: cc-12345678901234567890123456789012-1234567890123456-01-",
        "traceparent: cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        "traceparent: fe-12345678901234567890123456789012-1234567890123456-01-x",
    ] {
        assert_eq!(relay.relayed(&[line]).trace_id(), TRACE, "{line}");
    }
}

#[test]
fn a_parent_that_is_malformed_or_missing_begins_a_new_trace() {
    let relay = Relay::start();
    for line in [
        "x: y",
        "traceparent:",
        "traceparent: 00",
        "trace-parent: 00-12345678901234567890123456789012-1234567890123456-01",
        "trace.parent: 00-12345678901234567890123456789012-1234567890123456-01",
        // Version 00 ends after the flags.
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-01.",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-01-",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        // Later versions are longer by whole fields, and not shorter.
        "traceparent: cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
        "traceparent: cc-12345678901234567890123456789012-1234567890123456",
        "traceparent: cc-12345678901234567890123456789012-1234567890123456-0",
        // The version.
        "traceparent: ff-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: .0-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: 0.-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: CC-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: 000-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: 0000-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: 0-12345678901234567890123456789012-1234567890123456-01",
        "traceparent: -12345678901234567890123456789012-1234567890123456-01",
        // The trace id.
        "traceparent: 00-00000000000000000000000000000000-1234567890123456-01",
        "traceparent: 00-.2345678901234567890123456789012-1234567890123456-01",
        "traceparent: 00-1234567890123456789012345678901.-1234567890123456-01",
        "traceparent: 00-1234567890123456789012345678901A-1234567890123456-01",
        "traceparent: 00-123456789012345678901234567890123-1234567890123456-01",
        "traceparent: 00-1234567890123456789012345678901-1234567890123456-01",
        // The parent id.
        "traceparent: 00-12345678901234567890123456789012-0000000000000000-01",
        "traceparent: 00-12345678901234567890123456789012-.234567890123456-01",
        "traceparent: 00-12345678901234567890123456789012-123456789012345.-01",
        "traceparent: 00-12345678901234567890123456789012-123456789012345A-01",
        "traceparent: 00-12345678901234567890123456789012-12345678901234567-01",
        "traceparent: 00-12345678901234567890123456789012-123456789012345-01",
        // The flags.
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-.0",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-0.",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-0A",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-001",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-1",
        "traceparent: 00-12345678901234567890123456789012-1234567890123456-",
        // The separators.
        "traceparent: 00_12345678901234567890123456789012_1234567890123456_01",
        "traceparent: 00 12345678901234567890123456789012 1234567890123456 01",
        "traceparent: 0012345678901234567890123456789012123456789012345601",
    ] {
        let head = relay.relayed(&[line, "tracestate: foo=1"]);
        assert!(!head.trace_id().contains("2345678901234567890123456789"), "{line}: {head:?}");
        assert_eq!(head.state(), "", "the state goes with its parent: {line}");
    }
}

#[test]
fn two_parents_are_none() {
    let relay = Relay::start();
    for second in [
        SAMPLED,
        UNSAMPLED,
        "traceparent: 00-12345678901234567890123456789011-1234567890123456-01",
        "traceparent:",
    ] {
        let head = relay.relayed(&[SAMPLED, second]);
        assert!(!head.trace_id().starts_with("1234567890123456789012345678901"), "{second}");
    }
}

#[test]
fn the_flags_tell_what_is_recorded_and_whether_the_trace_id_is_random() {
    let relay = Relay::start();
    for (received, sent) in
        [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("04", "00"), ("fc", "00")]
    {
        let head = relay.relayed(&[&format!("traceparent: 00-{TRACE}-{PARENT}-{received}")]);
        assert_eq!(head.parent()[3], sent, "{received}");
    }
    assert_eq!(relay.relayed(&[]).parent()[3], "03", "a new trace is recorded, and its id random");
    let later = relay.relayed(&[&format!("traceparent: cc-{TRACE}-{PARENT}-03")]);
    assert_eq!(later.parent()[3], "01", "of a later version only this flag is known");
}

#[test]
fn every_call_has_a_span_of_its_own() {
    let relay = Relay::start();
    let malformed = "traceparent: 00-00000000000000000000000000000000-1234567890123456-01";
    for (line, trace_id) in [(SAMPLED, Some(TRACE)), ("x: y", None), (malformed, None)] {
        let heads = relay.relayed_often(&[line], 3);
        let mut parents: Vec<_> = heads.iter().map(|head| head.parent()[2]).collect();
        parents.sort_unstable();
        parents.dedup();
        assert_eq!(parents.len(), 3, "{line}");
        let expected = trace_id.unwrap_or(heads[0].trace_id());
        assert!(heads.iter().all(|head| head.trace_id() == expected), "{line}");
    }
}

#[test]
fn a_valid_state_is_passed_on() {
    let relay = Relay::start();
    let all_characters = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/=\
        !\"#$%&'()*+ -./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    let many: Vec<_> = (1..=32).map(|n| format!("bar{n:02}={n:02}")).collect();
    let long_key = format!("{}=1", "z".repeat(256));
    let [tenant, long_tenant, long_system] =
        [(241, 14), (242, 1), (1, 15)].map(|(t, s)| format!("{}@{}=1", "t".repeat(t), "v".repeat(s)));
    let long_value = format!("k={}", "v".repeat(256));
    for (received, sent) in [
        (&["foo=1,bar=2"][..], "foo=1,bar=2"),
        (&["foo=1"], "foo=1"),
        (&["foo=1", "bar=2", "rojo=1,congo=2"], "foo=1,bar=2,rojo=1,congo=2"),
        (&[""], ""),
        (&["foo=1", ""], "foo=1"),
        (&["", "foo=1"], "foo=1"),
        (&["foo=1,,,bar=2,"], "foo=1,bar=2"),
        (&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
        (&["\t foo=1 \t"], "foo=1"),
        (&["foo= 1 ,bar=a b"], "foo= 1,bar=a b"),
        (&["foo=1,foo=1"], "foo=1"),
        (&["foo=1,foo=2"], "foo=1"),
        (&["foo=1", "foo=2"], "foo=1"),
        (&["0foo=1"], "0foo=1"),
        (&["foo@=1,bar=2"], "foo@=1,bar=2"),
        (&["foo@@bar=1,bar=2"], "foo@@bar=1,bar=2"),
        (&["foo@bar@baz=1,bar=2"], "foo@bar@baz=1,bar=2"),
        (&[all_characters], all_characters),
        (&[&many[..20].join(","), &many[20..].join(",")], &many.join(",")),
        (&["foo=1", &long_key], &format!("foo=1,{long_key}")),
        (&["foo=1", &tenant], &format!("foo=1,{tenant}")),
        (&["foo=1", &long_tenant], &format!("foo=1,{long_tenant}")),
        (&["foo=1", &long_system], &format!("foo=1,{long_system}")),
        (&["foo=1", &long_value], &format!("foo=1,{long_value}")),
    ] {
        assert_eq!(state_of(&relay, received), sent, "{received:?}");
    }
}

#[test]
fn a_malformed_state_is_left_out_whole() {
    let relay = Relay::start();
    let many: Vec<_> = (1..=33).map(|n| format!("bar{n:02}={n:02}")).collect();
    let long_key = format!("{}=1", "z".repeat(257));
    let long_value = format!("k={}", "v".repeat(257));
    for received in [
        &["foo"][..],
        &["foo =1"],
        &["FOO=1"],
        &["foo.bar=1"],
        &["@foo=1,bar=2"],
        &["-foo=1,bar=2"],
        &["=1,bar=2"],
        &["foo=bar=baz"],
        &["foo=,bar=3"],
        &["foo=1;bar=\u{e9}"],
        &[&many[..20].join(","), &many[20..].join(",")],
        &["foo=1", &long_key],
        &["foo=1", &long_value],
    ] {
        assert_eq!(state_of(&relay, received), "", "{received:?}");
    }
}

#[test]
fn beyond_512_bytes_long_members_go_first_and_then_the_last_ones() {
    let relay = Relay::start();
    let long = format!("long={}", "v".repeat(200));
    let short: Vec<_> = (0..5).map(|n| format!("k{n}={}", "v".repeat(97))).collect();
    assert_eq!(state_of(&relay, &[&short[0], &long, &short[1..].join(",")]), short.join(","));
    let many: Vec<_> = (0..6).map(|n| format!("k{n}={}", "v".repeat(97))).collect();
    assert_eq!(state_of(&relay, &[&many.join(",")]), short.join(","));
}

#[test]
fn a_state_of_another_name_or_without_a_parent_is_none() {
    let relay = Relay::start();
    for name in ["trace-state", "trace.state"] {
        assert_eq!(relay.relayed(&[UNSAMPLED, &format!("{name}: foo=1")]).state(), "", "{name}");
    }
    for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
        assert_eq!(relay.relayed(&[UNSAMPLED, &format!("{name}: foo=1")]).state(), "foo=1", "{name}");
    }
    assert_eq!(relay.relayed(&["tracestate: foo=1,bar=2"]).state(), "");
}

#[test]
fn baggage_is_passed_on_with_a_parent_or_without() {
    let relay = Relay::start();
    for (received, sent) in [
        (
            &[SAMPLED, "baggage: userId=Am%C3%A9lie, isProduction=false;p"][..],
            &["userId=Am%C3%A9lie,isProduction=false;p"][..],
        ),
        (&["Baggage: a=1", "baggage: b = 2 , a=3"], &["b=2,a=3"]),
        (&["baggage: a b=1, c=2"], &["c=2"]),
        (&["baggage:"], &[]),
        (&[SAMPLED], &[]),
    ] {
        assert_eq!(relay.relayed(received).values("baggage"), sent, "{received:?}");
    }
}

#[test]
fn every_format_of_the_variable_is_read_and_written() {
    let relay =
        Relay::start_with("telemetry: {exporters: []}", &[("OTEL_PROPAGATORS", "b3,b3multi,jaeger,xray")]);
    for line in [
        format!("b3: {TRACE}-{PARENT}-1"),
        format!("uber-trace-id: {TRACE}:{PARENT}:0:1"),
        format!("x-amzn-trace-id: Root=1-{}-{};Parent={PARENT};Sampled=1", &TRACE[..8], &TRACE[8..]),
    ] {
        let head = relay.relayed(&[&line, "uberctx-k: v"]);
        let span_id = head.values("x-b3-spanid")[0];
        assert_eq!(head.values("b3"), [format!("{TRACE}-{span_id}-1")], "{line}");
        assert_eq!(head.values("x-b3-traceid"), [TRACE]);
        assert_eq!(head.values("x-b3-sampled"), ["1"]);
        assert_eq!(head.values("uber-trace-id"), [format!("{TRACE}:{span_id}:0:1")]);
        assert_eq!(head.values("uberctx-k"), ["v"]);
        let root = format!("Root=1-{}-{}", &TRACE[..8], &TRACE[8..]);
        assert_eq!(head.values("x-amzn-trace-id"), [format!("{root};Parent={span_id};Sampled=1")]);
        assert_eq!(head.values("traceparent"), [""; 0]);
    }
}

#[test]
fn the_debug_flag_travels_on_and_an_open_decision_is_made_here() {
    let relay = Relay::start_with("telemetry: {propagators: [b3], exporters: []}", &[]);
    for (state, sent) in [("-d", "d"), ("", "1"), ("-1", "1"), ("-0", "0")] {
        let head = relay.relayed(&[&format!("b3: {TRACE}-{PARENT}{state}")]);
        let value = head.values("b3")[0];
        assert!(value.starts_with(TRACE) && value.ends_with(&format!("-{sent}")), "{state}: {value}");
    }
}

#[test]
fn a_caller_that_is_not_trusted_is_linked_to_or_ignored() {
    for (incoming, links) in [("link", 1), ("ignore", 0)] {
        let receiver = Receiver::start();
        let endpoint = receiver.endpoint();
        let exporters = format!("exporters: [{{provider: otlp, otlp: {{endpoint: '{endpoint}'}}}}]");
        let relay = Relay::start_with(&format!("telemetry: {{incoming: {incoming}, {exporters}}}"), &[]);

        let head = relay.relayed(&[UNSAMPLED, "tracestate: foo=1", "baggage: a=1"]);

        assert_ne!(head.trace_id(), TRACE);
        assert_eq!(head.parent()[3], "03", "the caller's decision does not count");
        assert_eq!((head.state(), head.values("baggage").len()), (String::new(), 0));
        let spans = receiver.wait_for_spans(2, PATIENCE);
        let server =
            spans.iter().find(|received| received.span.name == "POST /relay").expect("it is recorded");
        assert_eq!(server.span.parent_span_id, [0; 0]);
        assert_eq!(server.span.links.len(), links, "{incoming}");
        if let Some(link) = server.span.links.first() {
            assert_eq!((hex(&link.trace_id), hex(&link.span_id)), (TRACE.to_owned(), PARENT.to_owned()));
            assert_eq!(link.trace_state, "foo=1");
        }
    }
}

#[test]
fn what_is_switched_off_passes_on_what_came_in() {
    let relay = Relay::start_with("telemetry: {exporters: []}", &[("OTEL_SDK_DISABLED", "true")]);
    let head = relay.relayed(&[SAMPLED, "tracestate: foo=1", "baggage: a=1"]);
    assert_eq!(head.values("traceparent"), [format!("00-{TRACE}-{PARENT}-01")]);
    assert_eq!((head.state(), head.values("baggage")), ("foo=1".to_owned(), vec!["a=1"]));
    assert_eq!(relay.relayed(&[]).values("traceparent"), [""; 0]);
}

#[test]
fn what_the_relay_does_is_one_trace_of_server_and_client_spans() {
    let receiver = Receiver::start();
    let settings = otlp_settings(&receiver);
    let relay = Relay::start_with(&settings, &[]);

    let head = relay.relayed(&[SAMPLED]);

    let spans = receiver.wait_for_spans(5, PATIENCE);
    let (chain, id) = ancestry(&spans, head.parent()[2]);
    let kinds: Vec<_> = chain.iter().map(|received| received.span.kind()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), (SpanKind::Client, SpanKind::Server));
    assert_eq!(id, PARENT);
}

#[test]
fn one_request_is_one_trace_through_processes_and_libraries() {
    let receiver = Receiver::start();
    let settings = otlp_settings(&receiver);
    let (relay, orders) = (Relay::start_with(&settings, &[]), Process::start(&[], &settings, &[]));
    let body = format!(
        "[{{\"url\": \"http://{}/orders\", \"arguments\": {{\"item\": \"tea\", \"quantity\": 2}}}}]",
        orders.address
    );

    let answer = text(relay.send(&[SAMPLED], &body));

    assert!(answer.contains("\"status\":201"), "{answer}");
    let spans = receiver.wait_for_spans(12, PATIENCE);
    let pack = spans.iter().find(|received| received.span.name == "pack").expect("the innermost span");
    let (chain, id) = ancestry(&spans, &pack.span_id());
    let chain: Vec<_> =
        chain.iter().map(|received| (received.scope.as_str(), received.span.name.as_str())).collect();
    let expected = [
        ("telemetry_demo", "pack"),
        ("telemetry_demo", "notify"),
        ("telemetry_demo", "create_order"),
        ("telemetry_runtime", "POST /orders"),
        // Of the other process, which sends by reqwest.
        ("telemetry_runtime", "POST"),
        // By the API of OpenTelemetry.
        ("a library", "deliver"),
        ("telemetry_demo", "run"),
        // By Warp, with `tracing`.
        ("warp", "request"),
        ("telemetry_runtime", "POST /relay"),
    ];
    assert_eq!((chain.as_slice(), id.as_str()), (&expected[..], PARENT));
    for (body, span) in [("errand delivered", "deliver"), ("order goes to the packers", "pack")] {
        let log = receiver.wait_for_log(PATIENCE, |received| received.body() == body);
        let span = spans.iter().find(|received| received.span.name == span).expect("it is there");
        assert_eq!((log.trace_id(), log.span_id()), (TRACE.to_owned(), span.span_id()), "{body}");
    }
}

/// The span of this id and those above it, as far as they were received, and the id that the last one is below.
fn ancestry<'a>(spans: &'a [Received], id: &str) -> (Vec<&'a Received>, String) {
    let (mut chain, mut id) = (Vec::new(), id.to_owned());
    while let Some(received) = spans.iter().find(|received| received.span_id() == id) {
        assert_eq!(received.trace_id(), TRACE);
        chain.push(received);
        id = received.parent_span_id();
    }
    (chain, id)
}

fn otlp_settings(receiver: &Receiver) -> String {
    let endpoint = receiver.endpoint();
    format!("telemetry: {{exporters: [{{provider: otlp, otlp: {{endpoint: '{endpoint}'}}}}]}}")
}

/// `bash tests/interop/python/run.sh` runs it.
#[test]
#[ignore = "it needs a Python with OpenTelemetry's SDK, which the variable `PYTHON` names"]
fn a_python_service_in_the_middle_is_part_of_the_same_trace() {
    let receiver = Receiver::start();
    let settings = otlp_settings(&receiver);
    let (first, last) = (Relay::start_with(&settings, &[]), Relay::start_with(&settings, &[]));
    let python = Python::start(&receiver.traces_url());
    let target = last.target.local_addr().expect("it is bound");
    let to_target = format!("[{{\"url\": \"http://{target}/\", \"arguments\": []}}]");
    let to_last =
        format!("[{{\"url\": \"http://{}/relay\", \"arguments\": {to_target}}}]", last.relay.address);
    let to_python = format!("[{{\"url\": \"http://{}/\", \"arguments\": {to_last}}}]", python.address);

    let asked = first.send(&[SAMPLED, "tracestate: foo=1", "baggage: tenant=7"], &to_python);
    let head = last.arrived();

    assert!(text(asked).contains("\"status\":204"));
    assert_eq!(
        (head.trace_id(), &*head.state(), &*head.values("baggage")),
        (TRACE, "foo=1", &["tenant=7"][..])
    );
    let spans = receiver.wait_for_spans(12, PATIENCE);
    let (chain, id) = ancestry(&spans, head.parent()[2]);
    let chain: Vec<_> = chain.iter().map(|received| received.span.name.as_str()).collect();
    let of_the_relay = ["POST", "deliver", "run", "request", "POST /relay"];
    let of_python = ["python client", "python server"];
    assert_eq!(chain, [&of_the_relay[..], &of_python, &of_the_relay].concat());
    assert_eq!(id, PARENT);
}

/// The Python service, killed when dropped.
struct Python {
    process: Child,
    address: String,
}

impl Python {
    fn start(traces_url: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/python/service.py");
        let python = std::env::var_os("PYTHON").expect("`PYTHON` names a Python with OpenTelemetry's SDK");
        let mut command = Command::new(python);
        command.arg(script).env("TRACES_URL", traces_url).stdout(Stdio::piped());
        let mut process = command.spawn().expect("Python starts");
        let mut address = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut address).expect("it says where it listens");
        Self { process, address: address.trim().to_owned() }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn other_machines_are_no_targets() {
    let relay = Relay::start();
    for body in ["[{\"url\": \"http://192.0.2.1/\", \"arguments\": []}]", "{}", "[", ""] {
        let answer = text(relay.send(&[], body));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{body}: {answer}");
    }
}

#[test]
fn a_target_that_gives_no_answer_has_no_status() {
    let relay = Relay::start();
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let answer = text(relay.send(&[], &format!("[{{\"url\": \"http://{nobody}/\"}}]")));
    assert!(answer.ends_with(&format!("[{{\"url\":\"http://{nobody}/\",\"status\":null}}]")), "{answer}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
