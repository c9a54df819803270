//! Parameters, treated so that neither their drops nor the lints about them change.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};

use crate::args::{Name, Parent};
use crate::item::{Binding, Parameter, mentions};
use crate::model::{Model, Opening, Source};

/// What would be an unused parameter without us stays one: looking at it is no use of it, unless the user asked for the look.
pub(super) fn still_unused(model: &Model, statements: &TokenStream) -> TokenStream {
    if model.tracing.is_some() {
        return TokenStream::new();
    }
    let unused = model.opening.records.iter().filter_map(|record| match &record.source {
        Source::Implicit { parameter, attributes, .. }
            if parameter != "self"
                && !is_underscored(parameter)
                && !mentions(statements, parameter)
                && !is_in_arguments(model, parameter) =>
        {
            Some(ours!(#(#attributes)* let #parameter = &#parameter;))
        }
        _ => None,
    });
    unused.collect()
}

/// `let x = x;` for the names that need it: what is only copied, the future just holds.
pub(super) fn passed_on(model: &Model, parameters: &[Parameter], statements: &TokenStream) -> TokenStream {
    let names = parameters.iter().flat_map(|Parameter { attributes, bindings, stand_in }| {
        let needed = bindings.iter().filter(move |Binding { ident, mutability, is_copied, .. }| {
            !is_copied || mutability.is_some() || !mentions(statements, ident)
        });
        let bindings = needed.map(move |Binding { ident, mutability, .. }| {
            let used = is_in_arguments(model, ident).then(|| ours!(#[allow(unused_variables)]));
            let underscored = allow_underscore(ident);
            ours!(#(#attributes)* #used #underscored let #mutability #ident = #ident;)
        });
        bindings.chain(stand_in.iter().map(move |name| ours!(#(#attributes)* let #name = #name;)))
    });
    names.collect()
}

/// Whether an argument mentions the parameter.
fn is_in_arguments(model: &Model, parameter: &Ident) -> bool {
    let Opening { name, parent, links, records, .. } = &model.opening;
    let name = name.iter().filter_map(|name| match name {
        Name::Evaluated(name) => Some(name),
        Name::Const(_) => None,
    });
    let parent = parent.iter().filter_map(|parent| match parent {
        Parent::Given(parent) => Some(parent),
        Parent::None => None,
    });
    let fields = records.iter().filter_map(|record| match &record.source {
        Source::Explicit(_, value) => Some(value),
        Source::Implicit { .. } | Source::Redacted => None,
    });
    let tests = model.err.iter().filter_map(|err| err.counts_if.as_ref()).chain(&model.ok_if);
    let mut arguments = name.chain(parent).chain(links).chain(fields).chain(tests);
    model.tracing.is_some() || arguments.any(|value| mentions(&value.to_token_stream(), parameter))
}

/// A name that begins with `_` may be captured without a lint telling the user that he used it.
pub(super) fn allow_underscore(name: &Ident) -> Option<TokenStream> {
    is_underscored(name)
        .then(|| ours!(#[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]))
}

fn is_underscored(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}
