//! What is done with a function's value: a failure marked, a result recorded, events told.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::quote_spanned;
use syn::Type;
use syn::spanned::Spanned;

use super::at;
use super::opening::chosen;
use crate::args::{Choice, Mode};
use crate::item::spelling;
use crate::model::{Failure, Model, Return};

/// On whose behalf a value is looked at.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// The span, to be marked and to record.
    pub(super) span: Option<&'a TokenStream>,
    /// Whether whoever takes events is to be told.
    pub(super) tells: bool,
}

// Output:
//     Outcome::of(&__value).fail_if_err(&mut __span);
//     Returned::of(&__value).unless_err().record_debug(&mut __span, 5);
pub(super) fn looked_at(model: &Model, value: &TokenStream, look: Look<'_>) -> TokenStream {
    let private = model.opening.private();
    let err = model.err.as_ref().map(|err| failure(model, err, value, look));
    let ok_if = model.ok_if.as_ref().zip(look.span).map(|(test, span)| {
        let fail = at(test.span(), &ours!(.fail_unless));
        ours!(#private::Returned::of(#value).unless_err() #fail(#span, #test);)
    });
    let ret = model.ret.as_ref().map(|ret| result(model, ret, value, look));
    ours!(#err #ok_if #ret)
}

// Output:
//     if is_failure(&__value, |error| ..) {
//         Outcome::of(&__value).fail_if_err(&mut __span);
//         Outcome::of(&__value).tell_if_err({ static __EVENT: Event = Event::new(..); &__EVENT });
//     }
fn failure(model: &Model, err: &Failure, value: &TokenStream, look: Look<'_>) -> TokenStream {
    let private = model.opening.private();
    let outcome = outcome(&private, err, value);
    let marked = look.span.map(|span| ours!(#outcome.fail_if_err(#span);));
    let told = err.level.as_ref().filter(|_| look.tells).map(|level| {
        let event = event(model, "error", level);
        ours!(#outcome.tell_if_err(#event);)
    });
    let Some(test) = err.counts_if.as_ref().filter(|_| marked.is_some() || told.is_some()) else {
        return ours!(#marked #told);
    };
    let is_failure = at(test.span(), &ours!(#private::is_failure));
    let value = at(test.span(), value);
    ours!(if #is_failure(#value, #test) { #marked #told })
}

fn result(model: &Model, ret: &Return, value: &TokenStream, look: Look<'_>) -> TokenStream {
    let private = model.opening.private();
    let recorded = look.span.map(|span| {
        let key = Literal::usize_unsuffixed(model.opening.records.len());
        let method = method(ret, "record_debug", "record_display");
        ours!(#private::Returned::of(#value).unless_err().#method(#span, #key);)
    });
    let told = ret.level.as_ref().filter(|_| look.tells).map(|level| {
        let event = event(model, "return", level);
        let method = method(ret, "tell_debug", "tell_display");
        let told = if ret.whole { ours!(Whole) } else { ours!(Returned) };
        ours!(#private::#told::of(#value).unless_err().#method(#event);)
    });
    ours!(#recorded #told)
}

fn outcome(private: &TokenStream, err: &Failure, value: &TokenStream) -> TokenStream {
    let outcome = if err.mode == Mode::Debug { ours!(DebugOutcome) } else { ours!(Outcome) };
    ours!(#private::#outcome::of(#value))
}

fn event(model: &Model, field: &str, level: &Choice) -> TokenStream {
    let private = model.opening.private();
    let level = chosen(level, &ours!(#private::Level));
    let target = match &model.opening.target {
        Some(target) => ours!(#target),
        None => ours!(::core::module_path!()),
    };
    let line = quote_spanned!(model.opening.place=> ::core::line!());
    ours!({
        static __EVENT: #private::Event = #private::Event::new(
            &[#field], #target, #level, ::core::module_path!(), ::core::file!(), #line,
        );
        &__EVENT
    })
}

/// A value that cannot be formatted is reported at `ret`.
fn method(ret: &Return, debug: &str, display: &str) -> Ident {
    let method = if ret.mode == Mode::Debug { debug } else { display };
    Ident::new(method, Span::mixed_site().located_at(ret.place))
}

/// A line that never runs and tells the type of the value.
pub(super) fn value_hint(private: &TokenStream, value_type: Option<&Type>) -> Option<TokenStream> {
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
