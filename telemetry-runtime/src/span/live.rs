//! What a running span is, whatever room it has: its start, its context, its end.
//!
//! The code stands once in the program, not once in every instrumented function.

use super::context::{Current, Ids, current, flag};
use super::extra::{Extra, Identity};
use super::{head, lanes, panic, tick};
use crate::policy::LocalRoot;
use crate::record::layout::{SPAN_HEADER_BYTES, SpanHeader, flag as record_flag, kind, status};
use crate::record::{Callsite, SpanContext, TraceId, TraceState};
use std::fmt::{self, Debug, Display};

/// A span that has a context of its own.
pub(super) struct Live {
    callsite: &'static Callsite,
    trace_high: u64,
    trace_low: u64,
    span_id: u64,
    parent_id: u64,
    start: u64,
    /// The context's flags while the span is current, and before it.
    flags: u8,
    flags_before: u8,
    status: u8,
    /// Panics were already unwinding when the span started: they are not its own.
    unwinding_before: bool,
}

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

    #[inline(never)]
    pub(super) fn start(slot: &mut Option<Self>, callsite: &'static Callsite) {
        *slot = Some(Self::start_wanted(current(), callsite));
    }

    #[inline(never)]
    pub(super) fn start_and_enter(slot: &mut Option<Self>, callsite: &'static Callsite) {
        let current = current();
        slot.insert(Self::start_wanted(current, callsite)).enter(current);
    }

    #[cfg(feature = "http")]
    pub(super) fn start_request(slot: &mut Option<Self>, callsite: &'static Callsite, path: &str) {
        *slot = Some(Self::start_local_root(current(), callsite, Some(path)));
    }

    #[inline(never)]
    pub(super) fn leave_and_end(slot: &mut Option<Self>, attributes: &[u8]) {
        if let Some(live) = slot {
            let current = current();
            if live.is_sampled() {
                live.record(
                    attributes,
                    if live.flags & flag::HAS_STATE == 0 { None } else { Some(current.state()) }.as_ref(),
                );
            }
            live.leave(current);
        }
        *slot = None;
    }

    #[inline(never)]
    pub(super) fn end(slot: &mut Option<Self>, attributes: &[u8], state: &TraceState) {
        if let Some(live) = slot.as_mut().filter(|live| live.is_sampled()) {
            live.record(attributes, Some(state));
        }
        *slot = None;
    }

    #[inline(always)]
    fn start_wanted(current: &Current, callsite: &'static Callsite) -> Self {
        let flags = current.flags.get();
        if flags & (flag::ACTIVE | flag::REMOTE | flag::SAMPLED) != CHILD {
            return Self::start_local_root(current, callsite, None);
        }
        Self {
            callsite,
            trace_high: current.trace_high.get(),
            trace_low: current.trace_low.get(),
            span_id: current.new_span_id(),
            parent_id: current.span_id.get(),
            flags,
            flags_before: flags,
            status: status::UNSET,
            unwinding_before: std::thread::panicking(),
            start: tick::now(),
        }
    }

    /// Makes the span current. Only what differs is written: a child shares its parent's trace.
    #[inline(always)]
    fn enter(&self, current: &Current) {
        if self.flags != self.flags_before {
            current.trace_high.set(self.trace_high);
            current.trace_low.set(self.trace_low);
            current.flags.set(self.flags);
        }
        current.span_id.set(self.span_id);
    }

    /// Makes current again what was. A span that is closed while another one is current (closed out of order) changes nothing,
    /// unless it began the trace here: then everything below it is over as well.
    #[inline(always)]
    fn leave(&self, current: &Current) {
        if self.flags != self.flags_before {
            current.flags.set(self.flags_before);
            current.span_id.set(self.parent_id);
        } else if current.span_id.get() == self.span_id {
            current.span_id.set(self.parent_id);
        }
    }

    #[inline(always)]
    fn record(&mut self, attributes: &[u8], state: Option<&TraceState>) {
        let end = tick::now();
        if std::thread::panicking() && !self.unwinding_before {
            self.panicked();
        }
        if let Some(state) = state.filter(|state| !state.is_empty()) {
            self.send_state(state);
        }
        self.push(attributes, end);
    }

    #[inline(never)]
    pub(super) fn fail(&mut self, error_type: &'static str, message: &dyn Display) {
        self.status = status::ERROR;
        let mut exception = Extra::exception(error_type, format_args!("{message}"));
        exception.set_status();
        exception.push(self.identity());
    }

    #[inline]
    fn start_local_root(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> Self {
        let flags_before = current.flags.get();
        let (root, sampled) = if flags_before & flag::REMOTE != 0 || path.is_some() {
            Self::decide(current, callsite, path)
        } else {
            let (trace_high, trace_low) = current.new_trace_id();
            let sampled = head::samples_new(trace_low, || ask(callsite, trace_high, trace_low, None, path));
            (Origin { trace_high, trace_low, parent_id: 0 }, sampled)
        };
        let sampled = if sampled { flag::SAMPLED } else { 0 };
        // Who made the trace id knows whether it is random: we, or the caller.
        let random = if flags_before & flag::REMOTE == 0 { RANDOM } else { flags_before & RANDOM };
        Self {
            callsite,
            trace_high: root.trace_high,
            trace_low: root.trace_low,
            span_id: current.new_span_id(),
            parent_id: root.parent_id,
            flags: flags_before & flag::HAS_STATE | flag::ACTIVE | random | sampled,
            flags_before,
            status: status::UNSET,
            unwinding_before: std::thread::panicking(),
            start: tick::now(),
        }
    }

    /// Asks the policy where more than the trace id counts: a parent elsewhere, a request's path.
    #[cold]
    fn decide(current: &Current, callsite: &'static Callsite, path: Option<&str>) -> (Origin, bool) {
        if current.flags.get() & flag::REMOTE == 0 {
            let (trace_high, trace_low) = current.new_trace_id();
            let sampled = ask(callsite, trace_high, trace_low, None, path);
            return (Origin { trace_high, trace_low, parent_id: 0 }, sampled);
        }
        let parent = current.snapshot();
        let Ids { trace_high, trace_low, span_id, .. } = parent.ids;
        let sampled = ask(callsite, trace_high, trace_low, Some(&parent.context()), path);
        (Origin { trace_high, trace_low, parent_id: span_id }, sampled)
    }

    #[inline(always)]
    pub(super) fn is_sampled(&self) -> bool {
        self.flags & flag::SAMPLED != 0
    }

    /// The context below the span, without vendors' state.
    #[inline(always)]
    pub(super) fn ids(&self) -> Ids {
        let Self { trace_high, trace_low, span_id, flags, .. } = *self;
        Ids { trace_high, trace_low, span_id, flags }
    }

    #[inline(always)]
    pub(super) fn identity(&self) -> Identity {
        Identity {
            trace_high: self.trace_high,
            trace_low: self.trace_low,
            span_id: self.span_id,
            flags: self.flags,
        }
    }

    #[cold]
    #[inline(never)]
    fn panicked(&mut self) {
        self.status = status::ERROR;
        panic::last().push(self.identity());
    }

    #[cold]
    #[inline(never)]
    fn send_state(&self, state: &TraceState) {
        let mut extra = Extra::new(kind::TRACE_STATE);
        extra.raw(state.as_str().as_bytes());
        extra.push(self.identity());
    }

    #[inline(always)]
    fn push(&self, attributes: &[u8], end: u64) {
        let remote = self.flags_before & flag::REMOTE != 0;
        let header = SpanHeader {
            length: (SPAN_HEADER_BYTES + attributes.len()) as u32,
            flags: self.flags & W3C_FLAGS | if remote { record_flag::PARENT_REMOTE } else { 0 },
            status: self.status,
            callsite: self.callsite.number(),
            dropped_attributes: 0,
            trace_id: u128::from(self.trace_high) << 64 | u128::from(self.trace_low),
            span_id: self.span_id,
            parent_id: self.parent_id,
            start: self.start,
            end,
        };
        lanes::push_span(&header.words(), attributes);
    }
}

/// Where a local root comes from.
struct Origin {
    trace_high: u64,
    trace_low: u64,
    parent_id: u64,
}

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
    let root = LocalRoot::new(TraceId::from_int(u128::from(high) << 64 | u128::from(low)), parent, callsite);
    head::ask(&match path {
        Some(path) => root.with_path(path),
        None => root,
    })
}

impl Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.callsite.name(), self.identity())
    }
}
