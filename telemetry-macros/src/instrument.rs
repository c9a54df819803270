//! `#[instrument]` on one screen: read the arguments, read the item, check the two against each other, write the call.

use proc_macro2::TokenStream;

use crate::args::{Args, Place};
use crate::errors::Errors;
use crate::expand::expand;
use crate::fallback::fallback;
use crate::item::Item;
use crate::model::Model;

pub(crate) fn instrument(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(arguments, Place::Function, &mut errors);
    let parsed = errors.keep(Item::parse(item.clone()));
    let model = parsed.map(|parsed| Model::new(args, parsed, None, &mut errors));
    match model {
        Some(model) if errors.is_empty() => expand(&model),
        _ => fallback(errors, item),
    }
}
