//! What a forked child starts with: nothing that is its parent's, and no lock that a thread of the parent holds.
//!
//! A child has one thread, a copy of the one that called `fork`. Just before, that thread takes the locks which spans and a new
//! installation need, so that nobody else is half-way through what they guard; both processes release them. The child then forgets what
//! the parent's collector and exporters, which it has not got, are to deliver.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many processes there were from the first one with telemetry down to this one.
static PROCESS: AtomicU32 = AtomicU32::new(1);

/// A number that differs from that of the process which forked this one. Never zero.
pub(crate) fn this_process() -> u32 {
    PROCESS.load(Ordering::Relaxed)
}

/// Sees to it that children start as they should, from now on.
///
/// The caller lets no two threads in at a time.
pub(crate) fn watch() {
    #[cfg(unix)]
    handlers::register();
}

#[cfg(unix)]
mod handlers {
    use super::{Ordering, PROCESS};
    use crate::record::{Callsite, lock_callsites};
    use crate::span::context::current;
    use crate::span::{head, lanes, tick};
    use std::cell::Cell;
    use std::mem::ManuallyDrop;
    use std::sync::RwLockWriteGuard;
    use std::sync::atomic::AtomicBool;

    /// What nobody may be changing during a fork.
    struct Locks {
        lanes: lanes::Locked,
        _callsites: RwLockWriteGuard<'static, Vec<&'static Callsite>>,
    }

    thread_local! {
        /// From `prepare` to `in_parent` or `in_child`. Without a destructor: a thread may fork in one of its own last destructors.
        static LOCKS: Cell<ManuallyDrop<Option<Locks>>> = const { Cell::new(ManuallyDrop::new(None)) };
    }

    pub(super) fn register() {
        static IS_REGISTERED: AtomicBool = AtomicBool::new(false);
        // Before the call: a child that is forked meanwhile must not register them a second time.
        if !IS_REGISTERED.swap(true, Ordering::Relaxed) {
            // SAFETY: the handlers are functions of this program, never unwind, and do nothing in the child that a child may not do:
            // they allocate and free nothing, and take no lock there.
            let result = unsafe { libc::pthread_atfork(Some(prepare), Some(in_parent), Some(in_child)) };
            // There was no memory for them: children are on their own, as they would be without this.
            let _ = result;
        }
    }

    extern "C" fn prepare() {
        let locks = Locks { lanes: lanes::Locked::new(), _callsites: lock_callsites() };
        LOCKS.set(ManuallyDrop::new(Some(locks)));
    }

    extern "C" fn in_parent() {
        drop(take_locks());
    }

    extern "C" fn in_child() {
        head::switch_off();
        PROCESS.fetch_add(1, Ordering::Relaxed);
        tick::begin_anew();
        current().begin_anew();
        if let Some(locks) = take_locks() {
            locks.lanes.forget_lanes();
        }
    }

    fn take_locks() -> Option<Locks> {
        ManuallyDrop::into_inner(LOCKS.replace(ManuallyDrop::new(None)))
    }
}
