//! The call that is written around the user's body.
//!
//! Locals and paths are ours (`mixed_site`); the body, the parameters' names and the expressions keep the user's tokens.

/// `quote!` for tokens that are not the user's.
macro_rules! ours {
    ($($tokens:tt)*) => { quote_spanned! {Span::mixed_site()=> $($tokens)*} };
}

mod opening;
mod parameters;
mod tracing;
mod value;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::spanned::Spanned;
use syn::token;

use self::parameters::{passed_on, still_unused};
use self::value::{Look, looked_at, value_hint};
use crate::item::{Body, Holder, Item, Returned, Tail, Work, spelling};
use crate::model::Model;

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Item { attributes, visibility, signature, inner_attributes, parameters, body } = &model.item;
    let body = match body {
        Body::Statements(brace, statements) if signature.asyncness.is_some() => {
            let passed_on = passed_on(model, parameters, statements);
            awaited(model, &ours!(async move), &passed_on, &block(*brace, statements))
        }
        Body::Statements(brace, statements) => called(model, statements, &block(*brace, statements)),
        Body::Future(tail) => polled(model, tail),
        Body::Returned(brace, statements, work) => {
            returned(model, *work, statements, &block(*brace, statements))
        }
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
//     let mut __span = Entered::<2>::new();
//     __span.enter(callsite);
//     if __span.is_recording() { Probe(&id).record_if_implicit(&mut __span, 0); }
//     let __value = call_once(|| -> Result<A, E> { body });
//     Outcome::of(&__value).fail_if_err(&mut *__span);
//     __value
//
// The closure borrows what the body borrows, so that every parameter is dropped where it would be without us. Where nobody looks
// at the value there is no closure, and the body comes last.
fn called(model: &Model, statements: &TokenStream, body: &TokenStream) -> TokenStream {
    let tracing = tracing::entered(model);
    let span = model.opening.entered();
    let unused = still_unused(model, statements);
    if !model.observes() {
        return ours!(#span #tracing #unused #body);
    }
    let private = model.opening.private();
    let value_type = model.value_type.clone().map(spelling::inferred);
    let look = Look { span: Some(&ours!(&mut *__span)), tells: true };
    let looked_at = looked_at(model, &ours!(&__value), look);
    ours! {
        #span
        #tracing
        #unused
        let __value = #private::call_once(|| -> #value_type #body);
        #looked_at
        __value
    }
}

// Input:
//     async fn f(id: u64) -> Result<A, E> { body }
// Output:
//     let mut __span = Opened::<2>::new();
//     __span.open(callsite);
//     if __span.is_recording() { Probe(&id).record_if_implicit(&mut __span, 0); }
//     instrument(
//         &mut __span,
//         async move {
//             if false { return unreached::<Result<A, E>>(); }
//             let id = id;
//             { body }
//         },
//         |__span, __value| { Outcome::of(__value).fail_if_err(__span); },
//     ).await
//
// The first line never runs: it tells the type of the value, so that errors are reported where they are made. Parameters are
// bound anew to be dropped in their order, to be changed, and to be named by what the compiler has to say about them.
fn awaited(
    model: &Model,
    keywords: &TokenStream,
    passed_on: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let private = model.opening.private();
    let span = model.opening.opened();
    let hint = value_hint(&private, model.value_type.as_ref());
    let future = told(model, ours!(#keywords { #hint #passed_on #body }));
    let (tracing, future) = (tracing::span(model), tracing::instrumented(model, future));
    let observe = observer(model);
    ours! {
        #span
        #tracing
        #private::instrument(&mut __span, #future, #observe).await
    }
}

// Input:
//     before; Box::pin(async move { body })
// Output:
//     before; Box::pin(async move { instrument(.., async move { body }, ..).await })
fn polled(model: &Model, tail: &Tail) -> TokenStream {
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

// Input:
//     fn f() -> Pin<Box<dyn Future<Output = A>>> { body }
// Output:
//     let mut __span = Opened::<0>::new();
//     __span.open(callsite);
//     let __work = future_of::<A, _>(__span.scope(|| -> Pin<Box<dyn Future<Output = A>>> { body }));
//     pinned(instrument(__span, __work, |__span, __value| { .. }))
//
// The span begins with the call, and is current while the body makes the future.
fn returned(model: &Model, returned: Returned, statements: &TokenStream, body: &TokenStream) -> TokenStream {
    let private = model.opening.private();
    let span = model.opening.opened();
    let unused = still_unused(model, statements);
    let spelled = spelling::inferred(spelling::returned(&model.item.signature.output));
    let observe = observer(model);
    let made = ours!(#private::Opened::scope(&mut __span, || -> #spelled #body));
    let made = typed(model, returned.work, made);
    let work = match returned.work {
        Work::Future => {
            let future = told(model, ours!(__work));
            ours!(#private::instrument(__span, #future, #observe))
        }
        Work::Stream => {
            let key = model.opening.last_key();
            let instrument = at(spelled.span(), &ours!(#private::instrument_stream));
            ours!(#instrument(__span, __work, #key, #observe))
        }
    };
    let work = match returned.holder {
        Holder::Nothing => work,
        Holder::PinnedBox => ours!(#private::pinned(#work)),
        Holder::Box => ours!(#private::boxed(#work)),
    };
    ours! {
        #span
        #unused
        let __work = #made;
        #work
    }
}

/// The future or stream, with the type of its values told: what looks at them must know it.
fn typed(model: &Model, work: Work, made: TokenStream) -> TokenStream {
    let Some(value_type) = model.value_type.clone().map(spelling::inferred) else { return made };
    let private = model.opening.private();
    let of = if work == Work::Future { ours!(future_of) } else { ours!(stream_of) };
    let of = at(value_type.span(), &ours!(#private::#of));
    ours!(#of::<#value_type, _>(#made))
}

/// What looks at a future's value when a span is recorded.
fn observer(model: &Model) -> TokenStream {
    let private = model.opening.private();
    if !model.observes() {
        return if model.item.streams() {
            ours!(#private::unobserved_item)
        } else {
            ours!(#private::unobserved)
        };
    }
    // A stream's items are looked at while it goes on, events and all.
    let look = Look { span: Some(&ours!(__span)), tells: model.item.streams() };
    let looked_at = looked_at(model, &ours!(__value), look);
    ours!(|__span, __value| { #looked_at })
}

/// The future, and what looks at its value in any case.
fn told(model: &Model, future: TokenStream) -> TokenStream {
    if !model.tells() {
        return future;
    }
    let private = model.opening.private();
    let looked_at = looked_at(model, &ours!(__value), Look { span: None, tells: true });
    ours!(#private::observed(#future, |__value| { #looked_at }))
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

/// The same tokens, reported at another place.
fn at(place: Span, tokens: &TokenStream) -> TokenStream {
    let moved = |mut tree: TokenTree| {
        tree.set_span(tree.span().located_at(place));
        tree
    };
    tokens.clone().into_iter().map(moved).collect()
}
