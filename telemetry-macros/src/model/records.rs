//! Which attributes a span records at once: what the user named, and parameters that nobody named or refused.

use syn::ext::IdentExt;
use syn::{Attribute, Expr, Ident, parse_quote};

use super::check::MOST_ATTRIBUTES;
use crate::args::{Args, Capture, Field, FieldName, FieldValue, Mode};
use crate::item::spelling::Spelling;
use crate::item::{Binding, Body, Item, mentions};
use crate::secret::smells_of_secret;
use crate::style::Style;

/// One attribute, recorded before the body runs. Its place in the list is its key.
pub(crate) struct Record {
    pub(crate) key: FieldName,
    pub(crate) source: Source,
}

pub(crate) enum Source {
    /// A parameter that nobody named.
    Implicit {
        parameter: Ident,
        attributes: Vec<Attribute>,
        /// Under `capture = all`; else only if its type captures itself.
        in_any_form: bool,
    },
    Explicit(Mode, Expr),
    /// Named like a secret.
    Redacted,
}

pub(super) fn of_function(args: &Args, item: &Item, style: Style) -> Vec<Record> {
    let mut records = implicit(args, item, style);
    records.extend(args.fields.iter().filter_map(|field| explicit(field, item, style)));
    records
}

pub(super) fn of_value(args: &Args) -> Vec<Record> {
    let record = |field: &Field| {
        let source = match &field.value {
            FieldValue::Bare(_) | FieldValue::Declared(_) => return None,
            FieldValue::Given(mode, value) => Source::Explicit(*mode, value.clone()),
            FieldValue::Redacted(_) => Source::Redacted,
        };
        Some(Record { key: field.name.clone(), source })
    };
    args.fields.iter().filter_map(record).collect()
}

/// The parameters that are captured without being named.
fn implicit(args: &Args, item: &Item, style: Style) -> Vec<Record> {
    let by_default = if style == Style::Ours { Capture::Scalars } else { Capture::All };
    let in_any_form = match args.capture.unwrap_or(by_default) {
        Capture::None => return Vec::new(),
        Capture::Scalars => false,
        Capture::All => true,
    };
    // As `tracing` does it, all parameters are taken along.
    let in_future = style == Style::Tracing;
    let candidates = receiver(item, in_future).filter(|_| in_any_form).into_iter().chain(names(
        item,
        in_any_form,
        in_future,
    ));
    let record = |(parameter, attributes): (Ident, &[Attribute])| {
        let attributes = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
        let key = FieldName::ours(&parameter.unraw().to_string());
        let source = Source::Implicit { parameter, attributes: attributes.cloned().collect(), in_any_form };
        Record { key, source }
    };
    let room = MOST_ATTRIBUTES.saturating_sub(args.fields.len() + 1);
    candidates.filter(|(parameter, _)| is_left(parameter, args)).take(room).map(record).collect()
}

fn receiver(item: &Item, in_future: bool) -> Option<(Ident, &[Attribute])> {
    let receiver = item.signature.receiver()?;
    let parameter = Ident::new("self", receiver.self_token.span);
    let is_at_hand = match &item.body {
        Body::Statements(..) | Body::Returned(..) => true,
        Body::Future(tail) => in_future || mentions(&tail.statements, &parameter),
    };
    is_at_hand.then_some((parameter, &receiver.attrs))
}

fn names(item: &Item, in_any_form: bool, in_future: bool) -> impl Iterator<Item = (Ident, &[Attribute])> {
    item.parameters.iter().flat_map(move |parameter| {
        let names = parameter.bindings.iter().filter(move |binding| {
            (in_any_form || binding.spelling != Spelling::Compound)
                && (in_future || is_at_hand(binding, &item.body))
        });
        names.map(|binding| (binding.ident.clone(), &*parameter.attributes))
    })
}

/// Whether nobody named the parameter or refused it, not even by its name.
fn is_left(parameter: &Ident, args: &Args) -> bool {
    is_unnamed(parameter, args) && !smells_of_secret(&parameter.unraw().to_string())
}

pub(super) fn is_unnamed(parameter: &Ident, args: &Args) -> bool {
    let name = parameter.unraw().to_string();
    !args.skip.iter().any(|skipped| skipped.unraw() == name)
        && !args.fields.iter().any(|field| field.name.text().as_ref() == Some(&name))
}

/// Whether the parameter is still there, and may be looked at, where the work begins.
///
/// For a future that is returned, that is later than the call: only what its block holds anyway is left, and plain numbers, which
/// any block may hold a copy of.
fn is_at_hand(binding: &Binding, body: &Body) -> bool {
    match body {
        Body::Statements(..) | Body::Returned(..) => true,
        Body::Future(tail) => {
            mentions(&tail.statements, &binding.ident)
                || (tail.moves
                    && binding.spelling == Spelling::Scalar
                    && mentions(&tail.before, &binding.ident))
        }
    }
}

fn explicit(field: &Field, item: &Item, style: Style) -> Option<Record> {
    let source = match &field.value {
        FieldValue::Given(mode, value) => Source::Explicit(*mode, value.clone()),
        FieldValue::Bare(ident) if style == Style::Ours && is_parameter(ident, item) => {
            Source::Explicit(Mode::Typed, parse_quote!(#ident))
        }
        FieldValue::Redacted(_) => Source::Redacted,
        FieldValue::Bare(_) | FieldValue::Declared(_) => return None,
    };
    Some(Record { key: field.name.clone(), source })
}

fn is_parameter(ident: &Ident, item: &Item) -> bool {
    (ident == "self" && item.has_receiver()) || item.bindings().any(|binding| binding.ident == *ident)
}
