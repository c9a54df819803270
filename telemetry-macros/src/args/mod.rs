//! The arguments of `#[instrument]` and `span!`: one table says how each is written, what it means, where it may stand and how it is
//! read.

mod field;
mod given;
mod outcome;
mod values;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, LitStr, Path, Result, Token};

pub(crate) use self::field::{Field, FieldName, FieldValue, Mode};
use self::given::Given;
pub(crate) use self::outcome::Outcome;
pub(crate) use self::values::{Capture, Choice, Name, Parent, Sample};
use crate::errors::{Errors, did_you_mean, one_of};

/// What was said, each thing at most once.
#[derive(Clone, Default)]
pub(crate) struct Args {
    pub(crate) name: Option<Name>,
    /// A text or the path of a const.
    pub(crate) target: Option<Expr>,
    pub(crate) level: Option<Choice>,
    pub(crate) kind: Option<Choice>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) capture: Option<Capture>,
    pub(crate) fields: Vec<Field>,
    pub(crate) err: Option<Outcome>,
    pub(crate) ret: Option<Outcome>,
    /// Whether an `Err` counts as a failure.
    pub(crate) err_if: Option<Expr>,
    /// Whether the value counts as a success.
    pub(crate) ok_if: Option<Expr>,
    pub(crate) parent: Option<Parent>,
    /// Lists of spans to link to.
    pub(crate) links: Vec<Expr>,
    pub(crate) sample: Option<Sample>,
    /// In nanoseconds.
    pub(crate) keep_if_slower: Option<u64>,
    pub(crate) metrics: bool,
    pub(crate) krate: Option<Path>,
    /// The words that were given, for what is wrong with them together.
    pub(crate) words: Vec<Ident>,
}

/// Where arguments stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// `#[instrument(..)]` on a function.
    Function,
    /// `#[instrument(..)]` on an `impl` or `trait` block: what its methods have by default.
    Block,
    /// `span!(..)`.
    Span,
    /// `event!(..)`.
    Event,
}

/// One row of the table.
pub(crate) struct Argument {
    pub(crate) word: &'static str,
    pub(crate) forms: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the documentation is checked against it"))]
    pub(crate) meaning: &'static str,
    /// Where it may stand, beside on a function.
    places: &'static [Place],
    read: fn(&mut Args, &Given<'_>) -> Result<()>,
}

pub(crate) static TABLE: &[Argument] = &[
    Argument {
        word: "name",
        forms: &[r#"name = "text""#, "name = CONST", "name = expr"],
        meaning: "The span's name; by default the function's. Any other expression is evaluated while the span is recorded. A text \
                  in the first place means the same.",
        places: &[],
        read: |args, given| given.name().map(|name| args.name = Some(name)),
    },
    Argument {
        word: "target",
        forms: &[r#"target = "text""#, "target = CONST"],
        meaning: "What filters select by; by default the module's path.",
        places: &[Place::Block, Place::Span, Place::Event],
        read: |args, given| given.text().map(|text| args.target = Some(text)),
    },
    Argument {
        word: "level",
        forms: &[r#"level = "debug""#, "level = 2", "level = Level::Debug"],
        meaning: "`trace`, `debug`, `info` (the default), `warn`, `error` in any case, the same as 1 to 5, or a const.",
        places: &[Place::Block, Place::Span, Place::Event],
        read: |args, given| given.level().map(|level| args.level = Some(level)),
    },
    Argument {
        word: "kind",
        forms: &[r#"kind = "client""#, "kind = SpanKind::Client"],
        meaning: "`internal` (the default), `server`, `client`, `producer`, `consumer`, or a const.",
        places: &[Place::Block, Place::Span],
        read: |args, given| given.kind().map(|kind| args.kind = Some(kind)),
    },
    Argument {
        word: "capture",
        forms: &["capture = all", "capture = scalars", "capture = none"],
        meaning: "Which parameters that `fields` does not name become attributes: numbers, booleans and chars (the default); \
                  `all`, `self` included, with their own type or else as `Debug` text; or `none`.",
        places: &[Place::Block],
        read: |args, given| given.capture().map(|capture| args.capture = Some(capture)),
    },
    Argument {
        word: "skip",
        forms: &["skip(a, b)"],
        meaning: "Parameters that are not captured.",
        places: &[Place::Block],
        read: |args, given| given.idents().map(|idents| args.skip.extend(idents)),
    },
    Argument {
        word: "skip_all",
        forms: &["skip_all"],
        meaning: "The same as `capture = none`.",
        places: &[Place::Block],
        read: |args, given| given.nothing().map(|()| args.capture = Some(Capture::None)),
    },
    Argument {
        word: "fields",
        forms: &["fields(x, ?y, %z, a.b = expr)"],
        meaning: "Attributes: a parameter with its type (`x`), as `Debug` (`?y`) or `Display` (`%z`) text; any value under \
                  any name (`a.b = expr`, `a.b = ?expr`, `\"a-b\" = %expr`, `{CONST} = expr`). A name alone that is no \
                  parameter, or `= Empty`, is only declared.",
        places: &[Place::Block],
        read: |args, given| given.fields(&mut args.fields),
    },
    Argument {
        word: "err",
        forms: &["err", "err(Debug)", r#"err(Display, level = "warn")"#, "err = false"],
        meaning: "How an `Err` becomes the span's status and `exception` event: by its `Display` text (the default) or its \
                  `Debug` text, or not at all. With a level it becomes a `tracing` event, too.",
        places: &[Place::Block],
        read: |args, given| given.outcome().map(|outcome| args.err = Some(outcome)),
    },
    Argument {
        word: "ret",
        forms: &["ret", "ret(Debug)", r#"ret(Display, level = "debug")"#],
        meaning: "Records the value, of a `Result` only an `Ok`, as the attribute `return`: its `Debug` text unless told. With \
                  a level it becomes a `tracing` event, too.",
        places: &[Place::Block],
        read: |args, given| given.outcome().map(|outcome| args.ret = Some(outcome)),
    },
    Argument {
        word: "err_if",
        forms: &["err_if = |error| expr", "err_if = function"],
        meaning: "An `Err` is a failure only where this is true of it.",
        places: &[Place::Block],
        read: |args, given| given.value().map(|test| args.err_if = Some(test)),
    },
    Argument {
        word: "ok_if",
        forms: &["ok_if = |value| expr", "ok_if = function"],
        meaning: "An `Ok` value, or one that is no `Result`, is a success only where this is true of it; else the status is an \
                  error.",
        places: &[],
        read: |args, given| given.value().map(|test| args.ok_if = Some(test)),
    },
    Argument {
        word: "parent",
        forms: &["parent = expr"],
        meaning: "A `SpanContext`, here or from elsewhere, a `Span`, a reference to one, or an `Option` of it: the parent \
                  instead of the current span. `None` makes a root.",
        places: &[Place::Span],
        read: |args, given| given.parent().map(|parent| args.parent = Some(parent)),
    },
    Argument {
        word: "root",
        forms: &["root"],
        meaning: "The span begins a trace of its own.",
        places: &[Place::Span],
        read: |args, given| given.nothing().map(|()| args.parent = Some(Parent::None)),
    },
    Argument {
        word: "links",
        forms: &["links = expr"],
        meaning: "Spans to link to: anything to iterate over with items that `parent` takes.",
        places: &[Place::Span],
        read: |args, given| given.value().map(|links| args.links.push(links)),
    },
    Argument {
        word: "follows_from",
        forms: &["follows_from = expr"],
        meaning: "The same as `links`.",
        places: &[Place::Span],
        read: |args, given| given.value().map(|links| args.links.push(links)),
    },
    Argument {
        word: "sample",
        forms: &["sample = 0.1", "sample = always", "sample = never"],
        meaning: "Whether a trace that begins here is recorded, whatever the policy says: a share of them, all, or none. \
                  `never` also leaves out what a recorded trace does here and below.",
        places: &[Place::Block, Place::Span],
        read: |args, given| given.sample().map(|sample| args.sample = Some(sample)),
    },
    Argument {
        word: "keep_if_slower",
        forms: &[r#"keep_if_slower = "50ms""#],
        meaning: "Says that a trace in which this took longer is one to keep; carried for tail policies, of which there is none yet. Units: `ns`, `us`, `ms`, `s`.",
        places: &[Place::Block, Place::Span],
        read: |args, given| given.duration().map(|duration| args.keep_if_slower = Some(duration)),
    },
    Argument {
        word: "metrics",
        forms: &["metrics"],
        meaning: "Asks for calls, failures and durations to be counted; carried for metrics, which do not exist yet.",
        places: &[Place::Block],
        read: |args, given| given.nothing().map(|()| args.metrics = true),
    },
    Argument {
        word: "crate",
        forms: &["crate = path", r#"crate = "path""#],
        meaning: "Where `telemetry_runtime` is found, if not under that name.",
        places: &[Place::Block, Place::Span, Place::Event],
        read: |args, given| given.path().map(|path| args.krate = Some(path)),
    },
];

/// Arguments that contradict each other, and why.
const IMPOSSIBLE: &[(&str, &str, &str)] = &[
    ("skip_all", "skip", "`skip_all` leaves nothing for `skip`"),
    ("skip_all", "capture", "`skip_all` means `capture = none`"),
    ("root", "parent", "a `root` has no `parent`"),
];

impl Args {
    /// What the attribute of a function or block says.
    pub(crate) fn parse(tokens: TokenStream, place: Place, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let read = |input: ParseStream<'_>| {
            each(input, errors, |input, first| args.read_one(input, first, place));
            Ok(())
        };
        // `each` takes every token and keeps its errors itself.
        let _: Result<()> = read.parse2(tokens);
        args
    }

    /// What a method says itself goes before what its block says.
    pub(crate) fn overridden_by(self, own: Self) -> Self {
        let mut fields = self.fields;
        fields.retain(|field| own.fields.iter().all(|own| own.name.text() != field.name.text()));
        Self {
            name: own.name.or(self.name),
            target: own.target.or(self.target),
            level: own.level.or(self.level),
            kind: own.kind.or(self.kind),
            skip: [self.skip, own.skip].concat(),
            capture: own.capture.or(self.capture),
            fields: [fields, own.fields].concat(),
            err: own.err.or(self.err),
            ret: own.ret.or(self.ret),
            err_if: own.err_if.or(self.err_if),
            ok_if: own.ok_if.or(self.ok_if),
            parent: own.parent.or(self.parent),
            links: [self.links, own.links].concat(),
            sample: own.sample.or(self.sample),
            keep_if_slower: own.keep_if_slower.or(self.keep_if_slower),
            metrics: own.metrics || self.metrics,
            krate: own.krate.or(self.krate),
            words: own.words,
        }
    }

    /// What `span!` or `event!` is given: a name, then fields and arguments.
    pub(crate) fn of_value(tokens: TokenStream, place: Place, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let read = |input: ParseStream<'_>| {
            each(input, errors, |input, first| args.read_one_of_value(input, first, place));
            Ok(())
        };
        let _: Result<()> = read.parse2(tokens);
        if args.name.is_none() && errors.is_empty() {
            errors.push(TokenStream::new(), no_name(place));
        }
        args
    }

    fn read_one(&mut self, input: ParseStream<'_>, first: bool, place: Place) -> Result<()> {
        if first && place == Place::Function && input.peek(LitStr) {
            self.name = Some(Name::Const(input.parse()?));
            self.words.push(Ident::new("name", proc_macro2::Span::call_site()));
            return Ok(());
        }
        let known = words(place);
        let expected = || format!("expected {}", one_of(&known));
        let word = input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), expected()))?;
        let Some(argument) = find(&word) else {
            let guess = did_you_mean(&word.to_string(), &known);
            let message = format!("unknown argument `{word}`{guess}, {}", expected());
            return Err(Error::new_spanned(&word, message));
        };
        if !argument.is_for(place) {
            let message = format!("`{word}` is for one function, not for a block of them: {}", expected());
            return Err(Error::new_spanned(&word, message));
        }
        self.read_argument(argument, word, input)
    }

    fn read_one_of_value(&mut self, input: ParseStream<'_>, first: bool, place: Place) -> Result<()> {
        if first {
            let name: Expr = input.parse().map_err(|error| Error::new(error.span(), no_name(place)))?;
            self.name = Some(Name::new(name.clone()));
            return if is_name(&name, place) {
                Ok(())
            } else {
                Err(Error::new_spanned(name, no_name(place)))
            };
        }
        match argument_of_value(input, place) {
            Some(argument) => {
                let word = input.call(Ident::parse_any)?;
                self.read_argument(argument, word, input)
            }
            None => field::read_field_of_span(input).map(|field| self.fields.push(field)),
        }
    }

    fn read_argument(
        &mut self,
        argument: &'static Argument,
        word: Ident,
        input: ParseStream<'_>,
    ) -> Result<()> {
        if self.words.contains(&word) {
            return Err(Error::new_spanned(&word, format!("`{word}` is given twice")));
        }
        let contradiction = self.contradiction(&word);
        self.words.push(word.clone());
        (argument.read)(self, &Given { word: &word, forms: argument.forms, input })?;
        match contradiction {
            Some(why) => Err(Error::new_spanned(word, format!("{why}: keep one of them"))),
            None => Ok(()),
        }
    }

    fn contradiction(&self, word: &Ident) -> Option<&'static str> {
        let given = |other: &str| self.words.iter().any(|word| word == other);
        IMPOSSIBLE
            .iter()
            .find(|(one, other, _)| word == one && given(other) || word == other && given(one))
            .map(|(_, _, why)| *why)
    }

    /// The place of a word that was given.
    pub(crate) fn word(&self, text: &str) -> Option<&Ident> {
        self.words.iter().find(|word| *word == text)
    }
}

fn no_name(place: Place) -> &'static str {
    match place {
        Place::Event => {
            "an event needs a name first, a text or the path of a const: `event!(\"name\", key = value)`"
        }
        _ => "a span needs a name first: `span!(\"name\", key = value)`",
    }
}

fn is_name(name: &Expr, place: Place) -> bool {
    match place {
        Place::Event => matches!(Name::new(name.clone()), Name::Const(_)),
        _ => !matches!(name, Expr::Assign(_)),
    }
}

impl Argument {
    fn is_for(&self, place: Place) -> bool {
        place == Place::Function || self.places.contains(&place)
    }
}

fn find(word: &Ident) -> Option<&'static Argument> {
    TABLE.iter().find(|argument| word == argument.word)
}

/// The argument that comes next in a `span!` or `event!`, if it is none of the fields: a word of the table with a value or, where it
/// stands alone, one that has none.
fn argument_of_value(input: ParseStream<'_>, place: Place) -> Option<&'static Argument> {
    let word = input.fork().call(Ident::parse_any).ok()?;
    find(&word).filter(|argument| argument.is_for(place) && !input.peek2(Token![.]))
}

fn words(place: Place) -> Vec<&'static str> {
    TABLE.iter().filter(|argument| argument.is_for(place)).map(|argument| argument.word).collect()
}

/// Reads everything between commas, and tells all mistakes.
fn each(
    input: ParseStream<'_>,
    errors: &mut Errors,
    mut read: impl FnMut(ParseStream<'_>, bool) -> Result<()>,
) {
    let mut first = true;
    while !input.is_empty() {
        errors.keep(read(input, first).and_then(|()| end_of_one(input)));
        to_next(input);
        first = false;
    }
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
        let readme = include_str!("../../../README.md");
        for Argument { word, forms, meaning, .. } in TABLE {
            let forms: Vec<_> = forms.iter().map(|form| format!("`{}`", form.replace('|', "\\|"))).collect();
            let row = format!("| `{word}` | {} | {meaning} |\n", forms.join(", "));
            assert!(documentation.contains(&format!("/// {row}")), "lib.rs lacks this row:\n/// {row}");
            assert!(readme.contains(&format!("\n{row}")), "README.md lacks this row:\n{row}");
        }
    }

    #[test]
    fn the_documentation_says_what_a_block_and_a_span_take() {
        let documentation = include_str!("../lib.rs");
        for place in [Place::Block, Place::Span, Place::Event] {
            let words = one_of(&words(place)).replace(" or ", " and ");
            assert!(
                documentation.replace("\n/// ", " ").contains(&words),
                "lib.rs lacks this list:\n{words}"
            );
        }
    }
}
