//! JSON, as far as envelopes need it: objects of text within limits.

use crate::export::json::text::Text;
use crate::record::Value;
use std::fmt::Display;

/// How much of a text is written: all that the schema allows, or less where the item would be too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale(usize);

impl Scale {
    /// All that the schema allows, then ever less.
    pub(super) const ALL: [Self; 4] = [Self(1), Self(4), Self(16), Self(64)];

    /// So many instead of `most` characters, but never too few to recognise a name.
    fn of(self, most: usize) -> usize {
        const RECOGNISABLE: usize = 64;
        (most / self.0).max(most.min(RECOGNISABLE))
    }
}

/// An object, written member by member.
pub(super) struct Object<'o> {
    text: &'o mut Text,
    scale: Scale,
}

/// Writes an object with the members that `content` gives it.
pub(super) fn put_object(scale: Scale, text: &mut Text, content: impl FnOnce(&mut Object<'_>)) {
    text.object(|text| content(&mut Object::without_braces(scale, text)));
}

impl<'o> Object<'o> {
    /// An object's members alone, each with a comma behind it.
    pub(super) fn without_braces(scale: Scale, text: &'o mut Text) -> Self {
        Self { text, scale }
    }

    /// A member of text, of which no more than `most` characters are written.
    pub(super) fn text(&mut self, key: &str, text: &str, most: usize) {
        self.whole_text(key, cut(text, self.scale.of(most)));
    }

    /// A member of text that is written to its end, however large the item is.
    pub(super) fn whole_text(&mut self, key: &str, text: &str) {
        self.text.any_key(key).string(text);
    }

    /// A member of text, if there is one.
    pub(super) fn text_if(&mut self, key: &str, text: Option<impl AsRef<str>>, most: usize) {
        if let Some(text) = text {
            self.text(key, text.as_ref(), most);
        }
    }

    /// A member whose text is known to be short and to need no escape.
    pub(super) fn plain_text(&mut self, key: &str, text: impl Display) {
        self.bare(key, format_args!("\"{text}\""));
    }

    /// A member that is a number, `true` or `false`.
    pub(super) fn bare(&mut self, key: &str, value: impl Display) {
        self.text.any_key(key).bare(value);
    }

    /// A member that is text, whatever the attribute's type.
    pub(super) fn value(&mut self, key: &str, value: Value<'_>, most: usize) {
        match value {
            Value::Str(text) => self.text(key, text, most),
            Value::Bool(_) | Value::I64(_) | Value::F64(_) => self.plain_text(key, value),
            other => self.text(key, &other.to_string(), most),
        }
    }

    pub(super) fn object(&mut self, key: &str, content: impl FnOnce(&mut Object<'_>)) {
        put_object(self.scale, self.text.any_key(key), content);
    }

    /// A member that is an array of one object.
    pub(super) fn array_of_one(&mut self, key: &str, content: impl FnOnce(&mut Object<'_>)) {
        self.text.any_key(key).array(|text| put_object(self.scale, text, content));
    }

    /// Members that were written before.
    pub(super) fn members(&mut self, members: &[u8]) {
        self.text.raw(members);
    }
}

/// The beginning of a text that takes no more than so many UTF-16 code units: as which the vendor's own libraries count characters, and
/// which are never fewer than the characters.
pub(super) fn cut(text: &str, most_units: usize) -> &str {
    if text.len() <= most_units {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, char)| {
        units += char.len_utf16();
        units > most_units
    });
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(content: impl FnOnce(&mut Object<'_>)) -> serde_json::Value {
        let mut text = Text::default();
        put_object(Scale::ALL[0], &mut text, content);
        text.end_line();
        serde_json::from_slice(text.as_bytes()).expect("it is JSON")
    }

    #[test]
    fn an_object_may_be_empty() {
        assert_eq!(object(|_| {}), serde_json::json!({}));
        assert_eq!(object(|o| o.object("a", |_| {})), serde_json::json!({"a": {}}));
    }

    #[test]
    fn numbers_that_json_does_not_know_are_text() {
        let value = object(|o| {
            o.value("nan", Value::F64(f64::NAN), 99);
            o.value("inf", Value::F64(f64::NEG_INFINITY), 99);
            o.value("bytes", Value::Bytes(&[0, 255]), 99);
        });
        assert_eq!(value, serde_json::json!({"nan": "NaN", "inf": "-inf", "bytes": "00ff"}));
    }

    #[test]
    fn text_is_cut_before_the_character_that_does_not_fit() {
        assert_eq!(cut("日本語", 2), "日本");
        assert_eq!(cut("a😀b", 2), "a", "an emoji takes two units");
        assert_eq!(cut("a😀b", 3), "a😀");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("é", 0), "");
    }

    #[test]
    fn a_smaller_scale_leaves_names_recognisable() {
        let lengths = Scale::ALL.map(|scale| [8192, 1024, 46].map(|most| scale.of(most)));
        assert_eq!(lengths, [[8192, 1024, 46], [2048, 256, 46], [512, 64, 46], [128, 64, 46]]);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_within_its_limit(text: String, key: String, most in 0_usize..40) {
            let value = object(|o| o.text(&key, &text, most));
            let back = value[key.as_str()].as_str().expect("text");
            prop_assert!(text.starts_with(back));
            prop_assert!(back.encode_utf16().count() <= most);
            let next = text[back.len()..].chars().next();
            prop_assert!(next.is_none_or(|char| back.encode_utf16().count() + char.len_utf16() > most));
        }
    }
}
