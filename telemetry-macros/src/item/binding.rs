//! The names that a function's parameters bind.

use proc_macro2::Span;
use quote::format_ident;
use syn::{Attribute, Ident, Pat, PatIdent, PatType, Token, parse_quote};

use super::spelling::{self, Spelling};

/// One parameter, and every name that its pattern binds.
pub(crate) struct Parameter {
    /// `cfg`, `allow` and the like.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) bindings: Vec<Binding>,
    /// The name that an `async fn` gives to what `_` takes, to drop it in its turn.
    pub(crate) stand_in: Option<Ident>,
}

/// One name, and what its type's spelling tells.
pub(crate) struct Binding {
    pub(crate) ident: Ident,
    /// Whether the function may change it: `mut x`.
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) spelling: Spelling,
    /// Whether the value is surely `Copy`: it cannot be moved away, and nobody notices its end.
    pub(crate) is_copied: bool,
    /// Whether `tracing` records it as a value and not by its `Debug` text.
    pub(crate) is_tracing_value: bool,
}

impl Parameter {
    pub(crate) fn new(parameter: &mut PatType) -> Self {
        let is_plain = matches!(&*parameter.pat, Pat::Ident(_));
        let is_tracing_value = is_plain && spelling::is_tracing_value(&parameter.ty);
        let (spelling, is_copied) = match &*parameter.pat {
            Pat::Ident(PatIdent { by_ref: None, .. }) => {
                (spelling::of(&parameter.ty), spelling::is_copied(&parameter.ty))
            }
            _ => (Spelling::Unknown, false),
        };
        let mut bindings: Vec<Binding> = Vec::new();
        each_name(&mut parameter.pat, &mut |name| {
            // Every case of an or-pattern binds the same names.
            if bindings.iter().all(|known| known.ident != name.ident) {
                bindings.push(Binding { is_tracing_value, ..Binding::new(name, spelling, is_copied) });
            }
        });
        Self { attributes: parameter.attrs.clone(), bindings, stand_in: None }
    }

    /// Makes the pattern of an `async fn` one that only passes its names on to the body: there they are `mut`, and `_` has a name.
    pub(crate) fn pass_on(&mut self, position: usize, pattern: &mut Pat) {
        each_name(pattern, &mut |name| {
            if name.by_ref.is_none() {
                name.mutability = None;
            }
        });
        if matches!(pattern, Pat::Wild(_)) {
            let stand_in = format_ident!("__arg{position}", span = Span::mixed_site());
            *pattern = parse_quote!(#stand_in);
            self.stand_in = Some(stand_in);
        }
    }
}

impl Binding {
    fn new(name: &PatIdent, spelling: Spelling, is_copied: bool) -> Self {
        // In `ref mut x`, `mut` belongs to the reference.
        let mutability = if name.by_ref.is_some() { None } else { name.mutability };
        Self { ident: name.ident.clone(), mutability, spelling, is_copied, is_tracing_value: false }
    }
}

fn each_name(pattern: &mut Pat, visit: &mut impl FnMut(&mut PatIdent)) {
    match pattern {
        Pat::Ident(name) => {
            visit(name);
            if let Some((_, inner)) = &mut name.subpat {
                each_name(inner, visit);
            }
        }
        Pat::Paren(paren) => each_name(&mut paren.pat, visit),
        Pat::Reference(reference) => each_name(&mut reference.pat, visit),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|inner| each_name(inner, visit)),
        Pat::Struct(fields) => fields.fields.iter_mut().for_each(|field| each_name(&mut field.pat, visit)),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(|inner| each_name(inner, visit)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(|inner| each_name(inner, visit)),
        Pat::Type(typed) => each_name(&mut typed.pat, visit),
        Pat::Or(or) => or.cases.iter_mut().for_each(|case| each_name(case, visit)),
        _ => {}
    }
}
