//! The span itself: its callsite, its start, and what it records at once.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, LitStr};

use super::parameters::allow_underscore;
use super::private;
use crate::args::{Choice, Mode};
use crate::model::{Model, Record, Source};

/// `let mut __span = ..` and what it records at once.
///
/// It is started in place: a span that a function returned would be copied before it is used.
pub(super) fn started(model: &Model, span: &TokenStream, start: &TokenStream) -> TokenStream {
    let private = private(model);
    let room = Literal::usize_unsuffixed(model.room());
    let callsite = callsite(model);
    let recorded = model.records.iter().enumerate().map(|(key, record)| recorded(&private, key, record));
    let recording = (!model.records.is_empty()).then(|| ours!(if __span.is_recording() { #(#recorded)* }));
    ours! {
        let mut __span = #private::#span::<#room>::new();
        #private::#span::#start(&mut __span, #callsite);
        #recording
    }
}

fn callsite(model: &Model) -> TokenStream {
    let private = private(model);
    let ident = &model.item.signature.ident;
    let function = LitStr::new(&ident.unraw().to_string(), Span::mixed_site());
    // The function's own line, not that of the attribute.
    let line = quote_spanned!(ident.span()=> ::core::line!());
    let keys = model.keys();
    let name = model.name.as_ref().map(|name| ours!(.with_name(#name)));
    let target = model.target.as_ref().map(|target| ours!(.with_target(#target)));
    let level = model.level.as_ref().map(|level| chosen(level, &ours!(#private::Level)));
    let level = level.map(|level| ours!(.with_level(#level)));
    let kind = model.kind.as_ref().map(|kind| chosen(kind, &ours!(#private::SpanKind)));
    let kind = kind.map(|kind| ours!(.with_kind(#kind)));
    ours!({
        static __CALLSITE: #private::Callsite = #private::Callsite::new(
            #function, ::core::module_path!(), ::core::file!(), #line, &[#(#keys),*],
        ) #name #target #level #kind;
        &__CALLSITE
    })
}

fn chosen(choice: &Choice, set: &TokenStream) -> TokenStream {
    match choice {
        Choice::Variant(variant) => {
            let variant = Ident::new(variant, Span::mixed_site());
            ours!(#set::#variant)
        }
        Choice::Const(path) => path.to_token_stream(),
    }
}

fn recorded(private: &TokenStream, key: usize, record: &Record) -> TokenStream {
    let key = Literal::usize_unsuffixed(key);
    match &record.source {
        Source::Implicit { parameter, attributes } => {
            let allowed = allow_underscore(parameter);
            ours!(#(#attributes)* #allowed #private::Probe(&#parameter).record_if_implicit(&mut __span, #key);)
        }
        Source::Explicit(mode, value) => {
            let method = match mode {
                Mode::Typed => ours!(value),
                Mode::Debug => ours!(debug),
                Mode::Display => ours!(display),
            };
            let value = borrowed(value);
            ours!(#private::Recording::#method(&mut __span, #key, #value);)
        }
    }
}

/// `&value`, with the value's span, so that a missing trait is reported there.
fn borrowed(value: &Expr) -> TokenStream {
    let span = Span::mixed_site().located_at(value.span());
    match value {
        Expr::Path(_)
        | Expr::Lit(_)
        | Expr::Call(_)
        | Expr::MethodCall(_)
        | Expr::Field(_)
        | Expr::Macro(_) => {
            quote_spanned!(span=> &#value)
        }
        _ => quote_spanned!(span=> &(#value)),
    }
}
