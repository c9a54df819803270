//! Which pieces of a settings file are never shown.

use super::document::{Entry, Kind, Node};
use super::error::{Mistake, Origin};
use super::source::{Place, Source};

/// Words in a key that make its value a secret.
const SECRET_WORDS: [&str; 11] = [
    "apikey",
    "api_key",
    "authorization",
    "connection_string",
    "credential",
    "headers",
    "passphrase",
    "password",
    "private_key",
    "secret",
    "token",
];

/// Hides what a key calls a secret, and what looks like a URL with a password or a query.
pub(super) fn hide_secrets(root: &Node, source: &mut Source) {
    hide(root, false, source);
}

/// Hides every value below here.
pub(super) fn hide_values(node: &Node, source: &mut Source) {
    hide(node, true, source);
}

fn hide(node: &Node, is_secret: bool, source: &mut Source) {
    match &node.kind {
        Kind::Scalar { text, .. } => {
            if is_secret || looks_secret(text) {
                source.hide(node.place);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| hide(item, is_secret, source)),
        Kind::Map(entries) => {
            for Entry { key, key_place, value } in entries {
                if is_secret && value.is_null() {
                    // A slip can turn a value into a key.
                    source.hide(*key_place);
                }
                hide(value, is_secret || is_secret_key(key), source);
            }
        }
    }
}

/// Whether the value of this key is not to be shown.
pub(super) fn is_secret(key: &str, text: &str) -> bool {
    is_secret_key(key) || looks_secret(text)
}

/// Whether it is a URL with a password, or with what may grant access.
fn looks_secret(text: &str) -> bool {
    text.contains('@') || text.split_once("://").is_some_and(|(_, rest)| rest.contains('?'))
}

/// Whether a key's name says that its value is a secret.
fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// Of a line that is no YAML, what is key and what is secret is not known: only a word before a colon is shown.
pub(super) fn hide_line_of(mistake: &Mistake, source: &mut Source) {
    let Origin::File(place) = mistake.origin else { return };
    let text = source.text();
    let start = text[..place.start.min(text.len())].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let (key, _) = line.split_once(": ").unwrap_or_default();
    let is_word = |char: char| char.is_ascii_alphanumeric() || " -_.".contains(char);
    let is_shown = key.len() < 40 && key.contains(|char: char| char != ' ') && key.chars().all(is_word);
    let indent = line.len() - line.trim_start().len();
    let shown = if is_shown { key.len() + 2 } else { indent };
    let place = Place { start: start + shown, end: start + line.len() };
    source.hide(place);
}
