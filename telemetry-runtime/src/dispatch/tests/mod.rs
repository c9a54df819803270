//! What becomes of batches in memory when exporters fail, hang and panic.

mod kept;
mod processes;
mod properties;
mod scripted;
#[cfg(feature = "logging")]
mod told;

use super::*;
use crate::export::{ExportError, Exported, Exporter};
use crate::record::sample::{Sample, batch};
use crate::record::{Batch, Signal};
use scripted::*;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

#[test]
fn a_batch_with_more_items_than_the_exporter_takes_is_split_in_order() {
    let options = Options { max_batch_items: 2, ..quick() };
    let running = Running::start(Script::of([]), options, false);
    running.push(1..=5);
    assert_eq!(running.settle().exported, 5);
    let calls: Vec<_> = running.script.calls().into_iter().map(|call| call.ids).collect();
    assert_eq!(calls, [vec![1, 2], vec![3, 4], vec![5]]);
}

#[test]
fn what_is_too_large_is_halved_until_it_fits_and_an_item_that_does_not_is_dropped() {
    let script = Arc::new(Script { max_items: Some(2), ..Script::default() });
    let running = Running::start(script, quick(), false);
    running.push(1..=7);
    let status = running.settle();
    assert_eq!((status.exported, status.dropped.too_large), (7, 0));
    let taken = running.script.calls().into_iter().filter(|call| matches!(call.act, Act::Take));
    assert_eq!(taken.flat_map(|call| call.ids).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());

    let running = Running::start(Script::of([Act::TooLarge, Act::TooLarge]), quick(), false);
    running.push([1, 2]);
    let status = running.settle();
    assert_eq!((status.exported, status.dropped.too_large), (1, 1));
    assert_eq!(status.breaker, Breaker::Closed);
}

#[test]
fn a_queue_that_holds_enough_items_drops_the_next_batch() {
    let options = Options { max_queue_items: 3, ..quick() };
    let queue = queue(options);
    let push = |count: u64| {
        let spans: Vec<_> = (1..=count).map(|id| Sample::root("s", id)).collect();
        queue.push(Arc::new(batch(&spans)));
    };
    push(2);
    assert!(!queue.has_room());
    push(2);
    push(1);
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    assert_eq!((status.queued, status.dropped.queue_full), (3, 2));
}

#[test]
fn a_call_that_does_not_return_is_given_up_and_another_exporter_goes_on() {
    let running = Running::start(Script::of([Act::Hang]), quick(), true);
    running.push([1, 2]);
    running.push([3]);
    let status = running.settle();
    assert_eq!((status.dropped.timed_out, status.exported), (2, 1));
}

#[test]
fn an_exporter_that_cannot_be_made_anew_is_left_alone_until_its_call_returns() {
    let running = Running::start(Script::of([Act::Hang]), quick(), false);
    running.push([1, 2]);
    assert_eq!(running.settle().dropped.timed_out, 2);
    running.push([3]);
    assert!(!running.queue.wait_until_settled(Instant::now() + 2 * SHORT));
    assert_eq!(running.status().queued, 1);
    running.script.end();
    assert_eq!(running.settle().exported, 1);
}

#[test]
fn calls_that_never_return_leave_a_bounded_number_of_threads_behind() {
    let running = Running::start(Script::of([Act::Hang; 20]), quick(), true);
    (1..=20).for_each(|id| running.push([id]));
    wait_for(&running, |status| status.dropped.timed_out >= 4);
    assert!(!running.queue.wait_until_settled(Instant::now() + 5 * SHORT));
    assert_eq!((running.status().dropped.timed_out, running.status().queued), (4, 16));
    assert!(running.queue.wait_for_workers(Instant::now()), "shutdown waits for none of them");
}

#[test]
fn what_waited_behind_an_outage_beyond_its_time_is_tried_once_only() {
    let retry = RetryOptions { budget: Duration::from_millis(100), ..quick().retry };
    let (queue, script) = (queue(Options { retry, ..quick() }), Script::of([Act::Fail; 1000]));
    for id in 1..=5 {
        queue.push(Arc::new(batch(&[Sample::root("s", id)])));
    }
    // All have come before the first call.
    let worker = Worker::new(queue.clone(), script.exporter()).expect("there is a place");
    spawn(move || worker.run()).expect("a thread starts");
    assert!(queue.wait_until_settled(Instant::now() + SOON));
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    queue.abandon();
    assert_eq!(status.dropped.retry_exhausted, 5);
    assert_ne!(status.breaker, Breaker::Closed);
    let calls = script.calls();
    for id in 2..=5 {
        assert_eq!(calls.iter().filter(|call| call.ids == [id]).count(), 1, "{id}");
    }
}

/// Asks for a day when it is first called, and says when it is.
struct Throttled(u32, Sender<Instant>);

impl Exporter for Throttled {
    fn export(&mut self, _: &Batch) -> Result<Exported, ExportError> {
        self.0 += 1;
        let _ = self.1.send(Instant::now());
        let day = Duration::from_secs(24 * 60 * 60);
        if self.0 == 1 { Err(ExportError::retryable("busy", Some(day))) } else { Ok(Exported::all()) }
    }

    fn pack(&mut self, _: &Batch) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn export_packed(&mut self, _: Signal, _: &[u8]) -> Result<Exported, ExportError> {
        self.export(&batch(&[]))
    }
}

/// Two batches for an exporter that is throttled; how long after the first call the second came, and the counts at the end.
fn throttled(spool: Option<SpoolPlace>) -> (Duration, ExporterStatus) {
    let (calls, called) = channel();
    // The batch's own time is shorter than what is asked for.
    let retry = RetryOptions { budget: 5 * SHORT, ..quick().retry };
    let queue = queue(Options { retry, spool, ..quick() });
    if queue.has_spool() {
        let keeper = Keeper { queue: queue.clone(), exporter: Box::new(Throttled(0, calls.clone())) };
        spawn(move || keeper.run()).expect("a thread starts");
    }
    for id in [1, 2] {
        queue.push(Arc::new(batch(&[Sample::root("s", id)])));
    }
    let worker = Worker::new(queue.clone(), Box::new(Throttled(0, calls))).expect("there is a place");
    spawn(move || worker.run()).expect("a thread starts");
    let [first, second] = [(); 2].map(|()| called.recv_timeout(SOON).expect("it is called"));
    assert!(queue.wait_until_settled(Instant::now() + SOON));
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    queue.abandon();
    (second - first, status)
}

#[test]
fn time_that_the_other_side_asks_for_holds_for_all_batches() {
    let (waited, status) = throttled(None);
    assert!(waited >= 5 * SHORT, "asked again no later than the time for retries");
    // The first is dropped at once, and the next one waits.
    assert_eq!((status.dropped.retry_exhausted, status.exported), (1, 1));
}
