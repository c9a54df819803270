//! The way of a log record from an event of `tracing` to its exporters, whatever the event's fields do.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, Once};
use std::time::Duration;
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::policy::Ratio;
use telemetry_runtime::{
    Batch, Builder, ExportError, Exported, Exporter, ExporterStatus, Guard, Level, LogData, Settings, Signal,
    Span, ValueBuf, bridge, builder, instrument, span,
};
use tracing_subscriber::layer::SubscriberExt;

const SOON: Duration = Duration::from_secs(10);

/// One installation at a time. All share the process's subscriber, as programs do.
fn turn() -> MutexGuard<'static, ()> {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(bridge::events::layer());
        tracing::subscriber::set_global_default(subscriber).expect("the only one");
    });
    telemetry_tests::turn()
}

fn install(builder: Builder) -> Guard {
    builder.install().expect("one installation at a time")
}

/// The log records that `body` makes.
fn logs_of(body: impl FnOnce()) -> Vec<LogData> {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));
    body();
    assert!(guard.flush(SOON).is_complete());
    memory.logs()
}

fn only_log(body: impl FnOnce()) -> LogData {
    let [log] = logs_of(body).try_into().expect("one log record");
    log
}

fn bodies(logs: &[LogData]) -> Vec<&str> {
    logs.iter().map(|log| log.body.as_str()).collect()
}

/// The counts of an exporter's log records.
fn status(guard: &Guard, name: &str) -> ExporterStatus {
    let mut exporters = guard.status().exporters.into_iter();
    let found = exporters.find(|exporter| exporter.name == name && exporter.signal == Signal::Logs);
    let found = found.expect("an exporter of log records of that name");
    assert!(found.adds_up(), "{found}");
    found
}

/// Takes both signals, and answers every batch as it was told to.
struct Scripted<F>(F);

impl<F: FnMut(&Batch) -> Result<Exported, ExportError> + Send + 'static> Exporter for Scripted<F> {
    fn takes(&self, _: Signal) -> bool {
        true
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        (self.0)(batch)
    }
}

/// Does this while it is formatted, and then writes a word.
struct Does<F>(F);

impl<F: Fn()> fmt::Debug for Does<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)();
        f.write_str("done")
    }
}

#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str("and so on ")?;
        }
    }
}

#[test]
fn a_record_says_what_the_event_says_with_its_types() {
    let error = std::io::Error::other("no order");
    let log = only_log(|| {
        tracing::warn!(
            target: "orders",
            yes = true, int = -1, big = u64::MAX, wide = u128::MAX, small = 7_u128, float = 0.5, text = "t",
            bytes = [1_u8, 2].as_slice(), debug = ?Some("x"), r#type = %'c', error = &error as &dyn std::error::Error,
            "sold {}", 3
        );
    });
    assert_eq!((log.body.as_str(), log.target.as_str(), log.level), ("sold 3", "orders", Level::Warn));
    let expected: [(&str, ValueBuf); 11] = [
        ("yes", true.into()),
        ("int", (-1).into()),
        ("big", u64::MAX.to_string().into()),
        ("wide", u128::MAX.to_string().into()),
        ("small", 7.into()),
        ("float", 0.5.into()),
        ("text", "t".into()),
        ("bytes", ValueBuf::Bytes(vec![1, 2])),
        ("debug", "Some(\"x\")".into()),
        ("type", "c".into()),
        ("error", "no order".into()),
    ];
    assert_eq!(log.attributes, expected.map(|(key, value)| (key.to_owned(), value)));
}

#[test]
fn a_field_that_is_named_like_a_secret_is_not_looked_at() {
    struct Untouchable;
    impl fmt::Debug for Untouchable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("a secret was looked at")
        }
    }
    let log = only_log(|| {
        tracing::info!(pin = 1234, api_key = ?Untouchable, user.password = "x", spin = 1, "message");
    });
    for secret in ["pin", "api_key", "user.password"] {
        assert_eq!(log.attribute(secret), Some(&"[REDACTED]".into()), "{secret}");
    }
    assert_eq!((log.attribute("spin"), log.body.as_str()), (Some(&1.into()), "message"));
}

#[test]
fn a_record_has_the_name_that_the_event_was_given_and_no_other() {
    assert_eq!(only_log(|| tracing::info!("plain")).name, None);
    let named = only_log(|| tracing::info!(name: "order.sold", id = 7));
    assert_eq!((named.name.as_deref(), named.body.as_str()), (Some("order.sold"), ""));
}

#[test]
fn a_record_has_the_ids_of_the_current_span_sampled_or_not_or_none() {
    #[instrument]
    fn works() -> telemetry_runtime::SpanContext {
        tracing::info!("at work");
        Span::current().context()
    }
    assert_eq!(only_log(|| tracing::info!("idle")).context, None);
    let mut span = None;
    assert_eq!(only_log(|| span = Some(works())).context, span);

    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().policy(Ratio::NEVER).exporter("memory", memory.clone()));
    let unsampled = works();
    assert!(guard.flush(SOON).is_complete());
    assert!(!unsampled.is_sampled() && memory.spans().is_empty());
    assert_eq!(memory.logs()[0].context, Some(unsampled));
}

#[test]
fn long_bodies_and_values_are_cut_and_counted_and_endless_ones_end() {
    let _turn = turn();
    let memory = Memory::new();
    let settings = "telemetry: {exporters: [], limits: {value: 100}}\nlogging: {level: 'off'}";
    let settings = Settings::from_text(settings, "settings.yaml").expect("valid settings");
    let guard = install(builder().settings(settings).exporter("memory", memory.clone()));
    let before = guard.status().truncated_values;
    tracing::info!(text = "ä".repeat(60), endless = %Endless, endless_too = %Endless, "{Endless}");
    assert!(guard.flush(SOON).is_complete());
    let log = &memory.logs()[0];
    assert_eq!(log.body, "and so on ".repeat(10));
    assert_eq!(log.attribute("text"), Some(&"ä".repeat(50).into()));
    for key in ["endless", "endless_too"] {
        assert_eq!(log.attribute(key), Some(&"and so on ".repeat(10).into()));
    }
    assert_eq!(guard.status().truncated_values - before, 4);
    drop(guard);
    // The limit outlives its installation.
    drop(install(builder().settings(Settings::default().without_exporters())));
}

#[test]
fn a_field_that_logs_makes_a_record_of_its_own() {
    let inner = Does(|| tracing::warn!(deep = true, "inner"));
    let logs = logs_of(|| tracing::info!(before = 1, inner = ?inner, after = 2, "outer"));
    assert_eq!(bodies(&logs), ["inner", "outer"]);
    assert_eq!(logs[0].attribute("deep"), Some(&true.into()));
    let outer: [(String, ValueBuf); 3] =
        [("before".into(), 1.into()), ("inner".into(), "done".into()), ("after".into(), 2.into())];
    assert_eq!(logs[1].attributes, outer);
}

#[test]
fn a_field_that_opens_spans_leaves_the_record_in_its_own() {
    let mut outer = None;
    let opens = Does(|| {
        let _ours = span!("ours");
        let _theirs = tracing::info_span!("theirs").entered();
        tracing::info!("within");
    });
    let logs = logs_of(|| {
        let _span = span!("outer");
        outer = Some(Span::current().context());
        tracing::info!(opens = ?opens, "without");
    });
    assert_eq!(bodies(&logs), ["within", "without"]);
    assert_eq!(logs[1].context, outer);
    let (within, without) = (logs[0].context.as_ref(), logs[1].context.as_ref());
    assert_eq!(within.map(|span| span.trace_id()), without.map(|span| span.trace_id()));
    assert_ne!(within.map(|span| span.span_id()), without.map(|span| span.span_id()));
}

#[test]
fn a_field_that_panics_ends_its_own_text_only() {
    let log = only_log(|| {
        let panics = Does(|| panic!("as the test wants it"));
        tracing::info!(before = 1, panics = ?("so far", panics), after = 2, "goes on");
    });
    let expected: [(String, ValueBuf); 3] =
        [("before".into(), 1.into()), ("panics".into(), "(\"so far\", ".into()), ("after".into(), 2.into())];
    assert_eq!((log.body.as_str(), log.attributes), ("goes on", expected.to_vec()));
    let message = only_log(|| tracing::info!("half {:?}", Does(|| panic!("as the test wants it"))));
    assert_eq!(message.body, "half ");
}

#[test]
fn threads_that_deliver_do_not_record_what_they_say() {
    let _turn = turn();
    let memory = Memory::new();
    let talks = Scripted(|batch: &Batch| {
        tracing::info!(items = batch.item_count(), "exporting");
        Ok(Exported::all())
    });
    let guard = install(builder().exporter("talks", talks).exporter("memory", memory.clone()));
    tracing::info!("once");
    for _ in 0..3 {
        assert!(guard.flush(SOON).is_complete());
    }
    assert_eq!(bodies(&memory.logs()), ["once"]);
    assert_eq!(status(&guard, "talks").exported, 1);
}

#[test]
fn a_record_from_a_thread_s_last_destructors_arrives() {
    struct Says(&'static str);
    impl Drop for Says {
        fn drop(&mut self) {
            tracing::info!("{}", self.0);
        }
    }
    thread_local! {
        static EARLY: RefCell<Option<Says>> = const { RefCell::new(None) };
        static LATE: RefCell<Option<Says>> = const { RefCell::new(None) };
    }
    let mut logs = logs_of(|| {
        let thread = std::thread::spawn(|| {
            // One destructor is registered before all of telemetry's, the other one after.
            EARLY.set(Some(Says("early")));
            tracing::info!("alive");
            LATE.set(Some(Says("late")));
        });
        thread.join().expect("the thread ends in order");
    });
    logs.sort_by(|a, b| a.body.cmp(&b.body));
    assert_eq!(bodies(&logs), ["alive", "early", "late"]);
}

#[test]
fn what_is_logged_before_or_after_an_installation_is_not_recorded() {
    let _turn = turn();
    tracing::info!("before");
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));
    tracing::info!("during");
    assert!(guard.shutdown(SOON).is_complete());
    tracing::info!("after");
    assert_eq!(bodies(&memory.logs()), ["during"]);
    assert_eq!(status(&guard, "memory").created, 1);
}

#[test]
fn nothing_is_evaluated_where_no_exporter_takes_log_records() {
    let _turn = turn();
    let guard = install(builder().exporter("spans", Spans));
    let asked = AtomicBool::new(false);
    tracing::info!(asks = ?Does(|| asked.store(true, Ordering::Relaxed)), "in vain");
    assert!(guard.flush(SOON).is_complete());
    assert!(!asked.load(Ordering::Relaxed));
    assert!(guard.status().exporters.iter().all(|exporter| exporter.signal == Signal::Traces));
}

/// Takes what exporters take by default, and nothing else.
struct Spans;

impl Exporter for Spans {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        assert_eq!((batch.signal(), batch.logs().count()), (Signal::Traces, 0));
        Ok(Exported::all())
    }
}

#[instrument]
fn work() {
    tracing::info!("at work");
}

#[test]
fn an_exporter_of_spans_gets_no_log_records() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("spans", Spans).exporter("memory", memory.clone()));
    work();
    assert!(guard.flush(SOON).is_complete());
    let counts: Vec<_> = guard
        .status()
        .exporters
        .into_iter()
        .map(|exporter| (exporter.name, exporter.signal, exporter.exported))
        .collect();
    let expected = [("spans", Signal::Traces, 1), ("memory", Signal::Traces, 1), ("memory", Signal::Logs, 1)];
    assert_eq!(counts, expected.map(|(name, signal, count)| (name.to_owned(), signal, count)));
}

#[test]
fn each_signal_is_tried_again_refused_and_counted_on_its_own() {
    let _turn = turn();
    let mut calls = Vec::new();
    let exporter = Scripted(move |batch: &Batch| {
        calls.push(batch.signal());
        match batch.signal() {
            Signal::Logs if calls.iter().filter(|signal| **signal == Signal::Logs).count() == 1 => {
                Err(ExportError::retryable("busy", None))
            }
            Signal::Logs => Err(ExportError::permanent("no such place")),
            _ => Ok(Exported::with_rejected(1)),
        }
    });
    let guard = install(builder().exporter("moody", exporter));
    work();
    work();
    let report = guard.flush(SOON);
    let [spans, logs] = report.exporters.try_into().expect("one entry for each signal");
    assert_eq!((spans.signal, spans.delivered, spans.dropped), (Signal::Traces, 1, 1));
    assert_eq!((logs.signal, logs.delivered, logs.dropped), (Signal::Logs, 0, 2));
    let logs = status(&guard, "moody");
    assert_eq!((logs.created, logs.dropped.permanent_error), (2, 2));
    assert_eq!(logs.last_error.as_deref(), Some("no such place"));
    assert_eq!(guard.status().exporters[0].last_error, None);
}

#[test]
fn the_counts_of_log_records_add_up_at_every_moment_while_threads_come_and_go() {
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
        for _ in 0..4 {
            let works = || (0..1_000).for_each(|_| work());
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(works)).collect();
            threads.into_iter().for_each(|thread| thread.join().expect("the thread works"));
        }
        done.store(true, Ordering::Relaxed);
    });
    let _ = guard.flush(SOON);
    for exporter in guard.status().exporters {
        assert_eq!((exporter.created, exporter.queued, exporter.adds_up()), (16_000, 0, true), "{exporter}");
    }
}

#[test]
fn a_stuck_exporter_makes_log_records_drop_and_be_counted() {
    let _turn = turn();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let stuck = Scripted(move |_: &Batch| {
        let _ = held.recv();
        Ok(Exported::all())
    });
    let guard = install(builder().exporter("stuck", stuck));
    // More than the queue's 16 MiB and the lane's 4.
    let text = "x".repeat(4_000);
    for _ in 0..8_000 {
        tracing::info!("{text}");
    }
    let full = status(&guard, "stuck");
    assert_eq!(full.created, 8_000);
    assert!(full.dropped.queue_full + full.dropped.lane_full > 0, "{full}");
    drop(let_go);
    assert_eq!(guard.flush(SOON).exporters.iter().map(|exporter| exporter.left).sum::<u64>(), 0);
    assert_eq!(status(&guard, "stuck").queued, 0);
}

#[test]
fn each_record_is_delivered_once_by_one_installation_or_the_next() {
    const EACH: i64 = 20_000;
    let _turn = turn();
    let memory = Memory::new();
    let mut exported = 0;
    let mut installation = || {
        let guard = install(builder().exporter("memory", memory.clone()));
        let _ = guard.flush(SOON);
        let _ = guard.shutdown(SOON);
        exported += status(&guard, "memory").exported;
    };
    std::thread::scope(|scope| {
        let writes = |thread: i64| (0..EACH).for_each(|n| tracing::info!(number = thread * EACH + n));
        let writers = [0, 1].map(|thread| scope.spawn(move || writes(thread)));
        while !writers.iter().all(|writer| writer.is_finished()) {
            installation();
        }
    });
    installation();
    let mut numbers: Vec<_> = memory.logs().iter().map(|log| log.attribute("number").cloned()).collect();
    assert_eq!(numbers.len() as u64, exported);
    numbers.sort_by_key(|number| format!("{number:?}"));
    numbers.dedup();
    assert_eq!(numbers.len() as u64, exported, "none comes twice");
}

#[test]
fn events_are_events_of_their_span_where_that_is_wanted() {
    let _turn = turn();
    let memory = Memory::new();
    let guard = install(builder().exporter("memory", memory.clone()));
    let layer = bridge::events::layer().with_span_events(true);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _span = span!("outer");
        tracing::warn!(target: "orders", left = 3, "nearly sold out");
        tracing::info!(name: "order.sold", "not the name");
    });
    assert!(guard.flush(SOON).is_complete());
    let span = &memory.spans()[0];
    let [low, sold] = &span.events[..] else { panic!("two events: {span:?}") };
    assert_eq!((low.name.as_str(), sold.name.as_str()), ("nearly sold out", "order.sold"));
    let attributes = [("level", "WARN".into()), ("target", "orders".into()), ("left", 3.into())];
    assert_eq!(low.attributes, attributes.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(memory.logs().len(), 2, "they are log records all the same");
}
