//! With the feature `tracing-spans`, any subscriber of `tracing` sees the spans of `#[instrument]` and `span!`.

use std::fmt::{self, Write};
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use telemetry_runtime::{Span, bridge, compat, instrument, span, testing};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::SubscriberExt;

/// One test at a time: which callsites `tracing` asks about depends on all subscribers of the process.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    names: Vec<&'static str>,
}

#[derive(Clone)]
struct Transcript(Arc<Mutex<Seen>>, Level);

impl Transcript {
    fn tell(&self, verb: &str, span: &Id, more: &str) {
        let mut seen = self.0.lock().expect("no panic while writing");
        let name = seen.names[span.into_u64() as usize - 1];
        seen.lines.push(format!("{verb} {name}{more}"));
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string");
    }
}

impl Subscriber for Transcript {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.1
    }
    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.1.into())
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let metadata = span.metadata();
        let mut seen = self.0.lock().expect("no panic while writing");
        seen.names.push(metadata.name());
        seen.lines.push(format!("new {} {} {}", metadata.name(), metadata.target(), metadata.level()));
        Id::from_u64(seen.names.len() as u64)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.tell("record", span, &fields.0);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, span: &Id) {
        self.tell("enter", span, "");
    }
    fn exit(&self, span: &Id) {
        self.tell("exit", span, "");
    }
    fn try_close(&self, span: Id) -> bool {
        self.tell("close", &span, "");
        true
    }
}

fn transcript(most: Level, run: impl FnOnce()) -> Vec<String> {
    let _alone = ALONE.lock();
    let transcript = Transcript(Arc::default(), most);
    tracing::subscriber::with_default(transcript.clone(), run);
    let seen = transcript.0.lock().expect("no panic while writing");
    seen.lines.clone()
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(
        |_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending },
    )
    .await;
}

#[instrument(target = "shop", fields(?text, sum = n + 1), ret)]
fn outer(n: u8, text: &str) -> usize {
    inner(true);
    text.len()
}

#[instrument(level = "debug")]
fn inner(yes: bool) -> bool {
    yes
}

#[instrument(target = "shop")]
async fn later(n: i16) -> i16 {
    yield_once().await;
    n
}

const OUTER: [&str; 8] = [
    "new outer shop INFO",
    "enter outer",
    "record outer n=1",
    "record outer text=\"t\"",
    "record outer sum=2",
    "record outer return=1",
    "exit outer",
    "close outer",
];

#[test]
fn a_function_is_a_span_of_tracing_whether_we_record_it_or_not() {
    let run = || _ = outer(1, "t");
    assert_eq!(transcript(Level::INFO, run), OUTER);
    assert_eq!(transcript(Level::INFO, || drop(testing::capture(run))), OUTER);
    assert_eq!(transcript(Level::DEBUG, run).len(), 8 + 5);
    assert_eq!(transcript(Level::ERROR, run), [""; 0]);
}

#[test]
fn a_future_is_entered_at_each_poll() {
    let polled = ["enter later", "exit later"];
    let expected =
        [&["new later shop INFO", "record later n=7"], &polled[..], &polled[..], &["close later"]].concat();
    assert_eq!(transcript(Level::INFO, || _ = block_on(later(7))), expected);
}

#[test]
fn a_future_that_is_dropped_is_closed() {
    #[instrument(target = "shop")]
    async fn never() {
        pending::<()>().await;
    }
    let seen = transcript(Level::INFO, || {
        let mut waiting = pin!(never());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    let polled = ["enter never", "exit never"];
    assert_eq!(seen, [&["new never shop INFO"], &polled[..], &polled[..], &["close never"]].concat());
}

#[test]
fn a_block_is_a_span_of_tracing_too() {
    let seen = transcript(Level::INFO, || {
        let _span = span!("block", target = "shop", x = 1.5);
    });
    assert_eq!(
        seen,
        ["new block shop INFO", "enter block", "record block x=1.5", "exit block", "close block"]
    );
}

#[test]
fn a_function_under_compat_is_one_span_of_tracing_only() {
    #[compat::instrument(target = "shop")]
    fn once(n: u8) -> u8 {
        n
    }
    assert_eq!(
        transcript(Level::INFO, || _ = once(1)),
        ["new once shop INFO", "enter once", "exit once", "close once"]
    );
}

#[test]
fn a_span_of_ours_that_comes_back_by_the_layer_is_recorded_once_and_a_parent_anywhere() {
    #[instrument]
    fn outer_of_two(yes: bool, n: u8) {
        assert!(yes && n == 7);
        let handle = tracing::Span::current();
        std::thread::scope(|scope| {
            scope.spawn(|| handle.in_scope(|| inner(true)));
        });
        tracing::info_span!(parent: &tracing::Span::current(), "theirs").in_scope(|| {
            let _block = span!("block");
        });
    }
    let _alone = ALONE.lock();
    let registry = tracing_subscriber::registry().with(bridge::spans::layer());
    let spans = testing::capture(|| {
        let before = Span::current().context();
        tracing::subscriber::with_default(registry, || {
            outer_of_two(true, 7);
            block_on(later(7));
        });
        assert_eq!(Span::current().context(), before);
    });
    let parents: Vec<_> = spans
        .iter()
        .map(|span| {
            let parent = spans.iter().find(|parent| Some(parent.span_id) == span.parent_span_id);
            (span.name.as_str(), parent.map_or("", |parent| parent.name.as_str()))
        })
        .collect();
    assert_eq!(
        parents,
        [
            ("outer_of_two", ""),
            ("inner", "outer_of_two"),
            ("theirs", "outer_of_two"),
            ("block", "theirs"),
            ("later", "")
        ]
    );
    assert_eq!(spans[0].attributes.len(), 2, "{:?}", spans[0]);
}
