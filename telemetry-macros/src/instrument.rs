//! `#[instrument]` on one screen: read the arguments, read the item, check the two against each other, write the call.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::args::{Args, Place};
use crate::errors::Errors;
use crate::expand::expand;
use crate::fallback::fallback;
use crate::item::{Block, Item, Part};
use crate::model::{BlockModel, Model};
use crate::style::Style;

pub(crate) fn instrument(arguments: TokenStream, item: TokenStream, style: Style) -> TokenStream {
    let of = if Block::is_one(&item) { instrument_block } else { instrument_function };
    of(arguments, item, style)
}

fn instrument_function(arguments: TokenStream, item: TokenStream, style: Style) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(arguments, Place::Function, &mut errors);
    let parsed = errors.keep(Item::parse(item.clone(), style));
    let model = parsed.map(|parsed| Model::of_function(args, parsed, style, &mut errors));
    match model {
        Some(model) if errors.is_empty() => expand(&model),
        _ => fallback(errors, item),
    }
}

/// The same for every function of a block.
fn instrument_block(arguments: TokenStream, item: TokenStream, style: Style) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(arguments, Place::Block, &mut errors);
    let Some(block) = errors.keep(Block::parse(item.clone())) else { return fallback(errors, item) };
    let mut model = BlockModel::new(args, &block.owner, style, &mut errors);
    let written = block.with(|part| match part {
        Part::Other(tokens) => tokens.clone(),
        Part::Function { tokens, own } => {
            let own = Args::parse(own.clone(), Place::Function, &mut errors);
            let parsed = errors.keep(Item::parse(tokens.clone(), style));
            let method = parsed.map(|parsed| model.method(own, parsed, &mut errors));
            method.filter(|_| errors.is_empty()).map(|method| expand(&method)).unwrap_or_default()
        }
    });
    model.check_skips(&mut errors);
    if errors.is_empty() { written } else { fallback(errors, block.with(Part::to_token_stream)) }
}
