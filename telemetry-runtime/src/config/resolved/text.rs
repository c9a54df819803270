//! Values as YAML.

use super::super::document::is_null;
use super::super::key::{Key, Kind, word_for};
use super::super::{raw, secrecy};
use crate::policy::Ratio;
use crate::propagation::{Propagator, Propagators};
use crate::record::ValueBuf;
use crate::record::printable::acts_unseen;
use std::fmt::Write;

/// Instead of a secret.
pub(super) const HIDDEN: &str = "\"***\"";

/// The shortest number that means the same.
pub(super) fn share(ratio: Ratio) -> String {
    let share = ratio.share();
    let mut texts = (0..).map(|digits| format!("{share:.digits$}"));
    texts.find(|text| raw::ratio(text) == Some(ratio)).unwrap_or_default()
}

/// The words for formats, as a list.
pub(super) fn propagators(propagators: &Propagators) -> String {
    let words: Vec<_> = propagators.formats().map(|format| word_for(&Propagator::WORDS, &format)).collect();
    format!("[{}]", words.join(", "))
}

/// A value as it was written, in the way a file has it.
pub(super) fn written(key: &Key, text: &str) -> String {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match key.kind {
        Kind::Secret => HIDDEN.to_owned(),
        _ if secrecy::is_secret(key.name, text) => HIDDEN.to_owned(),
        Kind::Time if is_number => format!("{text}ms"),
        Kind::Size { .. } if is_number => format!("{text}B"),
        Kind::Bool | Kind::Word(_) => text.to_ascii_lowercase(),
        _ => yaml(text),
    }
}

/// A value of the attribute of that name.
pub(super) fn attribute(name: &str, value: &ValueBuf) -> String {
    match value {
        _ if secrecy::is_secret(name, &value.to_string()) => HIDDEN.to_owned(),
        ValueBuf::Str(text) if text.parse::<f64>().is_ok() || matches!(&**text, "true" | "false") => {
            in_quotes(text)
        }
        ValueBuf::Str(text) => yaml(text),
        // With its point, without which it would be an integer.
        ValueBuf::F64(number) => format!("{number:?}"),
        value => value.to_string(),
    }
}

/// The text as YAML: quoted where it would mean something else without.
pub(in crate::config) fn yaml(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_./:+-=%*".contains(char);
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric() || "/.".contains(first));
    if begins && !text.ends_with(':') && !is_null(text) && text.chars().all(is_plain) {
        return text.to_owned();
    }
    in_quotes(text)
}

/// The text where it can mean nothing else.
pub(super) fn in_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '$' => quoted.push_str("$$"),
            char if acts_unseen(char) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted + "\""
}
