//! A log line as text for people.
//!
//! ```text
//! 2026-11-23T09:32:42.123456Z  INFO orders: sold id=7 name="red chair" trace=0af76519
//! ```

use super::parts::{Chain, OF_LOG, field_name, is_of_log, is_secret, put_value, target, timestamp};
use crate::record::printable::{acts_unseen, escaped};
use crate::record::{REDACTED, SpanContext};
use std::error::Error;
use std::fmt::{self, Debug, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// As many digits of the trace id as tell traces apart that are on one screen.
const SHORT_TRACE_ID_DIGITS: usize = 8;

/// Appends the event as a line.
pub(super) fn write(line: &mut String, event: &Event<'_>, span: &SpanContext, colour: bool) {
    timestamp(line);
    line.push(' ');
    level(line, event.metadata().level(), colour);
    line.push(' ');
    line.push_str(&escaped(target(event)));
    line.push(':');
    event.record(&mut Message(line));
    event.record(&mut Fields { line, is_of_log: is_of_log(event) });
    if span.is_valid() {
        push(line, format_args!(" trace={:.SHORT_TRACE_ID_DIGITS$}", span.trace_id().to_string()));
    }
    line.push('\n');
}

fn level(line: &mut String, level: &Level, colour: bool) {
    let code = match *level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    };
    match colour {
        true => push(line, format_args!("\u{1b}[{code}m{level:>5}\u{1b}[0m")),
        false => push(line, format_args!("{level:>5}")),
    }
}

/// Writes the event's text and nothing else.
struct Message<'l>(&'l mut String);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.push(' ');
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
    is_of_log: bool,
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_word =
            !value.is_empty() && !value.contains(|char| matches!(char, ' ' | '"' | '=') || acts_unseen(char));
        if is_word {
            self.record_debug(field, &format_args!("{value}"));
        } else {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            self.record_debug(field, &format_args!("\"{quoted}\""));
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if is_secret(field) {
            self.record_debug(field, &value);
        } else {
            self.record_str(field, &Chain(value).to_string());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "message" && !(self.is_of_log && field.name().starts_with(OF_LOG)) {
            self.line.push(' ');
            let name = field_name(field);
            match is_secret(field) {
                true => text(self.line, format_args!("{name}={REDACTED}")),
                false => text(self.line, format_args!("{name}={value:?}")),
            }
        }
    }
}

fn text(line: &mut String, text: fmt::Arguments<'_>) {
    put_value(text, |piece| line.push_str(&escaped(piece)));
}

fn push(line: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = line.write_fmt(text);
}
