//! The values that arguments take, beside texts and lists: one of a known set, a share, a time.

use quote::ToTokens;
use syn::{Error, Expr, ExprLit, ExprPath, Lit, LitInt, LitStr, Result};

use super::given::{Given, is_const, is_path_to};
use crate::errors::{did_you_mean, one_of};

/// A span's name.
#[derive(Clone)]
pub(crate) enum Name {
    /// A text or the path of a const.
    Const(Expr),
    /// To be evaluated, as `Display`.
    Evaluated(Expr),
}

/// One of a known set, or a const that says which.
#[derive(Clone)]
pub(crate) enum Choice {
    Variant(&'static str),
    Const(ExprPath),
    /// A const of `tracing`'s.
    OfTracing(ExprPath),
}

/// Which parameters are captured that nobody named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    All,
    Scalars,
    None,
}

/// Below what the span starts.
#[derive(Clone)]
pub(crate) enum Parent {
    None,
    Given(Expr),
}

/// The callsite's own word on sampling.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sample {
    Always,
    Never,
    Ratio(f64),
}

/// The texts that may be written, and the variants that they mean; a level's number counts from 1.
type Variants = [(&'static str, &'static str)];

const LEVELS: &Variants =
    &[("trace", "Trace"), ("debug", "Debug"), ("info", "Info"), ("warn", "Warn"), ("error", "Error")];

const KINDS: &Variants = &[
    ("internal", "Internal"),
    ("server", "Server"),
    ("client", "Client"),
    ("producer", "Producer"),
    ("consumer", "Consumer"),
];

const CAPTURES: &[(&str, Capture)] =
    &[("all", Capture::All), ("scalars", Capture::Scalars), ("none", Capture::None)];

const UNITS_NS: &[(&str, u64)] =
    &[("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)];

impl Name {
    pub(crate) fn new(value: Expr) -> Self {
        if is_const(&value) { Self::Const(value) } else { Self::Evaluated(value) }
    }
}

impl Given<'_> {
    pub(super) fn name(&self) -> Result<Name> {
        let value = self.value()?;
        match &value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().is_empty() => {
                Err(self.empty(text))
            }
            Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => Ok(Name::new(value)),
            Expr::Lit(_) => Err(self.unexpected(value)),
            _ => Ok(Name::new(value)),
        }
    }

    pub(super) fn level(&self) -> Result<Choice> {
        match self.value()? {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => numbered(LEVELS, &number),
            value => self.choice(LEVELS, value),
        }
    }

    pub(super) fn kind(&self) -> Result<Choice> {
        let value = self.value()?;
        self.choice(KINDS, value)
    }

    pub(super) fn capture(&self) -> Result<Capture> {
        let value = self.value()?;
        let text = value.to_token_stream().to_string();
        let known: Vec<_> = CAPTURES.iter().map(|(text, _)| *text).collect();
        match CAPTURES.iter().find(|(known, _)| *known == text) {
            Some((_, capture)) => Ok(*capture),
            None => {
                let guess = did_you_mean(&text, &known);
                Err(Error::new_spanned(
                    value,
                    format!("unknown capture `{text}`{guess}, expected {}", one_of(&known)),
                ))
            }
        }
    }

    pub(super) fn parent(&self) -> Result<Parent> {
        let value = self.value()?;
        Ok(if is_path_to(&value, "None") { Parent::None } else { Parent::Given(value) })
    }

    pub(super) fn sample(&self) -> Result<Sample> {
        let value = self.value()?;
        let share = match &value {
            Expr::Lit(ExprLit { lit: Lit::Float(share), .. }) => share.base10_parse::<f64>().ok(),
            Expr::Lit(ExprLit { lit: Lit::Int(share), .. }) => share.base10_parse::<f64>().ok(),
            _ if is_path_to(&value, "always") => return Ok(Sample::Always),
            _ if is_path_to(&value, "never") => return Ok(Sample::Never),
            _ => return Err(self.unexpected(value)),
        };
        match share.filter(|share| (0.0..=1.0).contains(share)) {
            Some(share) => Ok(Sample::Ratio(share)),
            None => Err(Error::new_spanned(value, "expected a share from 0 to 1")),
        }
    }

    /// In nanoseconds.
    pub(super) fn duration(&self) -> Result<u64> {
        match self.value()? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => nanoseconds(&text.value()).ok_or_else(|| {
                let units: Vec<_> =
                    UNITS_NS.iter().map(|(unit, _)| *unit).filter(|unit| unit.is_ascii()).collect();
                let message =
                    format!("expected a number and a unit, as in \"50ms\"; units are {}", one_of(&units));
                Error::new_spanned(text, message)
            }),
            other => Err(self.unexpected(other)),
        }
    }

    fn choice(&self, variants: &Variants, value: Expr) -> Result<Choice> {
        match value {
            Expr::Path(path) => Ok(Choice::Const(path)),
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                named(variants, &text.value()).ok_or_else(|| self.unknown(variants, &text))
            }
            other => Err(self.unexpected(other)),
        }
    }

    fn unknown(&self, variants: &Variants, text: &LitStr) -> Error {
        let known: Vec<_> = variants.iter().map(|(text, _)| *text).collect();
        let guess = did_you_mean(&text.value(), &known);
        let message = format!("unknown {} `{}`{guess}, expected {}", self.word, text.value(), one_of(&known));
        Error::new_spanned(text, message)
    }
}

fn named(variants: &Variants, text: &str) -> Option<Choice> {
    variants
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(text))
        .map(|(_, variant)| Choice::Variant(variant))
}

fn numbered(variants: &Variants, number: &LitInt) -> Result<Choice> {
    let position = number.base10_parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    match position.and_then(|position| variants.get(position)) {
        Some((_, variant)) => Ok(Choice::Variant(variant)),
        None => Err(Error::new_spanned(number, "expected a level from 1 (trace) to 5 (error)")),
    }
}

fn nanoseconds(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let (_, unit_ns) = UNITS_NS.iter().find(|(known, _)| *known == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*unit_ns).filter(|ns| *ns > 0)
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!(nanoseconds("50ms"), Some(50_000_000));
        assert_eq!(nanoseconds("2 s"), Some(2_000_000_000));
        assert_eq!(nanoseconds("7µs"), Some(7_000));
        for text in ["", "50", "ms", "1.5s", "-1s", "0ms", "1h", "99999999999999999999s"] {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }
}
