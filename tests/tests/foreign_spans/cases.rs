//! What is asked of both ways that spans of `tracing` become ours: their parents, values and times, whatever they do.

use super::capture;
use std::error::Error;
use std::fmt;
use std::panic::catch_unwind;
use std::thread;

use telemetry_runtime::{
    SpanContext, SpanData, SpanKind, StatusCode, TraceFlags, attach, bridge, compat, instrument, span,
};
use tracing::field::{Empty, debug, display};
use tracing::{Instrument, Span, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"))
}

/// The name of the span's parent.
fn parent<'a>(spans: &'a [SpanData], name: &str) -> Option<&'a str> {
    let parent = named(spans, name).parent_span_id?;
    Some(spans.iter().find(|span| span.span_id == parent).map_or("none of these", |span| &span.name))
}

fn current() -> SpanContext {
    telemetry_runtime::Span::current().context()
}

#[instrument]
fn ours() {}

#[test]
fn nests_with_our_spans_whichever_way() {
    #[instrument]
    fn outermost() {
        let _theirs = info_span!("theirs").entered();
        let _block = span!("block");
        info_span!("innermost").in_scope(ours);
    }
    let spans = capture(outermost);
    let names = ["outermost", "theirs", "block", "innermost", "ours"];
    for [outer, inner] in names.array_windows() {
        assert_eq!(parent(&spans, inner), Some(*outer));
    }
    assert_eq!(parent(&spans, "outermost"), None);
}

#[derive(Debug)]
struct Failed(fmt::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no order")
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn values_keep_their_types() {
    let spans = capture(|| {
        let failed = Failed(fmt::Error);
        let _span = info_span!(
            target: "orders", "typed",
            yes = true, int = -1, size = 7_usize, big = u64::MAX, wide = 7_i128, wider = u128::MAX, float = 0.5,
            text = "t", debug = ?Some("x"), shown = %'c', r#type = 1, nothing = Empty,
            failed = &failed as &dyn Error
        );
    });
    let span = named(&spans, "typed");
    let max = (u64::MAX.to_string(), u128::MAX.to_string());
    let chain = format!("no order: {}", fmt::Error);
    let expected: [(&str, telemetry_runtime::ValueBuf); 12] = [
        ("yes", true.into()),
        ("int", (-1).into()),
        ("size", 7.into()),
        ("big", max.0.into()),
        ("wide", 7.into()),
        ("wider", max.1.into()),
        ("float", 0.5.into()),
        ("text", "t".into()),
        ("debug", "Some(\"x\")".into()),
        ("shown", "c".into()),
        ("type", 1.into()),
        ("failed", chain.into()),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(span.attributes, expected);
    assert_eq!(span.target, "orders");
}

#[test]
fn what_is_recorded_later_counts() {
    let long = "x".repeat(1_000);
    let spans = capture(|| {
        let span = info_span!("later", n = 1, text = Empty, failed = Empty, shown = Empty);
        span.record("n", 2_u64).record("text", long.as_str()).record("shown", debug(Some(1)));
        thread::scope(|scope| {
            scope.spawn(|| span.record("failed", &Failed(fmt::Error) as &dyn Error));
        });
    });
    let span = named(&spans, "later");
    assert_eq!(span.attribute("n"), Some(&2.into()));
    assert_eq!(span.attribute("text"), Some(&long.into()));
    assert_eq!(span.attribute("shown"), Some(&"Some(1)".into()));
    assert_eq!(span.attribute("failed"), Some(&format!("no order: {}", fmt::Error).into()));
}

#[test]
fn explicit_parent_counts_on_any_thread_and_none_is_a_root() {
    let mut trace = None;
    let spans = capture(|| {
        trace = Some(current().trace_id());
        let outer = info_span!("outer");
        thread::scope(|scope| {
            scope.spawn(|| info_span!(parent: &outer, "inner"));
        });
        let root = info_span!(parent: None, "root");
        assert_ne!(root.in_scope(|| current().trace_id()), current().trace_id());
    });
    assert_eq!(parent(&spans, "inner"), Some("outer"));
    assert_eq!(spans.len(), 2, "the root is of another trace: {spans:#?}");
    assert_eq!(Some(spans[0].trace_id), trace);
}

#[test]
fn follows_from_is_a_link() {
    let spans = capture(|| {
        let cause = info_span!("cause");
        let effect = info_span!("effect");
        effect.follows_from(&cause);
        let id = cause.id();
        drop(cause);
        effect.follows_from(id);
    });
    let links = &named(&spans, "effect").links;
    assert_eq!(links.len(), 1, "a span that has ended is no longer known");
    assert_eq!(links[0].context.span_id(), named(&spans, "cause").span_id);
}

#[test]
fn fields_of_opentelemetry_say_what_they_mean_at_the_start_and_later() {
    let spans = capture(|| {
        let name = format!("GET /{}", 7);
        let _early = info_span!(
            "a", otel.name = name, otel.kind = "Server", otel.status_code = ?StatusCode::Error,
            otel.status_description = "broken", otel.other = 1
        );
        let late = info_span!("b", otel.name = Empty, otel.kind = Empty, otel.status_message = Empty);
        late.record("otel.name", "renamed").record("otel.kind", display("client"));
        late.record("otel.status_message", "broken, too");
        let _ok = info_span!("ok", otel.status_code = "OK", otel.kind = "no such kind");
    });
    let early = named(&spans, "GET /7");
    assert_eq!((early.kind, early.status), (SpanKind::Server, StatusCode::Error));
    assert_eq!(early.status_message, "broken");
    assert_eq!(early.attributes.iter().filter(|(key, _)| key.starts_with("otel.")).count(), 1);
    let late = named(&spans, "renamed");
    assert_eq!((late.kind, late.status), (SpanKind::Client, StatusCode::Error));
    assert_eq!(late.status_message, "broken, too");
    assert_eq!((named(&spans, "ok").kind, named(&spans, "ok").status), (SpanKind::Internal, StatusCode::Ok));
}

#[test]
fn a_field_that_is_named_like_a_secret_is_not_looked_at() {
    let spans = capture(|| {
        let span = info_span!(
            "s", pin = 1234, api_key = ?Untouchable, user.password = "x", spin = 1, r#token = Empty, otel.kind = "client"
        );
        span.record("token", debug(Untouchable)).record("pin", 4321).record("spin", 2);
    });
    let span = named(&spans, "s");
    for secret in ["pin", "api_key", "user.password", "token"] {
        assert_eq!(span.attribute(secret), Some(&"[REDACTED]".into()), "{secret}");
    }
    assert_eq!(span.attribute("spin"), Some(&2.into()));
}

#[test]
fn a_status_and_its_description_belong_together_in_whatever_order_they_are_said() {
    let spans = capture(|| {
        let span = |name| {
            info_span!("s", otel.name = name, otel.status_code = Empty, otel.status_description = Empty)
        };
        span("code first").record("otel.status_code", "error").record("otel.status_description", "why");
        span("code last").record("otel.status_description", "why").record("otel.status_code", "error");
        let created = info_span!("created", otel.status_description = "why", otel.status_code = Empty);
        created.record("otel.status_code", "ERROR");
        span("another").record("otel.status_description", "no").record("otel.status_description", "why");
        span("ok").record("otel.status_description", "why").record("otel.status_code", "ok");
    });
    let status = |name| (named(&spans, name).status, named(&spans, name).status_message.as_str());
    for name in ["code first", "code last", "created", "another"] {
        assert_eq!(status(name), (StatusCode::Error, "why"), "{name}");
    }
    assert_eq!(status("ok"), (StatusCode::Ok, ""));
}

/// Must not be looked at.
struct Untouchable;

impl fmt::Debug for Untouchable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a field of a span that is not recorded was evaluated")
    }
}

#[test]
fn what_is_not_sampled_evaluates_nothing_and_carries_the_decision_on() {
    let spans = capture(|| {
        let here = current();
        let unsampled = SpanContext::new(here.trace_id(), here.span_id(), TraceFlags::default());
        for parent in [unsampled.clone(), unsampled.remote()] {
            let _attached = attach(&parent);
            let span = info_span!("left out", field = ?Untouchable, otel.kind = "client", later = Empty);
            span.record("later", debug(Untouchable));
            thread::scope(|scope| {
                scope.spawn(|| {
                    span.in_scope(|| {
                        assert!(current().is_valid() && !current().is_sampled());
                        ours();
                        info_span!("left out, too").in_scope(ours);
                    })
                });
            });
        }
    });
    assert!(spans.is_empty(), "{spans:#?}");
}

/// Code that was written for `tracing`, whose spans are ours already.
#[compat::instrument(fields(later, ?n), skip_all)]
fn migrated(n: u8) {
    let handle = Span::current();
    handle.record("later", 7);
    thread::spawn(move || handle.in_scope(ours)).join().expect("it does not panic");
    info_span!(parent: &Span::current(), "theirs");
}

#[compat::instrument]
async fn migrated_future() {
    tokio::spawn(async { ours() }.in_current_span()).await.expect("it does not panic");
}

#[test]
fn a_span_beside_ours_is_no_second_one_but_a_parent_as_ours() {
    let spans = capture(|| migrated(1));
    assert_eq!(spans.len(), 3, "{spans:#?}");
    assert_eq!(parent(&spans, "ours"), Some("migrated"));
    assert_eq!(parent(&spans, "theirs"), Some("migrated"));
    assert_eq!(named(&spans, "migrated").attribute("later"), Some(&7.into()));
    assert_eq!(named(&spans, "migrated").attribute("n"), Some(&"1".into()));
}

#[test]
fn a_future_beside_ours_is_no_second_one_either() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let spans = capture(|| runtime.block_on(migrated_future()));
    assert_eq!(spans.len(), 2, "{spans:#?}");
    assert_eq!(parent(&spans, "ours"), Some("migrated_future"));
}

#[test]
fn a_span_beside_ours_is_told_from_those_that_its_fields_make() {
    fn field() -> u8 {
        info_span!("made by a field").in_scope(|| 1)
    }
    #[compat::instrument(fields(made = field()))]
    fn with_field() {}
    let spans = capture(with_field);
    let count = |name| spans.iter().filter(|span| span.name == name).count();
    // The expression is evaluated for ours and for that of `tracing`.
    assert_eq!((count("with_field"), count("made by a field"), spans.len()), (1, 2, 3));
}

#[test]
fn a_future_of_theirs_keeps_its_parent_on_whatever_thread_it_is_polled() {
    #[instrument]
    async fn step(n: u64) {
        tokio::task::yield_now().await;
        info_span!("leaf", n).in_scope(|| {});
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let spans = capture(|| {
        let here = current();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..50_u64)
                .map(|n| {
                    let _attached = attach(&here);
                    let task = async move {
                        for _ in 0..5 {
                            step(n).await;
                        }
                    };
                    tokio::spawn(task.instrument(info_span!("task", n)))
                })
                .collect();
            for task in tasks {
                task.await.expect("it does not panic");
            }
        });
    });
    let parent = |span: &SpanData| spans.iter().find(|other| Some(other.span_id) == span.parent_span_id);
    for leaf in spans.iter().filter(|span| span.name == "leaf") {
        let step = parent(leaf).expect("a step");
        let task = parent(step).expect("a task");
        assert_eq!((step.name.as_str(), task.name.as_str()), ("step", "task"));
        assert_eq!(leaf.attribute("n"), task.attribute("n"));
    }
    assert_eq!(spans.len(), 50 * 11);
}

#[test]
fn guards_dropped_in_any_order_leave_what_was_current() {
    capture(|| {
        let before = current();
        let (a, b, c) = (info_span!("a").entered(), info_span!("b").entered(), info_span!("c").entered());
        let innermost = current();
        drop(a);
        assert_eq!(current(), innermost);
        drop(c);
        drop(b);
        assert_eq!(current(), before);
    });
}

#[test]
fn a_guard_that_is_held_across_a_wait_misleads_nobody_once_it_is_dropped() {
    use std::pin::pin;
    use std::task::{Context, Waker};
    async fn wrong(name: &'static str) {
        let span = info_span!("wrong", name);
        let _entered = span.enter();
        tokio::task::yield_now().await;
    }
    capture(|| {
        let before = current();
        let (mut one, mut two) = (pin!(wrong("one")), pin!(wrong("two")));
        let mut context = Context::from_waker(Waker::noop());
        for poll in 0..2 {
            assert_eq!(one.as_mut().poll(&mut context).is_ready(), poll == 1);
            assert_eq!(two.as_mut().poll(&mut context).is_ready(), poll == 1);
        }
        assert_eq!(current(), before);
    });
}

#[test]
fn a_span_may_be_entered_here_and_ended_there_or_never_left() {
    let spans = capture(|| {
        let before = current();
        let span = info_span!("elsewhere");
        let entered = span.enter();
        let clone = span.clone();
        thread::spawn(move || drop(clone)).join().expect("it does not panic");
        drop(entered);
        thread::spawn(move || drop(span)).join().expect("it does not panic");

        let never_left = info_span!("never left");
        std::mem::forget(never_left.enter());
        drop(never_left);
        assert_eq!(current(), before);
    });
    assert_eq!(spans.len(), 2);
}

/// Its `Debug` does all that must not be done while a lock is held.
struct Busy;

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("logged");
        ours();
        let theirs = info_span!("theirs", later = Empty);
        let _entered = theirs.enter();
        theirs.record("later", 1);
        tracing::dispatcher::get_default(|dispatch| {
            let current = dispatch.current_span();
            let id = current.id().expect("a span");
            // As `tracing_error::SpanTrace` does, but for good.
            if let Some(registry) = dispatch.downcast_ref::<Registry>() {
                for span in registry.span(id).expect("it is open").scope() {
                    span.extensions_mut().replace(());
                }
            }
        });
        f.write_str("busy")
    }
}

#[test]
fn debug_may_log_and_make_spans_and_take_locks() {
    let spans = capture(|| {
        let span = info_span!("outer", early = ?Busy, late = Empty, otel.name = Empty);
        let _entered = span.enter();
        span.record("late", debug(Busy));
        span.record("otel.name", debug(Busy));
    });
    let outer = named(&spans, "busy");
    assert_eq!(outer.attribute("early"), Some(&"busy".into()));
    assert_eq!(outer.attribute("late"), Some(&"busy".into()));
    let count = |name| spans.iter().filter(|span| span.name == name).count();
    assert_eq!((count("ours"), count("theirs")), (3, 3));
}

/// Panics when it is shown.
struct Explosive;

impl fmt::Debug for Explosive {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("shown")
    }
}

#[test]
fn a_field_that_panics_is_left_out_and_harms_nobody() {
    let spans = capture(|| {
        let before = current();
        let outer = info_span!("outer", late = Empty);
        outer.in_scope(|| {
            info_span!("inner", first = 1, explosive = ?Explosive, last = 3).in_scope(ours);
            outer.record("late", debug(Explosive));
        });
        assert_eq!(current(), before);
    });
    let names = ["outer", "inner", "ours"];
    for [outer, inner] in names.array_windows() {
        assert_eq!(parent(&spans, inner), Some(*outer));
    }
    assert_eq!(named(&spans, "inner").attributes, [("first".to_owned(), 1.into())]);
}

#[test]
fn a_panic_that_ends_a_span_is_its_error() {
    let spans = capture(|| {
        let panics = catch_unwind(|| info_span!("unwound").in_scope(|| panic!("out of stock")));
        assert!(panics.is_err());
    });
    let span = named(&spans, "unwound");
    assert_eq!((span.status, span.status_message.as_str()), (StatusCode::Error, "out of stock"));
}

#[test]
fn a_registry_that_has_the_layer_twice_records_once() {
    let twice = tracing_subscriber::registry().with(bridge::spans::layer()).with(bridge::spans::layer());
    let spans = capture(|| {
        let before = current();
        tracing::subscriber::with_default(twice, || info_span!("once", n = 1).in_scope(ours));
        assert_eq!(current(), before);
    });
    assert_eq!(parent(&spans, "ours"), Some("once"));
    assert_eq!(spans.len(), 2, "{spans:#?}");
}

#[test]
fn concurrent_first_uses_of_a_place_are_one_place() {
    let spans = capture(|| {
        let here = current();
        thread::scope(|scope| {
            for n in 0..8_u64 {
                let here = &here;
                scope.spawn(move || {
                    let _attached = attach(here);
                    drop(info_span!("same place", n));
                });
            }
        });
    });
    assert_eq!(spans.len(), 8);
    assert!(spans.iter().all(|span| span.name == "same place" && span.attributes.len() == 1));
}

#[test]
fn a_request_of_warp_is_one_trace_with_what_its_handler_does() {
    use tower_service::Service;
    use warp::{Filter, Reply};

    #[instrument]
    fn find(id: u64) -> String {
        format!("order {id}")
    }
    let route = warp::path!("orders" / u64).map(find).with(warp::trace::request());
    let mut service = warp::service(route.map(Reply::into_response));
    let spans = capture(|| {
        let request = http::Request::get("/orders/7").header("referer", "shop");
        let request = request.body(http_body_util::Empty::<&[u8]>::new()).expect("it is well formed");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let response = runtime.block_on(service.call(request));
        assert_eq!(response.expect("it is answered").status(), 200);
    });
    let request = named(&spans, "request");
    assert_eq!(request.attribute("method"), Some(&"GET".into()));
    assert_eq!(request.attribute("path"), Some(&"/orders/7".into()));
    assert_eq!(request.attribute("referer"), Some(&"shop".into()));
    assert_eq!(parent(&spans, "find"), Some("request"));
}

#[test]
fn the_current_span_is_the_one_that_was_entered_last_and_may_be_kept_longer_than_by_its_owner() {
    let spans = capture(|| {
        assert!(Span::current().is_none());
        let outer = info_span!("outer", later = Empty);
        let entered = outer.clone().entered();
        let kept = info_span!("inner").in_scope(Span::current);
        assert_eq!(kept.metadata().map(|metadata| metadata.name()), Some("inner"));
        assert_eq!(Span::current(), outer);
        drop(outer);
        Span::current().record("later", 1);
        drop(entered);
        assert!(Span::current().is_none());
        thread::spawn(move || kept.in_scope(ours)).join().expect("it does not panic");
    });
    assert_eq!(named(&spans, "outer").attribute("later"), Some(&1.into()));
    assert_eq!(parent(&spans, "inner"), Some("outer"));
    assert_eq!(parent(&spans, "ours"), Some("inner"));
}
