//! A key of a settings file and all that is to be known of it: readers, the schema, the reference and `Settings::resolved` share it.

use crate::record::Signal;
use std::time::Duration;

/// One key. The tables of keys stand beside the code that reads them.
#[derive(Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test writes the schema and the reference"))]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// What it does, in Markdown.
    pub(super) about: &'static str,
    pub(super) absent: Absent,
    pub(super) is_required: bool,
    /// The variables that win over the file, the strongest first.
    pub(super) overridden_by: &'static [&'static str],
    /// The variables that win over those, for one signal: traces, then logs.
    pub(super) own: Option<[&'static str; 2]>,
    /// The variables that stand in where the file says nothing, the strongest first.
    pub(super) else_by: &'static [&'static str],
}

/// What a key's value may be.
#[derive(Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test writes the schema and the reference"))]
pub(super) enum Kind {
    /// A map with these keys and no others.
    Section(&'static [Key]),
    /// A list of such maps.
    Sections(&'static [Key]),
    /// A map with keys of the user's choice.
    Map(&'static Kind),
    List(&'static Kind),
    /// Whatever the application makes of it.
    Free,
    Text,
    /// Text that is never shown.
    Secret,
    /// What is quoted is text; the rest is what it looks like.
    Attribute,
    Bool,
    Word(fn() -> Vec<&'static str>),
    /// A number from 0 to 1.
    Ratio,
    /// A number of these from 1 on.
    Count {
        of: &'static str,
        most: Option<usize>,
    },
    /// With a unit, or in milliseconds.
    Time,
    /// One of these words, or something else.
    WordOr(&'static [&'static str], &'static Kind),
    /// With a unit, or in bytes.
    Size {
        least: u64,
        most: Option<u64>,
    },
    /// Text of a form, in words and as a regular expression.
    Like(&'static str, &'static str),
}

/// What holds where a key is absent.
#[derive(Clone, Copy)]
#[cfg_attr(not(test), expect(dead_code, reason = "a test writes the reference"))]
pub(super) enum Absent {
    Nothing,
    /// The same as this value.
    Value(fn() -> String),
    /// What no single value says.
    Words(&'static str),
}

impl Key {
    pub(super) const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            about,
            absent: Absent::Nothing,
            is_required: false,
            overridden_by: &[],
            own: None,
            else_by: &[],
        }
    }

    /// The default, from where the resolver has it.
    pub(super) const fn or(self, value: fn() -> String) -> Self {
        Self { absent: Absent::Value(value), ..self }
    }

    /// The default in words.
    pub(super) const fn or_else(self, words: &'static str) -> Self {
        Self { absent: Absent::Words(words), ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    pub(super) const fn overridden_by(self, variables: &'static [&'static str]) -> Self {
        Self { overridden_by: variables, ..self }
    }

    /// By a variable of every signal, and by those of one: traces, then logs.
    pub(super) const fn overridden_by_signal(
        self,
        every: &'static [&'static str],
        own: [&'static str; 2],
    ) -> Self {
        Self { overridden_by: every, own: Some(own), ..self }
    }

    pub(super) const fn else_by(self, variables: &'static [&'static str]) -> Self {
        Self { else_by: variables, ..self }
    }

    /// The variables that win over the file for this signal, the strongest first.
    pub(super) fn variables(&self, signal: Option<Signal>) -> impl Iterator<Item = &'static str> {
        let own = self.own.zip(signal).map(|([traces, logs], signal)| match signal {
            Signal::Traces => traces,
            Signal::Logs => logs,
        });
        own.into_iter().chain(self.overridden_by.iter().copied())
    }
}

/// The names of these keys.
pub(super) fn names(keys: &'static [Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

/// The words without what they mean.
pub(super) fn words<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}

/// The word for this value.
pub(super) fn word_for<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> String {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word).to_owned()
}

/// A time as a settings file has it.
pub(super) fn time(time: Duration) -> String {
    const UNITS: [(&str, u128); 3] = [("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let millis = time.as_millis();
    let (unit, size) = UNITS.into_iter().find(|(_, size)| millis.is_multiple_of(*size)).unwrap_or(("ms", 1));
    format!("{}{unit}", millis / size)
}

/// A size as a settings file has it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let (unit, size) = UNITS.into_iter().find(|(_, size)| bytes.is_multiple_of(*size)).unwrap_or(("B", 1));
    format!("{}{unit}", bytes / size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_the_largest_unit_that_is_exact() {
        let times = [500, 1500, 90_000, 300_000, 86_400_000].map(Duration::from_millis).map(time);
        assert_eq!(times, ["500ms", "1500ms", "90s", "5m", "24h"]);
        assert_eq!(
            [100, 4 << 10, 1536, 64 << 20, 2 << 30].map(size),
            ["100B", "4KiB", "1536B", "64MiB", "2GiB"]
        );
    }
}
