//! What is said at one moment: a log record, or an event of the current span.

use super::extra::{Extra, Identity, Key};
use super::{head, lanes, suppress, tick};
use crate::record::layout::{EXTRA_HEADER_BYTES, ExtraHeader, kind};
use crate::record::{Callsite, TraceFlags, Value};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something being written down. It is large: filled where it lies, and never moved.
pub(crate) struct Note {
    content: Extra,
    /// When it happened, in ticks.
    time: u64,
    /// The span that was current then; zeros if there was none.
    owner: Identity,
}

impl Note {
    /// Whether a log record of this thread would go anywhere.
    #[inline]
    pub(crate) fn log_is_wanted() -> bool {
        head::takes_logs() && !suppress::is_suppressed()
    }

    /// Whether the current span is recorded.
    #[inline]
    pub(crate) fn event_is_wanted() -> bool {
        Identity::current().is_sampled() && !head::is_off()
    }

    /// Nothing so far, but of this moment and within the span that is current.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self { content: Extra::new(), time: tick::now(), owner: Identity::current_or_none() }
    }

    /// Makes it a log record of this place, with another target than the place's if there is one. Attributes may follow.
    pub(crate) fn log(
        &mut self,
        callsite: &'static Callsite,
        target: Option<&str>,
        body: fmt::Arguments<'_>,
    ) {
        self.content.log(callsite.number(), target.unwrap_or_default());
        self.content.formatted_text(format_args!("{}", Contained(body)));
    }

    /// Makes it an event of the current span. Attributes may follow.
    pub(crate) fn event(&mut self, name: fmt::Arguments<'_>) {
        self.content.formatted_event(format_args!("{}", Contained(name)));
    }

    /// Adds an attribute.
    #[inline]
    pub(crate) fn value(&mut self, key: Key<'_>, value: Value<'_>) {
        self.content.value(key, value);
    }

    /// Adds an attribute in a formatted form.
    pub(crate) fn formatted(&mut self, key: Key<'_>, text: fmt::Arguments<'_>) {
        self.content.formatted(key, format_args!("{}", Contained(text)));
    }

    /// Hands a log record to the collector.
    pub(crate) fn push_log(&self) {
        let Self { content, time, owner } = self;
        let payload = content.payload();
        let header = ExtraHeader {
            length: (EXTRA_HEADER_BYTES + payload.len() * 8) as u32,
            kind: kind::LOG,
            flags: TraceFlags::from_byte(owner.flags).to_byte(),
            status: 0,
            time: *time,
            trace_id: owner.trace_id().to_int(),
            span_id: owner.span_id,
        };
        lanes::push_log(header.words(), payload);
    }

    /// Hands an event to the collector.
    pub(crate) fn push_event(&self) {
        self.content.push(self.owner);
    }
}

/// What somebody else's code writes. If it panics, that is the end of the text: it runs only because we asked, so its caller must not
/// suffer from it, and what was written down so far must not be lost.
pub(crate) struct Contained<'a>(pub(crate) fmt::Arguments<'a>);

impl fmt::Display for Contained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        catch_unwind(AssertUnwindSafe(|| f.write_fmt(self.0))).unwrap_or(Err(fmt::Error))
    }
}
