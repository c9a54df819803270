//! `event!`: read what is given, check it, write the event.

use proc_macro2::TokenStream;

use crate::args::{Args, Place};
use crate::errors::Errors;
use crate::fallback::fallback_of_expression;
use crate::model::Opening;

pub(crate) fn event(tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::of_value(tokens, Place::Event, &mut errors);
    let opening = Opening::of_value(args, &mut errors);
    if errors.is_empty() { opening.as_event() } else { fallback_of_expression(errors) }
}
