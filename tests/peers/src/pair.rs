//! Two threads that do the same thing at the same moment.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Builder;

/// Does `work` on two threads at once, so many times, and `between` on this one after each; returns the two results' sums.
pub(crate) fn at_once(times: usize, work: impl Fn() -> u64 + Sync, between: impl Fn()) -> Vec<u64> {
    let pair = Pair { doors: Barrier::new(2), arrivals: AtomicU64::new(0) };
    std::thread::scope(|scope| {
        let other = || (1..=times as u64).map(|round| pair.meet(round, &work)).collect::<Vec<_>>();
        // Named, as the main thread is: some libraries record a thread's name, if it has one.
        let other = Builder::new().name("other".to_owned()).spawn_scoped(scope, other);
        let other = other.expect("the system has a thread left");
        let own: Vec<u64> = (1..=times as u64)
            .map(|round| {
                let result = pair.meet(round, &work);
                between();
                result
            })
            .collect();
        let other = other.join().expect("a worker's thread does not panic");
        own.iter().zip(&other).map(|(own, other)| own + other).collect()
    })
}

struct Pair {
    /// Both wait here without burning the time that a flush needs.
    doors: Barrier,
    arrivals: AtomicU64,
}

impl Pair {
    fn meet(&self, round: u64, work: impl Fn() -> u64) -> u64 {
        self.doors.wait();
        // A barrier lets its threads go microseconds apart, a spin nanoseconds.
        self.arrivals.fetch_add(1, Ordering::AcqRel);
        while self.arrivals.load(Ordering::Acquire) < 2 * round {
            std::hint::spin_loop();
        }
        let result = work();
        self.doors.wait();
        result
    }
}
