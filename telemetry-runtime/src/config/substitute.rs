//! `${VARIABLE}` in values, by the grammar of OpenTelemetry's configuration files.

use super::env::Environment;
use std::borrow::Cow;
use std::fmt;

/// A value after substitution.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Substituted<'t> {
    pub(crate) text: Cow<'t, str>,
    /// Whether a part comes from outside of the file, and so must not be shown.
    pub(crate) is_foreign: bool,
}

/// Why a value cannot be had, and which part of it is to blame. The message names variables, but no other text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SubstituteError<'t> {
    pub(crate) part: &'t str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unset,
    Unclosed,
    Malformed,
}

impl fmt::Display for SubstituteError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Unset => {
                write!(f, "{} has no value: set the variable, or write `${{NAME:-default}}`", self.part)
            }
            Kind::Unclosed => {
                f.write_str("`${` without `}`: write `$$` for a dollar sign that is meant as one")
            }
            Kind::Malformed => f.write_str(
                "expected `${NAME}` or `${NAME:-default}`, where NAME has letters, digits and `_`",
            ),
        }
    }
}

/// Replaces `${NAME}`, `${env:NAME}`, `${NAME:-default}` and `$$`; any other `$` stays.
///
/// What comes in is not looked at again. A default also stands in for an empty variable.
///
/// Source: OpenTelemetry specification, configuration data model, "environment variable substitution".
pub(crate) fn substitute<'t>(
    text: &'t str,
    environment: &Environment,
) -> Result<Substituted<'t>, SubstituteError<'t>> {
    let mut substituted = Substituted { text: Cow::Borrowed(""), is_foreign: false };
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from_dollar) = rest.split_at(dollar);
        substituted.text += before;
        rest = if let Some(after) = from_dollar.strip_prefix("$$") {
            substituted.text += "$";
            after
        } else if let Some(after) = from_dollar.strip_prefix("${") {
            let error = |part, kind| SubstituteError { part, kind };
            let (reference, after) = after.split_once('}').ok_or(error(from_dollar, Kind::Unclosed))?;
            let part = &from_dollar[..reference.len() + 3];
            let (name, default) = parse(reference).ok_or(error(part, Kind::Malformed))?;
            let value = environment.get(name);
            substituted.is_foreign |= value.is_some();
            let value = value.map(Cow::Owned).or(default.map(Cow::Borrowed));
            substituted.text += value.ok_or(error(part, Kind::Unset))?;
            after
        } else {
            substituted.text += "$";
            &from_dollar[1..]
        };
    }
    substituted.text += rest;
    Ok(substituted)
}

/// The name and the default in `[env:]NAME[:-default]`.
fn parse(reference: &str) -> Option<(&str, Option<&str>)> {
    let reference = reference.strip_prefix("env:").unwrap_or(reference);
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((name, default))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn environment() -> Environment {
        Environment::from([("A", "a value"), ("EMPTY", ""), ("NESTED", "${A}"), ("INJECTION", "x\nkey: y")])
    }

    #[test]
    fn replaces_by_the_grammar() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${A}", "a value"),
            ("${env:A}", "a value"),
            ("<${A}|${A}>", "<a value|a value>"),
            ("${UNSET:-fallback}", "fallback"),
            ("${EMPTY:-fallback}", "fallback"),
            ("${UNSET:-}", ""),
            ("${UNSET:-a:-b $x}", "a:-b $x"),
            ("${A:-fallback}", "a value"),
            ("${NESTED}", "${A}"),
            ("${INJECTION}", "x\nkey: y"),
            ("$${A}", "${A}"),
            ("$$$${A}", "$${A}"),
            ("$$${A}", "$a value"),
            ("$A 5$ $", "$A 5$ $"),
        ] {
            assert_eq!(substitute(text, &environment()).map(|s| s.text), Ok(expected.into()), "{text}");
        }
    }

    #[test]
    fn blames_the_part_that_is_wrong() {
        for (text, part, kind) in [
            ("x ${UNSET} y", "${UNSET}", Kind::Unset),
            ("${EMPTY}", "${EMPTY}", Kind::Unset),
            ("x ${A", "${A", Kind::Unclosed),
            ("${A:?message}", "${A:?message}", Kind::Malformed),
            ("${1A}", "${1A}", Kind::Malformed),
            ("${}", "${}", Kind::Malformed),
            ("${file:A}", "${file:A}", Kind::Malformed),
            ("${A B}", "${A B}", Kind::Malformed),
        ] {
            assert_eq!(substitute(text, &environment()), Err(SubstituteError { part, kind }), "{text}");
        }
    }

    #[test]
    fn only_what_comes_from_outside_is_foreign() {
        let is_foreign = |text| substitute(text, &environment()).map(|s| s.is_foreign);
        assert_eq!(is_foreign("${A}"), Ok(true));
        assert_eq!(is_foreign("${UNSET:-fallback} $$"), Ok(false));
    }

    proptest! {
        #[test]
        fn any_text_is_replaced_or_refused(text in "[${}A:?é -]{0,24}|\\PC{0,24}") {
            let _ = substitute(&text, &environment());
        }

        #[test]
        fn escaped_text_comes_back(text in "\\PC{0,24}") {
            let escaped = text.replace('$', "$$");
            prop_assert_eq!(substitute(&escaped, &environment()).map(|s| s.text.into_owned()), Ok(text));
        }
    }
}
