//! Attributes under keys of the callsite, as words.

use super::extra::{is_within_limit, value_limit};
use super::words::Words;
use crate::record::Value;
use crate::record::layout::{attribute_head, tag};

impl<const N: usize> Words<N> {
    /// Appends an attribute; not if there is no room, or if the value needs another form first: it is too long or too wide.
    #[inline(always)]
    pub(super) fn push_value(&mut self, key: u8, value: Value<'_>) -> bool {
        match value {
            Value::Bool(v) => self.push([attribute_head(tag::BOOL, key, 0, u32::from(v))]),
            Value::I64(v) => self.push([attribute_head(tag::I64, key, 0, 0), v as u64]),
            Value::F64(v) => self.push([attribute_head(tag::F64, key, 0, 0), v.to_bits()]),
            Value::Str(v) => self.push_content(key, tag::STR, v.as_bytes()),
            Value::Bytes(v) => self.push_content(key, tag::BYTES, v),
            Value::U64(v) if i64::try_from(v).is_ok() => self.push([attribute_head(tag::I64, key, 0, 0), v]),
            Value::Array(v) => self.push_array(key, v, value_limit()),
            _ => false,
        }
    }

    #[inline(always)]
    fn push_content(&mut self, key: u8, tag: u8, content: &[u8]) -> bool {
        is_within_limit(content.len())
            && self.push_headed(attribute_head(tag, key, 0, content.len() as u32), content)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::record::Capture;

    #[test]
    fn an_array_is_written_where_there_is_room_and_leaves_nothing_behind_where_there_is_none() {
        let mut words = Words::<9>::new();
        let push = |words: &mut Words<9>, value: &[u64]| {
            value.capture().is_some_and(|value| words.push_value(0, value))
        };
        assert!(push(&mut words, &[1, 2]));
        assert!(!push(&mut words, &[3, 4]));
        assert_eq!(words.as_slice().len(), 5);
        assert!(push(&mut words, &[5]) && push(&mut words, &[]));
        assert_eq!(words.as_slice().len(), 9);
    }

    #[test]
    fn an_array_that_must_be_cut_or_become_text_is_left_to_others() {
        let mut words = Words::<2_000>::new();
        let push = |words: &mut Words<2_000>, value: &[u64]| {
            value.capture().is_some_and(|value| words.push_value(0, value))
        };
        assert!(!push(&mut words, &[1, u64::MAX]));
        assert!(!push(&mut words, &[1; 257]));
        assert!(words.as_slice().is_empty());
        assert!(push(&mut words, &[1; 256]));
    }
}
