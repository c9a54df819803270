//! A context that code makes current by hand, until it drops the guard: at best in order, but in no order is harm done.
//!
//! A guard that is held across an `.await` outlives the poll that made it, and guards of two such tasks end in the wrong order. So the
//! guards of a thread know of each other: one that ends early hands what it would have restored to the guard above it.

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
    let listed = LIST.try_with(|list| list.borrow_mut().attach(snapshot));
    Attached(listed.map_or_else(|_| Kept::Alone(Scope::enter(snapshot)), Kept::Listed))
}

impl Drop for Attached {
    fn drop(&mut self) {
        match self.0 {
            // Without the list nobody is left who could be misled.
            Kept::Listed(number) => drop(LIST.try_with(|list| list.borrow_mut().detach(number))),
            Kept::Alone(_) => {}
        }
    }
}

thread_local! {
    static LIST: RefCell<List> = const { RefCell::new(List { guards: Vec::new(), next: 0 }) };
}

/// The thread's guards, the oldest first.
struct List {
    guards: Vec<Entry>,
    next: u64,
}

struct Entry {
    number: u64,
    /// What the guard made current.
    ids: Ids,
    /// What it restores.
    before: Snapshot,
    /// The guard that made that current, if it was one.
    below: Option<u64>,
}

impl List {
    fn attach(&mut self, snapshot: &Snapshot) -> u64 {
        let before = current().replace(snapshot);
        let below = self.guards.iter().rfind(|guard| guard.ids == before.ids).map(|guard| guard.number);
        let number = self.next;
        self.next += 1;
        self.guards.push(Entry { number, ids: snapshot.ids, before, below });
        number
    }

    fn detach(&mut self, number: u64) {
        let Some(at) = self.guards.iter().rposition(|guard| guard.number == number) else { return };
        let Entry { ids, before, below, .. } = self.guards.remove(at);
        for above in self.guards[at..].iter_mut().filter(|guard| guard.below == Some(number)) {
            above.before.clone_from(&before);
            above.below = below;
        }
        // A younger guard's context stays; what is current in a poll of another task is none of this guard's business.
        if at == self.guards.len() || current().ids() == ids {
            current().replace(&before);
        }
    }
}
