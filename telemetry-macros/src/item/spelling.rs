//! What the spelling of a type tells, and no more than it can: types have aliases, so it only ever saves work.

use syn::{
    AngleBracketedGenericArguments, GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypePath,
    parse_quote,
};

/// What a parameter may be, by its type's spelling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spelling {
    /// A number, `bool` or `char` by value.
    Scalar,
    /// Anything: the type itself will tell.
    Unknown,
    /// Text, a collection, a tuple, a closure: nothing that is captured without being asked.
    Compound,
}

const SCALARS: &[&str] = &[
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
    "u128", "usize",
];

/// Text and collections.
const COMPOUNDS: &[&str] = &[
    "str", "String", "Path", "PathBuf", "OsStr", "OsString", "Vec", "VecDeque", "HashMap", "HashSet",
    "BTreeMap", "BTreeSet",
];

/// What shows through to what it holds.
const TRANSPARENT: &[&str] = &["Option", "Box", "Arc", "Rc", "Cow", "Wrapping"];

/// What a parameter of this type may be.
pub(crate) fn of(spelled: &Type) -> Spelling {
    match spelled {
        Type::Group(group) => of(&group.elem),
        Type::Paren(paren) => of(&paren.elem),
        Type::Reference(reference) => behind(of(&reference.elem)),
        Type::Path(path) => of_path(path),
        Type::Macro(_) | Type::Verbatim(_) => Spelling::Unknown,
        _ => Spelling::Compound,
    }
}

fn of_path(path: &TypePath) -> Spelling {
    let Some(last) = path.path.segments.last() else { return Spelling::Unknown };
    if path.path.segments.len() == 1 && is_one_of(last, SCALARS) {
        return Spelling::Scalar;
    }
    if is_one_of(last, COMPOUNDS) {
        return Spelling::Compound;
    }
    if is_one_of(last, TRANSPARENT) {
        return types_in(last).last().map_or(Spelling::Unknown, |held| behind(of(held)));
    }
    Spelling::Unknown
}

/// A pointer to a scalar is no scalar, but it may well be captured.
fn behind(held: Spelling) -> Spelling {
    if held == Spelling::Scalar { Spelling::Unknown } else { held }
}

/// Whether a value of this type is surely `Copy`.
pub(crate) fn is_copied(spelled: &Type) -> bool {
    match spelled {
        Type::Group(group) => is_copied(&group.elem),
        Type::Paren(paren) => is_copied(&paren.elem),
        Type::Reference(reference) => reference.mutability.is_none(),
        Type::Ptr(_) | Type::FnPtr(_) => true,
        _ => of(spelled) == Spelling::Scalar,
    }
}

/// Whether `tracing::instrument` records a parameter of this type as a value: it goes by the type's last word.
pub(crate) fn is_tracing_value(spelled: &Type) -> bool {
    const NON_ZERO: &[&str] = &[
        "NonZeroU8",
        "NonZeroI8",
        "NonZeroU16",
        "NonZeroI16",
        "NonZeroU32",
        "NonZeroI32",
        "NonZeroU64",
        "NonZeroI64",
        "NonZeroU128",
        "NonZeroI128",
        "NonZeroUsize",
        "NonZeroIsize",
    ];
    match spelled {
        Type::Reference(reference) => is_tracing_value(&reference.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            last.ident != "char" && is_one_of(last, SCALARS)
                || is_one_of(last, NON_ZERO)
                || is_one_of(last, &["str", "String", "Wrapping"])
        }),
        _ => false,
    }
}

/// Whether no value of this type is an `Err`.
pub(crate) fn cannot_fail(returned: &Type) -> bool {
    const NEVER_RESULTS: &[&str] = &["Option", "Box", "Arc", "Rc"];
    match returned {
        Type::Group(group) => cannot_fail(&group.elem),
        Type::Paren(paren) => cannot_fail(&paren.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            is_one_of(last, SCALARS) || is_one_of(last, COMPOUNDS) || is_one_of(last, NEVER_RESULTS)
        }),
        Type::Macro(_) | Type::Verbatim(_) | Type::Infer(_) => false,
        _ => true,
    }
}

pub(crate) fn returned(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, returned) => (**returned).clone(),
    }
}

/// The `T` of `Pin<Box<dyn Future<Output = T>>>`, of `impl Stream<Item = T>`, of `BoxFuture<'_, T>` and of whatever else names an
/// `Output` or `Item` or is named so.
pub(crate) fn work_output(returned: &Type) -> Option<Type> {
    match returned {
        Type::Group(group) => work_output(&group.elem),
        Type::Paren(paren) => work_output(&paren.elem),
        Type::Path(path) => path.path.segments.last().and_then(output_of_segment),
        Type::TraitObject(object) => object.bounds.iter().find_map(output_of_bound),
        Type::ImplTrait(opaque) => opaque.bounds.iter().find_map(output_of_bound),
        _ => None,
    }
}

fn output_of_segment(segment: &PathSegment) -> Option<Type> {
    let held = types_in(segment).last()?;
    if is_one_of(segment, &["BoxFuture", "LocalBoxFuture", "BoxStream", "LocalBoxStream"]) {
        Some(held.clone())
    } else {
        work_output(held)
    }
}

fn output_of_bound(bound: &syn::TypeParamBound) -> Option<Type> {
    let syn::TypeParamBound::Trait(bound) = bound else { return None };
    arguments_of(bound.path.segments.last()?)?.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(named) if named.ident == "Output" || named.ident == "Item" => {
            Some(named.ty.clone())
        }
        _ => None,
    })
}

/// The type as a local may have it: with `_` for every `impl Trait`.
pub(crate) fn inferred(mut spelled: Type) -> Type {
    infer_opaque(&mut spelled);
    spelled
}

fn infer_opaque(spelled: &mut Type) {
    match spelled {
        Type::ImplTrait(_) => *spelled = parse_quote!(_),
        Type::Array(array) => infer_opaque(&mut array.elem),
        Type::Group(group) => infer_opaque(&mut group.elem),
        Type::Paren(paren) => infer_opaque(&mut paren.elem),
        Type::Reference(reference) => infer_opaque(&mut reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(infer_opaque),
        Type::Path(path) => {
            for segment in &mut path.path.segments {
                if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    infer_arguments(arguments);
                }
            }
        }
        _ => {}
    }
}

fn infer_arguments(arguments: &mut AngleBracketedGenericArguments) {
    for argument in &mut arguments.args {
        if let GenericArgument::Type(argument) = argument {
            infer_opaque(argument);
        }
    }
}

fn is_one_of(segment: &PathSegment, names: &[&str]) -> bool {
    names.iter().any(|name| segment.ident == name)
}

fn types_in(segment: &PathSegment) -> impl DoubleEndedIterator<Item = &Type> {
    arguments_of(segment).into_iter().flat_map(|arguments| &arguments.args).filter_map(|argument| {
        match argument {
            GenericArgument::Type(held) => Some(held),
            _ => None,
        }
    })
}

fn arguments_of(segment: &PathSegment) -> Option<&AngleBracketedGenericArguments> {
    match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_scalar_is_surely_one() {
        assert_eq!(of(&parse_quote!(u64)), Spelling::Scalar);
        assert_eq!(of(&parse_quote!(&u64)), Spelling::Unknown);
        assert_eq!(of(&parse_quote!(Option<bool>)), Spelling::Unknown);
        assert_eq!(of(&parse_quote!(mine::u64)), Spelling::Unknown);
        assert_eq!(of(&parse_quote!(OrderId)), Spelling::Unknown);
    }

    #[test]
    fn what_holds_text_or_many_is_compound() {
        for spelled in [
            "&str",
            "Option<String>",
            "&[u8]",
            "(u8, u8)",
            "impl Fn()",
            "&mut Vec<u8>",
            "Box<dyn Any>",
            "fn()",
        ] {
            assert_eq!(of(&syn::parse_str(spelled).expect("a type")), Spelling::Compound, "{spelled}");
        }
    }

    #[test]
    fn a_named_type_may_be_a_result() {
        assert!(!cannot_fail(&parse_quote!(io::Result<()>)));
        assert!(!cannot_fail(&parse_quote!(Answer)));
        assert!(!cannot_fail(&parse_quote!(T)));
        assert!(cannot_fail(&parse_quote!(())));
        assert!(cannot_fail(&parse_quote!(&Result<(), ()>)));
        assert!(cannot_fail(&parse_quote!(!)));
    }

    #[test]
    fn finds_what_a_future_ends_with() {
        for spelled in [
            "Pin<Box<dyn Future<Output = u8> + Send + 'a>>",
            "::core::pin::Pin<Box<dyn ::core::future::Future<Output = u8>>>",
            "BoxFuture<'_, u8>",
            "impl Future<Output = u8>",
        ] {
            let output = work_output(&syn::parse_str(spelled).expect("a type"));
            assert!(output == Some(parse_quote!(u8)), "{spelled}");
        }
        assert!(work_output(&parse_quote!(MyFuture)).is_none());
    }

    #[test]
    fn an_opaque_part_is_inferred() {
        assert!(inferred(parse_quote!(Result<(impl Fn(), u8), E>)) == parse_quote!(Result<(_, u8), E>));
    }
}
