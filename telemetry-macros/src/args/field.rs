//! One attribute that the user named: its name, and where its value comes from.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprCall, ExprPath, Ident, LitStr, Result, Token, token};

use super::given::is_path_to;
use super::{end_of_one, to_next};
use crate::secret::smells_of_secret;

#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: FieldName,
    pub(crate) value: FieldValue,
}

#[derive(Clone)]
pub(crate) enum FieldName {
    Text(LitStr),
    /// `{CONST}`
    Const(Expr),
}

/// Where the value comes from.
#[derive(Clone)]
pub(crate) enum FieldValue {
    /// `x`: the parameter, or a declaration where there is none.
    Bare(Ident),
    /// `a.b`, `"a-b"` or `x = Empty`: to be recorded later, if ever.
    Declared(Option<Expr>),
    /// `?x`, `a = expr`, `a = %expr`.
    Given(Mode, Expr),
    /// The value of what is named like a secret is not looked at; only `tracing`'s own span has it.
    Redacted(Box<FieldValue>),
}

/// How a value is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Typed,
    Debug,
    Display,
}

/// Reads every field, and tells all mistakes.
pub(super) fn read_fields(input: ParseStream<'_>, fields: &mut Vec<Field>) -> Result<()> {
    let mut mistakes: Result<()> = Ok(());
    while !input.is_empty() {
        match read_field(input).and_then(|field| end_of_one(input).map(|()| field)) {
            Ok(field) => fields.push(field),
            Err(mistake) => match &mut mistakes {
                Ok(()) => mistakes = Err(mistake),
                Err(mistakes) => mistakes.combine(mistake),
            },
        }
        to_next(input);
    }
    mistakes
}

/// The same in a `span!`, where a name alone is a variable.
pub(super) fn read_field_of_span(input: ParseStream<'_>) -> Result<Field> {
    let Field { name, value } = read_field(input)?;
    let value = match value {
        FieldValue::Bare(ident) => {
            let variable = Segments { first: ident, rest: Vec::new() };
            FieldValue::Given(Mode::Typed, variable.value()?)
        }
        FieldValue::Declared(Some(value)) => FieldValue::Given(Mode::Typed, value),
        value => value,
    };
    Ok(Field { name, value })
}

pub(super) fn read_field(input: ParseStream<'_>) -> Result<Field> {
    let sign = read_mode(input)?;
    let (name, path) = read_name(input)?;
    let value = match (path, sign) {
        _ if input.peek(Token![=]) => read_value(input, sign)?,
        (Some(path), Some(mode)) => FieldValue::Given(mode, path.value()?),
        (None, Some(_)) => return Err(Error::new_spanned(name, NO_SHORTHAND)),
        (Some(Segments { first, rest }), None) if rest.is_empty() => FieldValue::Bare(first),
        (Some(path), None) => FieldValue::Declared(path.value().ok()),
        (None, None) => FieldValue::Declared(None),
    };
    Ok(Field { value: guarded(&name, value)?, name })
}

const NO_SHORTHAND: &str =
    "expected a variable's name, alone or after `?` or `%`, or a value: `name = ?value`";

/// What is named like a secret is not recorded, unless it says `expose(..)`.
fn guarded(name: &FieldName, value: FieldValue) -> Result<FieldValue> {
    let is_secret = matches!(name, FieldName::Text(text) if smells_of_secret(&text.value()));
    match value {
        FieldValue::Given(mode, Expr::Call(call)) if is_expose(&call) => match call.args.first() {
            Some(exposed) if is_secret && call.args.len() == 1 => {
                Ok(FieldValue::Given(mode, exposed.clone()))
            }
            _ => Err(Error::new_spanned(
                &call.func,
                "`expose(..)` takes one value, of a field that is named like a secret",
            )),
        },
        value @ (FieldValue::Given(..) | FieldValue::Bare(_)) if is_secret => {
            Ok(FieldValue::Redacted(Box::new(value)))
        }
        value => Ok(value),
    }
}

fn is_expose(call: &ExprCall) -> bool {
    matches!(&*call.func, Expr::Path(ExprPath { path, .. }) if path.is_ident("expose"))
}

/// `?` or `%`.
fn read_mode(input: ParseStream<'_>) -> Result<Option<Mode>> {
    if input.peek(Token![?]) {
        return input.parse::<Token![?]>().map(|_| Some(Mode::Debug));
    }
    if input.peek(Token![%]) {
        return input.parse::<Token![%]>().map(|_| Some(Mode::Display));
    }
    Ok(None)
}

/// A name of identifiers, as it stands there.
struct Segments {
    first: Ident,
    rest: Vec<Ident>,
}

impl Segments {
    /// The same tokens, read as a value.
    fn value(&self) -> Result<Expr> {
        let Self { first, rest } = self;
        syn::parse2(quote!(#first #(.#rest)*)).map_err(|_| Error::new_spanned(first, NO_SHORTHAND))
    }
}

/// The name, and what it is made of, if it may be read as a value.
fn read_name(input: ParseStream<'_>) -> Result<(FieldName, Option<Segments>)> {
    if input.peek(LitStr) {
        return Ok((FieldName::Text(input.parse()?), None));
    }
    if input.peek(token::Brace) {
        let content;
        syn::braced!(content in input);
        return Ok((FieldName::Const(content.parse()?), None));
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error(
            "expected a field: `x`, `?x`, `%x`, `name = value`, `a.b = value`, `\"text\" = value` or `{CONST} = value`",
        ));
    }
    let segments: Punctuated<Ident, Token![.]> =
        Punctuated::parse_separated_nonempty_with(input, Ident::parse_any)?;
    let dotted: Vec<_> = segments.iter().map(|segment| segment.unraw().to_string()).collect();
    let mut segments = segments.into_iter();
    let Some(first) = segments.next() else { return Err(input.error("expected a name")) };
    let name = LitStr::new(&dotted.join("."), first.span());
    Ok((FieldName::Text(name), Some(Segments { first, rest: segments.collect() })))
}

fn read_value(input: ParseStream<'_>, sign: Option<Mode>) -> Result<FieldValue> {
    let equals: Token![=] = input.parse()?;
    // As in `tracing`, the nearer sign counts.
    let mode = read_mode(input)?.or(sign).unwrap_or(Mode::Typed);
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new_spanned(equals, "expected a value after `=`"));
    }
    let value: Expr = input.parse()?;
    Ok(if is_path_to(&value, "Empty") { FieldValue::Declared(None) } else { FieldValue::Given(mode, value) })
}

impl FieldName {
    /// A text of ours.
    pub(crate) fn ours(text: &str) -> Self {
        Self::Text(LitStr::new(text, Span::mixed_site()))
    }

    /// The text, where it is written.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.value()),
            Self::Const(_) => None,
        }
    }
}

impl ToTokens for FieldName {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Const(value) => value.to_tokens(tokens),
        }
    }
}
