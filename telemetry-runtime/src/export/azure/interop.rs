//! What this exporter sends of the telemetry in `tests/interop/azure/telemetry.json`, for the comparison with the vendor's own.

use super::tests::{KEY, service};
use super::*;
use crate::record::sample::{LogSample, Sample, TRACE, batch_of, logs_of};
use crate::record::{
    Level, Resource, SpanContext, SpanId, SpanKind, StatusCode, TraceFlags, TraceId, Value, ValueBuf,
};
use serde_json::Value as Json;
use std::fs;
use std::path::Path;

const START_NS: u64 = 1_795_667_116_123_456_000;
const PARENT: u64 = 1;
const MS: u64 = 1_000_000;

/// Writes the envelopes of each request to `target/interop-azure/ours.json`.
#[test]
#[ignore = "it is a part of tests/interop/azure/run.sh"]
fn sends_what_the_file_tells() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let told = fs::read(root.join("tests/interop/azure/telemetry.json")).expect("the file is there");
    let told: Json = serde_json::from_slice(&told).expect("JSON");
    let mut requests = Vec::new();
    for group in items(&told) {
        let (receiver, _) = service([]);
        let target = format!("InstrumentationKey={KEY};IngestionEndpoint={}", receiver.endpoint());
        let mut exporter = AzureMonitor::new(Target::new(&target).expect("a connection string"));
        let attributes = fields(&group["resource"]).into_iter();
        let resource = attributes.fold(Resource::new(), |resource, (key, value)| resource.with(key, value));
        let spans: Vec<_> =
            (0..).zip(items(&group["spans"])).map(|(number, span)| sample(number, span)).collect();
        let logs: Vec<_> =
            (0..).zip(items(&group["logs"])).map(|(number, log)| log_sample(number, log)).collect();
        for batch in [batch_of(&resource, &spans), logs_of(&resource, &logs)] {
            assert_eq!(exporter.export(&batch).ok(), Some(Exported::all()));
        }
        let content = |request: telemetry_tests::Request| request.content().expect("gzip");
        let envelopes = |body: Vec<u8>| serde_json::from_slice::<Json>(&body).expect("JSON");
        requests.extend(receiver.requests().into_iter().map(content).map(envelopes));
    }
    let folder = root.join("target/interop-azure");
    fs::create_dir_all(&folder).expect("a writable folder");
    fs::write(folder.join("ours.json"), Json::from(requests).to_string()).expect("a writable folder");
}

fn sample(number: u64, told: &Json) -> Sample {
    let (name, id, start) = (text(told, "name"), 100 + number, START_NS + number * MS);
    let sample = match told["root"].as_bool() {
        Some(true) => Sample::root("", id),
        _ => Sample::child("", id, PARENT),
    };
    let status = match told["status"].as_str() {
        Some("error") => StatusCode::Error,
        Some("ok") => StatusCode::Ok,
        _ => StatusCode::Unset,
    };
    let sample = sample.renamed(name).kind(kind(text(told, "kind"))).status(status, "");
    let sample = sample.at(start, told["duration_ns"].as_u64().unwrap_or(MS));
    let sample = fields(&told["attributes"])
        .iter()
        .fold(sample, |sample, (key, value)| sample.later_attribute(key, value.as_value()));
    let sample = items(&told["events"]).iter().fold(sample, |sample, event| {
        let attributes = fields(&event["attributes"]);
        sample.event(text(event, "name"), start + 1000, &borrowed(&attributes))
    });
    items(&told["links"]).iter().fold(sample, |sample, link| {
        let attributes = fields(&link["attributes"]);
        let id = SpanId::from_int(link["span_id"].as_u64().expect("a number"));
        let context = SpanContext::new(TraceId::from_int(TRACE), id, TraceFlags::SAMPLED);
        sample.link(&context, &borrowed(&attributes))
    })
}

fn log_sample(number: u64, told: &Json) -> LogSample {
    let level = match text(told, "level") {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" => Level::Info,
        "warn" => Level::Warn,
        _ => Level::Error,
    };
    let sample = LogSample::new(level, START_NS + number * MS, text(told, "body"));
    let sample = if told["alone"] == true { sample } else { sample.within(PARENT, 1) };
    let attributes = fields(&told["attributes"]);
    attributes.iter().fold(sample, |sample, (key, value)| sample.attribute(key, value.as_value()))
}

fn kind(word: &str) -> SpanKind {
    match word {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn items(told: &Json) -> &[Json] {
    told.as_array().map_or(&[], Vec::as_slice)
}

fn text<'t>(told: &'t Json, key: &str) -> &'t str {
    told[key].as_str().expect("text")
}

fn fields(told: &Json) -> Vec<(String, ValueBuf)> {
    told.as_object().into_iter().flatten().map(|(key, told)| (key.clone(), value(told))).collect()
}

fn borrowed(fields: &[(String, ValueBuf)]) -> Vec<(&str, Value<'_>)> {
    fields.iter().map(|(key, value)| (key.as_str(), value.as_value())).collect()
}

fn value(told: &Json) -> ValueBuf {
    match told {
        Json::Bool(told) => ValueBuf::Bool(*told),
        Json::String(told) => ValueBuf::Str(told.clone()),
        Json::Array(told) => ValueBuf::Array(told.iter().map(value).collect()),
        Json::Number(told) => {
            told.as_i64().map_or_else(|| ValueBuf::F64(told.as_f64().expect("a float")), ValueBuf::I64)
        }
        other => panic!("{other} is no attribute"),
    }
}
