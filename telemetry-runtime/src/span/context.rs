//! The thread's current context: which span runs here, saved and restored around every body and every poll.

use super::id;
use crate::record::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

/// Bits of [`Current::flags`] beside the W3C flags.
pub(super) mod flag {
    pub(in crate::span) const SAMPLED: u8 = 0x01;
    /// The current span is a parent from elsewhere: what starts below it is a local root.
    pub(in crate::span) const REMOTE: u8 = 0x10;
    /// The trace has a `tracestate`.
    pub(in crate::span) const HAS_STATE: u8 = 0x20;
    /// There is a current span at all.
    pub(in crate::span) const ACTIVE: u8 = 0x80;
}

/// What a thread knows of its current span. Cells without a destructor: reading one is reading memory.
pub(super) struct Current {
    pub(super) trace_high: Cell<u64>,
    pub(super) trace_low: Cell<u64>,
    pub(super) span_id: Cell<u64>,
    pub(super) flags: Cell<u8>,
    /// The states of the thread's two id generators; zero until seeded.
    pub(super) span_ids: Cell<u64>,
    pub(super) trace_ids: Cell<u64>,
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            trace_high: Cell::new(0),
            trace_low: Cell::new(0),
            span_id: Cell::new(0),
            flags: Cell::new(0),
            span_ids: Cell::new(0),
            trace_ids: Cell::new(0),
        }
    };

    /// The current trace's vendors' state, meaningful only under [`flag::HAS_STATE`].
    static STATE: RefCell<TraceState> = const { RefCell::new(TraceState::NONE) };
}

/// This thread's context.
///
/// A reference instead of a closure keeps large values out of closures' results, which would be copied.
#[inline(always)]
pub(super) fn current<'a>() -> &'a Current {
    let current = CURRENT.with(std::ptr::from_ref);
    // SAFETY: the value has no destructor, so its memory lives as long as the thread; `Current` is not `Sync`, so the reference
    // stays on this thread, and no caller keeps it beyond its own call.
    unsafe { &*current }
}

/// A copy of the current context that can become current elsewhere, or again.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    pub(super) ids: Ids,
    /// Empty unless the flags say [`flag::HAS_STATE`].
    pub(super) state: TraceState,
}

/// The part of a context that is plain numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace_high: u64,
    pub(super) trace_low: u64,
    pub(super) span_id: u64,
    pub(super) flags: u8,
}

impl Current {
    /// The vendors' state of the current trace.
    #[inline]
    pub(super) fn state(&self) -> TraceState {
        if self.flags.get() & flag::HAS_STATE == 0 { TraceState::NONE } else { load_state() }
    }

    #[inline(always)]
    pub(super) fn ids(&self) -> Ids {
        Ids {
            trace_high: self.trace_high.get(),
            trace_low: self.trace_low.get(),
            span_id: self.span_id.get(),
            flags: self.flags.get(),
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { ids: self.ids(), state: self.state() }
    }

    /// Makes these current and returns what was.
    #[inline(always)]
    pub(super) fn replace_ids(&self, next: Ids) -> Ids {
        let before = self.ids();
        self.trace_high.set(next.trace_high);
        self.trace_low.set(next.trace_low);
        self.span_id.set(next.span_id);
        self.flags.set(next.flags);
        before
    }

    /// Makes `next` current and returns what was.
    #[inline]
    pub(super) fn replace(&self, next: &Snapshot) -> Snapshot {
        let has_state = (next.ids.flags | self.flags.get()) & flag::HAS_STATE != 0;
        let state = if has_state { self.replace_state(next.state.clone()) } else { TraceState::NONE };
        Snapshot { ids: self.replace_ids(next.ids), state }
    }

    /// Makes this the vendors' state, which counts under [`flag::HAS_STATE`] only, and returns what was.
    #[cold]
    #[inline(never)]
    pub(super) fn replace_state(&self, state: TraceState) -> TraceState {
        // A thread that is being torn down has no use for vendors' state.
        STATE.try_with(|slot| slot.replace(state)).unwrap_or_default()
    }

    /// Makes a copy of this the vendors' state, and returns what was.
    #[cold]
    #[inline(never)]
    pub(super) fn enter_state(&self, state: &TraceState) -> TraceState {
        self.replace_state(state.clone())
    }

    /// Makes this the vendors' state.
    #[cold]
    #[inline(never)]
    pub(super) fn restore_state(&self, state: TraceState) {
        self.replace_state(state);
    }

    /// In a forked child: the ids that it draws are its own, and the span that is current runs elsewhere.
    #[cfg(unix)]
    pub(super) fn begin_anew(&self) {
        self.span_ids.set(0);
        self.trace_ids.set(0);
        let flags = self.flags.get();
        if flags & flag::ACTIVE != 0 {
            self.flags.set(flags | flag::REMOTE);
        }
    }

    /// Fresh random ids for a root.
    #[inline]
    pub(super) fn new_trace_id(&self) -> (u64, u64) {
        (id::next(&self.trace_ids), id::next(&self.span_ids))
    }

    #[inline]
    pub(super) fn new_span_id(&self) -> u64 {
        id::next(&self.span_ids)
    }

    /// The same, without the way to the operating system: `None` before the first id.
    #[inline(always)]
    pub(super) fn seeded_span_id(&self) -> Option<u64> {
        id::next_seeded(&self.span_ids)
    }
}

#[cold]
fn load_state() -> TraceState {
    STATE.try_with(|state| state.borrow().clone()).unwrap_or(TraceState::NONE)
}

impl Snapshot {
    pub(super) fn context(&self) -> SpanContext {
        let Ids { trace_high, trace_low, span_id, flags } = self.ids;
        let context = SpanContext::new(
            TraceId::from_int(u128::from(trace_high) << 64 | u128::from(trace_low)),
            SpanId::from_int(span_id),
            TraceFlags::from_byte(flags),
        )
        .with_trace_state(self.state.clone());
        if flags & flag::REMOTE != 0 { context.remote() } else { context }
    }
}

impl From<&SpanContext> for Snapshot {
    /// An invalid context becomes no context.
    fn from(context: &SpanContext) -> Self {
        if !context.is_valid() {
            return Self::default();
        }
        let trace_id = context.trace_id().to_int();
        let state = context.trace_state().clone();
        let mut flags = context.flags().to_byte() | flag::ACTIVE;
        flags |= if context.is_remote() { flag::REMOTE } else { 0 };
        flags |= if state.is_empty() { 0 } else { flag::HAS_STATE };
        let ids = Ids {
            trace_high: (trace_id >> 64) as u64,
            trace_low: trace_id as u64,
            span_id: context.span_id().to_int(),
            flags,
        };
        Self { ids, state }
    }
}

/// A context that no span has, for whoever needs a parent of his own.
#[cfg(feature = "testing")]
pub(crate) fn fresh_context() -> SpanContext {
    let (high, low) = current().new_trace_id();
    let trace_id = TraceId::from_int(u128::from(high) << 64 | u128::from(low));
    SpanContext::new(trace_id, SpanId::from_int(current().new_span_id()), TraceFlags::SAMPLED)
}

/// Restores, when dropped, the context that was current before.
///
/// Whatever happened meanwhile: what ran within it, such as a poll, is over, even if a guard of its own is not.
pub(super) struct Scope {
    before: Snapshot,
    /// Dropping it on another thread would restore the wrong context.
    _of_this_thread: PhantomData<*const ()>,
}

impl Scope {
    #[inline]
    pub(super) fn enter(snapshot: &Snapshot) -> Self {
        Self { before: current().replace(snapshot), _of_this_thread: PhantomData }
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        current().replace(&self.before);
    }
}
