//! Spans in any order and on any thread: old and young ones, ended ones, several at once, and guards held where they should not be.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::pin::Pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use telemetry_runtime::__private::{Callsite, Entered};
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::{
    Attached, Baggage, Guard, InCurrentSpan, Span, SpanContext, SpanData, SpanId, StatusCode, TraceFlags,
    attach, builder, instrument, span,
};
use telemetry_tests::turn;

const SOON: Duration = Duration::from_secs(10);

/// An installation that keeps what is delivered.
struct Kept {
    guard: Guard,
    memory: Memory,
}

fn install() -> Kept {
    let memory = Memory::with_limit(usize::MAX);
    let guard = builder().exporter("memory", memory.clone()).install().expect("one installation at a time");
    Kept { guard, memory }
}

impl Kept {
    /// What has been delivered since the last call, nothing of it lost on the way.
    fn delivered(&self) -> Vec<SpanData> {
        let report = self.guard.flush(SOON);
        assert!(report.is_complete(), "{report:?}");
        let status = self.guard.status();
        assert!(status.exporters[0].adds_up() && status.exporters[0].dropped.total() == 0, "{status:?}");
        self.memory.take()
    }
}

#[instrument]
fn work(n: u32) -> u32 {
    n
}

#[instrument(fields(what))]
fn named(what: &'static str) {
    Span::current().set_attribute("late", what);
}

/// The values of `what`, in order.
fn what(spans: &[SpanData]) -> Vec<String> {
    let mut found: Vec<_> = spans.iter().map(|span| text(span, "what")).collect();
    found.sort();
    found
}

fn text(span: &SpanData, key: &str) -> String {
    match span.attribute(key) {
        Some(telemetry_runtime::ValueBuf::Str(text)) => text.clone(),
        other => panic!("{key} is {other:?} in {span:?}"),
    }
}

/// Pending at the first poll.
fn once_pending() -> impl Future<Output = ()> + Send {
    let mut polled = false;
    std::future::poll_fn(move |_| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Polls once; whether the task is done.
fn poll<F: Future + ?Sized>(task: &mut Pin<Box<F>>) -> bool {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn remote(trace: &str) -> SpanContext {
    let (trace, span) = (trace.repeat(16), trace.repeat(8));
    let ids = (trace.parse().expect("a trace id"), span.parse().expect("a span id"));
    SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED).remote()
}

fn nothing_is_current() -> bool {
    !Span::current().context().is_valid()
}

// Threads that begin and end.

/// Records when its thread ends.
struct AtTheEnd(&'static str);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        let attached = attach(&remote("aa"));
        named(self.0);
        drop(attached);
        assert!(nothing_is_current());
    }
}

#[test]
fn a_span_in_a_thread_local_destructor_arrives_whenever_that_was_registered() {
    thread_local! {
        static BEFORE: OnceCell<AtTheEnd> = const { OnceCell::new() };
        static AFTER: OnceCell<AtTheEnd> = const { OnceCell::new() };
    }
    let _turn = turn();
    let kept = install();
    let recording = thread::spawn(|| {
        BEFORE.with(|slot| drop(slot.set(AtTheEnd("registered before"))));
        named("first span");
        AFTER.with(|slot| drop(slot.set(AtTheEnd("registered after"))));
    });
    let silent = thread::spawn(|| BEFORE.with(|slot| drop(slot.set(AtTheEnd("the only one")))));
    recording.join().expect("the thread ends");
    silent.join().expect("the thread ends");
    let spans = kept.delivered();
    assert_eq!(what(&spans), ["first span", "registered after", "registered before", "the only one"]);
    for span in &spans {
        assert_eq!(text(span, "late"), text(span, "what"), "what was set on it came along");
    }
}

#[test]
fn a_thread_records_as_long_as_there_is_an_installation_however_old_it_is() {
    let _turn = turn();
    let (say, hear) = mpsc::channel::<u32>();
    let (done, wait) = mpsc::channel();
    let old = thread::spawn(move || {
        for n in hear {
            work(n);
            done.send(()).expect("the test listens");
        }
    });
    let step = |n| {
        say.send(n).expect("the thread listens");
        wait.recv_timeout(SOON).expect("the thread works");
    };
    step(0);
    let first = install();
    step(1);
    assert_eq!(first.delivered().len(), 1);
    drop(first);
    step(2);
    let second = install();
    step(3);
    let young = thread::spawn(|| work(4));
    young.join().expect("the thread works");
    assert_eq!(second.delivered().len(), 2);
    drop(second);
    thread::spawn(|| work(5)).join().expect("a thread younger than all of them works");
    drop(say);
    old.join().expect("the thread ends");
}

#[test]
fn each_span_is_delivered_once_by_one_installation_or_the_next() {
    let _turn = turn();
    const ROUNDS: usize = 5;
    let stop = AtomicBool::new(false);
    let mut seen = HashSet::new();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    work(1);
                    // Not so fast that a lane fills.
                    thread::yield_now();
                }
            });
        }
        let mut recorded = 0;
        for _ in 0..ROUNDS {
            let kept = install();
            work(2);
            let report = kept.guard.shutdown(SOON);
            assert_eq!((report.exporters[0].left, report.exporters[0].dropped), (0, 0), "{report:?}");
            let spans = kept.memory.take();
            recorded += spans.len();
            seen.extend(spans.iter().map(|span| span.span_id));
            assert_eq!(seen.len(), recorded, "none twice");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let last = install();
    work(3);
    let spans = last.delivered();
    assert!(spans.iter().all(|span| seen.insert(span.span_id)), "none twice");
}

#[test]
fn thousands_of_threads_one_after_another_lose_nothing_and_leave_nothing() {
    let _turn = turn();
    const THREADS: u32 = 4000;
    let kept = install();
    let before = resident_bytes();
    let mut growth = 0;
    let mut numbers = HashSet::new();
    for n in 0..THREADS {
        thread::spawn(move || work(n)).join().expect("the thread works");
        if n % 500 == 499 {
            let spans = kept.delivered();
            numbers.extend(spans.iter().map(|span| span.span_id));
            growth = growth.max(resident_bytes().saturating_sub(before));
        }
    }
    assert_eq!(numbers.len(), THREADS as usize);
    println!("{THREADS} threads: at most {} KiB", growth >> 10);
    assert!(growth < 48 << 20, "{growth}");
}

#[test]
fn two_hundred_idle_threads_cost_little_memory() {
    const THREADS: usize = 200;
    let _turn = turn();
    let kept = install();
    let growth = |has_recorded: bool| {
        let before = resident_bytes();
        let all_there = Barrier::new(THREADS + 1);
        let over = Barrier::new(THREADS + 1);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    if has_recorded {
                        work(1);
                    }
                    all_there.wait();
                    over.wait();
                });
            }
            all_there.wait();
            let growth = resident_bytes().saturating_sub(before);
            over.wait();
            growth
        })
    };
    // Threads cost something themselves.
    let threads = growth(false);
    let lanes = growth(true).saturating_sub(threads);
    println!("{THREADS} idle threads: {} KiB, their lanes {} KiB more", threads >> 10, lanes >> 10);
    assert_eq!(kept.delivered().len(), THREADS);
    assert!(lanes < THREADS * (64 << 10), "{lanes}");
}

/// The memory that the process occupies; zero where nobody says.
fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) << 10
}

// Several threads at one span.

#[test]
fn whatever_another_thread_sets_while_the_span_runs_arrives() {
    let _turn = turn();
    let kept = install();
    let other = remote("bb");

    #[instrument]
    fn is_helped(other: &SpanContext) {
        let span = Span::current();
        thread::scope(|scope| {
            scope.spawn(|| {
                span.set_attribute("text", "x".repeat(1000));
                span.add_event("event", &[("size", &7)]);
                span.add_link(other);
            });
            scope.spawn(|| {
                span.set_status(StatusCode::Error, "another thread says so");
                span.set_name("renamed");
            });
        });
    }

    for _ in 0..100 {
        is_helped(&other);
    }
    let spans = kept.delivered();
    assert_eq!(spans.len(), 100);
    for span in spans {
        assert_eq!((span.name.as_str(), text(&span, "text").len()), ("renamed", 1000));
        assert_eq!(
            (span.status, span.status_message.as_str()),
            (StatusCode::Error, "another thread says so")
        );
        assert_eq!(span.event("event").and_then(|event| event.attribute("size")), Some(&7.into()));
        assert_eq!(
            span.links.iter().map(|link| link.context.span_id()).collect::<Vec<_>>(),
            [other.span_id()]
        );
    }
    assert_eq!(kept.guard.status().dropped_details, 0);
}

#[instrument]
async fn moves(n: u32) {
    work(n);
    once_pending().await;
    work(n);
    once_pending().await;
    work(n);
}

#[test]
fn a_future_may_be_polled_by_another_thread_each_time() {
    let _turn = turn();
    let kept = install();
    let mut task = Some(Box::pin(moves(1)));
    for _ in 0..3 {
        let mut moved = task.take().expect("it is passed on");
        let polled = thread::spawn(move || {
            poll(&mut moved);
            assert!(nothing_is_current());
            moved
        });
        task = Some(polled.join().expect("the thread polls"));
    }
    drop(task);
    let spans = kept.delivered();
    let root = spans.iter().find(|span| span.name == "moves").expect("the future's span");
    let parents: Vec<_> = spans.iter().map(|span| span.parent_span_id).collect();
    assert_eq!(parents.iter().filter(|parent| **parent == Some(root.span_id)).count(), 3);
    assert_eq!((spans.len(), root.parent_span_id, root.attribute("cancelled")), (4, None, None));
}

#[test]
fn a_future_may_be_dropped_by_another_thread_before_it_is_ready() {
    let _turn = turn();
    let kept = install();

    #[instrument]
    fn starts() {
        let mut own: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(moves(1));
        let mut carried: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(moves(2).in_current_span());
        let never_polled = Box::pin(moves(3));
        poll(&mut own);
        poll(&mut carried);
        let elsewhere = thread::spawn(move || {
            drop((own, carried, never_polled));
            assert!(nothing_is_current());
        });
        elsewhere.join().expect("the thread drops them");
    }

    starts();
    let spans = kept.delivered();
    let starts = spans.iter().find(|span| span.name == "starts").expect("the function's span");
    let moves: Vec<_> = spans.iter().filter(|span| span.name == "moves").collect();
    for span in &moves {
        assert_eq!(span.parent_span_id, Some(starts.span_id));
        assert_eq!(span.attribute("cancelled"), Some(&true.into()));
    }
    assert_eq!(moves.len(), 2, "what was never polled never began: {moves:?}");
}

// Guards in the wrong order or place.

static BLOCK: Callsite = Callsite::new("block", module_path!(), file!(), line!(), &[]);

/// A span that is current until dropped, which a function's own span could not outlive.
fn enter() -> Box<Entered<0>> {
    let mut entered = Box::new(Entered::new());
    entered.enter(&BLOCK);
    entered
}

#[test]
fn spans_closed_in_any_order_leave_nothing_behind_once_their_root_is_closed() {
    let _turn = turn();
    let kept = install();
    for order in
        [[0, 1, 2, 3], [0, 2, 1, 3], [1, 0, 3, 2], [1, 2, 3, 0], [2, 1, 0, 3], [2, 3, 0, 1], [3, 0, 2, 1]]
    {
        let mut spans = [(); 4].map(|()| Some(enter()));
        for index in order {
            spans[index] = None;
        }
        assert!(nothing_is_current(), "{order:?}");
        work(1);
    }
    let spans = kept.delivered();
    let by_id: HashMap<SpanId, &SpanData> = spans.iter().map(|span| (span.span_id, span)).collect();
    assert_eq!(by_id.len(), 7 * 5);
    for span in &spans {
        let parent = span.parent_span_id.map(|parent| by_id[&parent]);
        assert!(parent.is_none_or(|parent| parent.trace_id == span.trace_id));
        assert!(span.name == "block" || parent.is_none(), "the next span is a root again: {span:?}");
    }
}

#[test]
fn contexts_detached_in_any_order_restore_what_was_before_the_first() {
    let _turn = turn();
    let contexts = ["aa", "bb", "cc"].map(remote);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut attached = [0, 1, 2].map(|index| Some(attach(&contexts[index])));
        let mut left = vec![0, 1, 2];
        for index in order {
            attached[index] = None;
            left.retain(|kept| *kept != index);
            let current = Span::current().context();
            let youngest = left.last().map_or_else(SpanContext::default, |index| contexts[*index].clone());
            assert_eq!(current.span_id(), youngest.span_id(), "{order:?} after {index}");
        }
    }
}

#[test]
fn a_span_that_ends_before_what_was_attached_within_it_is_not_current_again() {
    let _turn = turn();
    let _kept = install();
    let within: [fn() -> Attached; 2] = [
        || attach(&remote("aa")),
        || Baggage::default().with("key", "value").expect("there is room").attach(),
    ];
    for is_child in [false, true] {
        let _parent = is_child.then(|| span!("parent"));
        let before = Span::current().context();
        for attach_within in within {
            let ended = span!("ended");
            let attached = attach_within();
            drop(ended);
            drop(attached);
            assert_eq!(Span::current().context(), before, "{is_child}");
        }
        let below = attach(&remote("bb"));
        let ended = span!("ended");
        let attached = attach(&remote("aa"));
        drop(ended);
        drop(below);
        drop(attached);
        assert_eq!(Span::current().context(), before, "{is_child}");
    }
    assert!(nothing_is_current());
}

#[test]
fn a_context_held_across_an_await_stays_out_of_other_tasks_that_are_spans() {
    let _turn = turn();
    let kept = install();

    #[instrument(fields(name))]
    async fn holds(trace: &'static str, name: &'static str) {
        let attached = attach(&remote(trace));
        named(name);
        once_pending().await;
        named(name);
        drop(attached);
        named(name);
    }

    // The contexts end in the order in which they began, and the other way round.
    for order in [[0, 1], [1, 0]] {
        let mut tasks: [Task; 2] = [Box::pin(holds("aa", "first")), Box::pin(holds("bb", "second"))];
        for task in &mut tasks {
            assert!(!poll(task));
            assert!(nothing_is_current());
        }
        for index in order {
            assert!(poll(&mut tasks[index]));
            assert!(nothing_is_current());
        }
    }
    let spans = kept.delivered();
    assert_eq!(spans.len(), 2 * 2 * 4);
    let traces_of = |name: &str| -> HashSet<_> {
        let tasks = spans.iter().filter(|span| span.name == "holds" && text(span, "name") == name);
        tasks.map(|span| span.trace_id).collect()
    };
    let (first, second) = (traces_of("first"), traces_of("second"));
    let (aa, bb) = (remote("aa").trace_id(), remote("bb").trace_id());
    for span in spans.iter().filter(|span| span.name == "named") {
        let (own, attached) = if text(span, "what") == "first" { (&first, aa) } else { (&second, bb) };
        assert!(span.trace_id == attached || own.contains(&span.trace_id), "{span:?}");
    }
}

#[test]
fn a_context_held_across_an_await_by_a_bare_task_is_gone_with_its_task() {
    let _turn = turn();
    let bare = |trace: &'static str| -> Task {
        Box::pin(async move {
            let attached = attach(&remote(trace));
            once_pending().await;
            drop(attached);
        })
    };
    for order in [[0, 1], [1, 0]] {
        let mut tasks = [bare("aa"), bare("bb")];
        tasks.iter_mut().for_each(|task| assert!(!poll(task)));
        for index in order {
            assert!(poll(&mut tasks[index]));
        }
        assert!(nothing_is_current(), "{order:?}");
    }
    let mut dropped = bare("aa");
    assert!(!poll(&mut dropped));
    drop(dropped);
    assert!(nothing_is_current());
}

#[test]
fn a_span_held_across_an_await_stays_out_of_other_tasks_that_are_spans() {
    let _turn = turn();
    let kept = install();

    #[instrument(fields(name))]
    async fn holds(name: &'static str) {
        let entered = enter();
        named(name);
        once_pending().await;
        named(name);
        drop(entered);
        named(name);
    }

    for order in [[0, 1], [1, 0]] {
        let mut tasks: [Task; 2] = [Box::pin(holds("first")), Box::pin(holds("second"))];
        for task in &mut tasks {
            assert!(!poll(task));
            assert!(nothing_is_current());
        }
        for index in order {
            assert!(poll(&mut tasks[index]));
            assert!(nothing_is_current());
        }
    }
    let spans = kept.delivered();
    assert_eq!(spans.len(), 2 * 2 * 5);
    let name_of: HashMap<_, _> = spans
        .iter()
        .filter(|span| span.name == "holds")
        .map(|span| (span.trace_id, text(span, "name")))
        .collect();
    assert_eq!(name_of.len(), 4, "each task is a trace");
    for span in spans.iter().filter(|span| span.name == "named") {
        assert_eq!(name_of[&span.trace_id], text(span, "what"));
    }
}

#[test]
fn tasks_on_two_threads_that_hold_spans_across_an_await_know_nothing_of_each_other() {
    let _turn = turn();
    let kept = install();

    #[instrument(fields(name))]
    async fn holds(name: &'static str) {
        let entered = enter();
        once_pending().await;
        named(name);
        drop(entered);
    }

    let step = Barrier::new(2);
    thread::scope(|scope| {
        for name in ["one", "two"] {
            let step = &step;
            scope.spawn(move || {
                let mut tasks: [Task; 2] = [Box::pin(holds(name)), Box::pin(holds(name))];
                for _ in 0..2 {
                    for task in &mut tasks {
                        step.wait();
                        poll(task);
                        assert!(nothing_is_current());
                    }
                }
            });
        }
    });
    let spans = kept.delivered();
    let by_id: HashMap<SpanId, &SpanData> = spans.iter().map(|span| (span.span_id, span)).collect();
    let parent = |span: &SpanData| span.parent_span_id.map(|parent| by_id[&parent]);
    for span in spans.iter().filter(|span| span.name == "named") {
        let block = parent(span).filter(|block| block.name == "block");
        let task = block.and_then(parent).or(parent(span)).expect("a task above it");
        assert_eq!((task.name.as_str(), text(task, "name")), ("holds", text(span, "what")));
    }
    assert_eq!(spans.len(), 4 * 3);
}
