//! A log line in the Elastic Common Schema: one JSON object, whose first three members stand in the order that the schema wants.
//!
//! ```json
//! {"@timestamp":"2026-11-23T09:32:42.123456Z","log.level":"INFO","message":"sold","ecs.version":"8.11.0","service.name":"orders",
//!  "event.dataset":"orders","log.logger":"orders","labels":{"id":7},"trace.id":"0af7651916cd43dd8448eb211c80319c","span.id":"b7ad6b7169203331"}
//! ```
//! Source: Elastic, ECS logging specification, `spec.json`; OpenTelemetry specification, compatibility, "trace context in non-OTLP log
//! formats".

use super::json::{FIELDS, Members, fields, message, push, text};
use super::parts::{target, timestamp};
use crate::record::{Resource, SpanContext, ValueBuf};
use tracing::Event;

/// Who writes the lines.
pub(super) struct Ecs {
    /// The members that say so, each with a comma before it.
    service: String,
}

/// The schema's names for what a resource says.
const NAMES: [(&str, &str); 5] = [
    ("service.name", "service.name"),
    // What the schema would have it be by default: logs are looked into for anomalies by it.
    ("service.name", "event.dataset"),
    ("service.version", "service.version"),
    ("deployment.environment.name", "service.environment"),
    ("service.instance.id", "service.node.name"),
];

/// As the schema wants labels: a dot would make one an object.
const LABELS: Members = Members { name: "labels", unwanted: &['.', '*', '\\'], ..FIELDS };

impl Ecs {
    pub(super) fn of(resource: &Resource) -> Self {
        let mut service = ",\"ecs.version\":\"8.11.0\"".to_owned();
        for (key, name) in NAMES {
            if let Some(ValueBuf::Str(value)) = resource.get(key) {
                push(&mut service, format_args!(",\"{name}\":"));
                text(&mut service, format_args!("{value}"));
            }
        }
        Self { service }
    }

    /// Appends the event as a line.
    pub(super) fn write(&self, line: &mut String, event: &Event<'_>, span: &SpanContext) {
        line.push_str("{\"@timestamp\":\"");
        timestamp(line);
        push(line, format_args!("\",\"log.level\":\"{}\"", event.metadata().level()));
        let before = line.len();
        message(line, event);
        if line.len() == before {
            // The schema's first editions want one.
            line.push_str(",\"message\":\"\"");
        }
        line.push_str(&self.service);
        line.push_str(",\"log.logger\":");
        text(line, format_args!("{}", target(event)));
        fields(line, event, &LABELS);
        if span.is_valid() {
            let (trace_id, span_id) = (span.trace_id(), span.span_id());
            push(line, format_args!(",\"trace.id\":\"{trace_id}\",\"span.id\":\"{span_id}\""));
        }
        line.push_str("}\n");
    }
}
