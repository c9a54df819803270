//! All the mistakes of one item, each at its own token.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, at: impl ToTokens, message: impl Display) {
        self.0.push(syn::Error::new_spanned(at, message));
    }

    /// The value, or nothing and one mistake more.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of<T: AsRef<str>>(choices: &[T]) -> String {
    let quoted: Vec<_> = choices.iter().map(|choice| format!("`{}`", choice.as_ref())).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// " (did you mean `name`?)" where one of the choices is near enough to be meant.
pub(crate) fn did_you_mean<T: AsRef<str>>(word: &str, choices: &[T]) -> String {
    choices
        .iter()
        .map(|choice| (distance(word, choice.as_ref()), choice.as_ref()))
        .min()
        .filter(|(distance, choice)| *distance <= choice.len().max(3) / 3 && *distance < word.len())
        .map(|(_, choice)| format!(" (did you mean `{choice}`?)"))
        .unwrap_or_default()
}

/// How many characters to insert, remove, replace or swap with their neighbour to turn `a` into `b`, any case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase().into_bytes(), b.to_lowercase().into_bytes());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_swap(&before, j));
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

fn before_swap(before: &[usize], j: usize) -> usize {
    before[j - 2] + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_choice_only_when_it_is_near() {
        let words = ["name", "skip", "skip_all"];
        assert_eq!(did_you_mean("nmae", &words), " (did you mean `name`?)");
        assert_eq!(did_you_mean("skpi_all", &words), " (did you mean `skip_all`?)");
        assert_eq!(did_you_mean("SKIP", &words), " (did you mean `skip`?)");
        assert_eq!(did_you_mean("parent", &words), "");
        assert_eq!(did_you_mean("b", &["a"]), "");
    }

    #[test]
    fn lists_choices_as_people_do() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(one_of::<&str>(&[]), "nothing");
    }
}
