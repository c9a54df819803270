//! The way of a span from a function to its exporters, with exporters that behave badly.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::policy::Ratio;
use telemetry_runtime::{
    Batch, Builder, ExportError, Exported, Exporter, ExporterStatus, Guard, InCurrentSpanOnce, Settings,
    Span, StatusCode, ValueBuf, builder, instrument,
};
use telemetry_tests::turn;

const SOON: Duration = Duration::from_secs(10);
/// Long enough for an exporter that works, short enough to wait for one that does not.
const A_WHILE: Duration = Duration::from_secs(1);

fn install(builder: Builder) -> Guard {
    builder.install().expect("one installation at a time")
}

#[instrument]
fn work(n: u32) -> u32 {
    n
}

#[instrument]
fn outer() {
    work(1);
}

fn status(guard: &Guard, name: &str) -> ExporterStatus {
    let status = guard.status();
    let found = status.exporters.into_iter().find(|exporter| exporter.name == name);
    let found = found.expect("an exporter of that name");
    assert!(found.adds_up(), "{found}");
    found
}

/// Answers every batch as it was told to.
struct Scripted<F>(F);

impl<F: FnMut(&Batch) -> Result<Exported, ExportError> + Send + 'static> Exporter for Scripted<F> {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        (self.0)(batch)
    }
}

/// An exporter that stays in `export` until it is let go.
fn stuck() -> (Sender<()>, Receiver<()>, impl Exporter) {
    let (let_go, held) = mpsc::channel::<()>();
    let (entered, is_in) = mpsc::channel();
    let exporter = Scripted(move |_: &Batch| {
        let _ = entered.send(());
        let _ = held.recv();
        Ok(Exported::all())
    });
    (let_go, is_in, exporter)
}

#[test]
fn every_exporter_gets_every_span() {
    let _turn = turn();
    let (first, second) = (Memory::new(), Memory::new());
    let guard = install(builder().exporter("first", first.clone()).exporter("second", second.clone()));
    outer();
    let report = guard.flush(SOON);
    assert!(report.is_complete(), "{report:?}");
    for memory in [first, second] {
        let names: Vec<_> = memory.spans().into_iter().map(|span| span.name).collect();
        assert_eq!(names, ["work", "outer"]);
    }
}

#[test]
fn a_panicking_exporter_loses_its_batch_and_goes_on() {
    let _turn = turn();
    let memory = Memory::new();
    let mut first = true;
    let panics_once = Scripted(move |_: &Batch| {
        assert!(!std::mem::take(&mut first), "as the test wants it");
        Ok(Exported::all())
    });
    let guard = install(builder().exporter("bad", panics_once).exporter("good", memory.clone()));
    work(1);
    let _ = guard.flush(SOON);
    work(2);
    let _ = guard.flush(SOON);
    let bad = status(&guard, "bad");
    assert_eq!((bad.exported, bad.dropped.permanent_error), (1, 1));
    assert_eq!(memory.spans().len(), 2);
}

#[test]
fn a_stuck_exporter_holds_up_neither_the_caller_nor_the_others() {
    let _turn = turn();
    let memory = Memory::new();
    let (let_go, is_in, stuck) = stuck();
    let guard = install(builder().exporter("stuck", stuck).exporter("good", memory.clone()));
    work(1);
    assert!(!guard.flush(A_WHILE).is_complete());
    is_in.recv_timeout(SOON).expect("the exporter was called");
    for n in 0..1000 {
        work(n);
    }
    let report = guard.flush(A_WHILE);
    assert_eq!((report.exporters[1].delivered, report.exporters[1].left), (1000, 0));
    let waiting = status(&guard, "stuck");
    assert_eq!((waiting.created, waiting.queued), (1001, 1001));
    drop(let_go);
    assert!(guard.flush(SOON).is_complete());
    assert_eq!(status(&guard, "stuck").exported, 1001);
}

#[test]
fn shutdown_gives_a_stuck_exporter_up_at_its_deadline_and_counts_what_it_held() {
    let _turn = turn();
    let memory = Memory::new();
    let (let_go, _is_in, stuck) = stuck();
    let guard = install(builder().exporter("stuck", stuck).exporter("good", memory.clone()));
    work(1);
    work(2);
    let started = Instant::now();
    let report = guard.shutdown(A_WHILE);
    assert!(started.elapsed() < SOON);
    assert_eq!((report.exporters[0].delivered, report.exporters[1].delivered), (0, 2));
    assert_eq!(status(&guard, "stuck").dropped.shutdown, 2);
    assert_eq!(status(&guard, "good").exported, 2);
    assert_eq!(guard.shutdown(SOON), report, "a second call returns the first one's report");
    drop(let_go);
}

#[test]
fn a_full_queue_drops_the_newest_and_counts_it() {
    let _turn = turn();
    let (let_go, is_in, stuck) = stuck();
    let guard = install(builder().exporter("stuck", stuck));
    work(0);
    let _ = guard.flush(A_WHILE);
    is_in.recv_timeout(SOON).expect("the exporter was called");
    // More than the 16 MiB that a queue holds, at some hundred bytes a span.
    for n in 0..400_000 {
        work(n);
    }
    let _ = guard.flush(A_WHILE);
    let full = status(&guard, "stuck");
    assert_eq!(full.created, 400_001);
    assert!(full.dropped.queue_full + full.dropped.lane_full > 0, "{full}");
    assert!(full.queued > 1000, "{full}");
    drop(let_go);
    assert!(guard.flush(SOON).exporters[0].left == 0);
    assert_eq!(status(&guard, "stuck").queued, 0);
}

#[test]
fn a_retryable_error_is_tried_again_and_a_permanent_one_is_not() {
    let _turn = turn();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = calls.clone();
    let exporter = Scripted(move |batch: &Batch| {
        let mut calls = seen.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(batch.span_count());
        match calls.len() {
            1 => Err(ExportError::retryable("busy", None)),
            2 => Ok(Exported::with_rejected(1)),
            _ => Err(ExportError::permanent("no such place")),
        }
    });
    let guard = install(builder().exporter("moody", exporter));
    outer();
    let _ = guard.flush(SOON);
    let after_retry = status(&guard, "moody");
    assert_eq!((after_retry.exported, after_retry.rejected, after_retry.last_error), (1, 1, None));
    work(1);
    let _ = guard.flush(SOON);
    let after_refusal = status(&guard, "moody");
    assert_eq!(
        (after_refusal.dropped.permanent_error, after_refusal.last_error.as_deref()),
        (1, Some("no such place"))
    );
    assert_eq!(*calls.lock().unwrap_or_else(PoisonError::into_inner), [2, 2, 1]);
}

#[test]
fn the_counts_add_up_at_every_moment_while_threads_come_and_go() {
    let _turn = turn();
    let mut flip = false;
    let moody = Scripted(move |_: &Batch| {
        flip = !flip;
        if flip { Err(ExportError::permanent("every second batch")) } else { Ok(Exported::all()) }
    });
    let guard = install(builder().exporter("moody", moody).exporter("good", Memory::new()));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for exporter in guard.status().exporters {
                    assert!(exporter.adds_up(), "{exporter}");
                }
            }
        });
        for _ in 0..8 {
            let works = || {
                for n in 0..2_000 {
                    work(n);
                }
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(works)).collect();
            threads.into_iter().for_each(|thread| thread.join().expect("the thread works"));
        }
        done.store(true, Ordering::Relaxed);
    });
    let _ = guard.flush(SOON);
    for name in ["moody", "good"] {
        let status = status(&guard, name);
        assert_eq!((status.created, status.queued), (64_000, 0), "{status}");
    }
}

#[test]
fn what_another_thread_adds_before_the_end_arrives_with_the_span() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));

    #[instrument]
    fn asks_for_help() {
        let span = Span::current();
        let helper = std::thread::spawn(move || {
            span.set_attribute("helped", true);
            span.add_event("help", &[("times", &1)]);
        });
        helper.join().expect("the helper helps");
    }

    for _ in 0..200 {
        asks_for_help();
    }
    let _ = guard.flush(SOON);
    let spans = memory.spans();
    assert_eq!(spans.len(), 200);
    for span in spans {
        assert_eq!(span.attribute("helped"), Some(&true.into()), "{span:?}");
        assert_eq!(span.event("help").and_then(|event| event.attribute("times")), Some(&1.into()));
    }
}

#[test]
fn a_closure_carries_its_span_to_another_thread() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));

    #[instrument]
    fn hands_over() {
        let thread = std::thread::spawn((|| work(3)).in_current_span());
        thread.join().expect("the thread works");
    }

    hands_over();
    let _ = guard.flush(SOON);
    let [work, hands_over] = memory.spans().try_into().expect("two spans");
    assert_eq!(work.parent_span_id, Some(hands_over.span_id));
    assert_eq!(work.trace_id, hands_over.trace_id);
}

#[test]
fn nothing_is_recorded_below_a_root_that_is_not_sampled() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().policy(Ratio::NEVER).exporter("memory", memory.clone()));

    #[instrument]
    fn unsampled() {
        let context = Span::current().context();
        assert!(context.is_valid() && !context.is_sampled(), "what it calls is told so: {context:?}");
        outer();
    }

    unsampled();
    let _ = guard.flush(SOON);
    assert_eq!(status(&guard, "memory").created, 0);
    assert!(!Span::current().context().is_valid());
}

#[test]
fn after_shutdown_functions_run_uninstrumented_and_a_new_start_is_possible() {
    let _turn = turn();
    let first = install(builder().exporter("memory", Memory::new()));
    assert!(builder().install().is_err_and(|error| error.is_already_installed()));
    drop(first);
    assert_eq!(work(5), 5);
    let memory = Memory::new();
    let second = install(builder().exporter("memory", memory.clone()));
    work(6);
    assert!(second.flush(SOON).is_complete());
    assert_eq!(memory.spans().len(), 1);
}

#[test]
fn a_recorded_error_says_its_type_its_message_and_its_sources() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no quantity")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[instrument]
    fn notes_an_error() {
        let error = "x".parse::<u32>().map_err(Outer).expect_err("x is no number");
        Span::current().record_error(&error);
    }

    notes_an_error();
    let _ = guard.flush(SOON);
    let [span] = memory.spans().try_into().expect("one span");
    assert_eq!(span.status, StatusCode::Error);
    assert_eq!(span.status_message, "no quantity: invalid digit found in string");
    let Some(ValueBuf::Str(error_type)) = span.attribute("error.type") else { panic!("{span:?}") };
    assert!(error_type.ends_with("::Outer"), "{error_type}");
}

#[test]
fn of_a_burst_that_is_larger_than_the_queue_as_much_as_fits_arrives() {
    let _turn = turn();
    let text = "telemetry: {limits: {queue_items: 64}, exporters: []}";
    let settings = Settings::from_text(text, "settings.yaml").expect("they are right");
    let memory = Memory::new();
    let guard = install(builder().settings(settings).exporter("memory", memory.clone()));
    (0..100).for_each(|n| assert_eq!(work(n), n));
    let _report = guard.flush(SOON);
    let status = status(&guard, "memory");
    assert!(status.exported >= 64, "{status}");
    assert_eq!(status.exported as usize, memory.take().len());
}
