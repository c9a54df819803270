//! The span itself: its callsite, its start, and what it records at once.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::at;
use super::parameters::allow_underscore;
use crate::args::{Choice, Mode, Name, Parent, Sample};
use crate::model::{Opening, Record, Source};

impl Opening {
    /// `let mut __span = ..` and what it records at once: for a span that is current as long as its variable lives.
    ///
    /// It is started in place: a span that a function returned would be copied before it is used.
    pub(super) fn entered(&self) -> TokenStream {
        let (private, room, callsite) = (self.private(), self.room_of_span(), self.callsite());
        let below = self.below();
        let recorded = self.recorded();
        let enter = self.method("enter", "enter_unsampled");
        ours! {
            #below
            let mut __span = #private::Entered::<#room>::new();
            #private::Entered::#enter(&mut __span, #callsite);
            #recorded
        }
    }

    /// The same for a span that is current only while a future is polled.
    pub(super) fn opened(&self) -> TokenStream {
        let (private, room, callsite) = (self.private(), self.room_of_span(), self.callsite());
        let open = self.method("open", "open_unsampled");
        let mut open = ours!(#private::Opened::#open(&mut __span, #callsite););
        if let Some(below) = self.below() {
            open = ours!({ #below #open });
        }
        let recorded = self.recorded();
        ours! {
            let mut __span = #private::Opened::<#room>::new();
            #open
            #recorded
        }
    }

    // Input:
    //     span!("name", id)
    // Output:
    //     { let mut __span = ..; EnteredBlock::new(__span, ()) }
    pub(crate) fn entered_as_value(&self) -> TokenStream {
        let (private, span) = (self.private(), self.entered());
        let below = self.parent.as_ref().map_or_else(|| ours!(()), |_| ours!(__below));
        ours!({ #span #private::EnteredBlock::new(__span, #below) })
    }

    // Output:
    //     { let mut __span = ..; __span }
    pub(crate) fn opened_as_value(&self) -> TokenStream {
        let span = self.opened();
        ours!({ #span __span })
    }

    // Input:
    //     event!("miss", size = n)
    // Output:
    //     {
    //         let mut __event = EventRecord::<6>::new();
    //         if __event.is_wanted() { __event.value(0, &n); __event.end(callsite); }
    //     }
    pub(crate) fn as_event(&self) -> TokenStream {
        let (private, room, callsite) = (self.private(), self.room_of_span(), self.callsite());
        let (recorder, event) = (ours!(#private::EventRecord), ours!(&mut __event));
        let records = self.records.iter().enumerate();
        let records = records.map(|(key, record)| recorded(&private, &recorder, &event, key, record));
        ours!({
            let mut __event = #recorder::<#room>::new();
            if __event.is_wanted() {
                #(#records)*
                #recorder::end(&__event, #callsite);
            }
        })
    }

    pub(super) fn private(&self) -> TokenStream {
        let krate = &self.krate;
        ours!(#krate::__private)
    }

    /// Which way the span starts.
    fn method(&self, ordinary: &str, unsampled: &str) -> Ident {
        let method = if self.sample == Some(Sample::Never) { unsampled } else { ordinary };
        Ident::new(method, Span::mixed_site())
    }

    fn room_of_span(&self) -> Literal {
        Literal::usize_unsuffixed(self.room())
    }

    /// Makes another span, or none, the current one; evaluated only where a span may start at all.
    fn below(&self) -> Option<TokenStream> {
        let private = self.private();
        let below = match self.parent.as_ref()? {
            Parent::None => ours!(#private::root()),
            Parent::Given(parent) => {
                // A value that names no span is reported there.
                let below = at(parent.span(), &ours!(#private::below));
                let parent = borrowed(parent);
                ours!(#below(#parent))
            }
        };
        Some(ours!(let __below = #private::is_on().then(|| #below);))
    }

    fn callsite(&self) -> TokenStream {
        let private = self.private();
        let function = &self.function;
        // The function's own line, not that of the attribute.
        let line = quote_spanned!(self.place=> ::core::line!());
        let keys = self.keys();
        let settings = self.settings(&private);
        ours!({
            static __CALLSITE: #private::Callsite = #private::Callsite::new(
                #function, ::core::module_path!(), ::core::file!(), #line, &[#(#keys),*],
            ) #settings;
            &__CALLSITE
        })
    }

    /// What differs from the defaults.
    fn settings(&self, private: &TokenStream) -> TokenStream {
        let name = match &self.name {
            Some(Name::Const(name)) => Some(ours!(.with_name(#name))),
            _ => None,
        };
        let target = self.target.as_ref().map(|target| ours!(.with_target(#target)));
        let level = self.level.as_ref().map(|level| chosen(level, &ours!(#private::Level)));
        let level = level.map(|level| ours!(.with_level(#level)));
        let kind = self.kind.as_ref().map(|kind| chosen(kind, &ours!(#private::SpanKind)));
        let kind = kind.map(|kind| ours!(.with_kind(#kind)));
        let sampling = self.sample.map(|sample| match sample {
            Sample::Always => ours!(.with_sampling(#private::Sampling::Always)),
            Sample::Never => ours!(.with_sampling(#private::Sampling::Never)),
            Sample::Ratio(ratio) => ours!(.with_sampling(#private::Sampling::Ratio(#ratio))),
        });
        let keep = self.keep_if_slower_ns.map(|ns| ours!(.with_keep_if_slower_ns(#ns)));
        let metrics = self.metrics.then(|| ours!(.with_metrics()));
        let own_tracing = self.has_own_tracing.then(|| ours!(.with_own_tracing()));
        ours!(#name #target #level #kind #sampling #keep #metrics #own_tracing)
    }

    /// Everything that is evaluated only while the span is recorded.
    fn recorded(&self) -> Option<TokenStream> {
        let private = self.private();
        let name = match &self.name {
            Some(Name::Evaluated(name)) => {
                let value = borrowed(name);
                Some(ours!(#private::Recording::name(&mut __span, #value);))
            }
            _ => None,
        };
        let links = self.links.iter().map(|links| {
            let link = at(links.span(), &ours!(#private::Recording::links));
            ours!(#link(&mut __span, #links);)
        });
        let (recorder, span) = (ours!(#private::Recording), ours!(&mut __span));
        let records = self.records.iter().enumerate();
        let records = records.map(|(key, record)| recorded(&private, &recorder, &span, key, record));
        let all: TokenStream = name.into_iter().chain(links).chain(records).collect();
        (!all.is_empty()).then(|| ours!(if __span.is_recording() { #all }))
    }
}

pub(super) fn chosen(choice: &Choice, set: &TokenStream) -> TokenStream {
    match choice {
        Choice::Variant(variant) => {
            let variant = Ident::new(variant, Span::mixed_site());
            ours!(#set::#variant)
        }
        Choice::Const(path) => path.to_token_stream(),
        Choice::OfTracing(path) => ours!(#set::of_tracing(#path)),
    }
}

/// Records one attribute with a `recorder`'s methods on a span or event.
fn recorded(
    private: &TokenStream,
    recorder: &TokenStream,
    owner: &TokenStream,
    key: usize,
    record: &Record,
) -> TokenStream {
    let key = Literal::usize_unsuffixed(key);
    match &record.source {
        Source::Implicit { parameter, attributes, in_any_form: false } => {
            let allowed = allow_underscore(parameter);
            ours!(#(#attributes)* #allowed #private::Probe(&#parameter).record_if_implicit(#owner, #key);)
        }
        Source::Implicit { parameter, attributes, in_any_form: true } => {
            let allowed = allow_underscore(parameter);
            // A parameter without a value and without `Debug` is reported at its name.
            let method = quote_spanned!(located_at(parameter)=> record_any);
            ours!(#(#attributes)* #allowed #private::AnyProbe::of(&#parameter).#method(#owner, #key);)
        }
        Source::Explicit(mode, value) => {
            let method = match mode {
                Mode::Typed => ours!(value),
                Mode::Debug => ours!(debug),
                Mode::Display => ours!(display),
            };
            let value = borrowed(value);
            ours!(#recorder::#method(#owner, #key, #value);)
        }
        Source::Redacted => ours!(#recorder::value(#owner, #key, "[REDACTED]");),
    }
}

/// `&value`, with the value's span, so that a missing trait is reported there.
fn borrowed(value: &Expr) -> TokenStream {
    let span = located_at(value);
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

/// Ours, but reported where the user's tokens are.
fn located_at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}
