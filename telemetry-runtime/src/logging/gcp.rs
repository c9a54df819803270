//! A log line as Google Cloud's agents take it: one JSON object, with the members that they give a meaning.
//!
//! ```json
//! {"time":"2026-11-23T09:32:42.123456Z","severity":"INFO","message":"sold","target":"orders","fields":{"id":7},
//!  "logging.googleapis.com/sourceLocation":{"file":"src/order.rs","line":"76"},
//!  "logging.googleapis.com/trace":"projects/shop/traces/0af7651916cd43dd8448eb211c80319c",
//!  "logging.googleapis.com/spanId":"b7ad6b7169203331","logging.googleapis.com/trace_sampled":true}
//! ```
//! Source: Cloud Logging, "Structured logging", special fields in JSON payloads; `LogEntrySourceLocation`, whose `line` is a 64-bit integer and
//! so, in JSON, a text.

use super::json::{FIELDS, Members, fields, message, push, text};
use super::parts::{place, target, timestamp};
use crate::record::{Resource, SpanContext, ValueBuf};
use tracing::{Event, Level};

/// Whose traces the lines name.
pub(super) struct Gcp {
    /// What stands before a trace's id, where the project is known.
    traces: String,
}

/// The payload's numbers are doubles (`google.protobuf.Struct`), which have every integer to 2^53 only.
const MEMBERS: Members = Members { largest_integer: 1 << 53, ..FIELDS };

impl Gcp {
    pub(super) fn of(resource: &Resource) -> Self {
        let text = |key| match resource.get(key) {
            Some(ValueBuf::Str(text)) => Some(text.as_str()),
            _ => None,
        };
        let of_account = || text("cloud.account.id").filter(|_| text("cloud.provider") == Some("gcp"));
        let project = text("gcp.project_id").or_else(of_account);
        Self { traces: project.map(|project| format!("projects/{project}/traces/")).unwrap_or_default() }
    }

    /// Appends the event as a line.
    pub(super) fn write(&self, line: &mut String, event: &Event<'_>, span: &SpanContext) {
        line.push_str("{\"time\":\"");
        timestamp(line);
        push(line, format_args!("\",\"severity\":\"{}\"", severity(event.metadata().level())));
        message(line, event);
        line.push_str(",\"target\":");
        text(line, format_args!("{}", target(event)));
        fields(line, event, &MEMBERS);
        if let Some((file, number)) = place(event) {
            line.push_str(",\"logging.googleapis.com/sourceLocation\":{\"file\":");
            text(line, format_args!("{file}"));
            push(line, format_args!(",\"line\":\"{number}\"}}"));
        }
        if span.is_valid() {
            line.push_str(",\"logging.googleapis.com/trace\":");
            text(line, format_args!("{}{}", self.traces, span.trace_id()));
            let (span_id, is_sampled) = (span.span_id(), span.flags().is_sampled());
            push(line, format_args!(",\"logging.googleapis.com/spanId\":\"{span_id}\""));
            push(line, format_args!(",\"logging.googleapis.com/trace_sampled\":{is_sampled}"));
        }
        line.push_str("}\n");
    }
}

/// Source: Cloud Logging, `LogSeverity`.
fn severity(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}
