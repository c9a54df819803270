//! The arguments of `#[instrument]`: one table says how each is written, what it means and how it is read.

mod field;
mod given;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, LitStr, Path, Result, Token};

pub(crate) use self::field::{Field, FieldValue, Mode};
pub(crate) use self::given::Choice;
use self::given::Given;
use crate::errors::{Errors, did_you_mean, one_of};

/// What was said, each thing at most once.
#[derive(Default)]
pub(crate) struct Args {
    /// A text or the path of a const.
    pub(crate) name: Option<Expr>,
    /// A text or the path of a const.
    pub(crate) target: Option<Expr>,
    pub(crate) level: Option<Choice>,
    pub(crate) kind: Option<Choice>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) skip_all: Option<Ident>,
    pub(crate) fields: Vec<Field>,
    pub(crate) err: Option<Outcome>,
    pub(crate) ret: Option<Outcome>,
    pub(crate) krate: Option<Path>,
}

/// Whether and how a function's value is recorded, and the word that said so.
pub(crate) struct Outcome {
    pub(crate) word: Ident,
    pub(crate) on: bool,
    pub(crate) mode: Option<Mode>,
}

/// One row of the table.
pub(crate) struct Argument {
    pub(crate) word: &'static str,
    pub(crate) forms: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the documentation is checked against it"))]
    pub(crate) meaning: &'static str,
    read: fn(&mut Args, &Given<'_>) -> Result<()>,
}

pub(crate) static TABLE: &[Argument] = &[
    Argument {
        word: "name",
        forms: &[r#"name = "text""#, "name = CONST"],
        meaning: "The span's name; by default the function's. A text in the first place means the same.",
        read: |args, given| given.text().map(|text| args.name = Some(text)),
    },
    Argument {
        word: "target",
        forms: &[r#"target = "text""#, "target = CONST"],
        meaning: "What filters select by; by default the module's path.",
        read: |args, given| given.text().map(|text| args.target = Some(text)),
    },
    Argument {
        word: "level",
        forms: &[r#"level = "debug""#, "level = 2", "level = Level::Debug"],
        meaning: "`trace`, `debug`, `info` (the default), `warn`, `error` in any case, the same as 1 to 5, or a const.",
        read: |args, given| given.level().map(|level| args.level = Some(level)),
    },
    Argument {
        word: "kind",
        forms: &[r#"kind = "client""#, "kind = SpanKind::Client"],
        meaning: "`internal` (the default), `server`, `client`, `producer`, `consumer`, or a const.",
        read: |args, given| given.kind().map(|kind| args.kind = Some(kind)),
    },
    Argument {
        word: "skip",
        forms: &["skip(a, b)"],
        meaning: "Parameters that are not captured.",
        read: |args, given| given.idents().map(|idents| args.skip = idents),
    },
    Argument {
        word: "skip_all",
        forms: &["skip_all"],
        meaning: "No parameter is captured unless `fields` names it.",
        read: |args, given| given.nothing().map(|()| args.skip_all = Some(given.word.clone())),
    },
    Argument {
        word: "fields",
        forms: &["fields(x, ?y, %z, a.b = expr)"],
        meaning: "Attributes: a parameter with its type (`x`), as `Debug` (`?y`) or `Display` (`%z`) text; any value under \
                  any name (`a.b = expr`, `a.b = ?expr`, `\"a-b\" = %expr`). A name alone that is no parameter is only declared.",
        read: |args, given| given.fields(&mut args.fields),
    },
    Argument {
        word: "err",
        forms: &["err", "err(Debug)", "err(Display)", "err = false"],
        meaning: "How an `Err` becomes the span's status and `exception` event: by its `Display` text (the default) or its \
                  `Debug` text, or not at all.",
        read: |args, given| given.outcome().map(|outcome| args.err = Some(outcome)),
    },
    Argument {
        word: "ret",
        forms: &["ret", "ret(Debug)", "ret(Display)"],
        meaning: "Records the value, of a `Result` only an `Ok`, as the attribute `return`: its `Debug` text unless told.",
        read: |args, given| given.outcome().map(|outcome| args.ret = Some(outcome)),
    },
    Argument {
        word: "crate",
        forms: &["crate = path", r#"crate = "path""#],
        meaning: "Where `telemetry_runtime` is found, if not under that name.",
        read: |args, given| given.path().map(|path| args.krate = Some(path)),
    },
];

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let read = |input: ParseStream<'_>| {
            args.read(input, errors);
            Ok(())
        };
        // `read` takes every token and keeps its errors itself.
        let _: Result<()> = read.parse2(tokens);
        args
    }

    fn read(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        let mut seen = Vec::new();
        while !input.is_empty() {
            errors.keep(self.read_one(input, &mut seen).and_then(|()| end_of_one(input)));
            to_next(input);
        }
    }

    fn read_one(&mut self, input: ParseStream<'_>, seen: &mut Vec<&'static str>) -> Result<()> {
        let first = seen.is_empty();
        if first && input.peek(LitStr) {
            seen.push("name");
            self.name = Some(input.parse()?);
            return Ok(());
        }
        let word = input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), no_argument()))?;
        let argument = find(&word)?;
        if seen.contains(&argument.word) {
            return Err(Error::new_spanned(&word, format!("`{word}` is given twice")));
        }
        seen.push(argument.word);
        (argument.read)(self, &Given { word: &word, forms: argument.forms, input })
    }
}

fn find(word: &Ident) -> Result<&'static Argument> {
    let text = word.to_string();
    TABLE.iter().find(|argument| argument.word == text).ok_or_else(|| {
        let guess = did_you_mean(&text, &words());
        Error::new_spanned(word, format!("unknown argument `{text}`{guess}, {}", no_argument()))
    })
}

fn no_argument() -> String {
    format!("expected {}", one_of(&words()))
}

fn words() -> Vec<&'static str> {
    TABLE.iter().map(|argument| argument.word).collect()
}

/// After one argument or field comes a comma or nothing.
fn end_of_one(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error("expected `,`")) }
}

/// Past the next comma, whatever comes before it.
fn to_next(input: ParseStream<'_>) {
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    while !input.is_empty() && !input.parse().is_ok_and(|tree| is_comma(&tree)) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_shows_the_table() {
        let documentation = include_str!("../lib.rs");
        for Argument { word, forms, meaning, .. } in TABLE {
            let forms: Vec<_> = forms.iter().map(|form| format!("`{form}`")).collect();
            let row = format!("/// | `{word}` | {} | {meaning} |\n", forms.join(", "));
            assert!(documentation.contains(&row), "lib.rs lacks this row:\n{row}");
        }
    }
}
