//! What a running span is, whatever room it has: its start, its context, its end.
//!
//! The code stands once in the program, not once in every instrumented function. Each end of a span has a straight path, for a sampled
//! span below another one, and a `#[cold]` one for everything else.

use super::context::{Current, Ids, current, flag};
use super::extra::{Extra, Identity, value_limit};
use super::words::Words;
use super::{attached, head, lanes, panic, tick};
use crate::policy::LocalRoot;
use crate::record::layout::{
    KEY_INLINE, SPAN_HEADER_BYTES, SpanHeader, attribute_head, flag as record_flag, kind, status, tag,
};
use crate::record::{Callsite, Luggage, Sampling, SpanContext, TraceId};
use std::fmt::{self, Debug, Display};
use std::num::NonZeroU32;

/// A span that has a context of its own.
///
/// What lies side by side in a record does not lie side by side here, unless it is stored together, too: see [`super::words`].
#[repr(C)]
pub(super) struct Live {
    trace_high: u64,
    trace_low: u64,
    span_id: u64,
    start: u64,
    parent_id: u64,
    /// Not last: what is cleared together with it behind would be cleared in other pieces than it is loaded in.
    marks: Marks,
    /// The callsite's number.
    callsite: u32,
}

/// A byte each: the flags of the context while the span is current, those of the context before it, the flags of the span's record,
/// and its status.
///
/// In one number, so that it is loaded as it was stored.
#[derive(Clone, Copy)]
struct Marks(NonZeroU32);

impl Marks {
    #[inline(always)]
    fn new(flags: u8, flags_before: u8, parent_is_remote: bool) -> Self {
        let record_flags = flags & W3C_FLAGS | if parent_is_remote { record_flag::PARENT_REMOTE } else { 0 };
        let [flags, flags_before, record_flags] = [flags, flags_before, record_flags].map(u32::from);
        // The context of a span is always active.
        Self(ACTIVE | flags | flags_before << 8 | record_flags << 16)
    }

    #[inline(always)]
    fn flags(self) -> u8 {
        self.0.get() as u8
    }

    #[inline(always)]
    fn flags_before(self) -> u8 {
        (self.0.get() >> 8) as u8
    }

    #[inline(always)]
    fn record_flags(self) -> u8 {
        (self.0.get() >> 16) as u8
    }

    #[inline(always)]
    fn status(self) -> u8 {
        (self.0.get() >> 24) as u8
    }

    #[inline(always)]
    fn failed(self) -> Self {
        Self(self.0 | u32::from(status::ERROR) << 24)
    }

    /// The record is sent already.
    #[inline(always)]
    fn sent(self) -> Self {
        Self(self.0 | SENT)
    }

    #[inline(always)]
    fn is_sent(self) -> bool {
        self.0.get() & SENT != 0
    }

    /// Whether the span has a record to send, and nothing else.
    #[inline(always)]
    fn are_plain(self) -> bool {
        const SAMPLED: u32 = flag::SAMPLED as u32;
        self.0.get() & (SAMPLED | flag::HAS_LUGGAGE as u32 | SENT) == SAMPLED
    }
}

/// A bit of the status' byte.
const SENT: u32 = 1 << 31;

const ACTIVE: NonZeroU32 = NonZeroU32::new(flag::ACTIVE as u32).expect("it is a bit");

impl Live {
    /// Whether a span that starts here has anything to record or to hold.
    #[inline(always)]
    pub(super) fn is_wanted() -> bool {
        match current().flags.get() & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) {
            CHILD => true,
            flag::ACTIVE => false,
            _ => !head::is_off(),
        }
    }

    /// Starts a span that is not made current, and keeps the luggage that goes with it.
    #[inline(never)]
    pub(super) fn start(slot: &mut Option<Self>, luggage: &mut Luggage, callsite: &'static Callsite) {
        match Self::child(current(), callsite, flag::HAS_LUGGAGE) {
            Some(child) => *slot = Some(child),
            None => Self::start_with_luggage(slot, luggage, callsite, None),
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn start_with_luggage(
        slot: &mut Option<Self>,
        luggage: &mut Luggage,
        callsite: &'static Callsite,
        path: Option<&str>,
    ) {
        *luggage = current().luggage();
        Self::start_unusual(slot, callsite, path);
    }

    #[inline(never)]
    pub(super) fn start_and_enter(slot: &mut Option<Self>, callsite: &'static Callsite) {
        let current = current();
        match Self::child(current, callsite, 0) {
            Some(child) => {
                current.span_id.set(child.span_id);
                *slot = Some(child);
            }
            None => Self::enter_unusual(slot, callsite),
        }
    }

    #[inline(never)]
    pub(super) fn leave_and_end(&mut self, attributes: &[u64]) {
        if self.is_pushed_at_once(attributes) {
            self.leave(current());
        } else {
            self.leave_and_end_unusual(attributes);
        }
    }

    /// As [`Self::end`], at times that were given, in Unix nanoseconds; without one its time is that of the call.
    #[cold]
    #[cfg(feature = "logging")]
    pub(super) fn end_at(
        &mut self,
        attributes: &[u64],
        luggage: &Luggage,
        start: Option<u64>,
        end: Option<u64>,
    ) {
        if let Some(mut header) = self.last_header(attributes, luggage) {
            if let Some(start) = start {
                header.start = start;
                header.flags |= record_flag::TIME_IS_UNIX;
            }
            if let Some(end) = end {
                header.end = end;
                header.flags |= record_flag::END_IS_UNIX;
            }
            lanes::push_span(header.words(), attributes);
            self.discard();
        }
    }

    /// What is still to be said of the span is not.
    #[cfg(feature = "logging")]
    pub(super) fn discard(&mut self) {
        self.marks = self.marks.sent();
    }

    /// Ends the span, which is not current.
    #[inline(never)]
    pub(super) fn end(&mut self, attributes: &[u64], luggage: &Luggage) {
        if !self.is_pushed_at_once(attributes) {
            self.end_unusual(attributes, luggage);
        }
    }

    /// Sends the span's record off, if that is all there is to do and everything for it is at hand; whether it was.
    #[inline(always)]
    fn is_pushed_at_once(&self, attributes: &[u64]) -> bool {
        if !self.marks.are_plain() || std::thread::panicking() {
            return false;
        }
        tick::at_hand_for(self.start)
            .is_some_and(|end| lanes::push_span_at_once(self.header(attributes, end).words(), attributes))
    }

    #[cold]
    #[inline(never)]
    fn leave_and_end_unusual(&mut self, attributes: &[u64]) {
        let luggage = current().luggage();
        self.end_unusual(attributes, &luggage);
        self.leave(current());
    }

    /// A span below a sampled one of this process; `None` if what is current is something else or has a flag that is `unusual`, or if the
    /// callsite's number, the thread's ids or the counter are not at hand.
    #[inline(always)]
    fn child(current: &Current, callsite: &'static Callsite, unusual: u8) -> Option<Self> {
        let flags = current.flags.get();
        if flags & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED | unusual) != CHILD {
            return None;
        }
        Some(Self {
            marks: Marks::new(flags, flags, false),
            callsite: callsite.known_number()?,
            trace_high: current.trace_high.get(),
            trace_low: current.trace_low.get(),
            span_id: current.seeded_span_id()?,
            parent_id: current.span_id.get(),
            start: tick::at_hand()?,
        })
    }

    #[cold]
    #[inline(never)]
    pub(super) fn enter_unusual(slot: &mut Option<Self>, callsite: &'static Callsite) {
        Self::start_unusual(slot, callsite, None);
        if let Some(live) = slot {
            current().replace_ids(live.ids());
        }
    }

    /// Starts any span: a local root, whose trace its callsite or the policy decides on, or a child.
    #[inline(never)]
    fn start_unusual(slot: &mut Option<Self>, callsite: &'static Callsite, path: Option<&str>) {
        let current = current();
        let flags_before = current.flags.get();
        let is_child =
            flags_before & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) == CHILD && path.is_none();
        let (origin, flags) = if is_child {
            let left_out = if callsite.sampling() == Sampling::Never { flag::SAMPLED } else { 0 };
            (Origin::below(current), flags_before & !left_out)
        } else {
            Self::local_root(current, callsite, path)
        };
        *slot = Some(Self {
            marks: Marks::new(flags, flags_before, flags_before & flag::REMOTE != 0),
            callsite: callsite.number(),
            trace_high: origin.trace_high,
            trace_low: origin.trace_low,
            span_id: current.new_span_id(),
            parent_id: origin.parent_id,
            start: tick::now(),
        });
    }

    /// Where a local root comes from, and the flags below it.
    #[inline(always)]
    fn local_root(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> (Origin, u8) {
        let before = current.flags.get();
        let (origin, sampled) = if before & flag::REMOTE != 0 || path.is_some() {
            Self::decide(current, callsite, path)
        } else {
            let (trace_high, trace_low) = current.new_trace_id();
            let asked = || ask(callsite, trace_high, trace_low, None, path);
            let own = callsite.samples(trace_low);
            let sampled = own.unwrap_or_else(|| head::samples_new(trace_low, asked));
            (Origin { trace_high, trace_low, parent_id: 0 }, sampled)
        };
        let sampled = if sampled { flag::SAMPLED } else { 0 };
        // Who made the trace id knows whether it is random: we, or the caller.
        let inherited = if before & flag::REMOTE == 0 { RANDOM } else { before & (RANDOM | flag::DEBUG) };
        (origin, before & flag::HAS_LUGGAGE | flag::ACTIVE | inherited | sampled)
    }

    /// Asks the policy where more than the trace id counts: a parent elsewhere, a request's path.
    #[cold]
    fn decide(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> (Origin, bool) {
        if current.flags.get() & flag::REMOTE == 0 {
            let (trace_high, trace_low) = current.new_trace_id();
            let sampled = ask(callsite, trace_high, trace_low, None, path);
            return (Origin { trace_high, trace_low, parent_id: 0 }, sampled);
        }
        let origin = Origin::below(current);
        let parent = current.snapshot().context();
        let sampled = ask(callsite, origin.trace_high, origin.trace_low, Some(&parent), path);
        (origin, sampled)
    }

    /// Makes current again what was. A span that is closed while another one is current (closed out of order) changes nothing,
    /// unless it began the trace here: then everything below it is over as well.
    #[inline(always)]
    fn leave(&self, current: &Current) {
        if current.span_id.get() == self.span_id && current.flags.get() == self.marks.flags() {
            current.flags.set(self.marks.flags_before());
            current.span_id.set(self.parent_id);
        } else {
            self.leave_out_of_order(current);
        }
    }

    /// What was attached within the span is attached still.
    #[cold]
    #[inline(never)]
    fn leave_out_of_order(&self, current: &Current) {
        let Self { trace_high, trace_low, parent_id, .. } = *self;
        let before = Ids { trace_high, trace_low, span_id: parent_id, flags: self.marks.flags_before() };
        if self.marks.flags() != before.flags {
            current.flags.set(before.flags);
            current.span_id.set(parent_id);
        } else if current.span_id.get() == self.span_id {
            current.span_id.set(parent_id);
        }
        attached::hand_over(self.span_id, before);
    }

    #[inline(always)]
    pub(super) fn is_sampled(&self) -> bool {
        self.marks.flags() & flag::SAMPLED != 0
    }

    #[cold]
    #[inline(never)]
    fn end_unusual(&mut self, attributes: &[u64], luggage: &Luggage) {
        if let Some(header) = self.last_header(attributes, luggage) {
            lanes::push_span(header.words(), attributes);
        }
    }

    /// What is left to send of the span at its end, if anything is; its panic and its state are sent now.
    #[inline(always)]
    fn last_header(&mut self, attributes: &[u64], luggage: &Luggage) -> Option<SpanHeader> {
        if !self.is_sampled() || self.marks.is_sent() || self.is_inherited() {
            return None;
        }
        let end = tick::now();
        if std::thread::panicking() {
            self.fail_if_panicked();
        }
        let state = luggage.trace_state();
        if !state.is_empty() {
            let mut extra = Extra::new();
            extra.named(kind::TRACE_STATE, state.as_str());
            extra.push(self.identity());
        }
        Some(self.header(attributes, end))
    }

    /// Whether another process, which forked this one, began the span: it ends there.
    #[inline]
    pub(super) fn is_inherited(&self) -> bool {
        tick::is_inherited(self.start)
    }

    /// The tick at which it started.
    #[cfg(feature = "logging")]
    pub(super) fn started(&self) -> u64 {
        self.start
    }

    /// Says that the span is one of the place with this number, unless that is 0.
    #[cfg(feature = "logging")]
    #[inline]
    pub(super) fn move_to(&mut self, number: u32) {
        self.callsite = if number == 0 { self.callsite } else { number };
    }

    /// A panic that began before the span did is not the span's own.
    fn fail_if_panicked(&mut self) {
        let mut exception = Extra::new();
        if panic::describe(self.start, &mut exception) {
            self.marks = self.marks.failed();
            exception.push(self.identity());
        }
    }

    /// Ends the span's record, if not its being current: an `Err` is the last thing that happens to it.
    #[inline(never)]
    pub(super) fn fail(&mut self, attributes: &[u64], error_type: &'static str, message: &dyn Display) {
        if self.is_inherited() {
            return;
        }
        self.marks = self.marks.failed();
        let message = format_args!("{message}");
        let mut words = Words::<FAILED_WORDS>::new();
        let head = |length| attribute_head(tag::ERROR, KEY_INLINE, error_type.len() as u16, length);
        if self.marks.are_plain()
            && words.push_slice(attributes)
            && words.push_text(head, error_type, message, value_limit()).is_ok()
        {
            let attributes = words.as_slice();
            lanes::push_span(self.header(attributes, tick::now()).words(), attributes);
            self.marks = self.marks.sent();
        } else {
            let mut exception = Extra::new();
            exception.exception(error_type, message);
            exception.push(self.identity());
        }
    }

    /// The context below the span, without luggage.
    #[inline(always)]
    pub(super) fn ids(&self) -> Ids {
        let Self { trace_high, trace_low, span_id, .. } = *self;
        Ids { trace_high, trace_low, span_id, flags: self.marks.flags() }
    }

    #[inline(always)]
    pub(super) fn identity(&self) -> Identity {
        Identity {
            trace_high: self.trace_high,
            trace_low: self.trace_low,
            span_id: self.span_id,
            flags: self.marks.flags(),
        }
    }

    #[inline(always)]
    fn header(&self, attributes: &[u64], end: u64) -> SpanHeader {
        SpanHeader {
            length: (SPAN_HEADER_BYTES + attributes.len() * 8) as u32,
            flags: self.marks.record_flags(),
            status: self.marks.status(),
            callsite: self.callsite,
            dropped_attributes: 0,
            trace_id: u128::from(self.trace_high) << 64 | u128::from(self.trace_low),
            span_id: self.span_id,
            parent_id: self.parent_id,
            start: self.start,
            end,
        }
    }
}

/// The trace and the parent of a span.
struct Origin {
    trace_high: u64,
    trace_low: u64,
    parent_id: u64,
}

impl Origin {
    fn below(current: &Current) -> Self {
        let Ids { trace_high, trace_low, span_id, .. } = current.ids();
        Self { trace_high, trace_low, parent_id: span_id }
    }
}

/// Room for the attributes and the error of an ordinary span.
const FAILED_WORDS: usize = 62;

const CHILD: u8 = flag::ACTIVE | flag::SAMPLED;
const RANDOM: u8 = 0x02;
const W3C_FLAGS: u8 = 0x03;

#[cold]
fn ask(
    callsite: &'static Callsite,
    high: u64,
    low: u64,
    parent: Option<&SpanContext>,
    path: Option<&str>,
) -> bool {
    if let Some(own) = callsite.samples(low) {
        return own;
    }
    let root = LocalRoot::new(TraceId::from_int(u128::from(high) << 64 | u128::from(low)), parent, callsite);
    head::ask(&match path {
        Some(path) => root.with_path(path),
        None => root,
    })
}

impl Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity().fmt(f)
    }
}
