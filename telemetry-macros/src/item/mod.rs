//! The annotated function: its signature parsed, its body kept as the tokens that the user wrote.

mod binding;
mod block;
mod mention;
mod returned;
pub(crate) mod spelling;
mod tail;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, FnArg, PatType, Result, Signature, Token, Type, Visibility, token};

pub(crate) use self::binding::{Binding, Parameter};
pub(crate) use self::block::{Block, Part};
pub(crate) use self::mention::mentions;
pub(crate) use self::returned::{Holder, Returned, Work};
pub(crate) use self::tail::Tail;
use crate::style::Style;

pub(crate) struct Item {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) inner_attributes: Vec<Attribute>,
    pub(crate) body: Body,
}

/// What stands between the braces, in the user's own tokens.
pub(crate) enum Body {
    /// Statements of a function that does its work when it is called, or of an `async fn`.
    Statements(token::Brace, TokenStream),
    /// A function that ends in `Box::pin(async move {..})` and so does its work when that is polled.
    Future(Tail),
    /// A function that returns a future or stream, however it makes it.
    Returned(token::Brace, TokenStream, Returned),
}

impl Item {
    pub(crate) fn parse(tokens: TokenStream, style: Style) -> Result<Self> {
        let read = |input: ParseStream<'_>| Self::read(input, style);
        read.parse2(tokens)
    }

    pub(crate) fn has_receiver(&self) -> bool {
        self.signature.receiver().is_some()
    }

    /// Whether it returns a stream.
    pub(crate) fn streams(&self) -> bool {
        matches!(self.body, Body::Returned(_, _, Returned { work: Work::Stream, .. }))
    }

    /// The parameters' names, in order.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.parameters.iter().flat_map(|parameter| &parameter.bindings)
    }

    /// The type of the value that the work ends with, or of a stream's items; none where the spelling does not tell.
    pub(crate) fn value_type(&self) -> Option<Type> {
        let returned = spelling::returned(&self.signature.output);
        match self.body {
            Body::Statements(..) => Some(returned),
            Body::Future(_) | Body::Returned(..) => spelling::work_output(&returned),
        }
    }
}

impl Item {
    fn read(input: ParseStream<'_>, style: Style) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        must_be_a_function(input)?;
        let mut signature: Signature = input.parse()?;
        if input.peek(Token![;]) {
            let message =
                "`#[instrument]` needs a function with a body: put it on the methods that implement this one";
            return Err(Error::new_spanned(&signature.ident, message));
        }
        let content;
        let brace = syn::braced!(content in input);
        let inner_attributes = content.call(Attribute::parse_inner)?;
        let body = Body::new(brace, content.parse()?, &signature, style);
        let parameters = parameters_of(&mut signature);
        Ok(Self { attributes, visibility, signature, parameters, inner_attributes, body })
    }
}

impl Body {
    fn new(brace: token::Brace, tokens: TokenStream, signature: &Signature, style: Style) -> Self {
        if signature.asyncness.is_some() {
            return Self::Statements(brace, tokens);
        }
        let is_only = |tail: &Tail| style == Style::Tracing || !tail.may_be_passed_by();
        if let Some(tail) = Tail::find(&tokens).filter(is_only) {
            return Self::Future(tail);
        }
        let returned = Returned::by_spelling(&spelling::returned(&signature.output));
        match returned.filter(|_| style == Style::Ours) {
            Some(returned) => Self::Returned(brace, tokens, returned),
            None => Self::Statements(brace, tokens),
        }
    }
}

fn parameters_of(signature: &mut Signature) -> Vec<Parameter> {
    let is_async = signature.asyncness.is_some();
    let typed = signature.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let read = |(position, typed): (usize, &mut PatType)| {
        let mut parameter = Parameter::new(typed);
        if is_async {
            parameter.pass_on(position, &mut typed.pat);
        }
        parameter
    };
    typed.enumerate().map(read).collect()
}

/// Says what stands there instead of `fn`, past the words that may come before it.
fn must_be_a_function(input: ParseStream<'_>) -> Result<()> {
    let ahead = input.fork();
    let mut words = Vec::new();
    while let Ok(tree) = ahead.parse::<TokenTree>() {
        match tree {
            TokenTree::Ident(word) if word == "fn" => return Ok(()),
            TokenTree::Ident(word) if is_qualifier(&word) => words.push(word),
            TokenTree::Literal(_) => {}
            TokenTree::Ident(word) if words.is_empty() || is_keyword(&word) => return Err(not_on(&word)),
            _ => break,
        }
    }
    Err(words.first().map_or_else(|| input.error(format!("`#[instrument]` goes on {PLACES}")), not_on))
}

const PLACES: &str = "a function, an `impl` block or a `trait`";

fn not_on(word: &Ident) -> Error {
    Error::new_spanned(word, format!("`#[instrument]` goes on {PLACES}, not on `{word}`"))
}

fn is_keyword(word: &Ident) -> bool {
    syn::parse2::<Ident>(word.to_token_stream()).is_err()
}

fn is_qualifier(word: &Ident) -> bool {
    ["const", "async", "unsafe", "safe", "extern", "default"].iter().any(|qualifier| word == qualifier)
}
