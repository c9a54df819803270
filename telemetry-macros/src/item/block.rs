//! An annotated `impl` or `trait` block: its functions parsed, everything else kept as the tokens that the user wrote.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, ItemImpl, ItemTrait, Meta, Result, Signature, Token, Type, Visibility, token};

use super::is_qualifier;

pub(crate) struct Block {
    /// What stands before the braces.
    head: TokenStream,
    body: Group,
    /// The type or trait: what comes before `::` in the spans' names.
    pub(crate) owner: String,
    pub(crate) parts: Vec<Part>,
}

/// One item of the block.
pub(crate) enum Part {
    /// To be left alone.
    Other(TokenStream),
    Function {
        /// The function without its own `#[instrument]`.
        tokens: TokenStream,
        /// What that says.
        own: TokenStream,
    },
}

/// What a function's own attribute says.
enum Own {
    Nothing,
    Skip,
    Arguments(TokenStream),
}

impl Block {
    /// Whether these tokens are a block and no function.
    pub(crate) fn is_one(tokens: &TokenStream) -> bool {
        let mut trees = bare(tokens.clone()).into_iter().peekable();
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Ident(word) if word == "impl" || word == "trait" => return true,
                TokenTree::Ident(word) if word == "pub" || word == "unsafe" || word == "default" => {}
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    trees.next();
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {}
                _ => return false,
            }
        }
        false
    }

    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut trees: Vec<_> = bare(tokens.clone()).into_iter().collect();
        let body = match trees.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => body,
            _ => {
                return Err(Error::new_spanned(
                    tokens,
                    "expected a block: `impl Type { .. }` or `trait Name { .. }`",
                ));
            }
        };
        let head: TokenStream = trees.into_iter().collect();
        let owner = owner(&head)?;
        let parts = parts.parse2(body.stream())?;
        Ok(Self { head, body, owner, parts })
    }

    /// The block with other tokens in the place of its functions.
    pub(crate) fn with(&self, mut written: impl FnMut(&Part) -> TokenStream) -> TokenStream {
        let mut body = Group::new(Delimiter::Brace, self.parts.iter().map(&mut written).collect());
        body.set_span(self.body.span());
        let mut tokens = self.head.clone();
        tokens.append(body);
        tokens
    }
}

impl ToTokens for Part {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let (Self::Other(part) | Self::Function { tokens: part, .. }) = self;
        tokens.extend(part.clone());
    }
}

/// The tokens without the invisible group in which a `macro_rules` metavariable comes.
fn bare(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => bare(group.stream()),
        _ => tokens,
    }
}

fn owner(head: &TokenStream) -> Result<String> {
    let empty = quote!(#head {});
    if let Ok(item) = syn::parse2::<ItemTrait>(empty.clone()) {
        return Ok(item.ident.to_string());
    }
    syn::parse2::<ItemImpl>(empty).map(|item| name(&item.self_ty))
}

/// The name of a type, without its path and its arguments.
fn name(spelled: &Type) -> String {
    match spelled {
        Type::Path(path) => path.path.segments.last().map_or_else(String::new, |last| last.ident.to_string()),
        Type::Reference(reference) => name(&reference.elem),
        Type::Group(group) => name(&group.elem),
        Type::Paren(paren) => name(&paren.elem),
        other => other.to_token_stream().to_string(),
    }
}

fn parts(input: ParseStream<'_>) -> Result<Vec<Part>> {
    let inner = input.call(Attribute::parse_inner)?;
    let mut parts = vec![Part::Other(quote!(#(#inner)*))];
    while !input.is_empty() {
        let mut attributes = input.call(Attribute::parse_outer)?;
        parts.push(match qualifiers(input) {
            Some(qualifiers) => {
                let own = take_own(&mut attributes)?;
                let (function, has_body) = function(input)?;
                let tokens = quote!(#(#attributes)* #function);
                match own {
                    Own::Skip => Part::Other(tokens),
                    Own::Nothing if !has_body || qualifiers.contains("const") => Part::Other(tokens),
                    Own::Nothing => Part::Function { tokens, own: TokenStream::new() },
                    Own::Arguments(own) => Part::Function { tokens, own },
                }
            }
            None => {
                let other = other(input)?;
                Part::Other(quote!(#(#attributes)* #other))
            }
        });
    }
    Ok(parts)
}

/// The words before `fn`, if a function comes next.
fn qualifiers(input: ParseStream<'_>) -> Option<String> {
    let ahead = input.fork();
    ahead.parse::<Visibility>().ok()?;
    let mut words = String::new();
    loop {
        match ahead.parse::<TokenTree>().ok()? {
            TokenTree::Ident(word) if word == "fn" => return Some(words),
            TokenTree::Ident(word) if is_qualifier(&word) => words += &format!("{word} "),
            TokenTree::Literal(_) => {}
            _ => return None,
        }
    }
}

/// Takes a function's own `#[instrument]` away from its attributes.
fn take_own(attributes: &mut Vec<Attribute>) -> Result<Own> {
    let is_own = |attribute: &Attribute| {
        let segments = &attribute.path().segments;
        segments.last().is_some_and(|last| last.ident == "instrument")
            && segments.first().is_none_or(|first| first.ident != "tracing")
    };
    let Some(position) = attributes.iter().position(is_own) else { return Ok(Own::Nothing) };
    match attributes.remove(position).meta {
        Meta::Path(_) => Ok(Own::Arguments(TokenStream::new())),
        Meta::List(list) if list.tokens.to_string() == "skip" => Ok(Own::Skip),
        Meta::List(list) => Ok(Own::Arguments(list.tokens)),
        Meta::NameValue(wrong) => Err(Error::new_spanned(
            wrong,
            "expected `#[instrument]`, `#[instrument(..)]` or `#[instrument(skip)]`",
        )),
    }
}

/// A function, and whether it has a body.
fn function(input: ParseStream<'_>) -> Result<(TokenStream, bool)> {
    let visibility: Visibility = input.parse()?;
    let signature: Signature = input.parse()?;
    let has_body = input.peek(token::Brace);
    if !has_body && !input.peek(Token![;]) {
        return Err(input.error("expected a body between braces, or `;`"));
    }
    let end: TokenTree = input.parse()?;
    Ok((quote!(#visibility #signature #end), has_body))
}

/// A constant, a type or a macro call: up to its `;`, or to the braces of a macro.
fn other(input: ParseStream<'_>) -> Result<TokenStream> {
    let ends_with_brace = !input.peek(Token![const]) && !input.peek(Token![type]) && !input.peek(Token![pub]);
    let mut tokens = TokenStream::new();
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        let is_end = match &tree {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => ends_with_brace && group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        tokens.append(tree);
        if is_end {
            break;
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_block_from_a_function() {
        assert!(Block::is_one(&quote!(impl A {})));
        assert!(Block::is_one(&quote!(
            #[a]
            unsafe trait B {}
        )));
        assert!(Block::is_one(&quote!(
            pub(crate) trait A {}
        )));
        assert!(!Block::is_one(&quote!(
            fn f() -> impl A {}
        )));
        assert!(!Block::is_one(&quote!(
            pub unsafe fn f() {}
        )));
        assert!(!Block::is_one(&quote!(
            struct A {}
        )));
    }

    #[test]
    fn a_block_is_called_as_its_type_or_trait() {
        let owner = |tokens| Block::parse(tokens).map(|block| block.owner).ok();
        assert_eq!(
            owner(quote!(
                impl<T> a::Cart<T> {}
            ))
            .as_deref(),
            Some("Cart")
        );
        assert_eq!(owner(quote!(impl From<A> for &'a mut Cart {})).as_deref(), Some("Cart"));
        assert_eq!(
            owner(quote!(
                pub trait Store: Sized {}
            ))
            .as_deref(),
            Some("Store")
        );
        assert_eq!(owner(quote!(impl A for [u8] {})).as_deref(), Some("[u8]"));
        assert_eq!(owner(quote!(impl {})), None);
    }

    #[test]
    fn takes_functions_out_and_keeps_the_rest() {
        let block = quote! {
            impl A {
                const B: C = C { d: 1 };
                type E = F;
                m! { x }
                m!(y);
                fn f(&self) { body }
                const fn g() {}
                #[instrument(skip)] fn h() {}
                #[doc = "i"] #[a::instrument(level = "debug")] pub(crate) async fn i<T>() -> A<{ 1 }> where T: B {}
                #[tracing::instrument] fn j();
            }
        };
        let block = Block::parse(block).expect("a block");
        let seen = |part: &Part| match part {
            Part::Other(tokens) => format!("_ {tokens}"),
            Part::Function { tokens, own } => format!("{own} {tokens}"),
        };
        let seen: Vec<_> = block.parts.iter().map(seen).collect();
        assert_eq!(
            seen,
            [
                "_ ",
                "_ const B : C = C { d : 1 } ;",
                "_ type E = F ;",
                "_ m ! { x }",
                "_ m ! (y) ;",
                " fn f (& self) { body }",
                "_ const fn g () { }",
                "_ fn h () { }",
                "level = \"debug\" # [doc = \"i\"] pub (crate) async fn i < T > () -> A < { 1 } > where T : B { }",
                "_ # [tracing :: instrument] fn j () ;",
            ]
        );
    }
}
