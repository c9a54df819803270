//! A log line as one JSON object.
//!
//! ```json
//! {"timestamp":"2026-11-23T09:32:42.123456Z","level":"INFO","target":"orders","message":"sold","fields":{"id":7},
//!  "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":"01"}
//! ```
//! The ids stand at the top, where tools look for them. Written by hand: beyond what JSON demands, everything that steers a terminal or
//! hides text is escaped, so that a line may be looked at as it is.
//!
//! Source: OpenTelemetry specification, compatibility, "trace context in non-OTLP log formats".

use super::parts::{Chain, OF_LOG, field_name, is_of_log, is_secret, put_value, target, timestamp};
use crate::record::printable::acts_unseen;
use crate::record::{REDACTED, SpanContext};
use std::error::Error;
use std::fmt::{self, Debug, Write};
use tracing::Event;
use tracing::field::{Field, Visit};

/// Appends the event as a line.
pub(super) fn write(line: &mut String, event: &Event<'_>, span: &SpanContext) {
    line.push_str("{\"timestamp\":\"");
    timestamp(line);
    push(line, format_args!("\",\"level\":\"{}\",\"target\":", event.metadata().level()));
    text(line, format_args!("{}", target(event)));
    message(line, event);
    fields(line, event, &FIELDS);
    if span.is_valid() {
        let (trace_id, span_id, flags) = (span.trace_id(), span.span_id(), span.flags());
        push(
            line,
            format_args!(
                ",\"trace_id\":\"{trace_id}\",\"span_id\":\"{span_id}\",\"trace_flags\":\"{flags}\""
            ),
        );
    }
    line.push_str("}\n");
}

/// How a form has an event's fields.
pub(super) struct Members {
    /// The member that holds them.
    pub(super) name: &'static str,
    /// What stands in no field's name: `_` does instead.
    pub(super) unwanted: &'static [char],
    /// What is further from zero is text: the reader's numbers are not that long.
    pub(super) largest_integer: u64,
}

/// As they are.
pub(super) const FIELDS: Members = Members { name: "fields", unwanted: &[], largest_integer: u64::MAX };

/// Appends the event's text as a member, if it has one.
pub(super) fn message(line: &mut String, event: &Event<'_>) {
    event.record(&mut Message(line));
}

/// Appends the event's fields as a member, if it has any.
pub(super) fn fields(line: &mut String, event: &Event<'_>, members: &'static Members) {
    let mut fields = Fields { line, members, count: 0, is_of_log: is_of_log(event) };
    event.record(&mut fields);
    if fields.count > 0 {
        line.push('}');
    }
}

/// Writes the event's text and nothing else.
struct Message<'l>(&'l mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.push_str(",\"message\":");
            text(self.0, format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Writes all but the event's text.
struct Fields<'l> {
    line: &'l mut String,
    members: &'static Members,
    count: usize,
    is_of_log: bool,
}

impl Fields<'_> {
    /// The line, ready for the field's value; `None` if the field is the event's text or says where that comes from.
    fn value_of(&mut self, field: &Field) -> Option<&mut String> {
        if field.name() == "message" || self.is_of_log && field.name().starts_with(OF_LOG) {
            return None;
        }
        match self.count {
            0 => push(self.line, format_args!(",\"{}\":{{", self.members.name)),
            _ => self.line.push(','),
        }
        self.count += 1;
        text(self.line, format_args!("{}", Without(self.members.unwanted, field_name(field))));
        self.line.push(':');
        Some(self.line)
    }

    fn bare(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if is_secret(field) {
            self.quoted(field, value);
        } else if let Some(line) = self.value_of(field) {
            push(line, value);
        }
    }

    fn integer(&mut self, field: &Field, magnitude: u64, value: fmt::Arguments<'_>) {
        match magnitude <= self.members.largest_integer {
            true => self.bare(field, value),
            false => self.quoted(field, value),
        }
    }

    fn quoted(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if let Some(line) = self.value_of(field) {
            match is_secret(field) {
                true => text(line, format_args!("{REDACTED}")),
                false => text(line, value),
            }
        }
    }
}

/// A name with `_` for some characters.
struct Without(&'static [char], &'static str);

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = self.1.split(self.0);
        f.write_str(pieces.next().unwrap_or_default())?;
        pieces.try_for_each(|piece| write!(f, "_{piece}"))
    }
}

impl Visit for Fields<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value.unsigned_abs(), format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.integer(field, value, format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            true => self.bare(field, format_args!("{value:?}")),
            false => self.quoted(field, format_args!("{value}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.quoted(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.quoted(field, format_args!("{}", Chain(value)));
    }

    /// Also for integers of 128 bits, which no reader of JSON keeps as numbers.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.quoted(field, format_args!("{value:?}"));
    }
}

pub(super) fn text(line: &mut String, text: fmt::Arguments<'_>) {
    line.push('"');
    put_value(text, |piece| push_escaped(line, piece));
    line.push('"');
}

pub(super) fn push(line: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = line.write_fmt(text);
}

fn push_escaped(line: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            char if acts_unseen(char) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    push(line, format_args!("\\u{unit:04x}"));
                }
            }
            char => line.push(char),
        }
    }
}
