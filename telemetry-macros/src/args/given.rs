//! What is given to one argument: its value, in the form that the argument takes.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, ExprPath, Ident, Lit, LitBool, LitInt, LitStr, Path, Result, Token, token};

use super::Outcome;
use super::field::{Field, Mode, read_fields};
use crate::errors::{did_you_mean, one_of};

/// An argument's word, and the tokens after it.
pub(crate) struct Given<'a> {
    pub(crate) word: &'a Ident,
    pub(crate) forms: &'static [&'static str],
    pub(crate) input: ParseStream<'a>,
}

/// One of a known set, or a const that says which.
pub(crate) enum Choice {
    Variant(&'static str),
    Const(ExprPath),
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

impl Given<'_> {
    /// A text or the path of a const.
    pub(crate) fn text(&self) -> Result<Expr> {
        match self.value()? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().is_empty() => {
                Err(Error::new_spanned(text, format!("`{}` must not be empty", self.word)))
            }
            text @ (Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) | Expr::Path(_)) => Ok(text),
            other => Err(self.unexpected(other)),
        }
    }

    pub(crate) fn level(&self) -> Result<Choice> {
        match self.value()? {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => numbered(LEVELS, &number),
            value => self.choice(LEVELS, value),
        }
    }

    pub(crate) fn kind(&self) -> Result<Choice> {
        let value = self.value()?;
        self.choice(KINDS, value)
    }

    /// Names in parentheses, each once.
    pub(crate) fn idents(&self) -> Result<Vec<Ident>> {
        let content = self.list()?;
        let idents = content.parse_terminated(Ident::parse_any, Token![,])?;
        for (position, ident) in idents.iter().enumerate() {
            if idents.iter().take(position).any(|earlier| earlier == ident) {
                return Err(Error::new_spanned(ident, format!("`{ident}` is listed twice")));
            }
        }
        Ok(idents.into_iter().collect())
    }

    /// The fields in parentheses: those that are right also where others are not.
    pub(crate) fn fields(&self, fields: &mut Vec<Field>) -> Result<()> {
        read_fields(&self.list()?, fields)
    }

    /// The word alone.
    pub(crate) fn nothing(&self) -> Result<()> {
        if self.input.peek(Token![=]) || self.input.peek(token::Paren) {
            return Err(self.unexpected(self.word));
        }
        Ok(())
    }

    /// The word alone, a formatting mode in parentheses, or for a word that is on by itself `= false`.
    pub(crate) fn outcome(&self) -> Result<Outcome> {
        let outcome = |on, mode| Outcome { word: self.word.clone(), on, mode };
        if self.input.peek(token::Paren) {
            return Ok(outcome(true, Some(self.mode()?)));
        }
        let can_be_off = self.forms.iter().any(|form| form.ends_with("= false"));
        if can_be_off && self.input.peek(Token![=]) {
            return match self.value()? {
                Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value, .. }), .. }) => Ok(outcome(value, None)),
                other => Err(self.unexpected(other)),
            };
        }
        self.nothing().map(|()| outcome(true, None))
    }

    /// A path, or one in quotes.
    pub(crate) fn path(&self) -> Result<Path> {
        self.equals()?;
        if self.input.peek(LitStr) {
            let text: LitStr = self.input.parse()?;
            return text.parse_with(Path::parse_mod_style).map_err(|_| self.unexpected(text));
        }
        self.input.call(Path::parse_mod_style).map_err(|error| Error::new(error.span(), self.expected()))
    }

    fn value(&self) -> Result<Expr> {
        self.equals()?;
        let value = self.input.parse().map_err(|error| Error::new(error.span(), self.expected()))?;
        Ok(ungrouped(value))
    }

    /// The sign before a value, and the assurance that there is one.
    fn equals(&self) -> Result<()> {
        if !self.input.peek(Token![=]) {
            return Err(self.unexpected(self.word));
        }
        let equals: Token![=] = self.input.parse()?;
        if self.input.is_empty() || self.input.peek(Token![,]) {
            Err(self.unexpected(equals))
        } else {
            Ok(())
        }
    }

    fn list(&self) -> Result<syn::parse::ParseBuffer<'_>> {
        if !self.input.peek(token::Paren) {
            return Err(self.unexpected(self.word));
        }
        let content;
        syn::parenthesized!(content in self.input);
        Ok(content)
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

    fn mode(&self) -> Result<Mode> {
        let modes: Punctuated<Expr, Token![,]> = self.list()?.call(Punctuated::parse_terminated)?;
        let text = modes.to_token_stream().to_string();
        match text.as_str() {
            "Debug" => Ok(Mode::Debug),
            "Display" => Ok(Mode::Display),
            "" => Err(self.unexpected(self.word)),
            _ => {
                let guess = did_you_mean(&text, &["Debug", "Display"]);
                let message =
                    format!("unknown formatting mode `{text}`{guess}, expected `Debug` or `Display`");
                Err(Error::new_spanned(modes, message))
            }
        }
    }

    fn unexpected(&self, at: impl ToTokens) -> Error {
        Error::new_spanned(at, self.expected())
    }

    fn expected(&self) -> String {
        format!("expected {}", one_of(self.forms))
    }
}

/// The value without the invisible group in which a `macro_rules` metavariable comes.
fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
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
