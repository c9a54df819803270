//! Whether a function returns work that is done later, told by the spelling of its type.

use syn::{GenericArgument, PathArguments, PathSegment, Type, TypeParamBound};

/// A future or stream, and what holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Returned {
    pub(crate) work: Work,
    pub(crate) holder: Holder,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    Future,
    Stream,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holder {
    /// `impl Future`
    Nothing,
    /// `Pin<Box<dyn Future>>`, `BoxFuture`
    PinnedBox,
    /// `Box<dyn Future + Unpin>`
    Box,
}

impl Returned {
    pub(crate) fn by_spelling(returned: &Type) -> Option<Self> {
        match returned {
            Type::Group(group) => Self::by_spelling(&group.elem),
            Type::Paren(paren) => Self::by_spelling(&paren.elem),
            Type::ImplTrait(opaque) => {
                opaque.bounds.iter().find_map(work).map(|work| Self { work, holder: Holder::Nothing })
            }
            Type::Path(path) => path.path.segments.last().and_then(Self::by_name),
            _ => None,
        }
    }

    fn by_name(segment: &PathSegment) -> Option<Self> {
        let (work, holder) = match segment.ident.to_string().as_str() {
            "BoxFuture" | "LocalBoxFuture" => (Some(Work::Future), Holder::PinnedBox),
            "BoxStream" | "LocalBoxStream" => (Some(Work::Stream), Holder::PinnedBox),
            "Pin" => (held(segment).and_then(boxed), Holder::PinnedBox),
            "Box" => (held(segment).and_then(object), Holder::Box),
            _ => return None,
        };
        work.map(|work| Self { work, holder })
    }
}

/// The `dyn` of a `Box<dyn ..>`.
fn boxed(spelled: &Type) -> Option<Work> {
    let Type::Path(path) = spelled else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Box")?;
    held(last).and_then(object)
}

fn object(spelled: &Type) -> Option<Work> {
    match spelled {
        Type::TraitObject(object) => object.bounds.iter().find_map(work),
        _ => None,
    }
}

fn work(bound: &TypeParamBound) -> Option<Work> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let last = bound.path.segments.last()?;
    match last.ident.to_string().as_str() {
        "Future" => Some(Work::Future),
        "Stream" => Some(Work::Stream),
        _ => None,
    }
}

fn held(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(held) => Some(held),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_or_stream_is_known_by_its_spelling() {
        let returned = |spelled| {
            Returned::by_spelling(&syn::parse_str(spelled).expect("a type"))
                .map(|returned| (returned.work, returned.holder))
        };
        assert_eq!(returned("impl Send + Future<Output = u8>"), Some((Work::Future, Holder::Nothing)));
        assert_eq!(returned("impl futures::Stream<Item = u8> + '_"), Some((Work::Stream, Holder::Nothing)));
        assert_eq!(returned("BoxFuture<'static, u8>"), Some((Work::Future, Holder::PinnedBox)));
        assert_eq!(returned("stream::LocalBoxStream<'a, u8>"), Some((Work::Stream, Holder::PinnedBox)));
        assert_eq!(
            returned(
                "::std::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u8> + Send + 'a>>"
            ),
            Some((Work::Future, Holder::PinnedBox))
        );
        assert_eq!(returned("Box<dyn Future<Output = u8> + Unpin>"), Some((Work::Future, Holder::Box)));
        for spelled in [
            "impl Iterator",
            "Pin<&mut u8>",
            "Box<dyn Fn()>",
            "Pin<Box<u8>>",
            "(impl Future, u8)",
            "Ready<u8>",
        ] {
            assert_eq!(returned(spelled), None, "{spelled}");
        }
    }
}
