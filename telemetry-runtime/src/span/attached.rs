//! A context that code makes current by hand, until it drops the guard: at best in order, but in no order is harm done.
//!
//! A guard that is held across an `.await` outlives the poll that made it, and guards of two such tasks end in the wrong order. So the
//! guards of a thread know of each other: one that ends early hands what it would have restored to the guard above it. Spans that are
//! entered and left by calls stand in the same list.

use super::context::{Ids, Scope, Snapshot, current};
use crate::record::SpanContext;
use std::cell::RefCell;

/// Restores, when dropped, the context that was current before [`attach`]. Stays on its thread.
///
/// Do not hold it across an `.await`: whatever else the thread runs meanwhile would come below the context. To run a future below it,
/// use [`InCurrentSpan`](crate::InCurrentSpan).
#[must_use = "the context is current only while this is kept"]
pub struct Attached(Kept);

enum Kept {
    /// The number of an entry in the thread's list.
    Listed(u64),
    /// In a thread's last destructors there is no list any more.
    #[expect(dead_code, reason = "it is kept to be dropped")]
    Alone(Scope),
}

/// Makes `context` the parent of what starts on this thread until the guard is dropped.
///
/// Under a remote context a policy decides anew; under a local one its decision holds. An invalid context means none: what starts
/// is a root. The current [`Baggage`](crate::Baggage) stays.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Span, SpanContext, TraceFlags, attach};
///
/// let parent = SpanContext::new("0af7651916cd43dd8448eb211c80319c".parse()?, "b7ad6b7169203331".parse()?, TraceFlags::SAMPLED);
/// let attached = attach(&parent.clone().remote());
/// assert_eq!(Span::current().context().trace_id(), parent.trace_id());
/// drop(attached);
/// assert!(!Span::current().context().is_valid());
/// # Ok::<(), telemetry_runtime::ParseIdError>(())
/// ```
pub fn attach(context: &SpanContext) -> Attached {
    attach_snapshot(&Snapshot::new(context, current().luggage().baggage()))
}

pub(super) fn attach_snapshot(snapshot: &Snapshot) -> Attached {
    let listed = LIST.try_with(|list| list.borrow_mut().attach(snapshot, By::Guard));
    Attached(listed.map_or_else(|_| Kept::Alone(Scope::enter(snapshot)), Kept::Listed))
}

impl Drop for Attached {
    fn drop(&mut self) {
        match self.0 {
            // Without the list nobody is left who could be misled.
            Kept::Listed(number) => {
                let _ = LIST.try_with(|list| list.borrow_mut().remove_last(|guard| guard.number == number));
            }
            Kept::Alone(_) => {}
        }
    }
}

/// What an entrance is known by to whoever leaves: himself, and the span as he numbers it.
#[cfg(feature = "logging")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entrance {
    pub(crate) owner: u64,
    pub(crate) span: u64,
}

/// Makes a span current until [`leave`]. It may be entered again meanwhile.
#[cfg(feature = "logging")]
pub(super) fn enter(snapshot: &Snapshot, by: Entrance) {
    // A thread in its last destructors has no list: what it still does stays below whatever is current.
    let _ = LIST.try_with(|list| list.borrow_mut().attach(snapshot, By::Entrance(by)));
}

/// Undoes the last [`enter`] of that kind on this thread, whatever has been entered since. Where there was none, it does nothing.
#[cfg(feature = "logging")]
pub(crate) fn leave(by: Entrance) {
    let _ = LIST.try_with(|list| list.borrow_mut().remove_last(|guard| guard.by == By::Entrance(by)));
}

/// The span that this owner entered last, of those that were not left, on this thread.
#[cfg(feature = "logging")]
pub(crate) fn innermost(owner: u64) -> Option<u64> {
    let of_owner = |guard: &Entry| match guard.by {
        By::Entrance(by) if by.owner == owner => Some(by.span),
        _ => None,
    };
    LIST.try_with(|list| list.borrow().guards.iter().rev().find_map(of_owner)).ok().flatten()
}

/// Undoes whatever has made this span current on this thread and was not undone, but for guards.
#[cfg(feature = "logging")]
pub(super) fn forget(ids: Ids) {
    let entered = |guard: &Entry| guard.by != By::Guard && guard.ids.span_id == ids.span_id;
    let _ = LIST.try_with(|list| {
        let mut list = list.borrow_mut();
        while list.remove_last(entered) {}
    });
}

/// Says that a span that is in no list has ended: what was attached within it, and so would make it current again, makes current what
/// was before the span.
pub(super) fn hand_over(span_id: u64, before: Ids) {
    let _ = LIST.try_with(|list| list.borrow_mut().hand_over(span_id, before));
}

thread_local! {
    static LIST: RefCell<List> = const { RefCell::new(List { guards: Vec::new(), next: 0 }) };
}

/// The thread's guards, the oldest first, and at most [`MOST_GUARDS`].
struct List {
    guards: Vec<Entry>,
    next: u64,
}

/// More than are ever held at a time: whoever enters and never leaves takes no more memory than this.
const MOST_GUARDS: usize = 1024;

/// Who removes an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// A guard that knows its number.
    Guard,
    #[cfg(feature = "logging")]
    Entrance(Entrance),
}

struct Entry {
    number: u64,
    by: By,
    /// What the guard made current.
    ids: Ids,
    /// What it restores.
    before: Snapshot,
    /// The guard that made that current, if it was one.
    below: Option<u64>,
}

impl List {
    #[inline]
    fn attach(&mut self, snapshot: &Snapshot, by: By) -> u64 {
        if self.guards.len() == MOST_GUARDS {
            self.forget_oldest();
        }
        let before = current().replace(snapshot);
        let below = self.guards.iter().rfind(|guard| guard.ids == before.ids).map(|guard| guard.number);
        let number = self.next;
        self.next += 1;
        self.guards.push(Entry { number, by, ids: snapshot.ids, before, below });
        number
    }

    /// The oldest span that somebody forgot to leave; a guard is rather held than forgotten.
    #[cold]
    fn forget_oldest(&mut self) {
        let oldest = self.guards.iter().position(|guard| guard.by != By::Guard);
        self.unlink(oldest.unwrap_or(0));
    }

    /// Removes the youngest entry of which that is true; whether there was one.
    #[inline]
    fn remove_last(&mut self, is_it: impl Fn(&Entry) -> bool) -> bool {
        match self.guards.last() {
            // In place: what was stored as words is loaded as words.
            Some(last) if is_it(last) => {
                current().replace(&last.before);
                self.guards.truncate(self.guards.len() - 1);
                true
            }
            Some(_) => self.remove_below(is_it),
            None => false,
        }
    }

    #[inline(never)]
    fn remove_below(&mut self, is_it: impl Fn(&Entry) -> bool) -> bool {
        let Some(at) = self.guards.iter().rposition(is_it) else { return false };
        let Entry { ids, before, .. } = self.unlink(at);
        // A younger guard's context stays; what is current in a poll of another task is none of this guard's business.
        if current().ids() == ids {
            current().replace(&before);
        }
        true
    }

    fn hand_over(&mut self, span_id: u64, before: Ids) {
        for at in 0..self.guards.len() {
            let (below, guard) = self.guards.split_at_mut(at);
            if guard[0].before.ids.span_id == span_id {
                guard[0].before.ids = before;
                guard[0].below = below.iter().rfind(|guard| guard.ids == before).map(|guard| guard.number);
            }
        }
    }

    /// Takes an entry out; the one above it restores what this one would have.
    fn unlink(&mut self, at: usize) -> Entry {
        let entry = self.guards.remove(at);
        for above in self.guards[at..].iter_mut().filter(|guard| guard.below == Some(entry.number)) {
            above.before.clone_from(&entry.before);
            above.below = entry.below;
        }
        entry
    }
}
