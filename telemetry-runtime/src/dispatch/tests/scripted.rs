//! A queue, its workers and the watch together, with exporters that do as scripts tell them to.

use crate::dispatch::*;
use crate::export::{ExportError, Exported, Exporter};
use crate::record::sample::{Sample, batch};
use crate::record::{Batch, PerSignal, Signal};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

pub(super) const SOON: Duration = Duration::from_secs(10);
pub(super) const SHORT: Duration = Duration::from_millis(20);

/// What an exporter does when it is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
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
pub(super) struct Script {
    pub(super) acts: Mutex<VecDeque<Act>>,
    pub(super) calls: Mutex<Vec<Call>>,
    pub(super) over: (Mutex<bool>, Condvar),
    pub(super) exporters: AtomicU32,
    pub(super) max_items: Option<usize>,
    /// Of more spans than this the entry is too large for any spool.
    pub(super) max_packed: Option<usize>,
    /// What is never taken.
    pub(super) poison: Option<u64>,
}

/// What an exporter was called with.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) exporter: u32,
    /// The spans by their ids.
    pub(super) ids: Vec<u64>,
    pub(super) act: Act,
}

pub(super) struct Scripted {
    script: Arc<Script>,
    number: u32,
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

    fn halve_packed(&mut self, _: Signal, packed: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        let (first, second) = packed.split_at(packed.len() / 16 * 8);
        Some([first, second].map(|half| (half.len() / 8, half.to_vec())))
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
        let call = Call { exporter: self.number, ids: ids.clone(), act };
        self.script.calls.lock().expect("no test panics with it").push(call);
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

impl Act {
    /// How many of so many items the other side has taken, whether it could say so or not.
    pub(super) fn taken_of(self, items: usize) -> usize {
        match self {
            Self::Take | Self::Reject(_) | Self::Hang => items,
            Self::FailAfter(count) | Self::RefuseAfter(count) => count.min(items),
            Self::Fail | Self::Refuse | Self::Panic | Self::TooLarge => 0,
        }
    }
}

impl Script {
    pub(super) fn of(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
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

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no test panics with it").clone()
    }

    pub(super) fn exporter(self: &Arc<Self>) -> Box<dyn Exporter> {
        let number = self.exporters.fetch_add(1, Ordering::Relaxed);
        Box::new(Scripted { script: self.clone(), number, last: Vec::new(), settled: 0 })
    }

    /// Lets calls that hang return.
    pub(super) fn end(&self) {
        *self.over.0.lock().expect("no test panics with it") = true;
        self.over.1.notify_all();
    }
}

/// A queue with its threads.
pub(super) struct Running {
    pub(super) queue: Arc<Queue>,
    pub(super) script: Arc<Script>,
    stop: Arc<Stop>,
    /// Disconnected once all threads have ended.
    ended: Receiver<()>,
}

impl Running {
    pub(super) fn start(script: Arc<Script>, options: Options, is_remade: bool) -> Self {
        let queue = queue(options.clone());
        let (alive, ended) = channel();
        if queue.has_spool() {
            let keeper = Keeper { queue: queue.clone(), exporter: script.exporter() };
            let keeps_alive = alive.clone();
            spawn(move || {
                let _alive = keeps_alive;
                keeper.run();
            })
            .expect("a thread starts");
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
        Self { queue, script, stop, ended }
    }

    pub(super) fn push(&self, ids: impl IntoIterator<Item = u64>) {
        let spans: Vec<_> = ids.into_iter().map(|id| Sample::root("s", id)).collect();
        self.queue.push(Arc::new(batch(&spans)));
    }

    /// Pushes batches of these sizes, of spans numbered from behind this number on; the last number.
    pub(super) fn push_all(&self, behind: u64, sizes: &[u64]) -> u64 {
        sizes.iter().fold(behind, |pushed, size| {
            self.push(pushed + 1..=pushed + size);
            self.status();
            pushed + size
        })
    }

    /// Has all threads end, also those whose calls hang; the counts at the end.
    pub(super) fn join(&self) -> ExporterStatus {
        self.queue.abandon();
        self.stop.stop();
        self.script.end();
        let ended = self.ended.recv_timeout(SOON);
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "threads go on");
        self.status()
    }

    /// The counts, which must add up.
    pub(super) fn status(&self) -> ExporterStatus {
        let QueueStatus { offered, mut status } = self.queue.status(Signal::Traces).expect("it takes traces");
        status.created = offered;
        let Replayed { found, exported, rejected, dropped, waiting } = status.replayed;
        assert!(status.adds_up() && found == exported + rejected + dropped + waiting, "{status}");
        status
    }

    pub(super) fn settle(&self) -> ExporterStatus {
        assert!(self.queue.wait_until_settled(Instant::now() + SOON), "{}", self.status());
        self.status()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.queue.abandon();
        self.stop.stop();
        self.script.end();
    }
}

/// Waits until the counts are as wanted.
pub(super) fn wait_for(running: &Running, is_wanted: impl Fn(&ExporterStatus) -> bool) -> ExporterStatus {
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
pub(super) fn queue(options: Options) -> Arc<Queue> {
    let queue = Queue::new("scripted".to_owned(), options, PerSignal { traces: true, logs: false });
    Arc::new(queue.with_spool().expect("a folder of ours"))
}

pub(super) fn start(worker: Worker, alive: Sender<()>) -> io::Result<()> {
    spawn(move || {
        let _alive = alive;
        worker.run();
    })
}

#[expect(clippy::disallowed_methods, reason = "a test's threads are no background threads of ours")]
pub(super) fn spawn(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().spawn(body).map(drop)
}

pub(super) fn quick() -> Options {
    let millisecond = Duration::from_millis(1);
    Options {
        retry: RetryOptions { initial: millisecond, max: millisecond, budget: SOON },
        export_timeout: SHORT,
        ..Options::default()
    }
}

/// A folder for one spool, which goes with it.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("telemetry-keep-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    pub(super) fn spool(&self, mode: Mode) -> Option<SpoolPlace> {
        Some(SpoolPlace { path: self.0.clone(), mode, options: SpoolOptions::default() })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
