//! A queue, its workers and the watch together, with exporters that fail as scripts tell them to.

use super::*;
use crate::export::{ExportError, Exported, Exporter};
use crate::record::sample::{Sample, batch};
use crate::record::{Batch, PerSignal, Signal};
use proptest::prelude::*;
use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(20);

/// What an exporter does when it is called.
#[derive(Clone, Copy, Debug)]
enum Act {
    Take,
    Reject(usize),
    Fail,
    /// Takes so many before it fails.
    FailAfter(usize),
    Refuse,
    /// Takes so many before it refuses the rest.
    RefuseAfter(usize),
    Panic,
    TooLarge,
    /// Does not return before the test ends.
    Hang,
}

/// What several exporters share: what they are to do, and what they got.
#[derive(Default)]
struct Script {
    acts: Mutex<VecDeque<Act>>,
    /// The spans of each call, by id, and what was done.
    calls: Mutex<Vec<(Vec<u64>, Act)>>,
    over: (Mutex<bool>, Condvar),
    max_items: Option<usize>,
    /// Of more spans than this the entry is too large for any spool.
    max_packed: Option<usize>,
    /// What is never taken.
    poison: Option<u64>,
}

struct Scripted {
    script: Arc<Script>,
    /// The last batch, and how many of it were taken already.
    last: Vec<u64>,
    settled: usize,
}

impl Exporter for Scripted {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let ids: Vec<u64> = batch.spans().map(|span| span.span_id().to_int()).collect();
        if self.last != ids {
            (self.last, self.settled) = (ids.clone(), 0);
        }
        let act = self.script.act(&ids);
        let ids = ids[self.settled..].to_vec();
        self.play(ids, act)
    }

    /// The ids that were not taken yet.
    fn pack(&mut self, batch: &Batch) -> Option<Vec<u8>> {
        let ids: Vec<u64> = batch.spans().map(|span| span.span_id().to_int()).collect();
        if self.script.max_packed.is_some_and(|max| ids.len() > max) {
            return Some(vec![0; (64 << 20) + 1]);
        }
        let settled = if self.last == ids { self.settled } else { 0 };
        Some(ids[settled..].iter().flat_map(|id| id.to_le_bytes()).collect())
    }

    fn export_packed(&mut self, _: Signal, packed: &[u8]) -> Result<Exported, ExportError> {
        let id = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let ids: Vec<u64> = packed.chunks(8).map(id).collect();
        let act = self.script.act(&ids);
        // What comes from disk is taken as a whole, or not.
        self.play(ids, if matches!(act, Act::FailAfter(_)) { Act::Fail } else { act })
    }
}

impl Scripted {
    fn play(&mut self, ids: Vec<u64>, act: Act) -> Result<Exported, ExportError> {
        self.script.calls.lock().expect("no test panics with it").push((ids.clone(), act));
        match act {
            Act::Take => {}
            Act::Reject(count) => return Ok(Exported::with_rejected(count)),
            Act::Fail => return Err(ExportError::retryable("busy", None)),
            Act::FailAfter(count) => {
                let taken = count.min(ids.len());
                self.settled += taken;
                return Err(ExportError::retryable("busy", None).with_settled(taken, 0));
            }
            Act::Refuse => return Err(ExportError::permanent("no")),
            Act::RefuseAfter(count) => {
                return Err(ExportError::permanent("no more").with_settled(count.min(ids.len()), 0));
            }
            Act::Panic => panic!("as the script wants it"),
            Act::TooLarge => return Err(ExportError::too_large("too large")),
            Act::Hang => {
                let over = self.script.over.0.lock().expect("no test panics with it");
                let _over = self.script.over.1.wait_while(over, |over| !*over);
            }
        }
        Ok(Exported::all())
    }
}

impl Script {
    fn of(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self { acts: Mutex::new(acts.into_iter().collect()), ..Self::default() })
    }

    fn act(&self, ids: &[u64]) -> Act {
        if self.max_items.is_some_and(|max| ids.len() > max) {
            return Act::TooLarge;
        }
        if self.poison.is_some_and(|poison| ids.contains(&poison)) {
            return Act::Fail;
        }
        self.acts.lock().expect("no test panics with it").pop_front().unwrap_or(Act::Take)
    }

    fn calls(&self) -> Vec<(Vec<u64>, Act)> {
        self.calls.lock().expect("no test panics with it").clone()
    }

    fn exporter(self: &Arc<Self>) -> Box<dyn Exporter> {
        Box::new(Scripted { script: self.clone(), last: Vec::new(), settled: 0 })
    }
}

/// A queue with its threads.
struct Running {
    queue: Arc<Queue>,
    script: Arc<Script>,
    stop: Arc<Stop>,
    _ended: Receiver<()>,
}

impl Running {
    fn start(script: Arc<Script>, options: Options, is_remade: bool) -> Self {
        let queue = queue(options.clone());
        let (alive, ended) = channel();
        if queue.has_spool() {
            let keeper = Keeper { queue: queue.clone(), exporter: script.exporter() };
            spawn(move || keeper.run()).expect("a thread starts");
        }
        for _ in 0..options.concurrency {
            let worker = Worker::new(queue.clone(), script.exporter()).expect("there is a place");
            start(worker, alive.clone()).expect("a thread starts");
        }
        let maker = script.clone();
        let make: Option<Make> = is_remade.then(|| Box::new(move || Ok(maker.exporter())) as Make);
        let stop = Arc::<Stop>::default();
        let watch = Watch { posts: vec![Post { queue: queue.clone(), make }], stop: stop.clone() };
        spawn(move || watch.run(|worker| start(worker, alive.clone()))).expect("a thread starts");
        Self { queue, script, stop, _ended: ended }
    }

    fn push(&self, ids: impl IntoIterator<Item = u64>) {
        let spans: Vec<_> = ids.into_iter().map(|id| Sample::root("s", id)).collect();
        self.queue.push(Arc::new(batch(&spans)));
    }

    /// Pushes batches of these sizes, of spans numbered from 1; how many spans that were.
    fn push_all(&self, sizes: &[u64]) -> u64 {
        sizes.iter().fold(0, |pushed, size| {
            self.push(pushed + 1..=pushed + size);
            self.status();
            pushed + size
        })
    }

    /// The counts, which must add up.
    fn status(&self) -> ExporterStatus {
        let QueueStatus { offered, mut status } = self.queue.status(Signal::Traces).expect("it takes traces");
        status.created = offered;
        assert!(status.adds_up(), "{status}");
        status
    }

    fn settle(&self) -> ExporterStatus {
        assert!(self.queue.wait_until_settled(Instant::now() + SOON), "{}", self.status());
        self.status()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.queue.abandon();
        self.stop.stop();
        *self.script.over.0.lock().expect("no test panics with it") = true;
        self.script.over.1.notify_all();
    }
}

/// Waits until the counts are as wanted.
fn wait_for(running: &Running, is_wanted: impl Fn(&ExporterStatus) -> bool) -> ExporterStatus {
    let deadline = Instant::now() + SOON;
    loop {
        let status = running.status();
        if is_wanted(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "{status}");
        thread::yield_now();
    }
}

/// A queue for traces, with the spool that the options ask for.
fn queue(options: Options) -> Arc<Queue> {
    let queue = Queue::new("scripted".to_owned(), options, PerSignal { traces: true, logs: false });
    Arc::new(queue.with_spool().expect("a folder of ours"))
}

fn start(worker: Worker, alive: Sender<()>) -> io::Result<()> {
    spawn(move || {
        let _alive = alive;
        worker.run();
    })
}

#[expect(clippy::disallowed_methods, reason = "a test's threads are no background threads of ours")]
fn spawn(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().spawn(body).map(drop)
}

fn quick() -> Options {
    let millisecond = Duration::from_millis(1);
    Options {
        retry: RetryOptions { initial: millisecond, max: millisecond, budget: SOON },
        export_timeout: SHORT,
        ..Options::default()
    }
}

#[test]
fn a_batch_with_more_items_than_the_exporter_takes_is_split_in_order() {
    let options = Options { max_batch_items: 2, ..quick() };
    let running = Running::start(Script::of([]), options, false);
    running.push(1..=5);
    assert_eq!(running.settle().exported, 5);
    let calls: Vec<_> = running.script.calls().into_iter().map(|(ids, _)| ids).collect();
    assert_eq!(calls, [vec![1, 2], vec![3, 4], vec![5]]);
}

#[test]
fn what_is_too_large_is_halved_until_it_fits_and_an_item_that_does_not_is_dropped() {
    let script = Arc::new(Script { max_items: Some(2), ..Script::default() });
    let running = Running::start(script, quick(), false);
    running.push(1..=7);
    let status = running.settle();
    assert_eq!((status.exported, status.dropped.too_large), (7, 0));
    let taken = running.script.calls().into_iter().filter(|(_, act)| matches!(act, Act::Take));
    assert_eq!(taken.flat_map(|(ids, _)| ids).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());

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
    *running.script.over.0.lock().expect("no test panics with it") = true;
    running.script.over.1.notify_all();
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
        assert_eq!(calls.iter().filter(|(ids, _)| ids == &[id]).count(), 1, "{id}");
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

#[test]
fn time_that_the_other_side_asks_for_is_bounded_with_a_spool_too() {
    let folder = Folder::new();
    let (waited, status) = throttled(folder.spool(Mode::OnFailure));
    assert!(waited >= 5 * SHORT, "{waited:?}");
    assert_eq!(status.dropped.total(), 0, "{status}");
}

/// A folder for one spool, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("telemetry-keep-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn spool(&self, mode: Mode) -> Option<SpoolPlace> {
        Some(SpoolPlace { path: self.0.clone(), mode, options: SpoolOptions::default() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
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

/// What is logged while two spans are sent by an exporter that does this.
#[cfg(feature = "logging")]
fn said(acts: impl IntoIterator<Item = Act>, options: Options) -> (String, ExporterStatus) {
    let (script, queue, lines) = (Script::of(acts), queue(options), Lines::default());
    if queue.has_spool() {
        let keeper = Keeper { queue: queue.clone(), exporter: script.exporter() };
        spawn(move || keeper.run()).expect("a thread starts");
    }
    queue.push(Arc::new(batch(&[Sample::root("s", 1), Sample::root("s", 2)])));
    queue.close();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let worker = Worker::new(queue.clone(), script.exporter()).expect("there is a place");
    tracing::subscriber::with_default(subscriber, || worker.run());
    let status = queue.status(Signal::Traces).expect("it takes traces").status;
    queue.abandon();
    let lines = lines.0.lock().expect("no test panics with it").clone();
    (String::from_utf8(lines).expect("text"), status)
}

#[cfg(feature = "logging")]
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

#[cfg(feature = "logging")]
impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics with it").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "logging")]
#[test]
fn the_log_says_whether_what_does_not_leave_is_tried_again() {
    const AGAIN: &str = "do not leave; trying again";
    const LOST: &str = "do not leave, and are dropped";
    let folder = Folder::new();
    let out_of_time = RetryOptions { budget: Duration::ZERO, ..quick().retry };
    for (acts, options, is, is_not) in [
        (vec![Act::Fail], quick(), AGAIN, LOST),
        (vec![Act::Fail], Options { retry: out_of_time, ..quick() }, LOST, AGAIN),
        (vec![Act::Fail], Options { spool: folder.spool(Mode::OnFailure), ..quick() }, AGAIN, LOST),
        (vec![Act::Refuse], quick(), LOST, AGAIN),
        (vec![Act::Panic], quick(), LOST, AGAIN),
        (vec![Act::TooLarge; 3], quick(), LOST, AGAIN),
    ] {
        let (lines, _) = said(acts.clone(), options);
        assert!(lines.contains(is) && !lines.contains(is_not), "{acts:?}: {lines}");
    }
}

#[cfg(feature = "logging")]
#[test]
fn an_entry_on_disk_that_is_too_large_is_counted_as_that_and_told_of() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let (lines, status) = said([Act::TooLarge], options);
    assert_eq!((status.dropped.too_large, status.spooled), (2, 0), "{status}");
    assert!(lines.contains("do not leave, and are dropped") && lines.contains("too large"), "{lines}");
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

#[test]
fn a_disk_that_is_stuck_does_not_stop_the_watch() {
    let folder = Folder::new();
    let queue = queue(Options { spool: folder.spool(Mode::OnFailure), ..quick() });
    let worker = queue.hire().expect("there is a place");
    queue.push(Arc::new(batch(&[Sample::root("s", 1)])));
    assert!(matches!(queue.take(worker), Some(flight::Task::Batch(_))));
    assert_eq!(queue.keep(worker, Signal::Traces, 1, b"packed"), shelf::Kept::Yes);
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
fn what_does_not_fit_in_the_spool_goes_in_halves() {
    let folder = Folder::new();
    let options = Options { spool: folder.spool(Mode::Always), ..quick() };
    let script = Arc::new(Script { max_packed: Some(2), ..Script::default() });
    let running = Running::start(script, options, false);
    running.push(1..=3);
    let status = running.settle();
    assert_eq!((status.exported, status.spool_error), (3, None));
    let calls: Vec<_> = running.script.calls().into_iter().map(|(ids, _)| ids).collect();
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

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Take),
        1 => (0..4_usize).prop_map(Act::Reject),
        3 => Just(Act::Fail),
        2 => (0..4_usize).prop_map(Act::FailAfter),
        1 => Just(Act::Refuse),
        1 => (0..4_usize).prop_map(Act::RefuseAfter),
        1 => Just(Act::Panic),
        1 => Just(Act::TooLarge),
    ]
}

/// Acts among which a few never end: not more than exporters can be made anew.
fn acts() -> impl Strategy<Value = Vec<Act>> {
    (prop::collection::vec(act(), 0..40), prop::collection::vec(any::<prop::sample::Index>(), 0..3)).prop_map(
        |(mut acts, hangs)| {
            hangs.into_iter().for_each(|at| acts.insert(at.index(acts.len() + 1), Act::Hang));
            acts
        },
    )
}

/// How many spans were taken, unless one was twice.
fn taken_once(calls: &[(Vec<u64>, Act)]) -> Option<u64> {
    let mut taken = HashSet::new();
    let is_new = calls.iter().all(|(ids, act)| {
        let count = match act {
            Act::Take | Act::Reject(_) => ids.len(),
            Act::FailAfter(count) | Act::RefuseAfter(count) => *count,
            _ => 0,
        };
        ids.iter().take(count).all(|id| taken.insert(*id))
    });
    is_new.then_some(taken.len() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_fails_everything_adds_up_nothing_doubles_and_order_is_kept(
        acts in acts(),
        sizes in prop::collection::vec(1..6_u64, 1..12),
        concurrency in prop_oneof![Just(1_usize), Just(3)],
        max_batch_items in 1..8_usize,
    ) {
        // Long enough that a call which only panics, and says where, is not taken for one that hangs.
        let options = Options { concurrency, max_batch_items, export_timeout: 10 * SHORT, ..quick() };
        let running = Running::start(Script::of(acts), options, true);
        let pushed = running.push_all(&sizes);
        let status = running.settle();
        prop_assert_eq!((status.created, status.queued), (pushed, 0));

        let calls = running.script.calls();
        prop_assert!(calls.iter().all(|(ids, _)| ids.is_sorted()), "order within a batch: {:?}", calls);
        // What the other side has said it took is never sent again; only a call that hangs leaves that open.
        prop_assert_eq!(taken_once(&calls), Some(status.exported + status.rejected), "{:?}", calls);
    }

    #[test]
    fn with_a_spool_whatever_fails_is_sent_later_once_and_everything_adds_up(
        acts in acts(),
        sizes in prop::collection::vec(1..6_u64, 1..12),
        concurrency in prop_oneof![Just(1_usize), Just(3)],
        mode in prop_oneof![Just(Mode::OnFailure), Just(Mode::Always)],
        max_batch_items in 1..8_usize,
    ) {
        let folder = Folder::new();
        let spool = folder.spool(mode);
        let options = Options { concurrency, max_batch_items, spool, export_timeout: 10 * SHORT, ..quick() };
        let running = Running::start(Script::of(acts), options, true);
        let pushed = running.push_all(&sizes);
        let status = wait_for(&running, |status| status.queued + status.spooled == 0);
        prop_assert_eq!(status.created, pushed);
        let Dropped { permanent_error, too_large, .. } = status.dropped;
        prop_assert_eq!(status.dropped.total(), permanent_error + too_large, "{}", status);
        let calls = running.script.calls();
        prop_assert!(calls.iter().all(|(ids, _)| ids.is_sorted()), "order within a batch: {:?}", calls);
        prop_assert_eq!(taken_once(&calls), Some(status.exported + status.rejected), "{:?}", calls);
    }
}
