//! `err` and `ret`: whether and how a function's value is recorded.

use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitBool, Result, Token, token};

use super::given::Given;
use super::values::Choice;
use super::{Mode, end_of_one};
use crate::errors::did_you_mean;

#[derive(Clone)]
pub(crate) struct Outcome {
    /// The word that said so.
    pub(crate) word: Ident,
    pub(crate) on: bool,
    pub(crate) mode: Option<Mode>,
    /// Of the `tracing` event, if there is to be one.
    pub(crate) level: Option<Choice>,
}

const MODES: &[&str] = &["Debug", "Display"];

impl Given<'_> {
    /// The word alone, a formatting mode and a level in parentheses, or for a word that is on by itself `= false`.
    pub(super) fn outcome(&self) -> Result<Outcome> {
        let mut outcome = Outcome { word: self.word.clone(), on: true, mode: None, level: None };
        if self.input.peek(token::Paren) {
            let inside = self.list()?;
            if inside.is_empty() {
                return Err(self.unexpected(self.word));
            }
            self.outcome_inside(&inside, &mut outcome)?;
        } else if self.forms.iter().any(|form| form.ends_with("= false")) && self.input.peek(Token![=]) {
            outcome.on = self.bool()?;
        } else {
            self.nothing()?;
        }
        Ok(outcome)
    }

    fn outcome_inside(&self, inside: ParseStream<'_>, outcome: &mut Outcome) -> Result<()> {
        while !inside.is_empty() {
            if inside.peek(Ident) && inside.peek2(Token![=]) {
                let word: Ident = inside.parse()?;
                if word != "level" || outcome.level.is_some() {
                    return Err(Error::new_spanned(
                        word,
                        "expected `Debug`, `Display` and `level = ..`, each once",
                    ));
                }
                outcome.level =
                    Some(Given { word: &word, forms: &[r#"level = "debug""#], input: inside }.level()?);
            } else {
                let mode = mode(inside)?;
                if outcome.mode.replace(mode).is_some() {
                    return Err(self.unexpected(self.word));
                }
            }
            end_of_one(inside)?;
            inside.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    }

    fn bool(&self) -> Result<bool> {
        match self.value()? {
            Expr::Lit(ExprLit { lit: Lit::Bool(LitBool { value, .. }), .. }) => Ok(value),
            other => Err(self.unexpected(other)),
        }
    }
}

fn mode(input: ParseStream<'_>) -> Result<Mode> {
    let mode: Expr = input.parse()?;
    let text = mode.to_token_stream().to_string();
    match text.as_str() {
        "Debug" => Ok(Mode::Debug),
        "Display" => Ok(Mode::Display),
        _ => {
            let guess = did_you_mean(&text, MODES);
            let message = format!("unknown formatting mode `{text}`{guess}, expected `Debug` or `Display`");
            Err(Error::new_spanned(mode, message))
        }
    }
}
