//! A batch of log records as the bytes of an `ExportLogsServiceRequest`.
//!
//! Field numbers are those of opentelemetry-proto 1.x, `logs/v1/logs.proto`.
//!
//! A record's scope is its target: the specification has the name of a logger become the scope's, and OpenTelemetry's own appender for
//! `tracing` does the same, so that both can be looked for in one way.
//! Source: OpenTelemetry specification, logs data model, "InstrumentationScope".

use super::protobuf::{bytes_field, fixed64_field, put_bytes, put_fixed64, put_message, varint_field};
use super::site::{put_code, scope_field};
use super::{put_attributes, resource_field};
use crate::record::{Batch, LogView, SpanContext};
use std::collections::BTreeMap;

/// Encodes batches of log records.
#[derive(Default)]
pub(in super::super) struct LogEncoder {
    request: Vec<u8>,
}

impl LogEncoder {
    /// The batch as one request.
    pub(in super::super) fn encode(&mut self, batch: &Batch) -> &[u8] {
        let mut scopes = BTreeMap::<&str, Vec<u8>>::new();
        for log in batch.logs() {
            let records = scopes.entry(log.target()).or_insert_with_key(|target| scope_field(target));
            put_message(bytes_field(2), records, |out| put_log(&log, out));
        }
        self.request.clear();
        put_message(bytes_field(1), &mut self.request, |out| {
            out.extend(resource_field(batch.resource()));
            scopes.values().for_each(|records| put_bytes(bytes_field(2), records, out));
        });
        &self.request
    }
}

fn put_log(log: &LogView<'_>, out: &mut Vec<u8>) {
    // Whoever makes the record sees it happen.
    put_fixed64(fixed64_field(1), log.unix_ns(), out);
    put_fixed64(fixed64_field(11), log.unix_ns(), out);
    out.extend([varint_field(2), log.level().severity_number()]);
    put_bytes(bytes_field(3), log.level().as_str().as_bytes(), out);
    if !log.body().is_empty() {
        put_message(bytes_field(5), out, |out| put_bytes(bytes_field(1), log.body().as_bytes(), out));
    }
    put_code(bytes_field(6), log.callsite(), out);
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
