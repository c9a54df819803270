//! Which parameters become attributes, and of what type.

use std::num::NonZero;

use telemetry_runtime::{Capture, Value, ValueBuf, instrument};

use super::{block_on, keys, only};

#[test]
fn numbers_bools_and_chars_keep_their_type() {
    #[instrument]
    fn pay(order: u64, amount: f64, express: bool, class: char, delta: i8) -> u64 {
        order + u64::from(express) + amount as u64 + class as u64 + delta as u64
    }
    let span = only(|| {
        pay(7, 1.5, true, 'a', 1);
    });
    assert_eq!(span.name, "pay");
    assert_eq!(span.attribute("order"), Some(&ValueBuf::I64(7)));
    assert_eq!(span.attribute("amount"), Some(&ValueBuf::F64(1.5)));
    assert_eq!(span.attribute("express"), Some(&ValueBuf::Bool(true)));
    assert_eq!(span.attribute("class"), Some(&ValueBuf::Str("a".to_owned())));
    assert_eq!(span.attribute("delta"), Some(&ValueBuf::I64(1)));
}

#[test]
fn the_type_counts_and_not_its_spelling() {
    type Id = u32;
    struct OrderId(u32);
    impl Capture for OrderId {
        fn capture(&self) -> Option<Value<'_>> {
            self.0.capture()
        }
    }
    #[expect(non_camel_case_types, reason = "a lookalike")]
    struct usize(#[expect(dead_code, reason = "only looked at")] &'static str);

    #[instrument]
    fn find(
        alias: Id,
        newtype: &OrderId,
        some: Option<u8>,
        none: Option<u8>,
        non_zero: NonZero<u16>,
        lookalike: usize,
    ) -> u32 {
        let _ = (some, none, non_zero, lookalike);
        alias + newtype.0
    }
    let span = only(|| {
        find(1, &OrderId(2), Some(3), None, NonZero::<u16>::MAX, usize("no number"));
    });
    assert_eq!(keys(&span), ["alias", "newtype", "some", "non_zero"]);
    assert_eq!(span.attribute("newtype"), Some(&ValueBuf::I64(2)));
    assert_eq!(span.attribute("some"), Some(&ValueBuf::I64(3)));
}

#[test]
fn text_and_what_holds_it_is_left_alone() {
    struct NoDebug;
    #[instrument]
    fn quiet(name: &str, owned: String, list: Vec<u8>, pair: (u8, u8), custom: NoDebug, call: impl Fn()) {
        let _ = (name, owned, list, pair, custom);
        call();
    }
    let span = only(|| quiet("a", String::new(), vec![1], (1, 2), NoDebug, || {}));
    assert_eq!(keys(&span), [""; 0]);
}

#[test]
fn a_generic_parameter_is_captured_where_its_bounds_say_so() {
    #[instrument]
    fn bounded<T: Capture>(x: T) {
        let _ = x;
    }
    #[instrument]
    fn unbounded<T>(x: T) {
        let _ = x;
    }
    assert_eq!(only(|| bounded(5)).attribute("x"), Some(&ValueBuf::I64(5)));
    assert_eq!(keys(&only(|| unbounded(5))), [""; 0]);
}

#[test]
fn the_names_in_a_pattern_are_candidates_too() {
    struct Point {
        x: i32,
        y: i32,
    }
    #[instrument]
    fn spread(
        (a, _): (u8, u8),
        Point { x, y: down }: Point,
        [first, ..]: [u8; 2],
        &deref: &u8,
        _: u64,
    ) -> i32 {
        i32::from(a) + x + down + i32::from(first) + i32::from(deref)
    }
    let span = only(|| {
        spread((1, 2), Point { x: 3, y: 4 }, [5, 6], &7, 8);
    });
    assert_eq!(keys(&span), ["a", "x", "down", "first", "deref"]);
    assert_eq!(span.attribute("down"), Some(&ValueBuf::I64(4)));
}

#[test]
fn a_receiver_is_never_captured_by_itself() {
    struct Number(u32);
    impl Capture for Number {
        fn capture(&self) -> Option<Value<'_>> {
            self.0.capture()
        }
    }
    impl Number {
        #[instrument]
        fn plain(&self) -> u32 {
            self.0
        }
        #[instrument(fields(self, double = self.0 * 2))]
        fn named(&self) -> u32 {
            self.0
        }
    }
    assert_eq!(keys(&only(|| _ = Number(1).plain())), [""; 0]);
    let span = only(|| _ = Number(4).named());
    assert_eq!(span.attribute("self"), Some(&ValueBuf::I64(4)));
    assert_eq!(span.attribute("double"), Some(&ValueBuf::I64(8)));
}

#[test]
fn secrets_are_recorded_only_where_they_are_exposed() {
    #[instrument(capture = all, fields(cvv, session_token = expose(session_token), ?pin = expose(pin), db.password = never()))]
    fn login(pin: u32, card_cvv: u16, cvv: u16, session_token: u64, attempts: u8) -> u64 {
        u64::from(pin) + u64::from(card_cvv) + u64::from(cvv) + session_token + u64::from(attempts)
    }
    #[expect(dead_code, reason = "the rule under test")]
    fn never() -> &'static str {
        panic!("evaluated")
    }
    let span = only(|| _ = login(1, 2, 3, 4, 5));
    assert_eq!(keys(&span), ["attempts", "cvv", "session_token", "pin", "db.password"]);
    let redacted = ValueBuf::Str("[REDACTED]".to_owned());
    assert_eq!(span.attribute("cvv"), Some(&redacted));
    assert_eq!(span.attribute("db.password"), Some(&redacted));
    assert_eq!(span.attribute("session_token"), Some(&ValueBuf::I64(4)));
    assert_eq!(span.attribute("pin"), Some(&ValueBuf::Str("1".to_owned())));
}

#[test]
fn everything_is_captured_where_that_is_asked_for() {
    #[derive(Debug)]
    struct Order {
        id: u8,
    }
    #[derive(Debug)]
    struct Shop;
    impl Shop {
        #[instrument(capture = all, skip(skipped), fields(renamed = order.id))]
        fn sell(&self, text: &str, order: Order, list: Vec<u16>, skipped: u8, number: Option<u8>) -> u8 {
            order.id + skipped + number.unwrap_or(text.len() as u8 + list.len() as u8)
        }
        #[instrument(capture = all)]
        async fn sell_later(&self, order: &Order) -> u8 {
            order.id
        }
    }
    let span = only(|| _ = Shop.sell("a", Order { id: 1 }, vec![2], 3, Some(4)));
    assert_eq!(keys(&span), ["self", "text", "order", "list", "number", "renamed"]);
    assert_eq!(span.attribute("self"), Some(&ValueBuf::Str("Shop".to_owned())));
    assert_eq!(span.attribute("text"), Some(&ValueBuf::Str("a".to_owned())));
    assert_eq!(span.attribute("order"), Some(&ValueBuf::Str("Order { id: 1 }".to_owned())));
    assert_eq!(span.attribute("number"), Some(&ValueBuf::I64(4)));
    assert_eq!(keys(&only(|| _ = block_on(Shop.sell_later(&Order { id: 1 })))), ["self", "order"]);
}

#[test]
fn nothing_is_captured_where_that_is_asked_for() {
    #[instrument(capture = none, fields(b))]
    fn quiet(a: u8, b: u8) -> u8 {
        a + b
    }
    #[instrument(capture = scalars)]
    fn scalars(a: u8, _b: &str) -> u8 {
        a
    }
    assert_eq!(keys(&only(|| _ = quiet(1, 2))), ["b"]);
    assert_eq!(keys(&only(|| _ = scalars(1, ""))), ["a"]);
}

#[test]
fn skipped_parameters_are_left_alone_unless_a_field_names_them() {
    #[instrument(skip(a, b), fields(b))]
    fn some(a: u8, b: u8, c: u8) -> u8 {
        a + b + c
    }
    #[instrument(skip_all, fields(b))]
    fn all(a: u8, b: u8) -> u8 {
        a + b
    }
    assert_eq!(keys(&only(|| _ = some(1, 2, 3))), ["c", "b"]);
    assert_eq!(keys(&only(|| _ = all(1, 2))), ["b"]);
}

#[test]
fn a_name_that_begins_with_an_underscore_is_captured_under_it() {
    #[instrument]
    fn ignore(_unused: u8) {}
    assert_eq!(keys(&only(|| ignore(1))), ["_unused"]);
}

#[test]
fn a_parameter_that_the_body_never_mentions_is_captured() {
    #[expect(unused_variables, reason = "the rule under test")]
    #[instrument]
    fn ignore(id: u8) {}
    assert_eq!(keys(&only(|| ignore(1))), ["id"]);
}

#[test]
fn a_raw_name_is_written_without_its_mark() {
    #[instrument]
    fn r#match(r#type: u8) -> u8 {
        r#type
    }
    let span = only(|| _ = r#match(1));
    assert_eq!((span.name.as_str(), keys(&span)), ("match", vec!["type"]));
}
