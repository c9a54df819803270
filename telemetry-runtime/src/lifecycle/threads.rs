//! The one place that starts threads, and knows when they have ended.

use crate::span::suppress;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;
use std::{io, thread};

/// The background threads of one installation.
#[derive(Clone, Default)]
pub(super) struct Threads(Arc<Running>);

#[derive(Default)]
struct Running {
    count: Mutex<usize>,
    ended: Condvar,
}

/// Counts a thread as long as it runs, however it ends.
struct Ticket(Arc<Running>);

impl Threads {
    /// Starts a named thread, whose own work is not recorded.
    #[expect(clippy::disallowed_methods, reason = "this is the door to threads that the lint guards")]
    pub(super) fn spawn(&self, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let ticket = Ticket(self.0.clone());
        let run = move || {
            let _ticket = ticket;
            suppress::this_thread();
            body();
        };
        thread::Builder::new().name(name).spawn(run).map(drop)
    }

    /// Waits until all have ended; false if that takes longer than `deadline`.
    pub(super) fn wait(&self, deadline: Instant) -> bool {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *count > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            count = self.0.ended.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_all();
    }
}
