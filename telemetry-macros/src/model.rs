//! What will be written: arguments and function held against each other, every cross-check made.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Ident, LitStr, Path, Type, parse_quote};

use crate::args::{Args, Choice, Field, FieldValue, Mode};
use crate::errors::{Errors, did_you_mean, one_of};
use crate::item::spelling::{self, Spelling};
use crate::item::{Binding, Body, Item, mentions};
use crate::secret::smells_of_secret;

/// A span around a function, without a question left.
pub(crate) struct Model {
    pub(crate) item: Item,
    /// Where `telemetry_runtime` is.
    pub(crate) krate: Path,
    pub(crate) name: Option<Expr>,
    pub(crate) target: Option<Expr>,
    pub(crate) level: Option<Choice>,
    pub(crate) kind: Option<Choice>,
    pub(crate) records: Vec<Record>,
    /// The value's type, where the spelling tells it.
    pub(crate) value_type: Option<Type>,
    /// How an `Err` says what it is, where there may be one.
    pub(crate) err: Option<Mode>,
    pub(crate) ret: Option<Return>,
}

/// One attribute, recorded before the body runs. Its place in the list is its key.
pub(crate) struct Record {
    pub(crate) key: LitStr,
    pub(crate) source: Source,
}

pub(crate) enum Source {
    /// A parameter that nobody named, if its type captures itself.
    Implicit {
        parameter: Ident,
        attributes: Vec<Attribute>,
    },
    Explicit(Mode, Expr),
}

/// The attribute `return`, recorded after the body.
pub(crate) struct Return {
    pub(crate) key: LitStr,
    pub(crate) mode: Mode,
}

/// Attributes are counted in a byte.
const MOST_ATTRIBUTES: usize = u8::MAX as usize;

impl Model {
    pub(crate) fn new(args: Args, item: Item, errors: &mut Errors) -> Self {
        check_function(&item, errors);
        check_skips(&args, &item, errors);
        check_fields(&args, errors);
        let value_type = item.value_type();
        let never_fails = value_type.as_ref().is_some_and(spelling::cannot_fail);
        let err =
            args.err.as_ref().is_none_or(|err| err.on).then_some(args.err.as_ref().and_then(|err| err.mode));
        let ret = args.ret.as_ref().map(|ret| Return {
            key: LitStr::new("return", ret.word.span()),
            mode: ret.mode.unwrap_or(Mode::Debug),
        });
        let mut records = implicit_records(&args, &item);
        records.extend(args.fields.iter().filter_map(|field| explicit_record(field, &item)));
        Self {
            krate: args.krate.unwrap_or_else(|| parse_quote!(::telemetry_runtime)),
            name: args.name,
            target: args.target,
            level: args.level,
            kind: args.kind,
            records,
            err: err.filter(|_| !never_fails).map(|mode| mode.unwrap_or(Mode::Display)),
            ret,
            value_type,
            item,
        }
    }

    /// Whether the value is looked at.
    pub(crate) fn observes(&self) -> bool {
        self.err.is_some() || self.ret.is_some()
    }

    /// The names of the attributes, by key.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &LitStr> {
        self.records.iter().map(|record| &record.key).chain(self.ret.iter().map(|ret| &ret.key))
    }

    /// How many words of attributes the span has room for in itself: one of a few sizes, so that few kinds of spans exist.
    pub(crate) fn room(&self) -> usize {
        const SIZES: [usize; 6] = [0, 2, 4, 8, 16, 32];
        // A head and a number; a head and as much text as most have.
        const SCALAR: usize = 1 + 1;
        const TEXT: usize = 1 + 5;
        let room =
            |record: &Record| if matches!(record.source, Source::Implicit { .. }) { SCALAR } else { TEXT };
        let wanted =
            self.records.iter().map(room).sum::<usize>() + self.ret.iter().map(|_| TEXT).sum::<usize>();
        SIZES.into_iter().find(|size| *size >= wanted).unwrap_or(SIZES[5])
    }
}

fn check_function(item: &Item, errors: &mut Errors) {
    if let Some(constness) = item.signature.constness {
        errors.push(
            constness,
            "`#[instrument]` cannot go on a `const fn`: a span takes time, and a constant has none",
        );
    }
}

fn check_skips(args: &Args, item: &Item, errors: &mut Errors) {
    if let (Some(all), [first, ..]) = (&args.skip_all, &*args.skip) {
        errors.push(all, format!("`skip_all` leaves nothing for `skip({first})`: keep one of them"));
    }
    let names: Vec<_> = item.bindings().map(|binding| binding.ident.unraw().to_string()).collect();
    for skipped in &args.skip {
        let text = skipped.unraw().to_string();
        let is_parameter = names.contains(&text) || text == "self" && item.has_receiver();
        if !is_parameter {
            let guess = did_you_mean(&text, &names);
            let message = format!("`{text}` is no parameter{guess}, {}", choices(&names));
            errors.push(skipped, message);
        }
    }
}

fn choices(names: &[String]) -> String {
    if names.is_empty() { "there is none to skip".to_owned() } else { format!("expected {}", one_of(names)) }
}

fn check_fields(args: &Args, errors: &mut Errors) {
    let mut seen = Vec::new();
    for Field { name, .. } in &args.fields {
        if seen.contains(&name.value()) {
            errors.push(name, format!("the field `{}` is given twice", name.value()));
        }
        if name.value().is_empty() {
            errors.push(name, "a field's name must not be empty");
        }
        seen.push(name.value());
    }
    if let Some(ret) = args.ret.as_ref().filter(|_| seen.iter().any(|name| name == "return")) {
        errors.push(&ret.word, "`ret` records the attribute `return`, which `fields` gives already");
    }
    if let Some(field) = args.fields.get(MOST_ATTRIBUTES) {
        errors.push(&field.name, format!("a function has at most {MOST_ATTRIBUTES} fields"));
    }
}

/// The parameters that nobody named or refused, and whose types may be captured without being asked.
fn implicit_records(args: &Args, item: &Item) -> Vec<Record> {
    if args.skip_all.is_some() {
        return Vec::new();
    }
    let left = MOST_ATTRIBUTES.saturating_sub(args.fields.len() + 1);
    let parameters = item.parameters.iter();
    let bindings =
        parameters.flat_map(|parameter| parameter.bindings.iter().map(move |binding| (parameter, binding)));
    bindings
        .filter(|(_, binding)| is_captured(binding, args) && is_at_hand(binding, &item.body))
        .take(left)
        .map(|(parameter, binding)| {
            let attributes = parameter.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
            let source = Source::Implicit {
                parameter: binding.ident.clone(),
                attributes: attributes.cloned().collect(),
            };
            Record { key: key_of(&binding.ident), source }
        })
        .collect()
}

fn is_captured(binding: &Binding, args: &Args) -> bool {
    let name = key_of(&binding.ident);
    binding.spelling != Spelling::Compound
        && !args.skip.iter().any(|skipped| key_of(skipped) == name)
        && !args.fields.iter().any(|field| field.name == name)
        && !smells_of_secret(&name.value())
}

/// Whether the parameter is still there, and may be looked at, where the work begins.
///
/// For a future that is returned, that is later than the call: only what its block holds anyway is left, and plain numbers, which
/// any block may hold a copy of.
fn is_at_hand(binding: &Binding, body: &Body) -> bool {
    match body {
        Body::Statements(..) => true,
        Body::Future(tail) => {
            mentions(&tail.statements, &binding.ident)
                || (tail.moves
                    && binding.spelling == Spelling::Scalar
                    && mentions(&tail.before, &binding.ident))
        }
    }
}

fn explicit_record(field: &Field, item: &Item) -> Option<Record> {
    let source = match &field.value {
        FieldValue::Given(mode, value) => Source::Explicit(*mode, value.clone()),
        FieldValue::Bare(ident) if is_parameter(ident, item) => {
            Source::Explicit(Mode::Typed, parse_quote!(#ident))
        }
        FieldValue::Bare(_) | FieldValue::Declared => return None,
    };
    Some(Record { key: field.name.clone(), source })
}

fn is_parameter(ident: &Ident, item: &Item) -> bool {
    (ident == "self" && item.has_receiver()) || item.bindings().any(|binding| binding.ident == *ident)
}

fn key_of(ident: &Ident) -> LitStr {
    LitStr::new(&ident.unraw().to_string(), Span::mixed_site())
}
