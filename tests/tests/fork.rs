//! What a process that records can be sure of when it forks, and what its child can.
#![cfg(unix)]

use std::collections::HashSet;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::{Builder, Guard, Report, Span, SpanData, SpanId, Status, builder, instrument};
use telemetry_tests::turn;
use tracing_subscriber::layer::SubscriberExt;

const SOON: Duration = Duration::from_secs(10);
/// How long a child may take before it is taken for dead.
const CHILD_SECONDS: u32 = 60;

fn install(builder: Builder) -> Guard {
    builder.install().expect("one installation at a time")
}

#[instrument]
fn in_parent(n: u32) -> u32 {
    n
}

#[instrument]
fn child_work(n: u32) -> u32 {
    n
}

/// One of two processes.
enum Fork {
    Child { tell: PipeWriter },
    Parent { child: libc::pid_t, says: PipeReader },
}

fn fork() -> Fork {
    let (says, tell) = std::io::pipe().expect("a pipe");
    // SAFETY: the child runs what this thread does next, up to its end in `Fork::run`; the C library keeps its allocator usable there.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child > 0 {
        return Fork::Parent { child, says };
    }
    // SAFETY: ends the child, should it hang; there is nothing to go wrong.
    unsafe { libc::alarm(CHILD_SECONDS) };
    Fork::Child { tell }
}

impl Fork {
    fn is_child(&self) -> bool {
        matches!(self, Self::Child { .. })
    }

    /// Runs `body` in the child, which ends by that and fails the test if it panics or hangs; gives the parent what it said.
    fn run(self, body: impl FnOnce() -> String) -> String {
        match self {
            Self::Child { tell } => end_child(tell, body),
            Self::Parent { child, says } => listen(child, says),
        }
    }
}

fn end_child(mut tell: PipeWriter, body: impl FnOnce() -> String) -> ! {
    let result = catch_unwind(AssertUnwindSafe(body));
    let said = match &result {
        Ok(said) => said,
        Err(panic) => panic.downcast_ref::<String>().map_or("a panic", String::as_str),
    };
    let told = tell.write_all(said.as_bytes());
    // SAFETY: ends the child without the parent's destructors and exit handlers.
    unsafe { libc::_exit(i32::from(result.is_err() || told.is_err())) }
}

fn listen(child: libc::pid_t, mut says: PipeReader) -> String {
    let mut said = String::new();
    says.read_to_string(&mut said).expect("the child says something");
    let mut status = 0;
    // SAFETY: `status` is there to be written to.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((ended, status), (child, 0), "the child says: {said}");
    said
}

fn in_child(body: impl FnOnce() -> String) -> String {
    fork().run(body)
}

/// Runs `body` while some threads record, and others come and go.
fn among_busy_threads<R>(body: impl FnOnce() -> R) -> R {
    const STEADY: usize = 3;
    let stop = AtomicBool::new(false);
    let ready = Barrier::new(STEADY + 2);
    let is_over = || stop.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        for _ in 0..STEADY {
            scope.spawn(|| {
                in_parent(0);
                ready.wait();
                (0..200_000).take_while(|_| !is_over()).for_each(|n| {
                    in_parent(n);
                });
            });
        }
        scope.spawn(|| {
            ready.wait();
            while !is_over() {
                std::thread::scope(|scope| {
                    scope.spawn(|| in_parent(1));
                });
            }
        });
        ready.wait();
        let result = body();
        stop.store(true, Ordering::Relaxed);
        result
    })
}

fn ids(spans: &[SpanData]) -> HashSet<SpanId> {
    spans.iter().map(|span| span.span_id).collect()
}

fn names(spans: &[SpanData]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

#[test]
fn a_child_delivers_its_own_spans_and_the_parent_its_own_each_once() {
    let _turn = turn();
    let memory = Memory::with_limit(usize::MAX);
    let guard = install(builder().exporter("memory", memory.clone()));
    let theirs = among_busy_threads(|| {
        in_child(|| {
            child_work(0);
            let memory = Memory::new();
            let guard = install(builder().exporter("memory", memory.clone()));
            for n in 1..=100 {
                child_work(n);
            }
            assert!(guard.shutdown(SOON).is_complete());
            let spans = memory.spans();
            assert_eq!(
                names(&spans),
                ["child_work"; 100],
                "what came before the installation is not recorded"
            );
            ids(&spans).iter().map(|id| format!("{id} ")).collect()
        })
    });
    let theirs: HashSet<SpanId> = theirs.split_whitespace().map(|id| id.parse().expect("an id")).collect();
    assert_eq!(theirs.len(), 100);
    let _ = guard.flush(SOON);
    let spans = memory.spans();
    let ours = ids(&spans);
    assert_eq!(ours.len(), spans.len(), "each once");
    assert!(names(&spans).iter().all(|name| *name == "in_parent"));
    assert!(ours.is_disjoint(&theirs));
    for exporter in guard.status().exporters {
        assert!(exporter.adds_up() && exporter.queued == 0, "{exporter}");
    }
    assert_eq!(guard.status().exporters[0].exported, spans.len() as u64);
}

#[test]
fn a_child_delivers_its_own_log_records_and_the_parent_its_own() {
    let _turn = turn();
    let subscriber = tracing_subscriber::registry().with(telemetry_runtime::bridge::events::layer());
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));
    tracing::info!("the parent's, not collected yet");
    among_busy_threads(|| {
        in_child(|| {
            tracing::info!("nobody's: nothing is installed");
            let memory = Memory::new();
            let guard = install(builder().exporter("memory", memory.clone()));
            tracing::info!("the child's, at a place that is new");
            assert!(guard.shutdown(SOON).is_complete());
            let bodies: Vec<_> = memory.logs().into_iter().map(|log| log.body).collect();
            assert_eq!(bodies, ["the child's, at a place that is new"]);
            String::new()
        })
    });
    tracing::info!("the parent's later one");
    let _ = guard.flush(SOON);
    let bodies: Vec<_> = memory.logs().into_iter().map(|log| log.body).collect();
    assert_eq!(bodies, ["the parent's, not collected yet", "the parent's later one"]);
}

#[test]
fn parent_and_child_draw_different_ids() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));
    in_parent(0);
    let theirs = in_child(|| {
        let memory = Memory::new();
        let guard = install(builder().exporter("memory", memory.clone()));
        child_work(0);
        let _ = guard.shutdown(SOON);
        memory.spans().iter().map(|span| format!("{} {}", span.trace_id, span.span_id)).collect()
    });
    in_parent(1);
    let _ = guard.flush(SOON);
    let ours = memory.spans();
    assert_ne!(theirs, format!("{} {}", ours[1].trace_id, ours[1].span_id));
}

#[test]
fn the_guard_of_the_parent_does_nothing_in_the_child_and_returns_at_once() {
    let _turn = turn();
    let guard = install(builder().exporter("memory", Memory::new()));
    among_busy_threads(|| {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Whoever asks holds the locks that the child must not wait for.
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let _ = (guard.status(), guard.flush(SOON));
                }
            });
            for _ in 0..20 {
                in_child(|| {
                    let own = Own::install();
                    let started = Instant::now();
                    assert_eq!(guard.status(), Status::default());
                    assert_eq!(guard.flush(SOON * 60), Report::default());
                    assert_eq!(guard.shutdown(SOON * 60), Report::default());
                    assert!(started.elapsed() < SOON);
                    assert!(builder().install().is_err_and(|error| error.is_already_installed()));
                    child_work(1);
                    assert_eq!(own.delivered(), ["child_work"]);
                    String::new()
                });
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn dropping_the_guard_of_the_parent_in_the_child_ends_nothing_there() {
    let _turn = turn();
    let guard = install(builder().exporter("memory", Memory::new()));
    let mut guard = Some(guard);
    in_child(|| {
        let memory = Memory::new();
        let own = install(builder().exporter("memory", memory.clone()));
        drop(guard.take());
        child_work(1);
        assert_eq!(own.flush(SOON).exporters[0].delivered, 1);
        String::new()
    });
    in_parent(1);
    let guard = guard.expect("the child took its copy");
    assert_eq!(guard.flush(SOON).exporters[0].delivered, 1, "and the parent goes on");
}

#[test]
fn many_forks_among_threads_that_come_and_go_never_hang() {
    let _turn = turn();
    let _guard = install(builder().exporter("memory", Memory::new()));
    among_busy_threads(|| {
        for _ in 0..100 {
            in_child(|| {
                let own = Own::install();
                let others = std::thread::scope(|scope| scope.spawn(|| child_work(1)).join());
                others.expect("the thread works");
                child_work(2);
                assert_eq!(own.delivered(), ["child_work"; 2]);
                String::new()
            });
        }
    });
}

#[test]
fn a_span_that_is_open_at_the_fork_is_the_remote_parent_of_the_child_s_and_ends_there_silently() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));

    #[instrument]
    fn open_at_the_fork(fork: impl FnOnce()) {
        in_parent(1);
        open_too(fork);
    }

    #[instrument]
    fn open_too(fork: impl FnOnce()) {
        fork();
    }

    let mut said = String::new();
    open_at_the_fork(|| {
        let parent = Span::current().context();
        said = in_child(|| {
            let memory = Memory::new();
            let own = install(builder().exporter("memory", memory.clone()));
            assert!(!Span::current().is_recording(), "the span is another process's");
            Span::current().set_attribute("lost", true);
            child_work(1);
            let _ = own.shutdown(SOON);
            let [span] = memory.spans().try_into().expect("one span");
            assert_eq!((span.trace_id, span.parent_span_id), (parent.trace_id(), Some(parent.span_id())));
            assert!(span.parent_is_remote, "{span:?}");
            span.span_id.to_string()
        });
    });
    let _ = guard.flush(SOON);
    let spans = memory.spans();
    assert_eq!(names(&spans), ["in_parent", "open_too", "open_at_the_fork"]);
    assert!(spans.iter().all(|span| span.span_id.to_string() != said));
    assert_eq!(spans[1].attribute("lost"), None);
}

/// What a child needs to record.
struct Own {
    guard: Guard,
    memory: Memory,
}

impl Own {
    fn install() -> Self {
        let memory = Memory::new();
        Self { guard: install(builder().exporter("memory", memory.clone())), memory }
    }

    /// The names of what it has delivered, having dropped nothing.
    fn delivered(self) -> Vec<String> {
        assert!(self.guard.shutdown(SOON).is_complete());
        assert_eq!(self.guard.status().dropped_details, 0);
        self.memory.spans().into_iter().map(|span| span.name).collect()
    }
}

#[test]
fn a_function_that_forks_is_a_span_of_the_parent_only() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));

    #[instrument]
    fn returns_twice() -> (Fork, Option<Own>) {
        let fork = fork();
        let own = fork.is_child().then(Own::install);
        if own.is_some() {
            // The thread has a lane of its own again, and the straight path to it.
            child_work(1);
        }
        (fork, own)
    }

    let (fork, own) = returns_twice();
    fork.run(|| {
        assert!(!Span::current().context().is_valid());
        assert_eq!(own.expect("this is the child").delivered(), ["child_work"]);
        String::new()
    });
    let _ = guard.flush(SOON);
    assert_eq!(names(&memory.spans()), ["returns_twice"]);
}

#[test]
fn a_future_that_runs_at_the_fork_ends_silently_in_the_child() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));

    #[instrument]
    async fn fails_later() -> Result<(), String> {
        let mut waited = false;
        let wait = move |_: &mut Context<'_>| match std::mem::replace(&mut waited, true) {
            true => Poll::Ready(Err("too late".to_owned())),
            false => Poll::Pending,
        };
        std::future::poll_fn(wait).await
    }

    let mut context = Context::from_waker(Waker::noop());
    let (mut fails, mut is_dropped) = (Box::pin(fails_later()), Box::pin(fails_later()));
    assert!(fails.as_mut().poll(&mut context).is_pending());
    assert!(is_dropped.as_mut().poll(&mut context).is_pending());
    let fork = fork();
    if fork.is_child() {
        fork.run(|| {
            let own = Own::install();
            child_work(1);
            assert!(fails.as_mut().poll(&mut context).is_ready());
            drop(is_dropped);
            child_work(2);
            assert_eq!(own.delivered(), ["child_work"; 2]);
            String::new()
        });
    } else {
        fork.run(String::new);
        drop((fails, is_dropped));
        let _ = guard.flush(SOON);
        assert_eq!(names(&memory.spans()), ["fails_later"; 2]);
    }
}

#[test]
fn a_child_of_a_child_starts_anew_as_well() {
    let _turn = turn();
    let _guard = install(builder());
    in_child(|| {
        let own = Own::install();
        child_work(1);
        in_child(|| {
            let own = Own::install();
            child_work(2);
            assert_eq!(own.delivered(), ["child_work"]);
            String::new()
        });
        assert_eq!(own.delivered(), ["child_work"]);
        String::new()
    });
}

#[test]
fn a_span_of_another_library_that_began_before_the_fork_is_the_parents_and_a_remote_parent_to_the_child() {
    use tracing_subscriber::layer::SubscriberExt;
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));
    let registry = tracing_subscriber::registry().with(telemetry_runtime::bridge::spans::layer());
    tracing::subscriber::with_default(registry, || {
        let theirs = tracing::info_span!("theirs", later = tracing::field::Empty);
        let fork = fork();
        if !fork.is_child() {
            let said = fork.run(String::new);
            drop(theirs);
            assert_eq!(said, "child_work below a remote parent: true");
            return;
        }
        fork.run(|| {
            let memory = Memory::new();
            let guard = install(builder().exporter("memory", memory.clone()));
            theirs.in_scope(|| child_work(1));
            theirs.record("later", 1);
            drop(theirs);
            assert!(guard.flush(SOON).is_complete());
            let spans = memory.take();
            format!("{} below a remote parent: {}", names(&spans).join(", "), spans[0].parent_is_remote)
        });
    });
    assert!(guard.flush(SOON).is_complete());
    assert_eq!(names(&memory.take()), ["theirs"]);
    assert!(guard.shutdown(SOON).is_complete());
}
