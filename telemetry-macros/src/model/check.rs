//! What is wrong with arguments that are each right.

use syn::Expr;
use syn::ext::IdentExt;

use crate::args::{Args, Capture, Field, FieldValue, Sample};
use crate::errors::{Errors, did_you_mean, one_of};
use crate::item::Item;

/// Attributes are counted in a byte whose last value is taken, and one more may come after the fields.
pub(super) const MOST_ATTRIBUTES: usize = u8::MAX as usize - 1;

pub(super) fn check_function(args: &Args, item: &Item, errors: &mut Errors) {
    if item.streams() {
        for word in ["ret", "ok_if"].iter().filter_map(|word| args.word(word)) {
            errors.push(word, format!("`{word}` looks at one value, and a stream has many"));
        }
    }
    if let Some(constness) = item.signature.constness {
        errors.push(
            constness,
            "`#[instrument]` cannot go on a `const fn`: a span takes time, and a constant has none",
        );
    }
}

/// What is wrong whatever the function is.
pub(super) fn check_args(args: &Args, errors: &mut Errors) {
    check_values(args, errors);
    check_fields(args, errors);
}

/// Values that contradict each other.
fn check_values(args: &Args, errors: &mut Errors) {
    let is_off = args.err.as_ref().is_some_and(|err| !err.on);
    if let Some(word) = args.word("err_if").filter(|_| is_off) {
        errors.push(word, "`err = false` leaves nothing for `err_if`: keep one of them");
    }
    let captures_none = args.capture == Some(Capture::None) && args.word("skip_all").is_none();
    if let Some(word) = args.word("skip").filter(|_| captures_none) {
        errors.push(word, "`capture = none` leaves nothing for `skip`: keep one of them");
    }
    if let Some(word) = args.word("keep_if_slower").filter(|_| args.sample == Some(Sample::Never)) {
        errors.push(word, "`sample = never` leaves nothing to keep: keep one of them");
    }
}

pub(super) fn check_skips(args: &Args, item: &Item, errors: &mut Errors) {
    let names: Vec<_> = item.bindings().map(|binding| binding.ident.unraw().to_string()).collect();
    check_skips_among(args, &names, item.has_receiver(), errors);
}

pub(super) fn check_skips_among(args: &Args, names: &[String], has_receiver: bool, errors: &mut Errors) {
    for skipped in &args.skip {
        let text = skipped.unraw().to_string();
        let is_parameter = names.contains(&text) || text == "self" && has_receiver;
        if !is_parameter {
            let guess = did_you_mean(&text, names);
            let message = format!("`{text}` is no parameter{guess}, {}", choices(names));
            errors.push(skipped, message);
        }
    }
}

fn choices(names: &[String]) -> String {
    if names.is_empty() { "there is none to skip".to_owned() } else { format!("expected {}", one_of(names)) }
}

fn check_fields(args: &Args, errors: &mut Errors) {
    let mut seen = Vec::new();
    for Field { name, value } in &args.fields {
        let Some(text) = name.text() else { continue };
        if seen.contains(&text) {
            errors.push(name, format!("the field `{text}` is given twice"));
        }
        if text.is_empty() {
            errors.push(name, "a field's name must not be empty");
        }
        if matches!(value, FieldValue::Declared(Some(Expr::Field(_)))) && text.starts_with("self.") {
            errors.push(name, "a part of `self` needs a name: `name = self.part`");
        }
        seen.push(text);
    }
    if let Some(ret) = args.ret.as_ref().filter(|_| seen.iter().any(|name| name == "return")) {
        errors.push(&ret.word, "`ret` records the attribute `return`, which `fields` gives already");
    }
    if let Some(field) = args.fields.get(MOST_ATTRIBUTES) {
        errors.push(&field.name, format!("a function has at most {MOST_ATTRIBUTES} fields"));
    }
}
