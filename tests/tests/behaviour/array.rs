//! Slices, arrays and `Vec`s as attributes.

use telemetry_runtime::{Span, ValueBuf, event, instrument, span, testing};

use super::instrument::{block_on, keys, only};

#[test]
fn named_fields_keep_the_type_of_their_elements() {
    #[instrument(fields(ids, names))]
    fn notify(ids: &[u64], names: &Vec<String>) -> usize {
        ids.len() + names.len()
    }
    let names = vec!["anna".to_owned(), String::new(), "a name of more than a few words".to_owned()];
    let span = only(|| _ = notify(&[7, 8], &names));
    assert_eq!(span.attribute("ids"), Some(&ValueBuf::Array(vec![ValueBuf::I64(7), ValueBuf::I64(8)])));
    assert_eq!(span.attribute("names"), Some(&names.into()));
}

#[test]
fn all_kinds_of_elements_are_typed_in_async_functions_too() {
    #[instrument(fields(flags, halves, texts, none, many = (0..200).collect::<Vec<i32>>()))]
    async fn run(flags: [bool; 2], halves: Vec<f32>, texts: &[&str], none: Option<&[i64]>) -> bool {
        flags[0] && halves.is_empty() && texts.is_empty() && none.is_none()
    }
    let span = only(|| _ = block_on(run([true, false], vec![0.5], &["a"], None)));
    assert_eq!(span.attribute("flags"), Some(&[true, false].into()));
    assert_eq!(span.attribute("halves"), Some(&[0.5].into()));
    assert_eq!(span.attribute("texts"), Some(&["a"].into()));
    assert_eq!(span.attribute("none"), None);
    assert_eq!(span.attribute("many"), Some(&(0..200).collect::<Vec<i32>>().into()));
}

#[test]
fn are_not_captured_unasked_but_with_capture_all() {
    #[instrument]
    fn quiet(ids: &[u64], names: Vec<String>, pair: [f64; 2]) -> usize {
        ids.len() + names.len() + pair.len()
    }
    #[derive(Debug)]
    struct Order;
    #[instrument(capture = all)]
    fn all(ids: &[u64], orders: Vec<Order>) -> usize {
        ids.len() + orders.len()
    }
    assert_eq!(keys(&only(|| _ = quiet(&[1], Vec::new(), [0.5; 2]))), [""; 0]);
    let span = only(|| _ = all(&[1], vec![Order]));
    assert_eq!(span.attribute("ids"), Some(&[1].into()));
    assert_eq!(span.attribute("orders"), Some(&"[Order]".into()));
}

#[test]
fn several_u8_are_bytes() {
    #[instrument(fields(hash, body))]
    fn store(hash: [u8; 4], body: &[u8]) -> usize {
        hash.len() + body.len()
    }
    let span = only(|| _ = store([1, 2, 3, 4], b"text"));
    assert_eq!(span.attribute("hash"), Some(&ValueBuf::Bytes(vec![1, 2, 3, 4])));
    assert_eq!(span.attribute("body"), Some(&ValueBuf::Bytes(b"text".to_vec())));
}

#[test]
fn integers_become_text_together_where_one_is_too_wide() {
    #[instrument(fields(fitting, wide))]
    fn count(fitting: &[u64], wide: &[u64]) -> usize {
        fitting.len() + wide.len()
    }
    let span = only(|| _ = count(&[0, i64::MAX as u64], &[0, i64::MAX as u64 + 1]));
    assert_eq!(span.attribute("fitting"), Some(&[0, i64::MAX].into()));
    assert_eq!(span.attribute("wide"), Some(&["0", "9223372036854775808"].into()));
}

#[test]
fn may_be_set_late_and_the_last_one_wins() {
    #[instrument(fields(k))]
    fn work(k: &[u16]) -> usize {
        Span::current().set_attribute("late", vec!["a", "b"]);
        Span::current().set_attribute("k", &[1, 2][..]);
        k.len()
    }
    let span = only(|| _ = work(&[9]));
    assert_eq!(span.attribute("k"), Some(&[1, 2].into()));
    assert_eq!(span.attribute("late"), Some(&["a", "b"].into()));
    assert_eq!(keys(&span).len(), 2);
}

#[test]
fn stand_in_events_and_in_blocks() {
    let (sizes, names) = ([512, 1_024], vec!["anna".to_owned(); 50]);
    let spans = testing::capture(|| {
        let _span = span!("block", sizes);
        event!("cache.miss", sizes, names = &names, "level" = 3);
        Span::current().add_event("cache.hit", &[("sizes", &sizes), ("slice", &&sizes[..1]), ("hit", &true)]);
    });
    let [miss, hit] = spans[0].events.as_slice() else { panic!("two events: {spans:?}") };
    let (sizes, names) = (ValueBuf::from(sizes), ValueBuf::from(names));
    assert_eq!(spans[0].attribute("sizes"), Some(&sizes));
    assert_eq!([miss.attribute("sizes"), hit.attribute("sizes")], [Some(&sizes); 2]);
    assert_eq!((miss.attribute("names"), miss.attribute("level")), (Some(&names), Some(&3.into())));
    assert_eq!((hit.attribute("slice"), hit.attribute("hit")), (Some(&[512].into()), Some(&true.into())));
}
