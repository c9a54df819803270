//! Where a span starts, what it links to, how it is called when that is known only then.

use telemetry_runtime::{Span, SpanContext, SpanData, ToContext, TraceFlags, instrument, testing};

use super::{block_on, only, yield_once};

fn context(number: u64, flags: TraceFlags) -> SpanContext {
    let trace_id = format!("{number:032x}").parse().expect("a trace id");
    SpanContext::new(trace_id, format!("{number:016x}").parse().expect("a span id"), flags)
}

/// The span of the test's own trace under that name.
fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"))
}

#[instrument(parent = parent)]
fn below(parent: impl ToContext) -> SpanContext {
    inner()
}

#[instrument]
fn inner() -> SpanContext {
    Span::current().context()
}

#[instrument(parent = parent)]
async fn below_later(parent: Option<SpanContext>) -> SpanContext {
    yield_once().await;
    inner()
}

#[test]
fn a_parent_may_be_any_span_and_what_was_current_comes_back() {
    #[instrument]
    fn outer() -> [Span; 2] {
        let before = Span::current();
        [before, other()]
    }
    #[instrument]
    fn other() -> Span {
        Span::current()
    }
    #[instrument]
    fn test() {
        let handle = Span::current();
        let [outer, other] = outer();
        below(&other);
        below(Some(outer.context()));
        assert_eq!(Span::current().context(), handle.context());
        block_on(below_later(Some(outer.context())));
        assert_eq!(Span::current().context(), handle.context());
    }
    let spans = testing::capture(test);
    let below: Vec<_> = spans.iter().filter(|span| span.name == "below").collect();
    assert_eq!(below[0].parent_span_id, Some(named(&spans, "other").span_id));
    assert_eq!(below[1].parent_span_id, Some(named(&spans, "outer").span_id));
    assert_eq!(named(&spans, "below_later").parent_span_id, Some(named(&spans, "outer").span_id));
    let inner: Vec<_> = spans.iter().filter(|span| span.name == "inner").collect();
    assert_eq!(inner[0].parent_span_id, Some(below[0].span_id));
    assert_eq!(inner[2].parent_span_id, Some(named(&spans, "below_later").span_id));
}

#[test]
fn a_parent_may_be_remote() {
    let parent = context(0xabc, TraceFlags::SAMPLED).remote();
    let mut inside = SpanContext::default();
    assert!(testing::capture(|| inside = below(&parent)).is_empty(), "it is in another trace");
    assert_eq!(inside.trace_id(), parent.trace_id());
}

#[test]
fn no_parent_makes_a_root() {
    #[instrument(root)]
    fn rooted() -> SpanContext {
        Span::current().context()
    }
    #[instrument(parent = None)]
    async fn orphaned() -> SpanContext {
        yield_once().await;
        Span::current().context()
    }
    testing::capture(|| {
        let around = Span::current().context();
        for inside in
            [rooted(), block_on(orphaned()), below(None::<SpanContext>), below(SpanContext::default())]
        {
            assert!(inside.is_valid() && inside.trace_id() != around.trace_id());
        }
        assert_eq!(Span::current().context(), around);
    });
}

#[test]
fn a_type_of_ones_own_may_name_a_span() {
    struct Message(SpanContext);
    impl ToContext for Message {
        fn to_context(&self) -> Option<SpanContext> {
            Some(self.0.clone())
        }
    }
    #[instrument(links = messages, follows_from = [earlier])]
    fn receive(messages: &[Message], earlier: Option<&SpanContext>) {}

    let (a, b) = (context(1, TraceFlags::SAMPLED), context(2, TraceFlags::default()));
    let span =
        only(|| receive(&[Message(a.clone()), Message(b.clone())], Some(&context(3, TraceFlags::default()))));
    let linked: Vec<_> = span.links.iter().map(|link| link.context.trace_id()).collect();
    assert_eq!(linked, [a.trace_id(), b.trace_id(), context(3, TraceFlags::default()).trace_id()]);
    assert_eq!(only(|| receive(&[], None)).links.len(), 0);
}

#[test]
fn a_name_may_be_known_only_then() {
    const CONST: &str = "constant";
    #[instrument(name = format!("GET {route}"))]
    fn get(route: &str) {}
    #[instrument(name = route)]
    async fn by_parameter(route: String) -> usize {
        yield_once().await;
        route.len()
    }
    #[instrument(name = CONST)]
    fn by_const() {}
    assert_eq!(only(|| get("/orders")).name, "GET /orders");
    assert_eq!(only(|| _ = block_on(by_parameter("/".to_owned()))).name, "/");
    assert_eq!(only(by_const).name, "constant");
}

#[instrument(sample = never)]
fn silent() -> SpanContext {
    inner()
}

#[instrument(sample = never)]
async fn silent_later() -> SpanContext {
    yield_once().await;
    inner()
}

#[test]
fn what_is_never_sampled_leaves_out_all_below_and_nothing_else() {
    #[instrument]
    fn around() -> [SpanContext; 2] {
        let inside = [silent(), block_on(silent_later())];
        inner();
        inside
    }
    let mut inside = [SpanContext::default(), SpanContext::default()];
    let spans = testing::capture(|| inside = around());
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["around", "inner"]);
    for context in inside {
        assert_eq!(context.trace_id(), spans[0].trace_id);
        assert!(!context.is_sampled() && context.span_id() != spans[0].span_id);
    }
}

#[test]
fn a_callsite_decides_for_the_traces_that_begin_there() {
    #[instrument(root, sample = always)]
    fn always() -> bool {
        Span::current().is_recording()
    }
    #[instrument(root, sample = 0.0)]
    fn none() -> bool {
        Span::current().is_recording()
    }
    #[instrument(root, sample = 0.5)]
    async fn half() -> bool {
        Span::current().is_recording()
    }
    #[instrument(parent = parent, sample = always)]
    fn below_remote(parent: &SpanContext) -> bool {
        Span::current().is_recording()
    }
    #[instrument(sample = 0.0)]
    fn child() -> bool {
        Span::current().is_recording()
    }
    testing::capture(|| {
        assert!(always() && !none());
        let recorded = (0..1000).filter(|_| block_on(half())).count();
        assert!((350..650).contains(&recorded), "{recorded}");
        assert!(
            below_remote(&context(9, TraceFlags::default()).remote()),
            "a local root below a remote parent"
        );
        assert!(child(), "a child follows its trace");
    });
}

#[test]
fn nothing_is_evaluated_for_a_span_that_is_not_recorded() {
    fn never<T>() -> T {
        panic!("evaluated")
    }
    #[instrument(name = never::<String>(), links = [never::<SpanContext>()], fields(x = never::<u8>()))]
    fn quiet() {}
    let _unsampled = telemetry_runtime::attach(&context(7, TraceFlags::default()));
    quiet();
}
