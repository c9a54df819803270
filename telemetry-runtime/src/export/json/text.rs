//! JSON text, as far as OTLP and Azure Monitor need it.
//!
//! Source: RFC 8259; protobuf.dev, "ProtoJSON Format".

use std::fmt::Display;
use std::io::Write;

/// Text being written. Every value ends in a comma, which the bracket that closes takes back.
#[derive(Debug, Default)]
pub(in crate::export) struct Text(Vec<u8>);

impl Text {
    pub(in crate::export) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(in crate::export) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::export) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// The last value is the last one of its line.
    pub(in crate::export) fn end_line(&mut self) {
        self.close(b'\n');
    }

    /// The last value is the last one of all.
    pub(super) fn end(&mut self) {
        self.0.pop_if(|last| *last == b',');
    }

    /// The name of the value that is written next. It holds nothing to escape.
    pub(super) fn key(&mut self, key: &'static str) -> &mut Self {
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
        self
    }

    /// The same for any name.
    #[cfg(feature = "azure")]
    pub(in crate::export) fn any_key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        if let Some(comma) = self.0.last_mut() {
            *comma = b':';
        }
        self
    }

    /// What was written before, or stands between values.
    #[cfg(feature = "azure")]
    pub(in crate::export) fn raw(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    pub(in crate::export) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.0.push(b'{');
        members(self);
        self.close(b'}');
        self.0.push(b',');
    }

    pub(in crate::export) fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.0.push(b'[');
        elements(self);
        self.close(b']');
        self.0.push(b',');
    }

    /// An array under this key, unless it stays empty.
    pub(super) fn list(&mut self, key: &'static str, elements: impl FnOnce(&mut Self)) {
        let start = self.len();
        self.key(key).array(elements);
        if self.0.ends_with(b"[],") {
            self.truncate(start);
        }
    }

    fn close(&mut self, bracket: u8) {
        self.end();
        self.0.push(bracket);
    }

    /// A number of at most 53 bits, or `true` or `false`.
    pub(in crate::export) fn bare(&mut self, value: impl Display) {
        // Writing to memory does not fail.
        let _ = write!(self.0, "{value},");
    }

    /// A number of 64 bits, which not every reader of JSON keeps as one.
    pub(super) fn wide(&mut self, number: impl Display) {
        let _ = write!(self.0, "\"{number}\",");
    }

    /// A floating-point number; what JSON has none for is a word.
    pub(super) fn double(&mut self, number: f64) {
        if number.is_finite() {
            let _ = write!(self.0, "{number:?},");
        } else if number.is_nan() {
            self.string("NaN");
        } else {
            self.string(if number > 0.0 { "Infinity" } else { "-Infinity" });
        }
    }

    /// Bytes in lower-case hexadecimal.
    pub(super) fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.push(b'"');
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        self.0.extend(digits.map(|digit| DIGITS[usize::from(digit)]));
        self.0.extend_from_slice(b"\",");
    }

    /// Bytes in base64 with padding.
    ///
    /// Source: RFC 4648, section 4.
    pub(super) fn base64(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        self.0.push(b'"');
        for three in bytes.chunks(3) {
            let word = (0..3).fold(0, |word, at| word << 8 | usize::from(*three.get(at).unwrap_or(&0)));
            let digits = [18, 12, 6, 0].map(|shift| DIGITS[word >> shift & 63]);
            self.0.extend_from_slice(&digits[..=three.len()]);
            self.0.extend_from_slice(&b"=="[..3 - three.len()]);
        }
        self.0.extend_from_slice(b"\",");
    }

    pub(in crate::export) fn string(&mut self, text: &str) {
        self.strings(&[text]);
    }

    /// These texts as one.
    pub(super) fn strings(&mut self, texts: &[&str]) {
        self.0.push(b'"');
        texts.iter().for_each(|text| self.escaped(text));
        self.0.extend_from_slice(b"\",");
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| must_be_escaped(*byte)) {
            self.0.extend_from_slice(&rest[..at]);
            self.escape(rest[at]);
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
    }

    #[cold]
    fn escape(&mut self, byte: u8) {
        let _ = match byte {
            b'"' | b'\\' => self.0.write_all(&[b'\\', byte]),
            b'\n' => self.0.write_all(b"\\n"),
            _ => write!(self.0, "\\u{byte:04x}"),
        };
    }
}

/// All other characters may stand as they are.
///
/// Source: RFC 8259, section 7.
const fn must_be_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Text)) -> String {
        let mut text = Text::default();
        write(&mut text);
        text.end();
        String::from_utf8(text.0).expect("JSON is UTF-8")
    }

    fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn commas_stand_between_values_only() {
        let text = written(|text| {
            text.object(|text| {
                text.key("empty").object(|_| {});
                text.key("none").array(|_| {});
                text.key("some").array(|text| {
                    text.bare(1);
                    text.string(",");
                });
            });
        });
        assert_eq!(text, r#"{"empty":{},"none":[],"some":[1,","]}"#);
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(written(|text| text.base64(bytes.as_bytes())), format!("\"{encoded}\""));
        }
        assert_eq!(written(|text| text.base64(&[0xfb, 0xff, 0xfe])), "\"+//+\"");
    }

    #[test]
    fn numbers_that_json_has_not_are_words() {
        let doubles = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e300, 5e-324, 1.0];
        let texts = doubles.map(|double| written(|text| text.double(double)));
        assert_eq!(texts, ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "-0.0", "1e300", "5e-324", "1.0"]);
    }

    #[test]
    fn only_what_must_be_escaped_is() {
        let text = "\u{0}\u{1f}\n\"\\/\u{7f}\u{2028}\u{1f600}ä";
        let expected = "\"\\u0000\\u001f\\n\\\"\\\\/\u{7f}\u{2028}\u{1f600}ä\"";
        assert_eq!(written(|out| out.string(text)), expected);
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text: String) {
            prop_assert_eq!(read::<String>(&written(|out| out.string(&text))), text);
        }

        #[test]
        fn any_finite_number_reads_back(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let back: f64 = written(|out| out.double(number)).parse().expect("a number");
            prop_assert_eq!(back.to_bits(), number.to_bits());
            prop_assert!(serde_json::from_str::<f64>(&written(|out| out.double(number))).is_ok());
        }

        #[test]
        fn hexadecimal_has_two_digits_a_byte(id: u64) {
            prop_assert_eq!(written(|out| out.hex(&id.to_be_bytes())), format!("\"{id:016x}\""));
        }
    }
}
