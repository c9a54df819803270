//! Whole batches as envelopes, read by another implementation of JSON.

use super::*;
use crate::record::sample::{LogSample, Sample, batch, logs};
use crate::record::{SpanId, StatusCode, TraceFlags, TraceId, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// The envelopes, each with whether it continues the item before.
fn envelopes(batch: &Batch) -> Vec<(bool, Json)> {
    let mut encoder = Encoder::new(Rates::of_shares(1.0, 1.0), Some("machine".to_owned()));
    let lines = std::str::from_utf8(encoder.encode(batch, false)).expect("text");
    let envelope = |line: &str| (line.starts_with(' '), serde_json::from_str(line).expect("JSON"));
    lines.lines().map(envelope).collect()
}

fn only(batch: &Batch) -> Json {
    let mut envelopes = envelopes(batch);
    assert_eq!(envelopes.len(), 1);
    envelopes.remove(0).1
}

#[test]
fn a_server_span_is_a_request() {
    let elsewhere = SpanContext::new(TraceId::from_int(7), SpanId::from_int(8), TraceFlags::SAMPLED);
    let sample = Sample::child("serve", 2, 1)
        .kind(SpanKind::Server)
        .at(1_795_667_116_123_456_789, 1_500_000)
        .attribute("http.request.method", "GET")
        .attribute("http.route", "/orders/{id}")
        .attribute("http.response.status_code", 200)
        .attribute("client.address", "192.0.2.1")
        .attribute("user_agent.original", "curl AlwaysOn")
        .attribute("enduser.id", "anna")
        .attribute("order.id", 7)
        .trace_state("ot=th:c")
        .link(&elsewhere, &[]);
    let expected = json!({
        "name": "Microsoft.ApplicationInsights.Request",
        "time": "2026-11-26T04:25:16.123456Z",
        "sampleRate": 25,
        "tags": {
            "ai.cloud.role": "sample",
            "ai.cloud.roleInstance": "machine",
            "ai.internal.nodeName": "machine",
            "ai.internal.sdkVersion": concat!("rust:telemetry", env!("CARGO_PKG_VERSION")),
            "ai.operation.id": "0af7651916cd43dd8448eb211c80319c",
            "ai.operation.parentId": "0000000000000001",
            "ai.operation.name": "GET /orders/{id}",
            "ai.location.ip": "192.0.2.1",
            "ai.user.userAgent": "curl AlwaysOn",
            "ai.user.authUserId": "anna",
            "ai.operation.syntheticSource": "True",
        },
        "data": {"baseType": "RequestData", "baseData": {
            "ver": 2,
            "id": "0000000000000002",
            "name": "GET /orders/{id}",
            "duration": "0.00:00:00.001500",
            "responseCode": "200",
            "success": true,
            "properties": {
                "order.id": "7",
                "_MS.links": "[{\"operation_Id\":\"00000000000000000000000000000007\",\"id\":\"0000000000000008\"}]",
            },
        }},
    });
    assert_eq!(only(&batch(&[sample])), expected);
}

#[test]
fn events_follow_their_span_as_exceptions_and_messages() {
    let sample =
        Sample::root("work", 2).event("miss", 1_000, &[("key", "k".into())]).error("MailError", "full");
    let [(false, span), (true, message), (true, exception)] = &envelopes(&batch(&[sample]))[..] else {
        panic!("a span and what continues it")
    };
    assert_eq!(span["data"]["baseData"]["success"], false);
    assert_eq!(span["data"]["baseData"]["type"], "InProc");
    assert_eq!(
        message["data"],
        json!({"baseType": "MessageData", "baseData": {"ver": 2, "message": "miss", "properties": {"key": "k"}}})
    );
    assert_eq!(message["tags"]["ai.operation.parentId"], "0000000000000002");
    assert_eq!(
        exception["data"]["baseData"]["exceptions"],
        json!([{"typeName": "MailError", "message": "full", "hasFullStack": false}])
    );
}

#[test]
fn a_log_record_is_a_message_an_exception_or_an_event() {
    let log =
        |level| LogSample::new(level, 1, " sold ").within(7, 1).attribute("http.url", "http://a:b@c/?sig=x");
    let message = only(&logs(&[log(Level::Warn)]));
    let properties =
        json!({"http.url": "http://REDACTED:REDACTED@c/?sig=REDACTED", "logger_name": "sample::module"});
    let data = json!({"ver": 2, "message": "sold", "severityLevel": 2, "properties": properties});
    assert_eq!(message["data"], json!({"baseType": "MessageData", "baseData": data}));
    assert_eq!(message["tags"]["ai.operation.parentId"], "0000000000000007");
    let exception = only(&logs(&[log(Level::Error).attribute("exception.type", "Full")]));
    assert_eq!(exception["data"]["baseData"]["exceptions"][0]["typeName"], "Full");
    assert_eq!(exception["data"]["baseData"]["severityLevel"], 3);
    let event = only(&logs(&[log(Level::Info).attribute("microsoft.custom_event.name", "sale")]));
    assert_eq!(
        (&event["data"]["baseType"], &event["data"]["baseData"]["name"]),
        (&json!("EventData"), &json!("sale"))
    );
    let nothing = only(&logs(&[LogSample::new(Level::Info, 1, "")]));
    assert_eq!(nothing["data"]["baseData"]["message"], "n/a");
    assert_eq!(nothing["tags"].get("ai.operation.id"), None);
}

#[test]
fn a_log_record_with_all_that_makes_a_probe_is_an_availability_result() {
    let probe = |id: &str| {
        LogSample::new(Level::Info, 1, "probed")
            .attribute("microsoft.availability.id", id)
            .attribute("microsoft.availability.name", "front page")
            .attribute("microsoft.availability.duration", "00:00:01.5")
            .attribute("microsoft.availability.success", true)
            .attribute("microsoft.availability.runLocation", "weu")
    };
    let data = json!({
        "ver": 2, "id": "7", "name": "front page", "duration": "00:00:01.5", "success": true, "runLocation": "weu",
        "message": "probed", "properties": {"logger_name": "sample::module"},
    });
    let envelope = only(&logs(&[probe("7")]));
    assert_eq!(envelope["name"], "Microsoft.ApplicationInsights.Availability");
    assert_eq!(envelope["data"], json!({"baseType": "AvailabilityData", "baseData": data}));
    let said = only(&logs(&[probe("7").attribute("microsoft.availability.message", "200")]));
    assert_eq!(said["data"]["baseData"]["message"], "200");
    assert_eq!(only(&logs(&[probe("")]))["data"]["baseType"], "MessageData", "it has no id");
}

#[test]
fn the_numbers_of_an_object_are_measurements() {
    let measurements = |text: &str| {
        let sample = Sample::root("span", 1).later_attribute("microsoft.custom_measurements", text);
        let envelope = only(&batch(&[sample]));
        assert_eq!(envelope["data"]["baseData"]["properties"], json!({}));
        envelope["data"]["baseData"].get("measurements").cloned()
    };
    let numbers = r#"{"load": 0.5, "count": 3, "on": true, "text": "4", "": 5, "none": null}"#;
    assert_eq!(measurements(numbers), Some(json!({"load": 0.5, "count": 3})));
    for none in ["", "{}", "[1]", "{\"a\": ", "{\"a\": 1e999}"] {
        assert_eq!(measurements(none), None, "{none}");
    }
}

#[test]
fn an_item_that_is_too_large_loses_the_ends_of_its_texts() {
    let long = "\u{1}".repeat(8192);
    let keys: Vec<_> = (0..30).map(|number| format!("key.{number}")).collect();
    let sample = |count: usize| {
        keys.iter()
            .take(count)
            .fold(Sample::root("span", 1), |sample, key| sample.attribute(key, long.as_str()))
    };
    let shortened = only(&batch(&[sample(30)]));
    assert!(shortened.to_string().len() <= 64 << 10);
    let properties = shortened["data"]["baseData"]["properties"].as_object().expect("properties");
    assert_eq!(properties.len(), 30, "all of them are there");
    assert_eq!(only(&batch(&[sample(1)]))["data"]["baseData"]["properties"]["key.0"], long.as_str());
}

#[test]
fn links_are_whole_in_an_item_that_loses_the_ends_of_its_texts() {
    let link = SpanContext::new(TraceId::from_int(7), SpanId::from_int(8), TraceFlags::SAMPLED);
    let linked = (0..101).fold(Sample::root("span", 1), |sample, _| sample.link(&link, &[]));
    let long = "\u{1}".repeat(8192);
    let keys = ["a", "b"];
    let sample = keys.iter().fold(linked, |sample, key| sample.later_attribute(key, long.as_str()));
    let envelope = only(&batch(&[sample]));
    assert!(envelope.to_string().len() <= 64 << 10);
    let properties = &envelope["data"]["baseData"]["properties"];
    assert!(units(&properties["a"]) < 8192, "it was cut");
    let links: Vec<Json> =
        serde_json::from_str(properties["_MS.links"].as_str().expect("text")).expect("JSON");
    assert_eq!(links.len(), 100);
}

#[test]
fn a_cut_exception_keeps_the_beginning_of_its_message_and_stack() {
    let long = "x".repeat(40_000);
    let of = |key| {
        let exception = only(&logs(&[LogSample::new(Level::Error, 1, "")
            .attribute("exception.type", "Full")
            .attribute(key, long.as_str())]));
        exception["data"]["baseData"]["exceptions"][0].clone()
    };
    assert_eq!(of("exception.message")["message"].as_str(), Some(&long[..32768]));
    assert_eq!(of("exception.stacktrace")["stack"].as_str(), Some(&long[..32768]));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,60}", "(\\PC|\u{0}){1000,3000}", "😀{4000,9000}", "[\u{0}-\u{1f}\"\\\\]{0,9000}"]
}

fn units(value: &Json) -> usize {
    value.as_str().map_or(0, |text| text.encode_utf16().count())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_span_is_envelopes_within_the_limits(
        name in text(), texts in proptest::collection::vec((".{0,200}", text()), 0..12), server: bool, http: bool, nan: f64,
    ) {
        let kind = if server { SpanKind::Server } else { SpanKind::Client };
        let mut sample = Sample::root("span", 1).kind(kind).renamed(&name).status(StatusCode::Error, &name);
        for (key, text) in &texts {
            sample = sample.later_attribute(key, text.as_str());
        }
        if http {
            let url = format!("http://{name}");
            sample = sample.later_attribute("http.request.method", name.as_str()).later_attribute("url.full", url.as_str());
        }
        let event = [("exception.message", Value::Str(&name)), ("exception.stacktrace", Value::Str(&name))];
        let sample = sample.later_attribute("nan", nan).event("exception", 1, &event).event(&name, 1, &[]);
        let found = envelopes(&batch(&[sample]));
        prop_assert_eq!(found.len(), 3);
        for (_, envelope) in found {
            prop_assert!(envelope.to_string().len() <= 64 << 10);
            let data = &envelope["data"]["baseData"];
            for (field, most) in [("name", 1024), ("type", 1024), ("target", 1024), ("url", 2048), ("data", 8192), ("message", 32768)] {
                prop_assert!(units(&data[field]) <= most, "{}", field);
            }
            for field in ["message", "stack"] {
                prop_assert!(units(&data["exceptions"][0][field]) <= 32768, "{}", field);
            }
            for (key, value) in data["properties"].as_object().expect("properties") {
                prop_assert!(key.encode_utf16().count() <= 150 && units(value) <= 8192);
            }
        }
    }

    #[test]
    fn any_log_record_is_an_envelope_within_the_limits(body in text(), key in ".{0,200}", value in text()) {
        let sample = LogSample::new(Level::Info, u64::MAX, &body).attribute(&key, value.as_str());
        let envelope = only(&logs(&[sample]));
        prop_assert!(envelope.to_string().len() <= 64 << 10);
        prop_assert!(units(&envelope["data"]["baseData"]["message"]) <= 32768);
    }
}

#[test]
fn halves_are_of_whole_items_and_what_belongs_to_none_is_in_the_first() {
    let lines = b" {0}\n{1}\n {1e}\n{2}\n{3}\n {3e}\n";
    let [first, second] = halves(lines).expect("items");
    assert_eq!((first.0, &*first.1), (1, &b" {0}\n{1}\n {1e}\n"[..]));
    assert_eq!((second.0, &*second.1), (2, &b"{2}\n{3}\n {3e}\n"[..]));
    assert_eq!(halves(b"{1}\n").map(|halves| halves.map(|(items, _)| items)), Some([0, 1]));
    assert_eq!(halves(b" {0}\n"), None);
}
