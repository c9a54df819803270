//! The call that is written around the user's body.
//!
//! Locals and paths are ours (`mixed_site`); the body, the parameters' names and the expressions keep the user's tokens.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Type, token};

use crate::args::{Choice, Mode};
use crate::item::{Binding, Body, Item, Parameter, Tail, mentions, spelling};
use crate::model::{Model, Record, Source};

/// `quote!` for tokens that are not the user's.
macro_rules! ours {
    ($($tokens:tt)*) => { quote_spanned! {Span::mixed_site()=> $($tokens)*} };
}

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Item { attributes, visibility, signature, inner_attributes, parameters, body } = &model.item;
    let body = match body {
        Body::Statements(brace, statements) if signature.asyncness.is_some() => {
            let passed_on = passed_on(model, parameters, statements);
            awaited(model, &ours!(async move), &passed_on, &block(*brace, statements))
        }
        Body::Statements(brace, statements) => called(model, statements, &block(*brace, statements)),
        Body::Future(tail) => returned(model, tail),
    };
    ours! {
        #(#attributes)* #visibility #signature {
            #(#inner_attributes)*
            #body
        }
    }
}

// Input:
//     fn f(id: u64) -> Result<A, E> { body }
// Output:
//     let mut __span = Entered::<16>::new();
//     __span.enter(callsite);
//     if __span.is_recording() { Probe(&id).record_if_implicit(&mut __span, 0); }
//     let __value = call_once(|| -> Result<A, E> { body });
//     Outcome::of(&__value).fail_if_err(&mut __span);
//     __value
//
// The closure borrows what the body borrows, so that every parameter is dropped where it would be without us. Where nobody looks
// at the value there is no closure, and the body comes last.
fn called(model: &Model, statements: &TokenStream, body: &TokenStream) -> TokenStream {
    let span = started(model, &ours!(Entered), &ours!(enter));
    let unused = still_unused(model, statements);
    if !model.observes() {
        return ours!(#span #unused #body);
    }
    let private = private(model);
    let value_type = model.value_type.clone().map(spelling::inferred);
    let observed = observed(model, &ours!(&mut __span), &ours!(&__value));
    ours! {
        #span
        #unused
        let __value = #private::call_once(|| -> #value_type #body);
        #observed
        __value
    }
}

// Input:
//     async fn f(id: u64) -> Result<A, E> { body }
// Output:
//     instrument(
//         { let mut __span = Opened::<16>::new(); __span.open(callsite); ..; __span },
//         async move {
//             if false { return unreached::<Result<A, E>>(); }
//             let id = id;
//             { body }
//         },
//         |__span, __value| { Outcome::of(__value).fail_if_err(__span); },
//     ).await
//
// The first line never runs: it tells the type of the value, so that errors are reported where they are made. Parameters are
// bound anew where that is needed to drop them in their order, to change them, or to have them reported as unused.
fn awaited(
    model: &Model,
    keywords: &TokenStream,
    passed_on: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let private = private(model);
    let span = started(model, &ours!(Opened), &ours!(open));
    let hint = value_hint(&private, model.value_type.as_ref());
    let observe = if model.observes() {
        let observed = observed(model, &ours!(__span), &ours!(__value));
        ours!(|__span, __value| { #observed })
    } else {
        ours!(#private::unobserved)
    };
    ours! {
        #private::instrument({ #span __span }, #keywords { #hint #passed_on #body }, #observe).await
    }
}

// Input:
//     before; Box::pin(async move { body })
// Output:
//     before; Box::pin(async move { instrument(.., async move { body }, ..).await })
fn returned(model: &Model, tail: &Tail) -> TokenStream {
    let Tail { before, constructor, keywords, brace, statements, .. } = tail;
    let future = awaited(model, keywords, &TokenStream::new(), &block(*brace, statements));
    let future = ours!(#keywords { #future });
    match tail.parenthesis {
        Some(place) => {
            let argument = group(Delimiter::Parenthesis, place, future);
            ours!(#before #constructor #argument)
        }
        None => ours!(#before #future),
    }
}

/// The user's statements between braces of ours: there the temporaries of the last expression are dropped before the parameters,
/// whatever edition the user writes.
fn block(brace: token::Brace, statements: &TokenStream) -> TokenStream {
    group(Delimiter::Brace, brace.span.join(), statements.clone())
}

fn group(delimiter: Delimiter, place: Span, inside: TokenStream) -> TokenStream {
    let mut group = Group::new(delimiter, inside);
    group.set_span(Span::mixed_site().located_at(place));
    TokenTree::Group(group).into()
}

/// `let mut __span = ..` and what it records at once.
///
/// It is started in place: a span that a function returned would be copied before it is used.
fn started(model: &Model, span: &TokenStream, start: &TokenStream) -> TokenStream {
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
    let function = syn::LitStr::new(&syn::ext::IdentExt::unraw(ident).to_string(), Span::mixed_site());
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

/// Looks at the value, on behalf of the span.
fn observed(model: &Model, span: &TokenStream, value: &TokenStream) -> TokenStream {
    let private = private(model);
    let err = model.err.map(|mode| {
        let outcome = if mode == Mode::Debug { ours!(DebugOutcome) } else { ours!(Outcome) };
        ours!(#private::#outcome::of(#value).fail_if_err(#span);)
    });
    let ret = model.ret.as_ref().map(|ret| {
        let key = Literal::usize_unsuffixed(model.records.len());
        // A value that cannot be formatted is reported at `ret`.
        let method = if ret.mode == Mode::Debug { "record_debug" } else { "record_display" };
        let method = Ident::new(method, Span::mixed_site().located_at(ret.key.span()));
        ours!(#private::Returned::of(#value).unless_err().#method(#span, #key);)
    });
    ours!(#err #ret)
}

/// What would be an unused parameter without us stays one: looking at it is no use of it, unless the user asked for the look.
fn still_unused(model: &Model, statements: &TokenStream) -> TokenStream {
    let unused = model.records.iter().filter_map(|record| match &record.source {
        Source::Implicit { parameter, attributes }
            if !is_underscored(parameter)
                && !mentions(statements, parameter)
                && !is_in_fields(model, parameter) =>
        {
            Some(ours!(#(#attributes)* let #parameter = &#parameter;))
        }
        _ => None,
    });
    unused.collect()
}

/// `let x = x;` for the names that need it: each other one the future just holds.
fn passed_on(model: &Model, parameters: &[Parameter], statements: &TokenStream) -> TokenStream {
    let order_matters = parameters.iter().map(Parameter::drops).sum::<usize>() > 1;
    let names = parameters.iter().flat_map(|Parameter { attributes, bindings, stand_in }| {
        let needed = bindings.iter().filter(move |Binding { ident, mutability, may_drop, .. }| {
            (order_matters && *may_drop) || mutability.is_some() || !mentions(statements, ident)
        });
        let bindings = needed.map(move |Binding { ident, mutability, .. }| {
            let used = is_in_fields(model, ident).then(|| ours!(#[allow(unused_variables)]));
            let underscored = allow_underscore(ident);
            ours!(#(#attributes)* #used #underscored let #mutability #ident = #ident;)
        });
        bindings.chain(stand_in.iter().map(move |name| ours!(#(#attributes)* let #name = #name;)))
    });
    names.collect()
}

fn is_in_fields(model: &Model, parameter: &Ident) -> bool {
    model.records.iter().any(|record| match &record.source {
        Source::Explicit(_, value) => mentions(&value.to_token_stream(), parameter),
        Source::Implicit { .. } => false,
    })
}

fn value_hint(private: &TokenStream, value_type: Option<&Type>) -> Option<TokenStream> {
    match value_type? {
        Type::Never(_) | Type::ImplTrait(_) => None,
        spelled => {
            let spelled = spelling::inferred(spelled.clone());
            // A value of another type is reported together with this place.
            let place = Span::mixed_site().located_at(spelled.span());
            let hint = quote_spanned!(place=> return #private::unreached::<#spelled>(););
            Some(ours!(#[allow(unreachable_code)] if false { #hint }))
        }
    }
}

/// A name that begins with `_` may be captured without a lint telling the user that he used it.
fn allow_underscore(name: &Ident) -> Option<TokenStream> {
    is_underscored(name)
        .then(|| ours!(#[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]))
}

fn is_underscored(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}

fn private(model: &Model) -> TokenStream {
    let krate = &model.krate;
    ours!(#krate::__private)
}
