//! The API's baggage as the text of a header, and back.
//!
//! Source: W3C Baggage, section 3.3.

use opentelemetry::baggage::{Baggage, KeyValueMetadata};
use std::fmt::Write;

pub(super) const HEADER: &str = "baggage";

/// A header of more bytes than this is not looked at.
const MOST_BYTES: usize = 8192;
const MOST_MEMBERS: usize = 64;

pub(super) fn write(baggage: &Baggage) -> String {
    let mut header = String::new();
    for (key, (value, metadata)) in baggage {
        let comma = if header.is_empty() { "" } else { "," };
        let semicolon = if metadata.as_str().is_empty() { "" } else { ";" };
        // Writing to a string does not fail.
        let _ =
            write!(header, "{comma}{}={}{semicolon}{metadata}", key.as_str().trim(), Encoded(value.as_str()));
    }
    header
}

/// Members that are not well formed are left out.
pub(super) fn read(header: &str) -> Baggage {
    let header = if header.len() > MOST_BYTES { "" } else { header };
    let members = header.split(',').take(MOST_MEMBERS).filter_map(member);
    members.collect()
}

fn member(text: &str) -> Option<KeyValueMetadata> {
    let (pair, metadata) = text.split_once(';').unwrap_or((text, ""));
    let (key, value) = pair.split_once('=')?;
    let value = decoded(value.trim_matches([' ', '\t']))?;
    let key = key.trim_matches([' ', '\t']).to_owned();
    Some(KeyValueMetadata::new(key, value, metadata.trim_matches([' ', '\t'])))
}

/// Percent-encodes what may not stand in a value.
struct Encoded<'a>(&'a str);

impl std::fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.bytes() {
            if matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%') {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
