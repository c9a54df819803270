//! What each argument does.

use telemetry_runtime::{Level, SpanKind, StatusCode, ValueBuf, instrument, testing};

use super::{keys, only};

const NAME: &str = "from a const";

mod names {
    pub(super) const TARGET: &str = "orders::target";
    pub(super) const LEVEL: telemetry_runtime::Level = telemetry_runtime::Level::Error;
}

#[test]
fn name_is_a_text_a_const_or_the_first_text() {
    #[instrument(name = "by text")]
    fn a() {}
    #[instrument(name = NAME)]
    fn b() {}
    #[instrument("by place", target = names::TARGET)]
    fn c() {}
    let spans = testing::capture(|| {
        a();
        b();
        c();
    });
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["by text", "from a const", "by place"]);
    assert_eq!(spans[0].target, module_path!());
    assert_eq!(spans[2].target, "orders::target");
}

#[test]
fn kind_is_a_text_or_a_const() {
    #[instrument(kind = "client")]
    fn text() {}
    #[instrument(kind = SpanKind::Producer)]
    fn path() {}
    #[instrument]
    fn unsaid() {}
    assert_eq!(only(text).kind, SpanKind::Client);
    assert_eq!(only(path).kind, SpanKind::Producer);
    assert_eq!(only(unsaid).kind, SpanKind::Internal);
}

#[test]
fn level_is_a_text_a_number_or_a_const() {
    #[instrument(level = "DEBUG")]
    fn text() {}
    #[instrument(level = 2)]
    fn number() {}
    #[instrument(level = Level::Warn)]
    fn path() {}
    #[instrument(level = names::LEVEL)]
    fn constant() {}
    let spans = testing::capture(|| {
        text();
        number();
        path();
        constant();
    });
    assert_eq!(spans.len(), 4);
}

#[test]
fn fields_take_parameters_and_any_value() {
    #[derive(Debug)]
    struct Request {
        user: String,
    }
    #[instrument(fields(
        peer.service = "billing",
        ?request,
        %shown,
        typed,
        user = request.user,
        user.len = request.user.len(),
        r.type = ?Some(1),
        "http.request.header.x-id" = %format!("{shown}!"),
        sum = 1 + 2,
        declared,
        also.declared,
    ))]
    fn call(request: &Request, shown: &str, typed: &str) -> usize {
        request.user.len() + shown.len() + typed.len()
    }
    let span = only(|| _ = call(&Request { user: "ada".to_owned() }, "s", "t"));
    let text = |text: &str| Some(ValueBuf::Str(text.to_owned()));
    assert_eq!(span.attribute("peer.service").cloned(), text("billing"));
    assert_eq!(span.attribute("request").cloned(), text("Request { user: \"ada\" }"));
    assert_eq!(span.attribute("shown").cloned(), text("s"));
    assert_eq!(span.attribute("typed").cloned(), text("t"));
    assert_eq!(span.attribute("user").cloned(), text("ada"));
    assert_eq!(span.attribute("user.len"), Some(&ValueBuf::I64(3)));
    assert_eq!(span.attribute("r.type").cloned(), text("Some(1)"));
    assert_eq!(span.attribute("http.request.header.x-id").cloned(), text("s!"));
    assert_eq!(span.attribute("sum"), Some(&ValueBuf::I64(3)));
    assert_eq!(span.attribute("declared"), None);
    assert_eq!(span.attribute("also.declared"), None);
}

#[test]
fn fields_are_written_as_tracing_writes_them() {
    mod field {
        #[expect(dead_code, reason = "only its name counts")]
        pub(super) struct Empty;
    }
    const KEY: &str = "key.of.const";
    struct Order {
        id: u8,
    }
    impl Order {
        #[instrument(fields({KEY} = 1, {concat!("a", "b")} = %self.id, empty = Empty, also = field::Empty, ?self.id, %other.id, ?swap = %other.id))]
        fn merge(&self, other: &Order, empty: u8) -> u8 {
            self.id + other.id + empty
        }
    }
    let span = only(|| _ = Order { id: 1 }.merge(&Order { id: 2 }, 3));
    assert_eq!(keys(&span), ["key.of.const", "ab", "self.id", "other.id", "swap"]);
    assert_eq!(span.attribute("ab"), Some(&ValueBuf::Str("1".to_owned())));
    assert_eq!(span.attribute("self.id"), Some(&ValueBuf::Str("1".to_owned())));
    assert_eq!(span.attribute("swap"), Some(&ValueBuf::Str("2".to_owned())));
}

#[test]
fn the_callsite_carries_what_policies_and_metrics_read() {
    #[instrument(keep_if_slower = "50ms", metrics)]
    fn slow() {}
    #[instrument]
    fn plain() {}
    let spans = testing::capture(|| {
        slow();
        plain();
    });
    assert_eq!(spans.len(), 2);
}

#[test]
fn a_field_replaces_the_capture_of_the_parameter() {
    #[instrument(fields(id = "hidden"))]
    fn find(id: u64) -> u64 {
        id
    }
    let span = only(|| _ = find(9));
    assert_eq!(span.attributes, [("id".to_owned(), ValueBuf::Str("hidden".to_owned()))]);
}

#[test]
fn ret_records_what_came_back() {
    #[instrument(ret)]
    fn plain(x: &str) -> Option<usize> {
        Some(x.len())
    }
    #[instrument(ret(Display))]
    fn ok(fail: bool) -> Result<u8, String> {
        if fail { Err("no".to_owned()) } else { Ok(1) }
    }
    let text = |text: &str| Some(ValueBuf::Str(text.to_owned()));
    assert_eq!(only(|| _ = plain("abc")).attribute("return").cloned(), text("Some(3)"));
    assert_eq!(only(|| _ = ok(false)).attribute("return").cloned(), text("1"));
    let failed = only(|| _ = ok(true));
    assert_eq!(failed.attribute("return"), None);
    assert_eq!(failed.status, StatusCode::Error);
}

#[test]
fn the_function_keeps_its_attributes() {
    /// Doubles.
    #[must_use]
    #[inline]
    #[instrument]
    fn double(#[cfg(any())] absent: u8, n: u8) -> u8 {
        #![expect(clippy::let_and_return, reason = "an inner attribute")]
        let twice = n * 2;
        twice
    }
    assert_eq!(keys(&only(|| assert_eq!(double(2), 4))), ["n"]);
}
