//! Arrays as attribute values: slices of one type, and what a record keeps of them.

use super::layout::{Reader, attribute_head, padded, tag};
use super::{Capture, Value, ValueBuf};
use std::fmt;

/// Several values of one kind, in order.
///
/// A slice, an array or a `Vec` of an [`Element`] captures as one; an exporter reads one from a span's record. What a record keeps of an
/// array is of one kind, as OpenTelemetry demands: where an integer does not fit into 64 bits with a sign, all elements are decimal text.
/// Elements beyond the limit of a value are left out and counted as one truncated value; in it, an element counts for 8 bytes more than
/// its number or text.
///
/// It is shown as `[1, 2]`, and text in quotes, as `["a", "b"]`.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Capture, Value};
///
/// let ids = [7_u32, 8];
/// let Some(Value::Array(array)) = ids.capture() else { panic!("an array") };
/// assert_eq!(array.iter().collect::<Vec<_>>(), [Value::I64(7), Value::I64(8)]);
/// assert_eq!(array.to_string(), "[7, 8]");
/// ```
///
/// Source: OpenTelemetry specification, common, "attribute".
#[derive(Clone, Copy)]
pub struct Array<'a>(Items<'a>);

/// What an array may consist of: booleans, all integers, floating-point numbers, `&str` and `String`. Several `u8` are a byte string
/// instead, [`Value::Bytes`].
#[diagnostic::on_unimplemented(
    message = "an array of `{Self}` has no typed attribute value",
    label = "not a number, bool, `&str` or `String`",
    note = "record it formatted, as `?name` (Debug) or `%name` (Display)"
)]
pub trait Element: sealed::Slice {}

mod sealed {
    pub trait Slice: Sized {
        #[doc(hidden)]
        fn value_of(slice: &[Self]) -> super::Value<'_>;
    }
}

macro_rules! elements {
    ($($items:ident of $type:ty),* $(,)?) => {
        /// Where the values are; what was taken from the front is gone.
        #[derive(Clone, Copy)]
        enum Items<'a> {
            /// As elements of a record.
            Recorded(&'a [u8]),
            Bufs(&'a [ValueBuf]),
            $($items(&'a [$type]),)*
        }

        impl<'a> Items<'a> {
            fn take_first(&mut self) -> Option<Value<'a>> {
                match self {
                    Self::Recorded(rest) => take_recorded(rest),
                    Self::Bufs(rest) => rest.split_off_first().map(ValueBuf::as_value),
                    $(Self::$items(rest) => rest.split_off_first()?.capture(),)*
                }
            }

            fn len(mut self) -> usize {
                match self {
                    Self::Recorded(_) => std::iter::from_fn(|| self.take_first()).count(),
                    Self::Bufs(items) => items.len(),
                    $(Self::$items(items) => items.len(),)*
                }
            }
        }

        $(
            impl<'a> Element for $type {}

            impl<'a> sealed::Slice for $type {
                #[inline]
                fn value_of(slice: &[Self]) -> Value<'_> {
                    Value::Array(Array(Items::$items(slice)))
                }
            }
        )*
    };
}

elements! {
    Bools of bool,
    I8s of i8,
    I16s of i16,
    I32s of i32,
    I64s of i64,
    I128s of i128,
    Isizes of isize,
    U16s of u16,
    U32s of u32,
    U64s of u64,
    U128s of u128,
    Usizes of usize,
    F32s of f32,
    F64s of f64,
    Texts of &'a str,
    Strings of String,
}

impl Element for u8 {}

impl sealed::Slice for u8 {
    #[inline]
    fn value_of(slice: &[Self]) -> Value<'_> {
        Value::Bytes(slice)
    }
}

macro_rules! capture_several {
    ($($type:ty where [$($generics:tt)*]),*) => {$(
        impl<$($generics)*> Capture for $type {
            const IMPLICIT: bool = false;
            #[inline]
            fn capture(&self) -> Option<Value<'_>> {
                Some(T::value_of(self))
            }
        }
    )*};
}

capture_several!([T] where [T: Element], [T; N] where [T: Element, const N: usize], Vec<T> where [T: Element]);

fn take_recorded<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    let mut reader = Reader(rest);
    let head = reader.word()?;
    let value = Value::read(head as u8, (head >> 32) as u32, &mut reader)?;
    *rest = reader.0;
    Some(value)
}

impl<'a> Array<'a> {
    /// The array whose elements these bytes of a record are.
    pub(super) fn recorded(elements: &'a [u8]) -> Self {
        Self(Items::Recorded(elements))
    }

    pub(super) fn of_bufs(elements: &'a [ValueBuf]) -> Self {
        Self(Items::Bufs(elements))
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The elements, as they were given: wide integers are as wide as their type.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || rest.take_first())
    }

    /// The elements on their own, in the form in which exporters see them.
    pub(super) fn to_bufs(self) -> Vec<ValueBuf> {
        match self.content(usize::MAX) {
            Some(_) => self.iter().map(|value| value.to_buf()).collect(),
            None => self.iter().map(|value| ValueBuf::Str(value.to_string())).collect(),
        }
    }

    /// The first elements as text.
    pub(crate) fn to_texts(self, most: usize) -> Vec<String> {
        self.iter().take(most).map(|value| value.to_string()).collect()
    }

    /// What a record holds of it in so many bytes; `None` if the elements differ in kind or need another form: then text will do.
    pub(crate) fn content(self, limit_bytes: usize) -> Option<Content<'a>> {
        let mut content = Content { array: self, count: 0, bytes: 0 };
        let mut kind = None;
        for value in self.iter() {
            let (tag, bytes) = stored(value, |tag, _, content| (tag, WORD_BYTES + padded(content.len())))?;
            if *kind.get_or_insert(tag) != tag {
                return None;
            }
            if bytes > limit_bytes - content.bytes {
                break;
            }
            content.count += 1;
            content.bytes += bytes;
        }
        Some(content)
    }
}

const WORD_BYTES: usize = 8;

/// The first elements of an array, as a record holds them.
pub(crate) struct Content<'a> {
    array: Array<'a>,
    count: usize,
    /// How long it is.
    pub(crate) bytes: usize,
}

impl Content<'_> {
    /// Whether it is all of the array.
    pub(crate) fn is_whole(&self) -> bool {
        self.count == self.array.len()
    }

    /// Hands the head word and the content of one element after the other to `put`, as long as that succeeds.
    pub(crate) fn put(&self, mut put: impl FnMut(u64, &[u8]) -> bool) -> bool {
        self.array.iter().take(self.count).all(|value| {
            stored(value, |tag, start, content| put(attribute_head(tag, 0, 0, start), content)) == Some(true)
        })
    }
}

/// What a record says of an element: its tag, what its value begins with, and its content; `None` if it has to become text.
fn stored<R>(value: Value<'_>, put: impl FnOnce(u8, u32, &[u8]) -> R) -> Option<R> {
    let int = |int: i64| int.to_ne_bytes();
    Some(match value {
        Value::Bool(v) => put(tag::BOOL, u32::from(v), &[]),
        Value::I64(v) => put(tag::I64, 0, &int(v)),
        Value::U64(v) => put(tag::I64, 0, &int(v.try_into().ok()?)),
        Value::I128(v) => put(tag::I64, 0, &int(v.try_into().ok()?)),
        Value::U128(v) => put(tag::I64, 0, &int(v.try_into().ok()?)),
        Value::F64(v) => put(tag::F64, 0, &v.to_ne_bytes()),
        Value::Str(v) => put(tag::STR, v.len() as u32, v.as_bytes()),
        Value::Bytes(v) => put(tag::BYTES, v.len() as u32, v),
        Value::Char(_) | Value::Array(_) => return None,
    })
}

impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, value) in self.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match value {
                Value::Str(text) => write!(f, "{text:?}")?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SpanData;
    use crate::record::sample::{Sample, batch};

    fn array<T: Capture + ?Sized>(items: &T) -> Array<'_> {
        match items.capture() {
            Some(Value::Array(array)) => array,
            other => panic!("an array, not {other:?}"),
        }
    }

    #[test]
    fn slices_arrays_and_vecs_capture_alike_also_through_pointers() {
        let expected = [Value::I64(1), Value::I64(2)];
        let shows = |value: Option<Value<'_>>| match value {
            Some(Value::Array(array)) => assert_eq!(array.iter().collect::<Vec<_>>(), expected),
            other => panic!("an array, not {other:?}"),
        };
        let slice: &[i32] = &[1, 2];
        shows(slice.capture());
        shows([1, 2].capture());
        shows(vec![1, 2].capture());
        shows(Some(&&vec![1, 2]).capture());
        shows(slice.to_vec().into_boxed_slice().capture());
        shows(std::sync::Arc::<[i32]>::from(slice).capture());
        shows(std::borrow::Cow::Borrowed(slice).capture());
        assert_eq!(None::<Vec<i32>>.capture(), None);
    }

    #[test]
    fn every_kind_of_element_keeps_its_type() {
        let first = |array: Array<'_>| array.to_bufs().swap_remove(0);
        let one = ValueBuf::I64(1);
        assert_eq!(first(array(&[true])), ValueBuf::Bool(true));
        assert_eq!(
            [first(array(&[1_i8])), first(array(&[1_i16])), first(array(&[1_i32]))],
            [(); 3].map(|()| one.clone())
        );
        assert_eq!(
            [first(array(&[1_i64])), first(array(&[1_i128])), first(array(&[1_isize]))],
            [(); 3].map(|()| one.clone())
        );
        assert_eq!(
            [first(array(&[1_u16])), first(array(&[1_u32])), first(array(&[1_u64]))],
            [(); 3].map(|()| one.clone())
        );
        assert_eq!([first(array(&[1_u128])), first(array(&[1_usize]))], [(); 2].map(|()| one.clone()));
        assert_eq!(
            [first(array(&[0.5_f32])), first(array(&[0.5_f64]))],
            [ValueBuf::F64(0.5), ValueBuf::F64(0.5)]
        );
        assert_eq!(
            [first(array(&["a"])), first(array(&["a".to_owned()]))],
            [ValueBuf::from("a"), ValueBuf::from("a")]
        );
    }

    #[test]
    fn several_u8_are_a_byte_string() {
        let bytes = Some(Value::Bytes(&[1, 2]));
        assert_eq!([1_u8, 2].capture(), bytes);
        assert_eq!(vec![1_u8, 2].capture(), bytes);
        assert_eq!([1_u8, 2][..].capture(), bytes);
    }

    #[test]
    fn is_not_captured_unasked() {
        const { assert!(!<Vec<u64>>::IMPLICIT && !<&[bool]>::IMPLICIT && !<Option<[f64; 3]>>::IMPLICIT) };
    }

    #[test]
    fn all_elements_become_text_where_one_is_too_wide() {
        assert_eq!(ValueBuf::from(&[1, u64::MAX][..]), ["1", "18446744073709551615"].into());
        assert_eq!(ValueBuf::from([i128::MIN, 0]), [i128::MIN.to_string(), "0".to_owned()].into());
        assert_eq!(ValueBuf::from(vec![1_u64, i64::MAX as u64]), [1, i64::MAX].into());
    }

    #[test]
    fn elements_that_differ_in_kind_become_text() {
        let mixed = ValueBuf::Array(vec![1.into(), "a".into(), ["b", "c"].into()]);
        assert_eq!(mixed.as_value().to_buf(), ["1", "a", "[\"b\", \"c\"]"].into());
    }

    #[test]
    fn is_shown_in_brackets_with_text_in_quotes() {
        assert_eq!(array(&[1_u8 as i32, 2]).to_string(), "[1, 2]");
        assert_eq!(array(&["a, b", "\"c\""]).to_string(), r#"["a, b", "\"c\""]"#);
        assert_eq!(ValueBuf::from([true; 0]).to_string(), "[]");
        assert_eq!(format!("{:?}", array(&[1, 2])), "[I64(1), I64(2)]");
    }

    #[test]
    fn reads_back_from_a_record_as_it_was_given() {
        let texts = ["", "a text of more than a word", "b"];
        let sample = Sample::root("span", 1)
            .keys(&["texts", "none", "after"])
            .attribute("texts", array(&texts))
            .attribute("none", array(&[0_i16; 0]))
            .attribute("after", true)
            .later_attribute("ids", array(&[7, -8]));
        let batch = batch(&[sample]);
        let span = batch.spans().next().expect("a span");
        let Some(Value::Array(recorded)) = span.attributes().next().map(|attribute| attribute.value) else {
            panic!("an array first")
        };
        assert_eq!(recorded, array(&texts));
        assert_eq!((recorded.len(), recorded.is_empty()), (3, false));
        let span = SpanData::from(span);
        assert_eq!(span.attribute("none"), Some(&ValueBuf::Array(Vec::new())));
        assert_eq!(span.attribute("after"), Some(&true.into()));
        assert_eq!(span.attribute("ids"), Some(&[7, -8].into()));
    }

    #[test]
    fn content_ends_at_an_elements_boundary() {
        let count = |array: Array<'_>, limit| {
            let content = array.content(limit).expect("of one kind");
            (content.count, content.bytes, content.is_whole())
        };
        assert_eq!(count(array(&[1, 2, 3]), 48), (3, 48, true));
        assert_eq!(count(array(&[1, 2, 3]), 47), (2, 32, false));
        assert_eq!(count(array(&[true; 9]), 64), (8, 64, false));
        assert_eq!(count(array(&["a", "nine byte", "b"]), 39), (1, 16, false));
        assert_eq!(count(array(&["a"]), 0), (0, 0, false));
        assert!(array(&[1, u64::MAX]).content(64).is_none());
    }
}
