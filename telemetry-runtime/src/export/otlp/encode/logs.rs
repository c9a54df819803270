//! A batch of log records as the bytes of an `ExportLogsServiceRequest`.
//!
//! Field numbers are those of opentelemetry-proto 1.x, `logs/v1/logs.proto`.
//!
//! A record's scope is its target: the specification has the name of a logger become the scope's, and OpenTelemetry's own appender for
//! `tracing` does the same, so that both can be looked for in one way.
//! Source: OpenTelemetry specification, logs data model, "InstrumentationScope".

use super::protobuf::{bytes_field, fixed64_field, put_bytes, put_fixed64, put_message, varint_field};
use super::site::{put_code, scope_fields};
use super::{Encoded, put_attributes, resource_field};
use crate::record::{Batch, LogView, ScopeDetails, SpanContext};
use std::collections::BTreeMap;

/// Encodes batches of log records.
pub(in crate::export) struct LogEncoder {
    /// Whether records say where their code is.
    code_attributes: bool,
    request: Vec<u8>,
}

impl LogEncoder {
    pub(in crate::export) fn new(code_attributes: bool) -> Self {
        Self { code_attributes, request: Vec::new() }
    }

    /// The batch as one request.
    pub(in crate::export) fn encode(&mut self, batch: &Batch) -> Encoded<'_> {
        let mut largest_item = 0;
        let mut scopes = BTreeMap::<&str, Vec<u8>>::new();
        for log in batch.logs() {
            let records = scopes
                .entry(log.target())
                .or_insert_with_key(|target| scope_fields(target, ScopeDetails::NONE));
            let before = records.len();
            put_message(bytes_field(2), records, |out| put_log(&log, self.code_attributes, out));
            largest_item = largest_item.max(records.len() - before);
        }
        self.request.clear();
        put_message(bytes_field(1), &mut self.request, |out| {
            out.extend(resource_field(batch.resource()));
            scopes.values().for_each(|records| put_bytes(bytes_field(2), records, out));
        });
        Encoded { bytes: &self.request, largest_item }
    }
}

fn put_log(log: &LogView<'_>, code_attributes: bool, out: &mut Vec<u8>) {
    // Whoever makes the record sees it happen.
    put_fixed64(fixed64_field(1), log.unix_ns(), out);
    put_fixed64(fixed64_field(11), log.unix_ns(), out);
    out.extend([varint_field(2), log.level().severity_number()]);
    put_bytes(bytes_field(3), log.level().as_str().as_bytes(), out);
    if !log.body().is_empty() {
        put_message(bytes_field(5), out, |out| put_bytes(bytes_field(1), log.body().as_bytes(), out));
    }
    if code_attributes {
        put_code(bytes_field(6), log.callsite(), out);
    }
    put_attributes(bytes_field(6), log.attributes(), out);
    if let Some(context) = log.context() {
        put_context(&context, out);
    }
    if let Some(name) = log.name() {
        put_bytes(bytes_field(12), name.as_bytes(), out);
    }
}

fn put_context(context: &SpanContext, out: &mut Vec<u8>) {
    /// Number 8 and wire type 5.
    const FLAGS: u8 = 8 << 3 | 5;
    out.push(FLAGS);
    out.extend(u32::from(context.flags().to_byte()).to_le_bytes());
    put_bytes(bytes_field(9), &context.trace_id().to_bytes(), out);
    put_bytes(bytes_field(10), &context.span_id().to_bytes(), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{LogSample, TRACE, logs};
    use crate::record::{Level, TraceId};
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs, SeverityNumber};
    use proptest::prelude::*;
    use prost::Message;

    fn encode(samples: &[LogSample]) -> Vec<ScopeLogs> {
        let mut encoder = LogEncoder::new(true);
        let request = ExportLogsServiceRequest::decode(encoder.encode(&logs(samples)).bytes);
        let [of_resource] =
            request.expect("prost decodes what we encode").resource_logs.try_into().expect("one");
        let resource = of_resource.resource.expect("a resource").attributes;
        assert_eq!(attribute(&resource, "service.name"), Some(Any::StringValue("sample".to_owned())));
        of_resource.scope_logs
    }

    fn only_record(sample: LogSample) -> LogRecord {
        let [scope] = encode(&[sample]).try_into().expect("one scope");
        let [record] = scope.log_records.try_into().expect("one record");
        record
    }

    fn attribute(attributes: &[KeyValue], key: &str) -> Option<Any> {
        attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.clone()
    }

    fn body(record: &LogRecord) -> Option<Any> {
        record.body.as_ref()?.value.clone()
    }

    #[test]
    fn everything_a_record_may_have_arrives() {
        let sample = LogSample::new(Level::Warn, 1_500, "nearly sold out")
            .named("stock.low")
            .within(7, 0x03)
            .attribute("left", 3)
            .attribute("item", "tea");
        let record = only_record(sample);
        assert_eq!((record.time_unix_nano, record.observed_time_unix_nano), (1_500, 1_500));
        assert_eq!((record.severity_number(), record.severity_text.as_str()), (SeverityNumber::Warn, "WARN"));
        assert_eq!(body(&record), Some(Any::StringValue("nearly sold out".to_owned())));
        assert_eq!(attribute(&record.attributes, "left"), Some(Any::IntValue(3)));
        assert_eq!(attribute(&record.attributes, "item"), Some(Any::StringValue("tea".to_owned())));
        assert_eq!(
            attribute(&record.attributes, "code.file.path"),
            Some(Any::StringValue("src/sample.rs".to_owned()))
        );
        assert_eq!(attribute(&record.attributes, "code.line.number"), Some(Any::IntValue(7)));
        assert_eq!(record.trace_id, TraceId::from_int(TRACE).to_bytes());
        assert_eq!((record.span_id.as_slice(), record.flags), ([0, 0, 0, 0, 0, 0, 0, 7].as_slice(), 3));
        assert_eq!(record.event_name, "stock.low");
    }

    #[test]
    fn what_a_record_has_not_is_absent() {
        let record = only_record(LogSample::new(Level::Info, 1, "").without_place("hyper"));
        assert_eq!((record.body, record.attributes), (None, Vec::new()));
        assert_eq!((record.trace_id, record.span_id, record.flags), (Vec::new(), Vec::new(), 0));
        assert_eq!(record.event_name, "");
    }

    #[test]
    fn levels_have_the_numbers_of_the_specification() {
        let number = |level| only_record(LogSample::new(level, 1, "")).severity_number;
        let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error];
        assert_eq!(levels.map(number), [1, 5, 9, 13, 17]);
    }

    #[test]
    fn records_arrive_under_their_targets_in_order() {
        let of = |target, body| LogSample::new(Level::Info, 1, body).without_place(target);
        let scopes = encode(&[of("b", "1"), of("a", "2"), of("b", "3")]);
        let found = scopes.iter().map(|scope| {
            let bodies = scope.log_records.iter().filter_map(body).map(|body| format!("{body:?}"));
            (scope.scope.as_ref().map_or("", |scope| &scope.name), bodies.collect::<Vec<_>>())
        });
        let text = |text: &str| format!("{:?}", Any::StringValue(text.to_owned()));
        assert_eq!(found.collect::<Vec<_>>(), [("a", vec![text("2")]), ("b", vec![text("1"), text("3")])]);
    }

    proptest! {
        #[test]
        fn texts_and_keys_of_any_length_arrive(text in "[a-zä]{0,20000}", key in "[a-z.]{1,400}", number: i64) {
            let sample = LogSample::new(Level::Info, 1, &text).attribute(&key, number).attribute("text", text.as_str());
            let record = only_record(sample);
            prop_assert_eq!(body(&record), Some(Any::StringValue(text.clone())).filter(|_| !text.is_empty()));
            prop_assert_eq!(attribute(&record.attributes, &key), Some(Any::IntValue(number)));
            prop_assert_eq!(attribute(&record.attributes, "text"), Some(Any::StringValue(text)));
        }
    }
}
