//! Whatever it is given, the macro answers: with an item, or with an error.

use proc_macro2::TokenStream;
use proptest::prelude::*;

use crate::instrument::instrument;
use crate::style::Style;

const WORDS: &[&str] = &[
    "name",
    "target",
    "level",
    "kind",
    "skip",
    "skip_all",
    "fields",
    "err",
    "ret",
    "crate",
    "self",
    "Self",
    "capture",
    "err_if",
    "ok_if",
    "parent",
    "root",
    "links",
    "follows_from",
    "sample",
    "keep_if_slower",
    "metrics",
    "all",
    "never",
    "expose",
    "Empty",
    "None",
    "instrument",
    "trait",
    "for",
    "where",
    "password",
    "fn",
    "async",
    "move",
    "const",
    "unsafe",
    "extern",
    "impl",
    "dyn",
    "pub",
    "mut",
    "ref",
    "type",
    "a",
    "b",
    "r#type",
    "_",
    "Box",
    "pin",
    "Debug",
    "u64",
    "str",
    "Result",
    "Future",
    "Output",
    "\"\"",
    "\"text\"",
    "1",
    "6",
    "1.5",
    "'x'",
    "'a",
    "true",
    "=",
    ",",
    ";",
    ":",
    "::",
    ".",
    "->",
    "<",
    ">",
    "&",
    "?",
    "%",
    "!",
    "#",
    "|",
    "@",
    "..",
    "+",
    "-",
];

fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(WORDS).prop_map(str::to_owned);
    word.prop_recursive(4, 48, 12, |inner| {
        let inside = prop::collection::vec(inner, 0..12).prop_map(|words| words.join(" "));
        (inside, prop::sample::select(&["()", "[]", "{}"][..]), prop::sample::select(WORDS)).prop_map(
            |(inside, pair, word)| {
                let (open, close) = pair.split_at(1);
                format!("{word} {open} {inside} {close}")
            },
        )
    })
}

fn soups() -> impl Strategy<Value = String> {
    prop::collection::vec(soup(), 0..8).prop_map(|soups| soups.join(" "))
}

fn answer(arguments: &str, item: &str) -> Result<(), TestCaseError> {
    let (Ok(arguments), Ok(item)) = (arguments.parse::<TokenStream>(), item.parse::<TokenStream>()) else {
        return Ok(());
    };
    let is_item = |tokens: &TokenStream| {
        syn::parse2::<syn::ImplItemFn>(tokens.clone()).is_ok()
            || syn::parse2::<syn::ItemImpl>(tokens.clone()).is_ok()
    };
    let was_item = is_item(&item);
    for style in [Style::Ours, Style::Tracing] {
        let answer = instrument(arguments.clone(), item.clone(), style);
        let is_error = answer.to_string().contains("compile_error");
        prop_assert!(is_error || !was_item || is_item(&answer), "{answer}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_arguments_are_answered(arguments in soups()) {
        answer(&arguments, "fn f(&self, a: u64, b: &str) -> Result<u8, E> { a?; Ok(1) }")?;
    }

    #[test]
    fn any_item_is_answered(item in soups()) {
        answer("fields(a), ret", &item)?;
    }

    #[test]
    fn any_span_is_answered(name in soups(), tokens in soups()) {
        for text in [tokens.clone(), format!("\"name\", {tokens}"), format!("{name}, a = {tokens}")] {
            let Ok(tokens) = text.parse::<TokenStream>() else { continue };
            let answer = crate::span::entered(tokens.clone());
            let is_error = answer.to_string().contains("compile_error");
            prop_assert!(is_error || syn::parse2::<syn::Expr>(answer.clone()).is_ok(), "{answer}");
            crate::span::detached(tokens);
        }
    }

    #[test]
    fn any_block_is_answered(arguments in soups(), header in soups(), items in soups(), body in soups()) {
        answer("skip(a)", &format!("impl {header} {{ {items} }}"))?;
        answer(&arguments, &format!("trait T {{ {items} fn f(a: u8) {{ {body} }} }}"))?;
        answer("", &format!("impl T {{ #[instrument({arguments})] fn f(a: u8) {{ {body} }} {items} }}"))?;
    }

    #[test]
    fn any_signature_and_body_is_answered(inputs in soups(), output in soups(), body in soups()) {
        answer("", &format!("async fn f({inputs}) -> {output} {{ {body} }}"))?;
        answer("", &format!("fn f({inputs}) {{ {body} Box::pin(async move {{ {body} }}) }}"))?;
        answer("", &format!("fn f(a: u8) -> Result<(), E> {{ {body} }}"))?;
    }
}
