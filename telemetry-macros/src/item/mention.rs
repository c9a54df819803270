//! Whether a name is used among tokens that are not parsed.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;

/// Whether the name may be used: it stands there as itself, or perhaps inside of a format string.
pub(crate) fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    may_use(tokens, name, &name.unraw().to_string())
}

fn may_use(tokens: &TokenStream, name: &Ident, text: &str) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => may_use(&group.stream(), name, text),
        TokenTree::Literal(literal) => literal.to_string().contains(text),
        TokenTree::Punct(_) => false,
    })
}
