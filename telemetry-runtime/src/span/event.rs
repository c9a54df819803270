//! An event of a place in the program: its name and keys are the callsite's, so that its record holds values only.

use super::extra::{Extra, Identity, Key, value_limit};
use super::words::Words;
use super::{lanes, tick};
use crate::record::layout::{
    EXTRA_HEADER_BYTES, ExtraHeader, attribute_head, flag as record_flag, kind, tag,
};
use crate::record::{Callsite, Capture, Value};
use std::fmt::{self, Debug, Display};

/// An event being put together, with room for `N` words of attributes.
pub struct EventRecord<const N: usize> {
    attributes: Words<N>,
    /// The attributes that did not fit.
    rest: Option<Vec<u64>>,
}

impl<const N: usize> EventRecord<N> {
    /// An event without attributes so far.
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "only `event!` makes one, to fill it in place")]
    pub fn new() -> Self {
        Self { attributes: Words::new(), rest: None }
    }

    /// Whether the current span is recorded: attributes are worth evaluating.
    #[inline(always)]
    pub fn is_wanted(&self) -> bool {
        Identity::current().is_sampled()
    }

    /// Adds the event to the current span.
    #[inline(always)]
    pub fn end(&self, callsite: &'static Callsite) {
        match &self.rest {
            None => push(callsite, self.attributes.as_slice()),
            Some(rest) => push(callsite, &[self.attributes.as_slice(), rest].concat()),
        }
    }

    /// Adds an attribute under the callsite's key; absent values are none.
    #[inline(always)]
    pub fn value(&mut self, key: u8, value: impl Capture) {
        if let Some(value) = value.capture()
            && !self.attributes.push_value(key, value)
        {
            self.push_rest(key, value);
        }
    }

    /// Adds an attribute in its `Debug` form.
    #[inline]
    pub fn debug(&mut self, key: u8, value: &dyn Debug) {
        self.formatted(key, format_args!("{value:?}"));
    }

    /// Adds an attribute in its `Display` form.
    #[inline]
    pub fn display(&mut self, key: u8, value: &dyn Display) {
        self.formatted(key, format_args!("{value}"));
    }

    fn formatted(&mut self, key: u8, text: fmt::Arguments<'_>) {
        let head = |length| attribute_head(tag::STR, key, 0, length);
        if let Err(text) = self.attributes.push_text(head, "", text, value_limit()) {
            self.push_rest(key, Value::Str(&text));
        }
    }

    #[cold]
    #[inline(never)]
    fn push_rest(&mut self, key: u8, value: Value<'_>) {
        let mut extra = Extra::new();
        extra.value(Key::Index(key), value);
        self.rest.get_or_insert_default().extend_from_slice(extra.payload());
    }
}

impl<const N: usize> Debug for EventRecord<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventRecord").field(&self.attributes.as_slice().len()).finish()
    }
}

#[inline(never)]
fn push(callsite: &'static Callsite, attributes: &[u64]) {
    let owner = Identity::current();
    let header = ExtraHeader {
        length: (EXTRA_HEADER_BYTES + 8 + attributes.len() * 8) as u32,
        kind: kind::EVENT,
        flags: record_flag::HAS_CALLSITE,
        status: 0,
        time: tick::now(),
        trace_id: owner.trace_id().to_int(),
        span_id: owner.span_id,
    };
    let [first, time, trace_high, trace_low, span_id] = header.words();
    let callsite = u64::from(callsite.number());
    lanes::push_extra([first, time, trace_high, trace_low, span_id, callsite], attributes);
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::ValueBuf;
    use crate::testing;

    static SITE: Callsite = Callsite::new("", module_path!(), file!(), line!(), &["size", "text", "shown"]);

    #[test]
    fn has_the_callsites_name_and_typed_values_however_long() {
        static MISS: Callsite = Callsite::new("", "m", "f", 1, &["size", "text", "shown"]).with_name("miss");
        let long = "x".repeat(500);
        let spans = testing::capture(|| {
            let mut span = crate::__private::Entered::<0>::new();
            span.enter(&SITE);
            let mut event = EventRecord::<4>::new();
            event.value(0, 7_u64);
            event.value(1, long.as_str());
            event.debug(2, &Some(1));
            event.end(&MISS);
        });
        let event = &spans[0].events[0];
        assert_eq!(event.name, "miss");
        assert_eq!(event.attribute("size"), Some(&7.into()));
        assert_eq!(event.attribute("text"), Some(&ValueBuf::Str(long)));
        assert_eq!(event.attribute("shown"), Some(&"Some(1)".into()));
    }

    #[test]
    fn is_wanted_within_a_recorded_span_only() {
        assert!(!EventRecord::<0>::new().is_wanted());
        assert!(testing::capture(|| assert!(EventRecord::<0>::new().is_wanted())).is_empty());
    }
}
