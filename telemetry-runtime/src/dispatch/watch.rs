//! The watch over calls that do not return: they are given up, and another worker takes their place where one can be made.

use super::queue::Queue;
use super::worker::Worker;
use crate::export::Exporter;
use std::error::Error;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Makes an exporter like the first one, or says why it cannot.
pub(crate) type Make = Box<dyn Fn() -> Result<Box<dyn Exporter>, Box<dyn Error + Send + Sync>> + Send>;

/// A queue, and how to make another exporter for it, if that is possible.
pub(crate) struct Post {
    pub(crate) queue: Arc<Queue>,
    pub(crate) make: Option<Make>,
}

/// Looks after all exporters of an installation.
pub(crate) struct Watch {
    pub(crate) posts: Vec<Post>,
    pub(crate) stop: Arc<Stop>,
}

/// Ends the watch.
#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Watch {
    /// Looks whenever a call may have taken too long, until it is stopped. `start` starts a worker's thread.
    pub(crate) fn run(self, start: impl Fn(Worker) -> io::Result<()>) {
        loop {
            let due = self.posts.iter().map(|post| post.look(Instant::now(), &start)).min();
            match due {
                Some(due) if !self.stop.wait_until(due) => {}
                _ => return,
            }
        }
    }
}

impl Post {
    /// Gives up calls that have taken too long, and replaces their workers; when to look again.
    fn look(&self, now: Instant, start: &impl Fn(Worker) -> io::Result<()>) -> Instant {
        let due = self.queue.cut_hung(now);
        while let Some(worker) = self.replacement() {
            // A thread that cannot be started now may be next time.
            if start(worker).is_err() {
                break;
            }
        }
        due
    }

    fn replacement(&self) -> Option<Worker> {
        let make = self.make.as_ref().filter(|_| self.queue.is_short_of_workers())?;
        Worker::new(self.queue.clone(), make().ok()?)
    }
}

impl Stop {
    pub(crate) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits until then; whether the watch was stopped meanwhile.
    fn wait_until(&self, due: Instant) -> bool {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            stopped = self.changed.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *stopped
    }
}
