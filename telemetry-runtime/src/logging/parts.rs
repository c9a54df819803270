//! What the forms of a log line share.

use crate::record::smells_of_secret;
use crate::span::Contained;
use std::error::Error;
use std::fmt::{self, Write};
use tracing::Event;
use tracing::field::Field;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

#[cfg(feature = "log")]
use tracing_log::NormalizeEvent;

/// Appends the time, as RFC 3339 in UTC with microseconds.
pub(super) fn timestamp(line: &mut String) {
    // Writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(line));
}

/// The field's name as it was meant: without the `r#` of a keyword.
pub(super) fn field_name(field: &Field) -> &'static str {
    field.name().strip_prefix("r#").unwrap_or(field.name())
}

/// Whether the field's value is not to be looked at.
pub(super) fn is_secret(field: &Field) -> bool {
    smells_of_secret(field_name(field))
}

/// The event's target; that of a record of the `log` crate is its own.
pub(super) fn target<'e>(event: &'e Event<'_>) -> &'e str {
    #[cfg(feature = "log")]
    if let Some(of_log) = event.normalized_metadata() {
        return of_log.target();
    }
    event.metadata().target()
}

/// Where in the code the event is; a record of the `log` crate says it itself. `None` where nobody knows.
pub(super) fn place<'e>(event: &'e Event<'_>) -> Option<(&'e str, u32)> {
    #[cfg(feature = "log")]
    if let Some(of_log) = event.normalized_metadata() {
        return of_log.file().zip(of_log.line());
    }
    event.metadata().file().zip(event.metadata().line())
}

/// Whether some fields of the event only say where a record of the `log` crate comes from.
#[cfg_attr(not(feature = "log"), expect(unused_variables, reason = "there are no such records"))]
pub(super) fn is_of_log(event: &Event<'_>) -> bool {
    #[cfg(feature = "log")]
    return event.is_log();
    #[cfg(not(feature = "log"))]
    false
}

/// What the names of those fields begin with.
pub(super) const OF_LOG: &str = "log.";

/// Writes a value's text piece by piece by `push`, no more of it than a line has room for.
pub(super) fn put_value(text: fmt::Arguments<'_>, push: impl FnMut(&str)) {
    // A value that fails to format, or has no end, is cut there.
    let _ = write!(Limited { push, room: LONGEST_VALUE_BYTES }, "{}", Contained(text));
}

/// The most bytes of one value in a line: 64 KiB.
const LONGEST_VALUE_BYTES: usize = 64 << 10;

struct Limited<P> {
    push: P,
    room: usize,
}

impl<P: FnMut(&str)> Write for Limited<P> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = &text[..text.floor_char_boundary(self.room)];
        (self.push)(kept);
        self.room -= kept.len();
        if kept.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// An error and its causes on one line.
pub(super) struct Chain<'e>(pub(super) &'e (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |&error| error.source());
        causes.take(MOST_CAUSES).try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// A chain of errors that goes in circles ends, too.
const MOST_CAUSES: usize = 16;
