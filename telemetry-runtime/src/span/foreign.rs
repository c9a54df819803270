//! A span that somebody else's library opens, enters, leaves and ends: whenever, on whatever thread, in whatever order.
//!
//! ```text
//! open ─▶ Foreign: recorded, ended by its owner      ┐ held() ─▶ Held: entered and left anywhere, the parent of others
//!      └▶ Held: a context only, nothing is recorded  ┘ handle() ─▶ Span: what is said of it later
//! ```

use super::attached::{self, Entrance};
use super::context::{Scope, Snapshot, current, flag};
use super::extra::{Extra, Key, value_limit};
use super::handle::Span;
use super::live::Live;
use super::suppress;
use super::words::Words;
use crate::record::layout::{attribute_head, tag};
use crate::record::{Callsite, Luggage, SpanContext, Value};
use std::fmt::{self, Debug};

/// Where a span begins.
pub(crate) enum Below<'a> {
    /// Below whatever is current on this thread.
    Current,
    /// Below this span, of this process or another one.
    Context(&'a SpanContext),
    /// Nowhere: it begins a trace.
    Nothing,
}

/// A span that is recorded, between its start and its end, with room for `N` words of attributes.
///
/// Attributes that are known at the start go into the room; what comes later goes through the [`handle`](Self::handle), which needs no
/// access to the span. Dropping it ends it, on whatever thread.
pub(crate) struct Foreign<const N: usize> {
    live: Live,
    /// What travels along with what is below it.
    luggage: Luggage,
    attributes: Words<N>,
    /// Some attribute had no room: those that follow go ahead as well, or an older value would count as the later one.
    is_full: bool,
}

impl<const N: usize> Foreign<N> {
    /// Starts a span, which is not current yet, in the slot, where it stays: it is large. Its place is asked for only where a span is
    /// started. The context below it is returned.
    ///
    /// If nothing is to be recorded of it, because telemetry is off, the head policy said no, or the thread is [suppressed](suppress),
    /// the slot stays empty, and the context that is returned carries the decision on.
    #[inline]
    pub(crate) fn open(
        slot: &mut Option<Self>,
        below: &Below<'_>,
        callsite: impl FnOnce() -> &'static Callsite,
    ) -> Held {
        if suppress::is_suppressed() {
            return Held::default();
        }
        let _scope = below.enter();
        let (mut live, mut luggage) = (None, Luggage::NONE);
        if Live::is_wanted() {
            Live::start(&mut live, &mut luggage, callsite());
        }
        let Some(live) = live else { return Held(current().snapshot()) };
        let held = Held(Snapshot { ids: live.ids(), luggage: luggage.clone() });
        if live.is_sampled() {
            *slot = Some(Self { live, luggage, attributes: Words::new(), is_full: false });
        }
        held
    }

    /// Records an attribute under one of the callsite's keys.
    pub(crate) fn value(&mut self, key: u8, value: Value<'_>) {
        if !self.attributes.push_value(key, value) {
            self.push(Key::Index(key), value);
        }
    }

    /// Records an attribute under the callsite's key, formatted straight into the room.
    pub(crate) fn formatted(&mut self, key: u8, text: fmt::Arguments<'_>) {
        let head = |length| attribute_head(tag::STR, key, 0, length);
        if let Err(text) = self.attributes.push_text(head, "", text, value_limit()) {
            self.push(Key::Index(key), Value::Str(&text));
        }
    }

    /// Records an attribute under any key.
    pub(crate) fn attribute(&mut self, key: &str, value: Value<'_>) {
        self.push(Key::Text(key), value);
    }

    /// What does not fit into the room goes ahead, in a record of its own.
    #[cold]
    fn push(&mut self, key: Key<'_>, value: Value<'_>) {
        let mut extra = Extra::new();
        extra.value(key, value);
        self.is_full = self.is_full || !self.attributes.push_slice(extra.payload());
        if self.is_full {
            extra.push(self.live.identity());
        }
    }

    /// Says that the span is one of another place, which differs in what only a place says: its kind.
    /// By the place's number; 0 is none.
    pub(crate) fn move_to(&mut self, callsite: u32) {
        self.live.move_to(callsite);
    }

    /// The tick at which it started.
    pub(super) fn started(&self) -> u64 {
        self.live.started()
    }

    /// The context below the span.
    pub(crate) fn held(&self) -> Held {
        let mut ids = self.live.ids();
        if self.live.is_inherited() {
            // Forked meanwhile: the span runs in the parent process.
            ids.flags |= flag::REMOTE;
        }
        Held(Snapshot { ids, luggage: self.luggage.clone() })
    }

    /// What is said of the span from now on is said to this, on any thread, as long as the span runs.
    pub(crate) fn handle(&self) -> Span {
        self.held().handle()
    }

    /// Ends the span, which started and ended at these times, in Unix nanoseconds; without one, as it did.
    #[cfg_attr(
        not(feature = "opentelemetry"),
        expect(dead_code, reason = "only the API of OpenTelemetry gives times")
    )]
    pub(crate) fn end_at(mut self, start_unix_ns: Option<u64>, end_unix_ns: Option<u64>) {
        self.live.end_at(self.attributes.as_slice(), &self.luggage, start_unix_ns, end_unix_ns);
    }

    /// Records nothing of the span after all.
    pub(crate) fn discard(mut self) {
        self.live.discard();
    }
}

/// Ends the span now. It is current on this thread no longer.
impl<const N: usize> Drop for Foreign<N> {
    fn drop(&mut self) {
        attached::forget(self.live.ids());
        self.live.end(self.attributes.as_slice(), &self.luggage);
    }
}

impl Below<'_> {
    /// Makes that current for the moment of a start.
    fn enter(&self) -> Option<Scope> {
        match self {
            Below::Current => None,
            Below::Context(context) => {
                Some(Scope::enter(&Snapshot::new(context, current().luggage().baggage())))
            }
            Below::Nothing => Below::Context(&SpanContext::default()).enter(),
        }
    }
}

impl<const N: usize> Debug for Foreign<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Foreign").field(&self.live).finish()
    }
}

/// The context that a span stands for, whether it is recorded or not: what is current while it is entered.
#[derive(Clone, Default)]
pub(crate) struct Held(Snapshot);

impl Held {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self(snapshot)
    }

    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.0
    }

    /// Whether there is a context at all.
    pub(crate) fn is_active(&self) -> bool {
        self.0.ids.flags & flag::ACTIVE != 0
    }

    /// Makes it current on this thread until it is [left](super::leave), once more if it is already.
    pub(crate) fn enter(&self, by: Entrance) {
        attached::enter(&self.0, by);
    }

    /// The span's identity, for parents, links and other processes.
    pub(crate) fn context(&self) -> SpanContext {
        self.0.context()
    }

    /// A handle to the span, through which it may be added to; to one that is not recorded, in vain.
    pub(crate) fn handle(&self) -> Span {
        Span::of(&self.0)
    }
}

impl Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.0.context()).finish()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::record::{SpanData, StatusCode, TraceFlags};
    use crate::span::Entered;
    use crate::testing::capture;
    use std::thread;

    static SITE: Callsite = Callsite::new("f", module_path!(), file!(), line!(), &["key", "text"]);
    static OURS: Callsite = Callsite::new("ours", module_path!(), file!(), line!(), &[]);

    fn open(below: Below<'_>) -> Foreign<16> {
        let mut slot = None;
        Foreign::open(&mut slot, &below, || &SITE);
        slot.expect("it is recorded")
    }

    fn named(name: &str) -> Foreign<16> {
        let span = open(Below::Current);
        span.handle().set_name(name);
        span
    }

    fn ours() -> Entered<0> {
        let mut span = Entered::new();
        span.enter(&OURS);
        span
    }

    fn enter(held: &Held) {
        held.enter(entrance(held));
    }

    fn leave(held: &Held) {
        attached::leave(entrance(held));
    }

    fn entrance(held: &Held) -> Entrance {
        Entrance { owner: u64::MAX, span: held.0.ids.span_id }
    }

    /// On another thread.
    fn elsewhere(work: impl FnOnce() + Send) {
        thread::scope(|scope| scope.spawn(work).join().expect("it does not panic"));
    }

    fn span<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
        spans.iter().find(|span| span.name == name).expect("it was recorded")
    }

    fn parent<'a>(spans: &'a [SpanData], name: &str) -> Option<&'a str> {
        let parent = span(spans, name).parent_span_id?;
        spans.iter().find(|span| span.span_id == parent).map(|span| span.name.as_str())
    }

    fn current_span() -> SpanContext {
        Span::current().context()
    }

    #[test]
    fn nests_with_our_spans_whichever_way() {
        let spans = capture(|| {
            let outer = named("outer");
            enter(&outer.held());
            {
                let _ours = ours();
                let inner = named("inner");
                enter(&inner.held());
                leave(&inner.held());
            }
            leave(&outer.held());
        });
        assert_eq!(parent(&spans, "inner"), Some("ours"));
        assert_eq!(parent(&spans, "ours"), Some("outer"));
        assert_eq!(parent(&spans, "outer"), None);
    }

    #[test]
    fn starts_where_it_is_told_to() {
        let elsewhere = SpanContext::new(
            "0af7651916cd43dd8448eb211c80319c".parse().expect("an id"),
            "b7ad6b7169203331".parse().expect("an id"),
            TraceFlags::SAMPLED,
        );
        let _spans = capture(|| {
            let here = current_span();
            let below = open(Below::Context(&elsewhere.clone().remote())).held().context();
            assert_eq!(below.trace_id(), elsewhere.trace_id());
            assert_ne!(open(Below::Nothing).held().context().trace_id(), here.trace_id());
            assert_eq!(open(Below::Current).held().context().trace_id(), here.trace_id());
            assert_eq!(current_span(), here);
        });
    }

    #[test]
    fn keeps_typed_attributes_however_many_and_whatever_is_said_later() {
        let long = "x".repeat(500);
        let spans = capture(|| {
            let mut span = open(Below::Current);
            span.value(0, Value::U64(u64::MAX));
            span.formatted(1, format_args!("{long}"));
            span.attribute("any", Value::F64(0.5));
            let handle = span.handle();
            elsewhere(|| {
                handle.set_attribute("late", true);
                handle.add_event_at("then", Some(7), [("n", Value::I64(1))]);
                handle.add_link_with(&handle.context(), [("why", Value::Str("because"))]);
                handle.set_status(StatusCode::Error, "no");
                handle.set_name("renamed");
            });
            drop(span);
        });
        let span = span(&spans, "renamed");
        assert_eq!(span.attribute("key"), Some(&u64::MAX.to_string().into()));
        assert_eq!(span.attribute("text"), Some(&long.into()));
        assert_eq!(span.attribute("any"), Some(&0.5.into()));
        assert_eq!(span.attribute("late"), Some(&true.into()));
        let event = span.event("then").expect("it happened");
        assert_eq!((event.unix_ns, event.attribute("n")), (7, Some(&1.into())));
        assert_eq!(span.links[0].attributes, [("why".to_owned(), "because".into())]);
        assert_eq!((span.status, span.status_message.as_str()), (StatusCode::Error, "no"));
    }

    #[test]
    fn given_times_are_kept_to_the_nanosecond() {
        let spans = capture(|| {
            named("both").end_at(Some(1_000), Some(1_007));
            named("backwards").end_at(Some(1_000), Some(1));
            named("start").end_at(Some(5), None);
        });
        let times = |name| (span(&spans, name).start_unix_ns, span(&spans, name).duration_ns);
        assert_eq!(times("both"), (1_000, 7));
        assert_eq!(times("backwards"), (1_000, 0));
        let (start, duration) = times("start");
        assert!(start == 5 && duration > 1_600_000_000_000_000_000, "{duration}");
    }

    #[test]
    fn guards_in_any_order_leave_what_was_current() {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            capture(|| {
                let before = current_span();
                let spans = [named("a"), named("b"), named("c")];
                spans.iter().for_each(|span| enter(&span.held()));
                for index in order {
                    leave(&spans[index].held());
                }
                assert_eq!(current_span(), before, "{order:?}");
            });
        }
    }

    #[test]
    fn leaving_another_than_the_innermost_keeps_the_innermost_current() {
        capture(|| {
            let (outer, inner) = (named("outer").held(), named("inner").held());
            enter(&outer);
            enter(&inner);
            leave(&outer);
            assert_eq!(current_span(), inner.context());
        });
    }

    #[test]
    fn may_be_entered_again_before_it_is_left() {
        capture(|| {
            let before = current_span();
            let (a, b) = (named("a").held(), named("b").held());
            [&a, &a, &b, &a].iter().for_each(|held| enter(held));
            for (left, then) in [(&a, b.context()), (&b, a.context()), (&a, a.context()), (&a, before)] {
                leave(left);
                assert_eq!(current_span(), then);
            }
        });
    }

    #[test]
    fn leaving_what_was_not_entered_here_changes_nothing() {
        capture(|| {
            let (a, b) = (named("a").held(), named("b").held());
            elsewhere(|| enter(&a));
            enter(&b);
            leave(&a);
            assert_eq!(current_span(), b.context());
        });
    }

    #[test]
    fn the_end_of_a_span_that_was_never_left_makes_current_what_was() {
        capture(|| {
            let before = current_span();
            let span = named("a");
            enter(&span.held());
            enter(&span.held());
            drop(span);
            assert_eq!(current_span(), before);
        });
    }

    #[test]
    fn entering_without_leaving_is_bounded_and_still_undone() {
        capture(|| {
            let before = current_span();
            let held = named("a").held();
            (0..5_000).for_each(|_| enter(&held));
            // The guard that holds the test's own context is one of the 1024 that are kept.
            (0..1022).for_each(|_| leave(&held));
            assert_eq!(current_span(), held.context());
            leave(&held);
            assert_eq!(current_span(), before);
        });
    }

    #[test]
    fn what_is_not_sampled_carries_the_decision_to_other_threads() {
        let unsampled = SpanContext::new(
            "0af7651916cd43dd8448eb211c80319c".parse().expect("an id"),
            "b7ad6b7169203331".parse().expect("an id"),
            TraceFlags::default(),
        );
        let spans = capture(|| {
            let mut slot = None;
            let held = Foreign::<0>::open(&mut slot, &Below::Context(&unsampled), || &SITE);
            assert!(slot.is_none() && held.is_active() && !held.context().is_sampled());
            elsewhere(|| {
                enter(&held);
                drop(ours());
                leave(&held);
                assert!(!current_span().is_valid());
            });
        });
        assert!(spans.is_empty());
    }
}
