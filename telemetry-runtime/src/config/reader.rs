//! Typed reading of a document, which goes on after a mistake so that all are reported together.

use super::document::{Entry, Kind, Node};
use super::env::Environment;
use super::error::{Mistake, Origin};
use super::key::{self, Key};
use super::secrecy;
use super::source::{Place, Source};
use super::substitute::{self, Substituted, substitute};
use super::suggest::did_you_mean;
use std::fmt::Display;

/// A value, and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// Reads values and collects mistakes.
pub(super) struct Reader<'a> {
    pub(super) environment: &'a Environment,
    pub(super) source: &'a mut Source,
    pub(super) mistakes: Vec<Mistake>,
    /// Whether nothing here is in use, so that variables do not matter: neither one that is not set nor a wrong value.
    pub(super) forgiving: bool,
}

/// The entries of a map whose keys are known.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    keys: &'static [Key],
}

impl<'n> Fields<'n> {
    /// The key's value, unless it is absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        debug_assert!(self.keys.iter().any(|known| known.name == key), "`{key}` is in no table of keys");
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Reader<'_> {
    /// A map with these keys and no others; an absent one is an empty one.
    pub(super) fn fields<'n>(&mut self, node: Option<&'n Node>, keys: &'static [Key]) -> Fields<'n> {
        let entries = self.entries(node);
        let is_known = |entry: &&Entry| keys.iter().any(|key| key.name == entry.key);
        for entry in entries.iter().filter(|entry| !is_known(entry)) {
            secrecy::hide_values(&entry.value, self.source);
            let (message, help) = unknown_key(&entry.key, &key::names(keys));
            self.mistakes.push(Mistake::new(entry.key_place, message).with_help(help));
        }
        Fields { entries, keys }
    }

    /// A map with keys of the user's choice.
    pub(super) fn entries<'n>(&mut self, node: Option<&'n Node>) -> &'n [Entry] {
        match node.map(|node| (node, &node.kind)) {
            None => &[],
            Some((_, Kind::Map(entries))) => entries,
            Some((node, _)) => self.wrong_shape(node, "a map of keys and values"),
        }
    }

    /// A list.
    pub(super) fn items<'n>(&mut self, node: Option<&'n Node>) -> &'n [Node] {
        match node.map(|node| (node, &node.kind)) {
            None => &[],
            Some((_, Kind::List(items))) => items,
            Some((node, _)) => self.wrong_shape(node, "a list"),
        }
    }

    fn wrong_shape<'n, T>(&mut self, node: &Node, expected: &str) -> &'n [T] {
        secrecy::hide_values(node, self.source);
        self.mistakes
            .push(Mistake::new(node.place, format!("expected {expected}, found {}", node.describe())));
        &[]
    }

    /// Any text.
    pub(super) fn text(&mut self, node: Option<&Node>) -> Option<String> {
        self.checked(node, |text| Ok::<_, String>(text.to_owned())).map(|at| at.value)
    }

    /// `true` or `false`.
    pub(super) fn bool(&mut self, node: Option<&Node>) -> Option<bool> {
        self.word(node, &[("true", true), ("false", false)]).map(|at| at.value)
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(
        &mut self,
        node: Option<&Node>,
        words: &[(&'static str, T)],
    ) -> Option<At<T>> {
        let known = || words.iter().map(|(word, _)| *word);
        let node = node?;
        let scalar = self.scalar(node)?;
        match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&scalar.text)) {
            Some((_, value)) => Some(At { value: *value, origin: node.place.into() }),
            None => {
                let choices = known().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
                let help = did_you_mean(&scalar.text, known());
                let message = format!("expected {choices}{}", self.found(node, &scalar));
                let help = help.filter(|_| !scalar.is_foreign);
                self.mistakes.push(Mistake { help, ..Mistake::new(node.place, message) });
                None
            }
        }
    }

    /// A value of a type that `parse` knows; if it does not, the message says what was expected.
    pub(super) fn typed<T>(
        &mut self,
        node: Option<&Node>,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<At<T>> {
        let node = node?;
        let scalar = self.scalar(node)?;
        match parse(&scalar.text) {
            Some(value) => Some(At { value, origin: node.place.into() }),
            None => {
                let message = format!("expected {expected}{}", self.found(node, &scalar));
                self.mistakes.push(Mistake::new(node.place, message));
                None
            }
        }
    }

    /// A value whose own type checks it; its error is the message.
    pub(super) fn checked<T, E: Display>(
        &mut self,
        node: Option<&Node>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        let node = node?;
        let scalar = self.scalar(node)?;
        match parse(&scalar.text) {
            Ok(value) => Some(At { value, origin: node.place.into() }),
            Err(error) => {
                self.mistakes.push(Mistake::new(node.place, error.to_string()));
                None
            }
        }
    }

    /// The text of a single value after substitution; empty means absent.
    pub(super) fn scalar<'n>(&mut self, node: &'n Node) -> Option<Substituted<'n>> {
        let Kind::Scalar { text, .. } = &node.kind else {
            self.wrong_shape::<()>(node, "a single value");
            return None;
        };
        match substitute(text, self.environment) {
            Ok(scalar) if scalar.text.is_empty() || (self.forgiving && scalar.is_foreign) => None,
            Ok(scalar) => Some(scalar),
            Err(error) => {
                if !(self.forgiving && error.kind == substitute::Kind::Unset) {
                    let place = self.part(node.place, error.part);
                    self.mistakes.push(Mistake::new(place, error.to_string()));
                }
                None
            }
        }
    }

    /// Where in the file a part of a value stands.
    fn part(&self, place: Place, part: &str) -> Place {
        let written = self.source.text().get(place.start..place.end).unwrap_or_default();
        match written.find(part) {
            Some(offset) => Place { start: place.start + offset, end: place.start + offset + part.len() },
            None => place,
        }
    }

    fn found(&self, node: &Node, scalar: &Substituted<'_>) -> String {
        if scalar.is_foreign {
            ", found something else in the variable".to_owned()
        } else if self.source.is_hidden(node.place) {
            String::new()
        } else {
            format!(", found `{}`", shown(&scalar.text))
        }
    }
}

/// What to say about a key that is not one of these.
pub(super) fn unknown_key(key: &str, known: &[&'static str]) -> (String, String) {
    let choices = match known {
        [] => "nothing can be set here".to_owned(),
        _ => format!("known here: {}", known.join(", ")),
    };
    let help = did_you_mean(key, known.iter().copied()).unwrap_or(choices);
    (format!("unknown key `{}`", shown(key)), help)
}

/// A short text without control characters, for a message.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let visible = |char: char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char };
    let mut shown: String = text.chars().take(LONGEST).map(visible).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}
