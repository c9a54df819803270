//! The `Box::pin(async move {..})` at the end of a function that returns a future, found without parsing what comes before it.
//!
//! Such a future needs no second box, and starts its span when it is first polled, as an `async fn` does.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::token;

/// A function's body, taken apart at the async block that it ends with.
pub(crate) struct Tail {
    /// What happens before, at the call.
    pub(crate) before: TokenStream,
    /// `Box::pin`; empty where the block stands alone.
    pub(crate) constructor: TokenStream,
    /// The parentheses after it.
    pub(crate) parenthesis: Option<Span>,
    /// `async` or `async move`.
    pub(crate) keywords: TokenStream,
    pub(crate) moves: bool,
    pub(crate) brace: token::Brace,
    pub(crate) statements: TokenStream,
}

impl Tail {
    pub(crate) fn find(body: &TokenStream) -> Option<Self> {
        let trees: Vec<_> = body.clone().into_iter().collect();
        let (TokenTree::Group(last), others) = trees.split_last()? else { return None };
        match last.delimiter() {
            Delimiter::Parenthesis => {
                let start = start_of_box_pin(others)?;
                let inside: Vec<_> = last.stream().into_iter().collect();
                let block = AsyncBlock::at_end_of(&inside)?;
                let comes_alone = block.start == 0;
                comes_alone.then(|| Self {
                    constructor: others[start..].iter().cloned().collect(),
                    parenthesis: Some(last.span()),
                    ..block.tail(&others[..start])
                })
            }
            Delimiter::Brace => AsyncBlock::at_end_of(&trees).map(|block| block.tail(&trees[..block.start])),
            _ => None,
        }
        .filter(|tail| ends_a_statement(&tail.before))
    }

    /// Whether some other future may be returned before.
    pub(crate) fn may_be_passed_by(&self) -> bool {
        returns(&self.before)
    }
}

struct AsyncBlock<'a> {
    start: usize,
    keywords: &'a [TokenTree],
    group: &'a Group,
}

impl<'a> AsyncBlock<'a> {
    fn at_end_of(trees: &'a [TokenTree]) -> Option<Self> {
        let (TokenTree::Group(group), before) = trees.split_last()? else { return None };
        let keywords = match before {
            [.., first, second] if is(first, "async") && is(second, "move") => 2,
            [.., only] if is(only, "async") => 1,
            _ => return None,
        };
        let start = before.len() - keywords;
        (group.delimiter() == Delimiter::Brace).then_some(Self { start, keywords: &before[start..], group })
    }

    fn tail(&self, before: &[TokenTree]) -> Tail {
        Tail {
            before: before.iter().cloned().collect(),
            constructor: TokenStream::new(),
            parenthesis: None,
            keywords: self.keywords.iter().cloned().collect(),
            moves: self.keywords.len() == 2,
            brace: token::Brace { span: self.group.delim_span() },
            statements: self.group.stream(),
        }
    }
}

/// Where `Box::pin`, perhaps with a path before it, begins at the end of these tokens.
fn start_of_box_pin(trees: &[TokenTree]) -> Option<usize> {
    let [.., boxed, first, second, pin] = trees else { return None };
    if !(is(boxed, "Box") && is_colons(first, second) && is(pin, "pin")) {
        return None;
    }
    let mut start = trees.len() - 4;
    while let Some([.., first, second]) = trees.get(..start).filter(|before| before.len() > 1) {
        if !is_colons(first, second) {
            break;
        }
        let segment = start.checked_sub(3).and_then(|at| trees.get(at));
        start -= if matches!(segment, Some(TokenTree::Ident(_))) { 3 } else { 2 };
    }
    Some(start)
}

fn returns(before: &TokenStream) -> bool {
    before.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Group(group) => returns(&group.stream()),
        _ => false,
    })
}

/// Whether what comes next begins a statement.
fn ends_a_statement(before: &TokenStream) -> bool {
    match before.clone().into_iter().last() {
        None => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(_) => false,
    }
}

fn is(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

fn is_colons(first: &TokenTree, second: &TokenTree) -> bool {
    [first, second].into_iter().all(|tree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ':'))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn before(body: TokenStream) -> Option<String> {
        Tail::find(&body).map(|tail| tail.before.to_string())
    }

    #[test]
    fn finds_the_block_that_the_function_ends_with() {
        assert_eq!(before(quote!(Box::pin(async move { 1 }))).as_deref(), Some(""));
        assert_eq!(before(quote!(::std::boxed::Box::pin(async {}))).as_deref(), Some(""));
        assert_eq!(
            before(quote!(let x = 1; std::boxed::Box::pin(async move { x }))).as_deref(),
            Some("let x = 1 ;")
        );
        assert_eq!(before(quote!(if a { b } async move { x })).as_deref(), Some("if a { b }"));
    }

    #[test]
    fn leaves_what_is_no_tail_or_not_the_whole_of_it() {
        assert!(before(quote!(f(Box::pin(async move {})))).is_none());
        assert!(before(quote!(let x = Box::pin(async move {}))).is_none());
        assert!(before(quote!(Box::pin(async move {});)).is_none());
        assert!(before(quote!(Box::pin(async move {}.map(f)))).is_none());
        assert!(before(quote!(Box::pin(wrap, async move {}))).is_none());
        assert!(before(quote!(MyBox::pin(x))).is_none());
        let passed_by = Tail::find(&quote!(if a { return b; } Box::pin(async {})));
        assert!(passed_by.is_some_and(|tail| tail.may_be_passed_by()));
    }
}
