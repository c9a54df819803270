//! Whatever it is given, the macro answers: with an item, or with an error.

use proc_macro2::TokenStream;
use proptest::prelude::*;

use crate::instrument::instrument;

const WORDS: &[&str] = &[
    "name", "target", "level", "kind", "skip", "skip_all", "fields", "err", "ret", "crate", "self", "Self",
    "fn", "async", "move", "const", "unsafe", "extern", "impl", "dyn", "pub", "mut", "ref", "type", "a", "b",
    "r#type", "_", "Box", "pin", "Debug", "u64", "str", "Result", "Future", "Output", "\"\"", "\"text\"",
    "1", "6", "1.5", "'x'", "'a", "true", "=", ",", ";", ":", "::", ".", "->", "<", ">", "&", "?", "%", "!",
    "#", "|", "@", "..", "+", "-",
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
    let was_function = syn::parse2::<syn::ImplItemFn>(item.clone()).is_ok();
    let answer = instrument(arguments, item);
    let is_error = answer.to_string().contains("compile_error");
    prop_assert!(
        is_error || !was_function || syn::parse2::<syn::ImplItemFn>(answer.clone()).is_ok(),
        "{answer}"
    );
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
    fn any_signature_and_body_is_answered(inputs in soups(), output in soups(), body in soups()) {
        answer("", &format!("async fn f({inputs}) -> {output} {{ {body} }}"))?;
        answer("", &format!("fn f({inputs}) {{ {body} Box::pin(async move {{ {body} }}) }}"))?;
        answer("", &format!("fn f(a: u8) -> Result<(), E> {{ {body} }}"))?;
    }
}
