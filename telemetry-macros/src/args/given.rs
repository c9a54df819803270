//! What is given to one argument: its value, in the form that the argument takes.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Result, Token, token};

use super::field::{Field, read_fields};
use crate::errors::one_of;

/// An argument's word, and the tokens after it.
pub(super) struct Given<'a> {
    pub(super) word: &'a Ident,
    pub(super) forms: &'static [&'static str],
    pub(super) input: ParseStream<'a>,
}

impl Given<'_> {
    /// A text or the path of a const.
    pub(super) fn text(&self) -> Result<Expr> {
        match self.value()? {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().is_empty() => {
                Err(self.empty(&text))
            }
            text @ (Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) | Expr::Path(_)) => Ok(text),
            other => Err(self.unexpected(other)),
        }
    }

    /// Names in parentheses, each once.
    pub(super) fn idents(&self) -> Result<Vec<Ident>> {
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
    pub(super) fn fields(&self, fields: &mut Vec<Field>) -> Result<()> {
        read_fields(&self.list()?, fields)
    }

    /// The word alone.
    pub(super) fn nothing(&self) -> Result<()> {
        if self.input.peek(Token![=]) || self.input.peek(token::Paren) {
            return Err(self.unexpected(self.word));
        }
        Ok(())
    }

    /// A path, or one in quotes.
    pub(super) fn path(&self) -> Result<Path> {
        self.equals()?;
        if self.input.peek(LitStr) {
            let text: LitStr = self.input.parse()?;
            return text.parse_with(Path::parse_mod_style).map_err(|_| self.unexpected(text));
        }
        self.input.call(Path::parse_mod_style).map_err(|error| Error::new(error.span(), self.expected()))
    }

    /// An expression.
    pub(super) fn value(&self) -> Result<Expr> {
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

    pub(super) fn list(&self) -> Result<syn::parse::ParseBuffer<'_>> {
        if !self.input.peek(token::Paren) {
            return Err(self.unexpected(self.word));
        }
        let content;
        syn::parenthesized!(content in self.input);
        Ok(content)
    }

    pub(super) fn empty(&self, text: &LitStr) -> Error {
        Error::new_spanned(text, format!("`{}` must not be empty", self.word))
    }

    pub(super) fn unexpected(&self, at: impl ToTokens) -> Error {
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

/// A text, or a path in the letters of a const.
pub(super) fn is_const(value: &Expr) -> bool {
    match value {
        Expr::Lit(_) => true,
        Expr::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| !last.ident.unraw().to_string().contains(char::is_lowercase)),
        _ => false,
    }
}

/// Whether this is a path that ends in that word.
pub(super) fn is_path_to(value: &Expr, word: &str) -> bool {
    matches!(value, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == word))
}
