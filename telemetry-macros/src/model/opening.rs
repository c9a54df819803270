//! How a span begins, around a function or a block: its callsite, where it belongs, what it records at once.

use proc_macro2::{Literal, Span};
use syn::ext::IdentExt;
use syn::{Expr, LitStr, Path, parse_quote};

use super::check::check_args;
use super::records::{Record, Source, of_function, of_value};
use crate::args::{Args, Choice, FieldName, Name, Parent, Sample};
use crate::errors::Errors;
use crate::item::Item;
use crate::style::Style;

pub(crate) struct Opening {
    /// Where `telemetry_runtime` is.
    pub(crate) krate: Path,
    /// The function's name; empty around a block.
    pub(crate) function: LitStr,
    /// Where it stands in its file.
    pub(crate) place: Span,
    pub(crate) name: Option<Name>,
    pub(crate) target: Option<Expr>,
    pub(crate) level: Option<Choice>,
    pub(crate) kind: Option<Choice>,
    pub(crate) sample: Option<Sample>,
    pub(crate) keep_if_slower_ns: Option<u64>,
    pub(crate) metrics: bool,
    /// Whether the code makes a span of `tracing` itself.
    pub(crate) has_own_tracing: bool,
    pub(crate) parent: Option<Parent>,
    pub(crate) links: Vec<Expr>,
    pub(crate) records: Vec<Record>,
    /// The names of attributes that are recorded later; their keys come after those of `records`.
    pub(crate) keys_after: Vec<FieldName>,
}

impl Opening {
    pub(super) fn of_function(
        args: Args,
        item: &Item,
        owner: Option<&str>,
        style: Style,
        keys_after: Vec<FieldName>,
    ) -> Self {
        let ident = &item.signature.ident;
        let name = ident.unraw().to_string();
        let function = owner.map_or_else(|| name.clone(), |owner| format!("{owner}::{name}"));
        let function = LitStr::new(&function, Span::mixed_site());
        let records = of_function(&args, item, style);
        let opening = Self::new(args, function, ident.span(), records, keys_after);
        Self { has_own_tracing: style == Style::Tracing, ..opening }
    }

    pub(crate) fn of_value(args: Args, errors: &mut Errors) -> Self {
        check_args(&args, errors);
        let records = of_value(&args);
        Self::new(args, LitStr::new("", Span::mixed_site()), Span::call_site(), records, Vec::new())
    }

    fn new(
        args: Args,
        function: LitStr,
        place: Span,
        records: Vec<Record>,
        keys_after: Vec<FieldName>,
    ) -> Self {
        Self {
            krate: args.krate.unwrap_or_else(|| parse_quote!(::telemetry_runtime)),
            function,
            place,
            name: args.name,
            target: args.target,
            level: args.level,
            kind: args.kind,
            sample: args.sample,
            keep_if_slower_ns: args.keep_if_slower,
            metrics: args.metrics,
            has_own_tracing: false,
            parent: args.parent,
            links: args.links,
            records,
            keys_after,
        }
    }

    /// The names of the attributes, by key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &FieldName> {
        self.records.iter().map(|record| &record.key).chain(&self.keys_after)
    }

    /// The number of the last of the keys.
    pub(crate) fn last_key(&self) -> Literal {
        Literal::usize_unsuffixed((self.records.len() + self.keys_after.len()).saturating_sub(1))
    }

    /// How many words of attributes the span has room for in itself: one of a few sizes, so that few kinds of spans exist.
    pub(crate) fn room(&self) -> usize {
        const SIZES: [usize; 6] = [0, 2, 4, 8, 16, 32];
        // A head and a number; a head and as much text as most have.
        const SCALAR: usize = 1 + 1;
        const TEXT: usize = 1 + 5;
        let room =
            |record: &Record| if matches!(record.source, Source::Implicit { .. }) { SCALAR } else { TEXT };
        let wanted = self.records.iter().map(room).sum::<usize>() + self.keys_after.len() * TEXT;
        SIZES.into_iter().find(|size| *size >= wanted).unwrap_or(SIZES[5])
    }
}
