//! JSON, as far as envelopes need it: objects of text within limits, written straight into a buffer.

use crate::record::Value;
use std::fmt::Display;
use std::io::Write;

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
    out: &'o mut Vec<u8>,
    scale: Scale,
}

/// Writes an object with the members that `content` gives it.
pub(super) fn put_object(scale: Scale, out: &mut Vec<u8>, content: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    content(&mut Object { out, scale });
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b'}');
}

impl Object<'_> {
    /// A member of text, of which no more than `most` characters are written.
    pub(super) fn text(&mut self, key: &str, text: &str, most: usize) {
        self.whole_text(key, cut(text, self.scale.of(most)));
    }

    /// A member of text that is written to its end, however large the item is.
    pub(super) fn whole_text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.quoted(text);
    }

    /// A member of text, if there is one.
    pub(super) fn text_if(&mut self, key: &str, text: Option<impl AsRef<str>>, most: usize) {
        if let Some(text) = text {
            self.text(key, text.as_ref(), most);
        }
    }

    /// A member whose text is known to be short and to need no escape.
    pub(super) fn plain_text(&mut self, key: &str, text: impl Display) {
        self.key(key);
        self.put(format_args!("\"{text}\","));
    }

    /// A member that is a number, `true` or `false`.
    pub(super) fn bare(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.put(format_args!("{value},"));
    }

    /// A member that is text, whatever the attribute's type.
    pub(super) fn value(&mut self, key: &str, value: Value<'_>, most: usize) {
        match value {
            Value::Str(text) => self.text(key, text, most),
            Value::Bool(_) | Value::I64(_) | Value::F64(_) => {
                self.key(key);
                self.put(format_args!("\"{value}\","));
            }
            other => self.text(key, &other.to_string(), most),
        }
    }

    pub(super) fn object(&mut self, key: &str, content: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        put_object(self.scale, self.out, content);
        self.out.push(b',');
    }

    /// A member that is an array of one object.
    pub(super) fn array_of_one(&mut self, key: &str, content: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        self.out.push(b'[');
        put_object(self.scale, self.out, content);
        self.out.extend_from_slice(b"],");
    }

    /// Members that were written before.
    pub(super) fn members(&mut self, members: &[u8]) {
        self.out.extend_from_slice(members);
    }

    fn key(&mut self, key: &str) {
        self.quoted(key);
        if let Some(comma) = self.out.last_mut() {
            *comma = b':';
        }
    }

    /// The text in quotes, and a comma.
    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        while let Some(end) = rest.iter().position(|byte| is_escaped(*byte)) {
            self.out.extend_from_slice(&rest[..end]);
            self.escape(rest[end]);
            rest = &rest[end + 1..];
        }
        self.out.extend_from_slice(rest);
        self.out.extend_from_slice(b"\",");
    }

    fn escape(&mut self, byte: u8) {
        match byte {
            b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
            b'\n' => self.out.extend_from_slice(b"\\n"),
            b'\r' => self.out.extend_from_slice(b"\\r"),
            b'\t' => self.out.extend_from_slice(b"\\t"),
            control => self.put(format_args!("\\u{control:04x}")),
        }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.out.write_fmt(text);
    }
}

/// Source: RFC 8259, section 7.
fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
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
        let mut out = Vec::new();
        put_object(Scale::ALL[0], &mut out, content);
        serde_json::from_slice(&out).expect("it is JSON")
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
