//! A process that makes as many spans as it can, or so many a second, for a time, then delivers them, and says what came of it.

mod outcome;
mod plan;

use crate::configurations;
use crate::counter;
use crate::library::Subject;
use crate::process;
use crate::scenario::TRACE;
pub(crate) use outcome::Outcome;
pub(crate) use plan::Plan;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

/// How long the flush at the end may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Memory at which production stops, since not every library bounds its own.
const MAX_RESIDENT_MIB: f64 = 3072.0;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Does what the plan on the command line says, and prints the outcome.
///
/// # Errors
/// If the plan cannot be read, or there is no such configuration.
pub fn serve(words: &[&str]) -> io::Result<()> {
    let plan = Plan::from_words(words).ok_or(io::ErrorKind::InvalidInput)?;
    let configuration = configurations::by_name(&plan.configuration)?;
    let subject = Arc::from((configuration.start)(&plan.sink));
    println!("{}", run(&plan, &subject).line());
    Ok(())
}

fn run(plan: &Plan, subject: &Arc<dyn Subject>) -> Outcome {
    let cpu_before = process::cpu_seconds();
    let start = Instant::now();
    let production = Production::new(plan.threads);
    thread::scope(|scope| {
        for number in 0..plan.threads {
            let producer = thread::Builder::new().name(format!("producer-{number}"));
            let produce = || production.produce(plan, subject.as_ref(), start);
            producer.spawn_scoped(scope, produce).expect("the system has a thread left");
        }
        let is_within_memory = watch(start, plan.duration);
        production.stop();
        let outcome = settle(subject, &production, start);
        production.end.wait();
        Outcome { cpu_seconds: outcome.cpu_seconds - cpu_before, is_within_memory, ..outcome }
    })
}

/// Delivers what there is, and takes stock before and after.
fn settle(subject: &Arc<dyn Subject>, production: &Production, start: Instant) -> Outcome {
    let seconds = start.elapsed().as_secs_f64();
    let delivered_at_stop = counter::delivered();
    let is_flushed = flush(subject);
    Outcome {
        created: production.created.load(Ordering::Acquire),
        delivered_at_stop,
        delivered: counter::delivered(),
        lost: subject.lost(),
        seconds,
        settled_seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: process::cpu_seconds(),
        peak_mib: process::peak_resident_mib(),
        is_within_memory: true,
        is_flushed,
    }
}

/// Waits until time or memory is up; whether it was time.
fn watch(start: Instant, duration: Duration) -> bool {
    while let Some(rest) = duration.checked_sub(start.elapsed()) {
        if process::resident_mib() > MAX_RESIDENT_MIB {
            return false;
        }
        thread::sleep(rest.min(LOOK));
    }
    true
}

/// Delivers what there is; whether that was over in time.
fn flush(subject: &Arc<dyn Subject>) -> bool {
    let (sender, receiver) = channel();
    let subject = Arc::clone(subject);
    thread::spawn(move || {
        subject.flush();
        // Nobody waits any more once time is up.
        let _ = sender.send(());
    });
    receiver.recv_timeout(PATIENCE).is_ok()
}

/// What the producers and the one who watches them share.
struct Production {
    is_over: AtomicBool,
    created: AtomicU64,
    /// All have stopped.
    stopped: Barrier,
    /// Producers live until everything is delivered: some libraries lose what a thread has left when it ends.
    end: Barrier,
}

impl Production {
    fn new(threads: usize) -> Self {
        Self {
            is_over: AtomicBool::new(false),
            created: AtomicU64::new(0),
            stopped: Barrier::new(threads + 1),
            end: Barrier::new(threads + 1),
        }
    }

    fn stop(&self) {
        self.is_over.store(true, Ordering::Release);
        self.stopped.wait();
    }

    fn produce(&self, plan: &Plan, subject: &dyn Subject, start: Instant) {
        let mut created = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            if plan.is_ahead(created, start) {
                thread::sleep(Duration::from_millis(1));
            } else {
                subject.make_trace(plan.has_attributes);
                created += TRACE;
            }
        }
        self.created.fetch_add(created, Ordering::AcqRel);
        self.stopped.wait();
        self.end.wait();
    }
}
