//! The span of `tracing` that `compat::instrument` makes beside ours, with the fields that `tracing::instrument` would give it.

use quote::format_ident;
use syn::ext::IdentExt;
use syn::{Expr, Ident, parse_quote};

use super::records::is_unnamed;
use crate::args::{Args, Capture, Choice, FieldName, FieldValue, Mode, Parent};
use crate::item::Item;

pub(crate) struct TracingSpan {
    pub(crate) level: Choice,
    /// What `tracing` takes for a parent; ours has none but the current one.
    pub(crate) parent: Option<Parent>,
    pub(crate) follows_from: Vec<Expr>,
    pub(crate) fields: Vec<TracingField>,
}

/// A field, with a value unless it is empty.
pub(crate) struct TracingField {
    pub(crate) name: FieldName,
    pub(crate) value: Option<(Mode, Expr)>,
}

impl TracingSpan {
    /// Takes what is for `tracing` out of the arguments, and gives the others the meaning that they have there.
    pub(super) fn take(args: &mut Args, item: &Item) -> Self {
        let level = args.level.clone().unwrap_or(Choice::Variant("Info"));
        args.level = args.level.take().map(of_tracing);
        for (outcome, by_default) in [(&mut args.err, &Choice::Variant("Error")), (&mut args.ret, &level)] {
            if let Some(outcome) = outcome.as_mut().filter(|outcome| outcome.on) {
                let level = outcome.level.take().unwrap_or_else(|| by_default.clone());
                outcome.level = Some(of_tracing(level));
            }
        }
        let parent = args.parent.clone();
        args.parent = args.parent.take().filter(|parent| matches!(parent, Parent::None));
        let follows_from = std::mem::take(&mut args.links);
        Self { level, parent, follows_from, fields: fields(args, item) }
    }
}

fn of_tracing(level: Choice) -> Choice {
    match level {
        Choice::Const(path) => Choice::OfTracing(path),
        level => level,
    }
}

fn fields(args: &Args, item: &Item) -> Vec<TracingField> {
    let mut fields = if args.capture == Some(Capture::None) { Vec::new() } else { parameters(args, item) };
    fields.extend(
        args.fields.iter().map(|field| TracingField { name: field.name.clone(), value: value(&field.value) }),
    );
    fields
}

fn parameters(args: &Args, item: &Item) -> Vec<TracingField> {
    let receiver = item.has_receiver().then(|| (format_ident!("self"), Mode::Debug));
    let present = item
        .parameters
        .iter()
        .filter(|parameter| !parameter.attributes.iter().any(|at| at.path().is_ident("cfg")));
    let bindings = present.flat_map(|parameter| &parameter.bindings).map(|binding| {
        (binding.ident.clone(), if binding.is_tracing_value { Mode::Typed } else { Mode::Debug })
    });
    let names = receiver.into_iter().chain(bindings).filter(|(name, _)| is_unnamed(name, args));
    names.map(|(name, mode)| field(&name, mode)).collect()
}

fn field(name: &Ident, mode: Mode) -> TracingField {
    TracingField {
        name: FieldName::ours(&name.unraw().to_string()),
        value: Some((mode, parse_quote!(#name))),
    }
}

fn value(value: &FieldValue) -> Option<(Mode, Expr)> {
    match value {
        FieldValue::Given(mode, value) => Some((*mode, value.clone())),
        FieldValue::Redacted(hidden) => self::value(hidden),
        FieldValue::Bare(_) | FieldValue::Declared(_) => None,
    }
}
