//! One entry of `fields(..)`: a name, and where its value comes from.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Result, Token};

use super::{end_of_one, to_next};

/// One attribute that the user named.
pub(crate) struct Field {
    pub(crate) name: LitStr,
    pub(crate) value: FieldValue,
}

/// Where the value comes from.
pub(crate) enum FieldValue {
    /// `x`: the parameter, or a declaration where there is none.
    Bare(Ident),
    /// `a.b` or `"a-b"`: to be recorded later, if ever.
    Declared,
    /// `?x`, `a = expr`, `a = %expr`.
    Given(Mode, Expr),
}

/// How a value is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Typed,
    Debug,
    Display,
}

/// Reads every field, and tells all mistakes.
pub(crate) fn read_fields(input: ParseStream<'_>, fields: &mut Vec<Field>) -> Result<()> {
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

fn read_field(input: ParseStream<'_>) -> Result<Field> {
    if let Some(mode) = read_mode(input)? {
        return read_shorthand(input, mode);
    }
    let (name, bare) = read_name(input)?;
    let value = match bare {
        _ if input.peek(Token![=]) => read_value(input)?,
        Some(ident) => FieldValue::Bare(ident),
        None => FieldValue::Declared,
    };
    Ok(Field { name, value })
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

/// The `x` of `?x`.
fn read_shorthand(input: ParseStream<'_>, mode: Mode) -> Result<Field> {
    let sign = if mode == Mode::Debug { '?' } else { '%' };
    let place =
        format!("`{sign}` goes before a parameter's name alone, or before a value: `name = {sign}value`");
    let ident = input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), &place))?;
    if input.peek(Token![.]) || input.peek(Token![=]) {
        return Err(Error::new_spanned(ident, place));
    }
    let name = text_of(&ident, ident.span());
    Ok(Field { name, value: FieldValue::Given(mode, syn::parse_quote!(#ident)) })
}

/// The name, and the identifier that it is, if it is one.
fn read_name(input: ParseStream<'_>) -> Result<(LitStr, Option<Ident>)> {
    if input.peek(LitStr) {
        return Ok((input.parse()?, None));
    }
    if !input.peek(Ident::peek_any) {
        return Err(input.error(
            "expected a field: `x`, `?x`, `%x`, `name = value`, `a.b = value` or `\"text\" = value`",
        ));
    }
    let segments: Punctuated<Ident, Token![.]> =
        Punctuated::parse_separated_nonempty_with(input, Ident::parse_any)?;
    let Some(first) = segments.first() else { return Err(input.error("expected a name")) };
    if segments.len() == 1 {
        return Ok((text_of(first, first.span()), Some(first.clone())));
    }
    if first == "self" && !input.peek(Token![=]) {
        return Err(Error::new_spanned(&segments, "a part of `self` needs a name: `name = self.part`"));
    }
    let dotted: Vec<_> = segments.iter().map(|segment| segment.unraw().to_string()).collect();
    Ok((LitStr::new(&dotted.join("."), first.span()), None))
}

fn read_value(input: ParseStream<'_>) -> Result<FieldValue> {
    let equals: Token![=] = input.parse()?;
    let mode = read_mode(input)?.unwrap_or(Mode::Typed);
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new_spanned(equals, "expected a value after `=`"));
    }
    Ok(FieldValue::Given(mode, input.parse()?))
}

fn text_of(ident: &Ident, span: Span) -> LitStr {
    LitStr::new(&ident.unraw().to_string(), span)
}
