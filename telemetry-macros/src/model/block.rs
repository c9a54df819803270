//! An `impl` or `trait` block: what its methods have by default, and what each says itself.

use syn::ext::IdentExt;

use super::Model;
use super::check::{check_args, check_function, check_skips, check_skips_among};
use crate::args::Args;
use crate::errors::Errors;
use crate::item::Item;
use crate::style::Style;

pub(crate) struct BlockModel<'a> {
    args: Args,
    owner: &'a str,
    style: Style,
    /// What may be skipped: the parameters of all methods.
    parameters: Vec<String>,
    has_receiver: bool,
}

impl<'a> BlockModel<'a> {
    pub(crate) fn new(args: Args, owner: &'a str, style: Style, errors: &mut Errors) -> Self {
        check_args(&args, errors);
        Self { args, owner, style, parameters: Vec::new(), has_receiver: false }
    }

    /// A method that says this itself.
    pub(crate) fn method(&mut self, own: Args, item: Item, errors: &mut Errors) -> Model {
        check_function(&own, &item, errors);
        check_args(&own, errors);
        check_skips(&own, &item, errors);
        self.parameters.extend(item.bindings().map(|binding| binding.ident.unraw().to_string()));
        self.has_receiver |= item.has_receiver();
        Model::new(self.args.clone().overridden_by(own), item, Some(self.owner), self.style)
    }

    /// To be asked after the last method: what the block skips must be a parameter somewhere.
    pub(crate) fn check_skips(&mut self, errors: &mut Errors) {
        self.parameters.sort();
        self.parameters.dedup();
        check_skips_among(&self.args, &self.parameters, self.has_receiver, errors);
    }
}
