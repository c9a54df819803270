//! The span of `tracing` beside ours.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};

use crate::args::{Choice, Mode, Name, Parent};
use crate::model::{Model, TracingField, TracingSpan};

// Output:
//     let __twin = Recording::twin(&__span, "f", file!(), line!());
//     let __tracing = tracing::span!(target: "..", Level::INFO, "f", "id" = id);
//     drop(__twin);
//     if !__tracing.is_disabled() { for cause in causes { __tracing.follows_from(cause); } }
/// The span, if there is to be one. Ours is there already: whoever makes spans of ours out of those of `tracing` is told of it.
pub(super) fn span(model: &Model) -> Option<TokenStream> {
    let TracingSpan { level, parent, follows_from, fields } = model.tracing.as_ref()?;
    let private = model.opening.private();
    let tracing = ours!(#private::tracing);
    let target = match &model.opening.target {
        Some(target) => target.to_token_stream(),
        None => ours!(::core::module_path!()),
    };
    let name = match &model.opening.name {
        Some(Name::Const(name)) => name.to_token_stream(),
        Some(Name::Evaluated(_)) | None => model.opening.function.to_token_stream(),
    };
    let parent = parent.as_ref().map(|parent| match parent {
        Parent::None => ours!(parent: ::core::option::Option::None,),
        Parent::Given(parent) => ours!(parent: #parent,),
    });
    let level = tracing_level(&tracing, level);
    let fields = fields.iter().map(|field| self::field(&tracing, field));
    let causes = follows_from.iter().map(|causes| {
        ours!(if !__tracing.is_disabled() { for __cause in #causes { __tracing.follows_from(__cause); } })
    });
    Some(ours! {
        let __twin = #private::Recording::twin(&__span, #name, ::core::file!(), ::core::line!());
        let __tracing = #tracing::span!(target: #target, #parent #level, #name, #(#fields),*);
        ::core::mem::drop(__twin);
        #(#causes)*
    })
}

/// The same, entered.
pub(super) fn entered(model: &Model) -> Option<TokenStream> {
    span(model).map(|span| ours!(#span let __entered = __tracing.enter();))
}

/// The future, entered whenever it is polled.
pub(super) fn instrumented(model: &Model, future: TokenStream) -> TokenStream {
    if model.tracing.is_none() {
        return future;
    }
    let private = model.opening.private();
    ours!(#private::tracing::Instrument::instrument(#future, __tracing))
}

fn field(tracing: &TokenStream, field: &TracingField) -> TokenStream {
    let name = match &field.name {
        crate::args::FieldName::Text(text) => text.to_token_stream(),
        crate::args::FieldName::Const(value) => ours!({ #value }),
    };
    match &field.value {
        Some((Mode::Typed, value)) => ours!(#name = #value),
        Some((Mode::Debug, value)) => ours!(#name = ?#value),
        Some((Mode::Display, value)) => ours!(#name = %#value),
        None => ours!(#name = #tracing::field::Empty),
    }
}

fn tracing_level(tracing: &TokenStream, level: &Choice) -> TokenStream {
    match level {
        Choice::Variant(variant) => {
            let variant = Ident::new(&variant.to_uppercase(), Span::mixed_site());
            ours!(#tracing::Level::#variant)
        }
        Choice::Const(path) | Choice::OfTracing(path) => path.to_token_stream(),
    }
}
