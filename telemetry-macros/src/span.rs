//! `span!` and `detached_span!`: read what is given, check it, write the span.

use proc_macro2::TokenStream;

use crate::args::{Args, Place};
use crate::errors::Errors;
use crate::fallback::fallback_of_expression;
use crate::model::Opening;

/// A span that is current until it is dropped.
pub(crate) fn entered(tokens: TokenStream) -> TokenStream {
    written(tokens, Opening::entered_as_value)
}

/// A span that is current nowhere yet.
pub(crate) fn detached(tokens: TokenStream) -> TokenStream {
    written(tokens, Opening::opened_as_value)
}

fn written(tokens: TokenStream, write: fn(&Opening) -> TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::of_value(tokens, Place::Span, &mut errors);
    let opening = Opening::of_value(args, &mut errors);
    if errors.is_empty() { write(&opening) } else { fallback_of_expression(errors) }
}
