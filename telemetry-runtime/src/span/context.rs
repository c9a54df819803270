//! The thread's current context: which span runs here, saved and restored around every body and every poll.

use super::id;
use crate::record::{Baggage, Luggage, SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

/// Bits of [`Current::flags`] beside the W3C flags.
pub(super) mod flag {
    pub(in crate::span) const SAMPLED: u8 = 0x01;
    /// The parent from elsewhere leaves the sampling decision to this process.
    pub(in crate::span) const UNDECIDED: u8 = 0x08;
    /// The current span is a parent from elsewhere: what starts below it is a local root.
    pub(in crate::span) const REMOTE: u8 = 0x10;
    /// The trace has vendors' state, or the application baggage.
    pub(in crate::span) const HAS_LUGGAGE: u8 = 0x20;
    /// The caller asks for the trace to be kept whatever happens.
    pub(in crate::span) const DEBUG: u8 = 0x40;
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

    /// What travels with the current context, meaningful only under [`flag::HAS_LUGGAGE`].
    static LUGGAGE: RefCell<Luggage> = const { RefCell::new(Luggage::NONE) };
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
    /// Empty unless the flags say [`flag::HAS_LUGGAGE`].
    pub(super) luggage: Luggage,
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
    /// What travels with the current context.
    #[inline]
    pub(super) fn luggage(&self) -> Luggage {
        if self.flags.get() & flag::HAS_LUGGAGE == 0 { Luggage::NONE } else { load_luggage() }
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
        Snapshot { ids: self.ids(), luggage: self.luggage() }
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
        let has_luggage = (next.ids.flags | self.flags.get()) & flag::HAS_LUGGAGE != 0;
        let luggage = if has_luggage { self.enter_luggage(&next.luggage) } else { Luggage::NONE };
        Snapshot { ids: self.replace_ids(next.ids), luggage }
    }

    /// Makes a copy of this what travels along, which counts under [`flag::HAS_LUGGAGE`] only, and returns what did.
    #[cold]
    #[inline(never)]
    pub(super) fn enter_luggage(&self, luggage: &Luggage) -> Luggage {
        replace_luggage(luggage.clone())
    }

    /// Makes this what travels along.
    #[cold]
    #[inline(never)]
    pub(super) fn restore_luggage(&self, luggage: Luggage) {
        replace_luggage(luggage);
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
fn load_luggage() -> Luggage {
    LUGGAGE.try_with(|luggage| luggage.borrow().clone()).unwrap_or(Luggage::NONE)
}

/// A thread that is being torn down has no use for it.
fn replace_luggage(luggage: Luggage) -> Luggage {
    LUGGAGE.try_with(|slot| slot.replace(luggage)).unwrap_or_default()
}

impl Snapshot {
    pub(super) fn context(&self) -> SpanContext {
        self.ids.context().with_trace_state(self.luggage.trace_state())
    }

    /// That context, with this baggage. An invalid context becomes none, but the baggage stays.
    pub(super) fn new(context: &SpanContext, baggage: Baggage) -> Self {
        if !context.is_valid() {
            return Self::default().with_luggage(Luggage::new(TraceState::NONE, baggage));
        }
        let trace_id = context.trace_id().to_int();
        let set = |bit, is_set| if is_set { bit } else { 0 };
        let flags = context.flags().to_byte()
            | flag::ACTIVE
            | set(flag::REMOTE, context.is_remote())
            | set(flag::UNDECIDED, context.is_undecided())
            | set(flag::DEBUG, context.is_debug());
        let ids = Ids {
            trace_high: (trace_id >> 64) as u64,
            trace_low: trace_id as u64,
            span_id: context.span_id().to_int(),
            flags,
        };
        let luggage = Luggage::new(context.trace_state().clone(), baggage);
        Self { ids, luggage: Luggage::NONE }.with_luggage(luggage)
    }

    /// The same context with other luggage.
    pub(super) fn with_luggage(mut self, luggage: Luggage) -> Self {
        self.ids.flags &= !flag::HAS_LUGGAGE;
        self.ids.flags |= if luggage.is_empty() { 0 } else { flag::HAS_LUGGAGE };
        self.luggage = luggage;
        self
    }
}

impl Ids {
    /// The context, without vendors' state.
    pub(super) fn context(self) -> SpanContext {
        let Self { trace_high, trace_low, span_id, flags } = self;
        let mut context = SpanContext::new(
            TraceId::from_int(u128::from(trace_high) << 64 | u128::from(trace_low)),
            SpanId::from_int(span_id),
            TraceFlags::from_byte(flags),
        );
        for (bit, mark) in MARKS {
            if flags & bit != 0 {
                context = mark(context);
            }
        }
        context
    }
}

/// What bits beside the W3C flags say of a context.
const MARKS: [(u8, Mark); 3] = [
    (flag::REMOTE, SpanContext::remote),
    (flag::UNDECIDED, SpanContext::undecided),
    (flag::DEBUG, SpanContext::debug),
];

type Mark = fn(SpanContext) -> SpanContext;

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
pub(crate) struct Scope {
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
