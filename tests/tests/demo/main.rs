//! The demo as a process: what it answers, what it prints, and how it ends.

mod harness;
mod network;

use harness::*;
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use telemetry_tests::Receiver;
use telemetry_tests::proto::common::v1::any_value::Value;
use telemetry_tests::proto::trace::v1::span::SpanKind;
use telemetry_tests::proto::trace::v1::status::StatusCode;
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
fn it_says_at_the_start_where_spans_and_log_records_go_and_what_to_try() {
    let demo = Demo::start();
    let try_first = format!("try: curl -i http://{}/orders ", demo.address);

    demo.signal("TERM");

    let said = demo.end().stderr;
    assert!(said.contains("spans go to: console\nlog records go to: nobody\n"), "{said}");
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
fn a_second_signal_does_not_wait() -> io::Result<()> {
    let demo = Demo::start();
    let mut slow = TcpStream::connect(&demo.address)?;
    slow.write_all(b"GET /debug/slow?ms=10000 HTTP/1.1\r\nhost: demo\r\n\r\n")?;
    demo.get("/health");
    demo.signal("TERM");
    // The first one is heeded when nobody listens any more.
    while TcpStream::connect(&demo.address).is_ok() {
        thread::yield_now();
    }

    demo.signal("INT");

    assert_eq!(demo.end().status.code(), Some(130));
    Ok(())
}

#[test]
fn a_panic_arrives_as_the_exception_of_its_function_and_fails_the_request() {
    let receiver = Receiver::start();
    let demo = Demo::start_as(command_with(&otlp_settings(&receiver.endpoint())));

    demo.get("/debug/panic");

    let spans = receiver.wait_for_spans(4, PATIENCE);
    let failed = |span: &telemetry_tests::Received| {
        span.span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
    };
    let failed: Vec<_> = spans.iter().filter(|span| failed(span)).collect();
    assert_eq!(failed.len(), 2, "{spans:?}");
    let function = failed.iter().find(|span| span.span.name == "shelf").expect("the function's span");
    assert_eq!(function.attribute("number"), Some(&Value::IntValue(3)));
    assert_eq!(function.span.events[0].name, "exception");
    let request =
        failed.iter().find(|span| span.span.name == "GET /debug/panic").expect("the request's span");
    assert_eq!(request.attribute("http.response.status_code"), Some(&Value::IntValue(500)));
}

#[test]
fn a_taken_port_is_one_line_and_exit_code_1() {
    let demo = Demo::start();
    let port = demo.address.rsplit_once(':').expect("a port").1;

    let second =
        Command::new(telemetry_tests::demo()).args(["--port", port]).output().expect("the program starts");

    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).expect("it is text");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}

#[test]
fn spans_reach_a_receiver_typed_and_below_the_caller() {
    let receiver = Receiver::start();
    let demo = Demo::start_as(command_with(&otlp_settings(&receiver.endpoint())));
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("traceparent: 00-{trace_id}-b7ad6b7169203331-01\r\ntracestate: vendor=1");
    let head = format!("POST /orders HTTP/1.1\r\ncontent-type: application/json\r\n{traceparent}");

    demo.ask(&head, r#"{"item": "tea", "quantity": 2}"#);
    demo.get("/debug/fail");

    let spans = receiver.wait_for_spans(9, PATIENCE);
    let named = |name: &str| spans.iter().find(|span| span.span.name == name).expect("a span of that name");
    let server = named("POST /orders");
    assert_eq!(
        (server.trace_id().as_str(), server.parent_span_id().as_str()),
        (trace_id, "b7ad6b7169203331")
    );
    assert_eq!((server.span.kind(), server.span.trace_state.as_str()), (SpanKind::Server, "vendor=1"));
    assert_eq!(server.span.flags & 0xff, 0x01, "the caller's flags, to which nothing is added");
    assert_eq!(server.attribute("http.response.status_code"), Some(&Value::IntValue(201)));
    assert_eq!(server.attribute("http.route"), Some(&Value::StringValue("/orders".to_owned())));
    assert_eq!(server.resource_attribute("service.name"), Some(&Value::StringValue("orders".to_owned())));
    for (child, parent) in [
        ("create_order", "POST /orders"),
        ("validate", "create_order"),
        ("store.insert", "create_order"),
        ("INSERT orders", "store.insert"),
        ("notify", "create_order"),
        ("pack", "notify"),
    ] {
        assert_eq!(named(child).parent_span_id(), named(parent).span_id(), "{child}");
        assert_eq!(named(child).trace_id(), trace_id);
    }
    assert_eq!(named("notify").attribute("order.id"), Some(&Value::IntValue(1)));
    let failed = &named("charge").span;
    assert_eq!(failed.status.as_ref().map(|status| status.code()), Some(StatusCode::Error));
    assert_eq!(failed.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["exception"]);
    let failed = named("GET /debug/fail").span.status.as_ref();
    assert_eq!(failed.map(|status| status.code()), Some(StatusCode::Error));
}

#[test]
fn log_records_reach_a_receiver_with_the_ids_of_the_span_that_they_come_from() {
    let receiver = Receiver::start();
    let demo = Demo::start_as(command_with(&otlp_settings(&receiver.endpoint())));
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let head = format!(
        "POST /orders HTTP/1.1\r\ncontent-type: application/json\r\ntraceparent: 00-{trace_id}-b7ad6b7169203331-01"
    );

    demo.ask(&head, r#"{"item": "tea", "quantity": 2}"#);

    let log = receiver.wait_for_log(PATIENCE, |log| log.body() == "order goes to the packers");
    let spans = receiver.wait_for_spans(7, PATIENCE);
    let pack = spans.iter().find(|span| span.span.name == "pack").expect("a span of that name");
    assert_eq!((log.trace_id().as_str(), log.span_id()), (trace_id, pack.span_id()));
    assert_eq!((log.scope.as_str(), log.log.severity_text.as_str()), ("telemetry_demo::order", "INFO"));
    assert_eq!(log.attribute("quantity"), Some(&Value::IntValue(2)));
    assert_eq!(log.resource_attribute("service.name"), Some(&Value::StringValue("orders".to_owned())));
    let times = pack.span.start_time_unix_nano..=pack.span.end_time_unix_nano;
    assert!(times.contains(&log.log.time_unix_nano), "{log:?} {pack:?}");
}

#[test]
fn a_dead_receiver_fails_no_request_and_every_span_is_accounted_for() {
    // Port 9 (discard) on the loopback: nobody listens.
    let demo = Demo::start_as(command_with(&otlp_settings("http://127.0.0.1:9")));
    demo.get_often("/orders/1", 2_000, "404");
    let after_some = demo.resident_kib();

    demo.get_often("/orders/1", 8_000, "404");

    let grown = demo.resident_kib().saturating_sub(after_some);
    assert!(grown < 32 << 10, "the queue of 16 MiB is what may grow, not {grown} KiB");
    demo.signal("TERM");
    let end = demo.end();
    assert_eq!(end.status.code(), Some(0));
    assert!(end.took < LONGEST_END, "{:?}", end.took);
    let account = "otlp: 30000 created = 0 exported + 0 rejected + 30000 dropped + 0 queued";
    assert!(end.stderr.contains(account), "{}", end.stderr);
}

#[test]
fn an_excluded_request_leaves_no_span() {
    let receiver = Receiver::start();
    let demo = Demo::start_as(command_with(&otlp_settings(&receiver.endpoint())));

    demo.get("/health");
    demo.get("/orders/1");
    demo.signal("TERM");

    assert_eq!(demo.end().status.code(), Some(0));
    let spans = receiver.spans();
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert!(spans.iter().all(|span| span.span.name != "GET /health"));
}

#[test]
fn wrong_settings_are_shown_with_their_place_and_exit_code_78() {
    for (settings, place) in [
        ("telemetry:\n  sampling_ration: 1\n", ":2:3: unknown key `sampling_ration`"),
        ("server: {prot: 1}\n", ":1:10: "),
        ("telemetry: {exporters: [{provider: otlp, otlp: {endpoint: 'localhost:4317'}}]}\n", ":1:59: "),
        (
            "telemetry: {exporters: [{provider: azure_monitor, azure_monitor: {connection_string: '${NOT_SET}'}}]}\n",
            "NOT_SET",
        ),
    ] {
        let ended = command_with(settings).output().expect("the program starts");

        let said = String::from_utf8(ended.stderr).expect("it is text");
        assert_eq!(ended.status.code(), Some(78), "{said}");
        assert!(said.contains(place), "{said}");
    }
}

#[test]
fn the_settings_file_may_be_named_by_a_variable() {
    let output = command().env("SETTINGS_FILE", "there-is-none.yaml").output().expect("the program starts");

    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there-is-none.yaml"));
}
