//! The exporter against an ingestion service that answers by script.

use super::*;
use crate::record::Level;
use crate::record::sample::{LogSample, Sample, batch, logs};
use serde_json::{Value, json};
use telemetry_tests::{Answer, Receiver, Request};

pub(super) const KEY: &str = "11112222-3333-4444-5555-66667777aaaa";

fn exporter(endpoint: &str) -> AzureMonitor {
    let target = Target::new(&format!("InstrumentationKey={KEY};IngestionEndpoint={endpoint}"));
    let mut target = target.expect("a connection string");
    target.resource_metric = false;
    AzureMonitor::new(target)
}

pub(super) fn service(script: impl IntoIterator<Item = Answer>) -> (Receiver, AzureMonitor) {
    let receiver = Receiver::scripted(script);
    let exporter = exporter(&receiver.endpoint());
    (receiver, exporter)
}

fn three() -> Batch {
    batch(&[Sample::root("a", 1), Sample::root("b", 2).event("of b", 1, &[]), Sample::root("c", 3)])
}

/// The names or messages of the request's items.
fn names(request: &Request) -> Vec<String> {
    let items: Vec<Value> = serde_json::from_slice(&request.content().expect("gzip")).expect("a JSON array");
    let name = |item: Value| {
        assert_eq!(item["iKey"], KEY);
        let data = &item["data"]["baseData"];
        data["name"].as_str().or_else(|| data["message"].as_str()).expect("a name").to_owned()
    };
    items.into_iter().map(name).collect()
}

fn partial(errors: Value) -> Answer {
    Answer::json(206, json!({"itemsReceived": 4, "itemsAccepted": 1, "errors": errors}).to_string())
}

#[test]
fn spans_and_log_records_arrive_as_packed_json() {
    let (receiver, mut exporter) = service([]);
    assert_eq!(exporter.export(&three()).ok(), Some(Exported::all()));
    assert_eq!(exporter.export(&logs(&[LogSample::new(Level::Info, 1, "sold")])).ok(), Some(Exported::all()));
    let requests = receiver.requests();
    assert_eq!(requests[0].line, "POST /v2.1/track");
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert_eq!(requests[0].header("content-encoding"), Some("gzip"));
    assert_eq!(names(&requests[0]), ["a", "b", "of b", "c"]);
    assert_eq!(names(&requests[1]), ["sold"]);
    assert_eq!(receiver.connections(), 1);
}

#[test]
fn of_a_request_that_was_taken_in_part_only_what_may_succeed_is_sent_again() {
    let errors = json!([
        {"index": 1, "statusCode": 500, "message": "later"},
        {"index": 3, "statusCode": 400, "message": format!("never\n{KEY}")},
        {"index": 99, "statusCode": 500, "message": "none"},
    ]);
    let (receiver, mut exporter) = service([partial(errors).header("Retry-After", "7")]);
    let error = exporter.export(&three()).expect_err("a part is left");
    assert!(error.is_retryable());
    assert_eq!((error.retry_after(), error.settled()), (Some(Duration::from_secs(7)), (1, 1)));
    assert!(error.to_string().ends_with("of one it says 400: never\\n***"), "{error}");
    assert_eq!(exporter.export(&three()).ok(), Some(Exported::all()));
    assert_eq!(names(&receiver.requests()[1]), ["b"]);
}

#[test]
fn a_check_posts_no_items_and_takes_their_refusal_for_an_answer() {
    let (receiver, mut exporter) = service([200, 400, 404, 503].map(Answer::status));
    assert!(exporter.check().is_ok() && exporter.check().is_ok());
    for status in ["404", "503"] {
        let error = exporter.check().expect_err("no service").to_string();
        assert!(error.contains(&format!("answered {status}")), "{error}");
    }
    for request in receiver.requests() {
        assert_eq!(request.line, "POST /v2.1/track");
        assert_eq!(request.content().expect("gzip"), b"[]");
    }
}

#[test]
fn another_batch_after_one_that_was_given_up_is_sent_whole() {
    let (receiver, mut exporter) = service([partial(json!([{"index": 0, "statusCode": 503}]))]);
    assert!(exporter.export(&three()).is_err());
    assert_eq!(exporter.export(&batch(&[Sample::root("d", 4)])).ok(), Some(Exported::all()));
    assert_eq!(names(&receiver.requests()[1]), ["d"]);
}

#[test]
fn what_the_service_samples_out_is_not_sent_again() {
    let sampled = json!([{"index": 0, "statusCode": 500, "message": "Telemetry sampled out."}]);
    let (_receiver, mut exporter) = service([partial(sampled)]);
    assert_eq!(exporter.export(&three()).ok(), Some(Exported::with_rejected(1)));
}

#[test]
fn a_part_that_is_not_named_is_not_sent_again() {
    let (_receiver, mut exporter) = service([Answer::json(206, "<html>")]);
    assert!(exporter.export(&three()).is_err_and(|error| !error.is_retryable()));
}

#[test]
fn a_status_decides_whether_to_try_again() {
    for status in [401, 403, 408, 429, 500, 502, 503, 504, 400, 402, 404, 413, 439, 501, 302] {
        let answer = Answer::json(status, format!("no {KEY}")).header("Retry-After", "3");
        let (_receiver, mut exporter) = service([answer]);
        let error = exporter.export(&three()).expect_err("refused");
        let may_be_retried = [401, 403, 408, 429, 500, 502, 503, 504].contains(&status);
        assert_eq!(error.is_retryable(), may_be_retried, "{status}");
        assert_eq!(error.retry_after(), may_be_retried.then_some(Duration::from_secs(3)), "{status}");
        assert!(error.to_string().contains("no ***") && !error.to_string().contains(KEY), "{error}");
    }
}

/// The exporter, which sends each item in a request of its own.
fn service_of_single_items(script: impl IntoIterator<Item = Answer>) -> (Receiver, AzureMonitor) {
    let (receiver, mut exporter) = service(script);
    exporter.track.max_bytes = 1;
    (receiver, exporter)
}

fn two() -> Batch {
    batch(&[Sample::root("a", 1), Sample::root("b", 2)])
}

#[test]
fn a_request_that_is_refused_for_good_takes_no_others_with_it() {
    let (receiver, mut exporter) = service_of_single_items([Answer::status(400), Answer::status(200)]);
    let error = exporter.export(&two()).expect_err("one was refused");
    assert_eq!((error.is_retryable(), error.settled()), (false, (1, 0)), "the worker counts the other one");
    assert_eq!(names(&receiver.requests()[1]), ["b"]);
}

#[test]
fn what_may_be_sent_again_is_whatever_else_was_refused() {
    let later = || partial(json!([{"index": 0, "statusCode": 500}])).header("Retry-After", "7");
    for script in [[later(), Answer::status(400)], [Answer::status(400), later()]] {
        let (receiver, mut exporter) = service_of_single_items(script);
        let error = exporter.export(&two()).expect_err("one is left");
        assert_eq!((error.retry_after(), error.settled()), (Some(Duration::from_secs(7)), (0, 1)));
        assert_eq!(exporter.export(&two()).ok(), Some(Exported::all()));
        assert_eq!(receiver.requests().len(), 3);
    }
}

#[test]
fn a_service_that_wants_to_be_left_alone_is() {
    for script in [Answer::status(503), Answer::hang_up()] {
        let (receiver, mut exporter) = service_of_single_items([script]);
        assert!(
            exporter.export(&two()).is_err_and(|error| error.is_retryable() && error.settled() == (0, 0))
        );
        assert_eq!(receiver.requests().len(), 1);
    }
}

#[test]
fn a_batch_has_one_time_for_all_its_requests() {
    let slow = || Answer::status(200).after(Duration::from_millis(600));
    let (_receiver, mut exporter) = service_of_single_items([slow(), slow()]);
    exporter.track.timeout = Duration::from_secs(1);
    let error = exporter.export(&two()).expect_err("the time is over");
    assert_eq!((error.is_retryable(), error.settled()), (true, (1, 0)));
}

#[test]
fn a_request_that_is_too_large_comes_in_halves_if_nothing_was_taken_before() {
    let (receiver, mut exporter) = service_of_single_items([Answer::status(413)]);
    assert!(exporter.export(&two()).is_err_and(|error| error.is_too_large()));
    assert_eq!(receiver.requests().len(), 1);
    for first in [Answer::status(200), Answer::status(400)] {
        let (_receiver, mut exporter) = service_of_single_items([first, Answer::status(413)]);
        let error = exporter.export(&two()).expect_err("the second was refused");
        assert!(!error.is_too_large() && !error.is_retryable());
    }
}

#[test]
fn a_host_to_which_it_was_led_and_that_refuses_for_good_is_left() {
    let there = Receiver::scripted([Answer::status(404)]);
    let (here, mut exporter) = service([Answer::status(307).header("Location", there.endpoint())]);
    assert!(exporter.export(&three()).is_err_and(|error| !error.is_retryable()));
    assert!(exporter.export(&three()).is_ok());
    assert_eq!((here.requests().len(), there.requests().len()), (2, 1));
}

#[test]
fn a_redirect_without_a_host_is_one_within_it() {
    let (receiver, mut exporter) = service([Answer::status(308).header("Location", "/elsewhere/track")]);
    assert!(exporter.export(&three()).is_ok());
    assert_eq!(receiver.requests()[1].line, "POST /elsewhere/track");
}

#[test]
fn a_redirect_within_the_host_is_followed_and_remembered() {
    let there = Receiver::start();
    let redirect = Answer::status(307).header("Location", format!("{}/elsewhere", there.endpoint()));
    let (here, mut exporter) = service([redirect]);
    assert!(exporter.export(&three()).is_ok() && exporter.export(&three()).is_ok());
    assert_eq!((here.requests().len(), there.requests().len()), (1, 2));
    assert_eq!(there.requests()[0].line, "POST /v2.1/track");
}

#[test]
fn a_host_to_which_it_was_led_and_that_is_gone_is_left() {
    let there = Receiver::start();
    let (here, mut exporter) = service([Answer::status(308).header("Location", there.endpoint())]);
    assert!(exporter.export(&three()).is_ok());
    drop(there);
    assert!(exporter.export(&three()).is_err_and(|error| error.is_retryable()));
    assert!(exporter.export(&three()).is_ok());
    assert_eq!(here.requests().len(), 2);
}

#[test]
fn redirects_to_other_hosts_are_refused() {
    for location in ["http://192.0.2.1/", "https://dc.services.visualstudio.com/", "//192.0.2.1/", "::"] {
        let (_receiver, mut exporter) = service([Answer::status(307).header("Location", location)]);
        assert!(exporter.export(&three()).is_err_and(|error| !error.is_retryable()), "{location}");
    }
}

#[test]
fn no_more_than_ten_redirects_are_followed() {
    let mut chain = vec![Receiver::start()];
    for hop in 0..11 {
        let redirect = Answer::status(307).header("Location", chain[hop].endpoint());
        chain.push(Receiver::scripted([redirect]));
    }
    assert!(exporter(&chain[11].endpoint()).export(&three()).is_err_and(|error| !error.is_retryable()));
    assert!(chain[0].requests().is_empty());
}

#[test]
fn garbage_and_silence_are_errors() {
    let (_receiver, mut exporter) = service([Answer::raw("garbage\r\n\r\n"), Answer::hang_up()]);
    assert!(exporter.export(&three()).is_err_and(|error| !error.is_retryable()), "it may have been taken");
    assert!(exporter.export(&three()).is_err_and(|error| error.is_retryable()));
    let receiver = Receiver::scripted([Answer::hang()]);
    let connection = format!("InstrumentationKey={KEY};IngestionEndpoint={}", receiver.endpoint());
    let mut target = Target::new(&connection).expect("a connection string");
    target.timeout = Duration::from_millis(50);
    assert!(AzureMonitor::new(target).export(&three()).is_err_and(|error| error.is_retryable()));
}

#[test]
fn what_was_packed_holds_no_key_and_arrives_later() {
    let (receiver, mut later) = service([]);
    let packed = exporter("http://localhost:9").pack(&three()).expect("it packs");
    assert!(!String::from_utf8_lossy(&packed).contains(KEY));
    assert_eq!(later.export_packed(Signal::Traces, &packed).ok(), Some(Exported::all()));
    assert_eq!(names(&receiver.requests()[0]), ["a", "b", "of b", "c"]);
}

#[test]
fn of_a_batch_that_was_taken_in_part_only_the_rest_is_packed() {
    let errors = json!([{"index": 2, "statusCode": 503}, {"index": 3, "statusCode": 400}]);
    let (first, mut exporter) = service([partial(errors)]);
    let error = exporter.export(&three()).expect_err("a part is left");
    assert!(error.is_retryable());
    assert_eq!(error.settled(), (1, 1));
    let packed = exporter.pack(&three()).expect("it packs");
    assert_eq!(exporter.pack(&three()).as_ref(), Some(&packed), "packing settles nothing");
    let errors = json!([{"index": 0, "statusCode": 400}]);
    let (second, mut later) = service([partial(errors)]);
    assert_eq!(
        later.export_packed(Signal::Traces, &packed).ok(),
        Some(Exported::with_rejected(1)),
        "an item"
    );
    assert_eq!(names(&first.requests()[0]), ["a", "b", "of b", "c"]);
    assert_eq!(names(&second.requests()[0]), ["of b"]);
    let other = batch(&[Sample::root("d", 4)]);
    let whole = exporter.pack(&other).expect("it packs");
    assert_eq!(later.export_packed(Signal::Traces, &whole).ok(), Some(Exported::all()));
    assert_eq!(names(&second.requests()[1]), ["d"]);
}

#[test]
fn what_was_packed_is_counted_whole_when_it_comes_again() {
    let errors = json!([{"index": 0, "statusCode": 503}, {"index": 3, "statusCode": 400}]);
    let packed = exporter("http://localhost:9").pack(&three()).expect("it packs");
    let (receiver, mut exporter) = service([partial(errors.clone())]);
    let error = exporter.export_packed(Signal::Traces, &packed).expect_err("a part is left");
    assert!(error.is_retryable());
    assert_eq!(exporter.export_packed(Signal::Traces, &packed).ok(), Some(Exported::with_rejected(1)));
    assert_eq!(names(&receiver.requests()[1]), ["a"]);
    let (_receiver, mut exporter) = service([partial(errors), Answer::status(400)]);
    assert!(exporter.export_packed(Signal::Traces, &packed).is_err_and(|error| error.is_retryable()));
    let error = exporter.export_packed(Signal::Traces, &packed).expect_err("the rest is refused");
    assert_eq!((error.is_retryable(), error.settled()), (false, (1, 1)));
}

/// One that tells of the resource, and a span that begins at this second.
fn service_that_is_told(script: impl IntoIterator<Item = Answer>) -> (Receiver, AzureMonitor) {
    let (receiver, mut exporter) = service(script);
    exporter.introduction = Introduction::new(true);
    (receiver, exporter)
}

fn at(second: u64) -> Batch {
    batch(&[Sample::root("a", second).at(second * 1_000_000_000, 1)])
}

/// Of each request, which items it has.
fn types(receiver: &Receiver) -> Vec<Vec<String>> {
    let items = |request: &Request| -> Vec<Value> {
        serde_json::from_slice(&request.content().expect("gzip")).expect("a JSON array")
    };
    let kind = |item: &Value| item["data"]["baseType"].as_str().expect("a type").to_owned();
    receiver.requests().iter().map(|request| items(request).iter().map(kind).collect()).collect()
}

#[test]
fn the_service_is_told_of_the_resource_with_the_first_spans_and_once_a_minute() {
    let (receiver, mut exporter) = service_that_is_told([]);
    assert_eq!(exporter.export(&logs(&[LogSample::new(Level::Info, 1, "sold")])).ok(), Some(Exported::all()));
    for second in [100, 159, 160, 161, 99, 220] {
        assert_eq!(exporter.export(&at(second)).ok(), Some(Exported::all()));
    }
    let told: Vec<_> = types(&receiver).iter().map(|types| types[0] == "MetricData").collect();
    assert_eq!(told, [false, true, false, true, false, false, true]);
    let items: Value =
        serde_json::from_slice(&receiver.requests()[1].content().expect("gzip")).expect("JSON");
    let expected = json!({
        "ver": 2, "metrics": [{"name": "_OTELRESOURCE_", "value": 0}], "properties": {"service.name": "sample"},
    });
    assert_eq!(items[0]["data"]["baseData"], expected);
}

#[test]
fn the_resource_counts_as_no_span_and_is_sent_again_with_them() {
    let later = || partial(json!([{"index": 0, "statusCode": 500}, {"index": 1, "statusCode": 500}]));
    let (receiver, mut exporter) =
        service_that_is_told([later(), partial(json!([{"index": 0, "statusCode": 400}]))]);
    assert!(exporter.export(&at(100)).is_err_and(|error| error.settled() == (0, 0)));
    let packed = exporter.pack(&at(100)).expect("it packs");
    assert!(packed.starts_with(b" "), "it belongs to no item");
    assert_eq!(exporter.export(&at(100)).ok(), Some(Exported::all()), "the resource was refused, no span");
    assert_eq!(types(&receiver), [["MetricData", "RemoteDependencyData"]; 2]);
}

#[test]
fn what_is_packed_tells_of_the_resource_once_a_minute() {
    let (_receiver, mut exporter) = service_that_is_told([]);
    let mut is_told = |second| exporter.pack(&at(second)).expect("it packs").starts_with(b" ");
    assert_eq!([is_told(100), is_told(101), is_told(160)], [true, false, true]);
}

#[test]
fn secrets_do_not_show() {
    let target = Target::new(&format!("InstrumentationKey={KEY}")).expect("a connection string");
    let shown = format!("{target:?} {:?}", AzureMonitor::new(target.clone()));
    assert!(!shown.contains(KEY), "{shown}");
}
