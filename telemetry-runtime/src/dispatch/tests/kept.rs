//! What becomes of batches on disk when exporters fail, hang and panic, or the disk does.

use super::scripted::*;
use super::throttled;
use crate::dispatch::*;
use crate::export::{ExportError, Exported, Exporter};
use crate::record::sample::{Sample, batch};
use crate::record::{Batch, Signal};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

#[test]
fn time_that_the_other_side_asks_for_is_bounded_with_a_spool_too() {
    let folder = Folder::new();
    let (waited, status) = throttled(folder.spool(Mode::OnFailure));
    assert!(waited >= 5 * SHORT, "{waited:?}");
    assert_eq!(status.dropped.total(), 0, "{status}");
}

#[test]
fn what_the_queue_has_no_room_for_goes_to_disk_while_a_call_hangs() {
    let folder = Folder::new();
    let options = Options {
        max_queue_items: 100,
        export_timeout: SOON,
        spool: folder.spool(Mode::OnFailure),
        ..quick()
    };
    let running = Running::start(Script::of([Act::Hang]), options, false);
    for id in 1..=500 {
        running.push([id]);
        // The keeper is a thread like others: it may be late, but not for ever.
        while !running.queue.has_room() {
            thread::yield_now();
        }
    }
    let status = running.status();
    assert_eq!(status.dropped.total(), 0, "{status}");
    assert!(status.spooled >= 400, "{status}");
}

#[test]
fn what_is_left_of_a_batch_whose_last_part_hangs_is_kept() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::OnFailure), ..quick() };
    let running = Running::start(Script::of([Act::TooLarge, Act::Take, Act::Hang]), options, true);
    running.push(1..=4);
    let status = wait_for(&running, |status| status.queued + status.spooled == 0);
    assert_eq!((status.exported, status.dropped.total()), (4, 0), "{status}");
}

/// Five spans in parts of three, for an exporter that does this while nothing fits in its spool.
fn sent_in_parts(acts: impl IntoIterator<Item = Act>) -> ExporterStatus {
    let folder = Folder::new();
    let options = Options { max_batch_items: 3, spool: folder.spool(Mode::OnFailure), ..quick() };
    let script =
        Script { max_packed: Some(0), acts: Mutex::new(acts.into_iter().collect()), ..Script::default() };
    let running = Running::start(Arc::new(script), options, true);
    running.push(1..=5);
    wait_for(&running, |status| status.created > 0 && status.queued == 0)
}

#[test]
fn what_is_left_of_a_part_that_was_taken_in_part_and_hangs_is_dropped() {
    // Which items those are, only the exporter that hangs knows.
    let status = sent_in_parts([Act::FailAfter(1), Act::Hang]);
    assert_eq!((status.exported, status.dropped.timed_out), (1, 4), "{status}");
}

#[test]
fn parts_behind_one_that_was_taken_bit_by_bit_are_not_lost_when_they_hang() {
    for acts in [vec![Act::FailAfter(1), Act::Take, Act::Hang], vec![Act::FailAfter(3), Act::Hang]] {
        let status = sent_in_parts(acts);
        assert_eq!((status.exported, status.dropped.total()), (5, 0), "{status}");
    }
}

#[test]
fn what_is_too_large_on_disk_is_halved_until_it_fits_and_stays_the_process_s_that_left_it() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let script = Arc::new(Script { poison: Some(1), ..Script::default() });
    let running = Running::start(script, options.clone(), false);
    running.push(1..=7);
    wait_for(&running, |status| status.spooled == 7);
    running.join();

    let script = Arc::new(Script { max_items: Some(2), ..Script::default() });
    let running = Running::start(script, options, false);
    running.push(8..=10);
    let status = wait_for(&running, |status| status.exported == 3 && status.replayed.waiting == 0);
    assert_eq!((status.replayed.exported, status.spooled, status.dropped.total()), (7, 0, 0), "{status}");
    let taken = running.script.calls().into_iter().filter(|call| matches!(call.act, Act::Take));
    let mut taken: Vec<_> = taken.flat_map(|call| call.ids).collect();
    taken.sort_unstable();
    assert_eq!(taken, Vec::from_iter(1..=10), "each once");
    assert_eq!(running.join().spooled, 0);
    let left = std::fs::read_dir(folder.0.join("scripted/0")).expect("the process's folder");
    assert_eq!(left.map(|file| file.expect("a file").file_name()).collect::<Vec<_>>(), ["lock"]);
}

/// Divides what is too large into parts that are not the whole.
struct Careless;

impl Exporter for Careless {
    fn export(&mut self, _: &Batch) -> Result<Exported, ExportError> {
        Err(ExportError::too_large("too large"))
    }

    fn pack(&mut self, _: &Batch) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn export_packed(&mut self, _: Signal, _: &[u8]) -> Result<Exported, ExportError> {
        Err(ExportError::too_large("too large"))
    }

    fn halve_packed(&mut self, _: Signal, _: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        Some([(1, Vec::new()), (1, Vec::new())])
    }
}

#[test]
fn parts_that_are_not_the_whole_are_not_put_in_its_place() {
    let folder = Folder::new();
    let queue = queue(Options { spool: folder.spool(Mode::Always), ..quick() });
    let keeper = Keeper { queue: queue.clone(), exporter: Box::new(Careless) };
    spawn(move || keeper.run()).expect("a thread starts");
    let worker = Worker::new(queue.clone(), Box::new(Careless)).expect("there is a place");
    spawn(move || worker.run()).expect("a thread starts");
    queue.push(Arc::new(batch(&[1, 2, 3].map(|id| Sample::root("s", id)))));
    assert!(queue.wait_until_settled(Instant::now() + SOON));
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    queue.abandon();
    assert_eq!((status.dropped.too_large, status.spooled), (3, 0), "{status}");
}

#[test]
fn what_a_process_leaves_while_another_runs_is_sent_by_that() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::OnFailure), ..quick() };
    let running = Running::start(Script::of([]), options.clone(), false);
    let other = Running::start(Arc::new(Script { poison: Some(1), ..Script::default() }), options, false);
    other.push(1..=3);
    wait_for(&other, |status| status.spooled == 3);
    running.queue.adopt();
    assert_eq!(running.status().replayed, Replayed::default(), "the other has it");
    other.join();
    running.queue.adopt();
    let status = wait_for(&running, |status| status.replayed.exported == 3);
    assert_eq!((status.created, status.replayed.found), (0, 3), "{status}");
}

#[test]
fn a_batch_that_is_never_taken_stops_no_other_on_disk() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let script = Arc::new(Script { poison: Some(1), ..Script::default() });
    let running = Running::start(script, options, false);
    (1..=10).for_each(|id| running.push([id]));
    let status = wait_for(&running, |status| status.exported == 9);
    assert_eq!((status.spooled, status.dropped.total()), (1, 0), "{status}");
}

#[test]
fn of_a_batch_on_disk_that_is_refused_in_part_the_rest_only_is_dropped() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let running = Running::start(Script::of([Act::RefuseAfter(2)]), options, false);
    running.push(1..=5);
    let status = running.settle();
    assert_eq!((status.exported, status.dropped.permanent_error), (2, 3), "{status}");
}

/// A queue whose only batch its worker has put on disk.
fn with_one_on_disk(folder: &Folder) -> (Arc<Queue>, crew::Ticket) {
    let queue = queue(Options { spool: folder.spool(Mode::OnFailure), ..quick() });
    let worker = queue.hire().expect("there is a place");
    queue.push(Arc::new(batch(&[Sample::root("s", 1)])));
    assert!(matches!(queue.take(worker), Some(flight::Task::Batch(_))));
    assert_eq!(queue.keep(worker, Signal::Traces, 1, b"packed"), shelf::Kept::Yes);
    (queue, worker)
}

#[test]
fn a_disk_that_is_stuck_does_not_stop_the_watch() {
    let folder = Folder::new();
    let (queue, worker) = with_one_on_disk(&folder);
    assert!(queue.take_kept(worker).is_some() && queue.admit(worker));
    let spool = queue.shelf.as_ref().expect("a spool").lock();
    let (looked, looks) = channel();
    let watched = queue.clone();
    spawn(move || {
        watched.cut_hung(Instant::now() + SOON);
        let _ = looked.send(());
    })
    .expect("a thread starts");
    assert!(looks.recv_timeout(SOON).is_ok(), "the watch waits for the disk");
    drop(spool);
    let Some(shelf::Chore::GiveBack(place)) = queue.next_chore() else { panic!("the keeper's to do") };
    queue.put_back_kept(place);
    assert!(queue.take_kept(worker).is_some());
}

#[test]
fn once_time_is_up_workers_begin_nothing_more() {
    let folder = Folder::new();
    let (queue, worker) = with_one_on_disk(&folder);
    queue.close();
    queue.rescue_all();
    assert!(queue.take(worker).is_none(), "the entry is for the next process");
}

#[test]
fn what_does_not_fit_in_the_spool_goes_in_halves() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let script = Arc::new(Script { max_packed: Some(2), ..Script::default() });
    let running = Running::start(script, options, false);
    running.push(1..=3);
    let status = running.settle();
    assert_eq!((status.exported, status.spool_error), (3, None));
    let calls: Vec<_> = running.script.calls().into_iter().map(|call| call.ids).collect();
    assert_eq!(calls, [vec![1], vec![2, 3]], "each is an entry");
}

#[test]
fn what_does_not_fit_in_the_spool_at_all_is_sent_from_memory_at_once() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let script = Arc::new(Script { max_packed: Some(0), ..Script::default() });
    let running = Running::start(script, options, false);
    let started = Instant::now();
    (1..=3).for_each(|id| running.push([id]));
    let status = running.settle();
    assert_eq!((status.exported, status.dropped.total(), status.spool_error), (3, 0, None));
    assert!(started.elapsed() < SOON / 5, "the disk was taken for broken");
}
