//! The end of all queues of an installation, within a deadline for all of them at once.

use super::queue::Queue;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long writing to disk what could not be sent may take.
const DISK_GRACE: Duration = Duration::from_millis(400);

/// Takes nothing more, and ends the queues' threads. What has not left by the deadline goes to disk where there is a spool, which may take
/// 400 ms longer, or is given up.
pub(crate) fn end(queues: &[Arc<Queue>], deadline: Instant) {
    queues.iter().for_each(|queue| queue.close());
    for queue in queues {
        queue.wait_for_workers(deadline);
    }
    let disk_deadline = deadline.max(Instant::now() + DISK_GRACE);
    queues.iter().for_each(|queue| queue.rescue_all());
    for queue in queues {
        queue.wait_until_kept(disk_deadline);
        queue.abandon();
    }
    queues.iter().for_each(|queue| queue.wait_for_disk(disk_deadline));
}
