//! The schema of settings files for editors: JSON Schema draft 7, which all of them know.

use super::super::exporter::Provider;
use super::super::key::{Absent, Key, Kind};
use super::super::raw::ROOT;
use super::page::{called, sentence};
use super::{compare, json};
use serde_json::{Value, json};
use std::fs;

/// The whole schema.
pub(super) fn schema() -> Value {
    let mut schema = section(ROOT);
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    schema["title"] = "Telemetry's settings".into();
    schema
}

/// A map with these keys and no others, or nothing.
fn section(keys: &'static [Key]) -> Value {
    let properties: Value = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut section =
        json!({"type": ["object", "null"], "additionalProperties": false, "properties": properties});
    if !required.is_empty() {
        section["required"] = required.into();
    }
    section
}

/// An exporter, which has no block of another provider.
fn exporter(keys: &'static [Key]) -> Value {
    let mut exporter = section(keys);
    let blocks = Provider::ALL.iter().map(|(word, _)| *word);
    let alone = blocks.clone().map(|own| {
        let is_own = json!({"properties": {"provider": {"const": own}}, "required": ["provider"]});
        let others: Value =
            blocks.clone().filter(|other| *other != own).map(|other| (other, false)).collect();
        json!({"if": is_own, "then": {"properties": others}})
    });
    exporter["allOf"] = alone.collect();
    exporter
}

fn property(key: &Key) -> Value {
    let mut property = of_kind(&key.kind);
    property["description"] = sentence(key).into();
    if let Absent::Value(value) = key.absent {
        property["default"] = json(&super::super::resolved::yaml(&value()));
    }
    property
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Section(keys) => section(keys),
        Kind::Sections(keys) => json!({"type": ["array", "null"], "items": exporter(keys)}),
        Kind::Map(of) => json!({"type": ["object", "null"], "additionalProperties": of_kind(of)}),
        Kind::List(of) => json!({"type": ["array", "null"], "items": of_kind(of)}),
        Kind::Free => json!({}),
        Kind::Text | Kind::Secret | Kind::Attribute => {
            json!({"type": ["string", "number", "boolean", "null"]})
        }
        scalar => {
            let mut choices = choices(scalar);
            // What a variable brings is not known here; empty and null mean absent.
            choices.push(json!({"type": ["string", "null"], "pattern": r"^$|\$\{[^}]+\}"}));
            json!({"anyOf": choices})
        }
    }
}

fn choices(kind: &Kind) -> Vec<Value> {
    // What editors say instead of the pattern; others do not know the word and pass over it.
    let example = match kind {
        Kind::Time | Kind::WordOr(_, Kind::Time) => ", such as 10s",
        Kind::Size { .. } => ", such as 1MiB",
        Kind::Like("URL", _) => ", such as http://localhost:4318",
        _ => "",
    };
    let message = format!("expected: {}{example}", called(kind).replace('`', ""));
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern, "patternErrorMessage": message});
    let number = |least: Value, most: Option<Value>, name: &str| {
        let mut number = json!({"type": name, "minimum": least});
        if let Some(most) = most {
            number["maximum"] = most;
        }
        number
    };
    match *kind {
        Kind::Bool => vec![json!({"type": "boolean"}), json!({"type": "string", "enum": ["true", "false"]})],
        Kind::Word(words) => vec![json!({"enum": words()})],
        Kind::Ratio => vec![number(0.into(), Some(1.into()), "number"), text(r"^(0?\.[0-9]+|0|1|1\.0+)$")],
        Kind::Count { most, .. } => {
            vec![number(1.into(), most.map(Into::into), "integer"), text("^0*[1-9][0-9]*$")]
        }
        Kind::Time => vec![text(r"^0*[1-9][0-9]*\s*(ms|s|m|h)?\s*$"), number(1.into(), None, "integer")],
        Kind::Size { least, most } => vec![
            text(r"^0*[1-9][0-9]*\s*(B|KiB|MiB|GiB)?$"),
            number(least.into(), most.map(Into::into), "integer"),
        ],
        Kind::WordOr(words, other) => [vec![json!({"enum": words})], choices(other)].concat(),
        Kind::Like(_, pattern) => vec![text(pattern)],
        _ => vec![of_kind(kind)],
    }
}

fn is_valid(text: &str) -> bool {
    jsonschema::draft7::new(&schema()).expect("a schema").is_valid(&json(text))
}

#[test]
fn the_schema_of_the_repository_is_that_of_the_tables() {
    let text = serde_json::to_string_pretty(&schema()).expect("it is JSON") + "\n";
    // The order of keys depends on features that others may turn on.
    compare("settings.schema.json", &text, |found, expected| value(found) == value(expected));
}

fn value(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

#[test]
fn the_schema_is_one_of_draft_7() {
    assert!(jsonschema::draft7::meta::is_valid(&schema()));
}

/// The example of the repository, with and without its commented options.
#[test]
fn the_example_is_valid_and_so_are_the_options_that_it_comments_on() {
    let example = include_str!("../../../../settings.yaml");
    assert!(example.starts_with("# yaml-language-server: $schema=settings.schema.json\n"));
    let options: String = example.lines().map(|line| turned_on(line) + "\n").collect();
    for text in [example, options.as_str()] {
        let schema = jsonschema::draft7::new(&schema()).expect("a schema");
        let mistakes: Vec<_> = schema.iter_errors(&json(text)).map(|error| error.to_string()).collect();
        assert_eq!(mistakes, [""; 0], "{text}");
    }
    assert!(json(&options)["telemetry"]["exporters"][1]["spool"]["path"].is_string(), "{options}");
}

/// A line with its option, where it comments on one: those are indented.
fn turned_on(line: &str) -> String {
    match line.split_once("# ") {
        Some((indent, option)) if !indent.is_empty() && indent.trim().is_empty() => {
            format!("{indent}{option}")
        }
        _ => line.to_owned(),
    }
}

/// Which mistakes a schema does not see: those of the environment, of the disk, of two keys together, and of texts with rules of their own.
const UNSEEN: &[&str] = &[
    "authorization_beside_a_signature",
    "aws_over_grpc",
    "azure_monitor_without_connection_string",
    "azure_without_a_place",
    "connection_string_that_is_none",
    "endpoint_in_a_variable",
    "exporters_of_the_same_file",
    "exporters_of_the_same_name",
    "file_of_both_signals",
    "grpc_with_a_path",
    "header_that_the_exporter_sets",
    "sampler_without_use_for_the_ratio",
    "tls_beside_plain_http",
    "tls_file_in_a_variable",
    "tls_files_that_cannot_be_used",
    "variable_of_a_secret_that_is_not_set",
    "variable_that_is_not_set",
    "variable_with_a_wrong_value_is_not_repeated",
    "variable_with_bad_syntax_even_where_disabled",
];

#[test]
fn what_readers_refuse_the_schema_refuses_as_far_as_it_can_see() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/mistakes");
    let mut unseen = Vec::new();
    for file in fs::read_dir(folder).expect("the folder") {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a file");
        let is_yaml = !text.contains("not valid YAML") && !text.contains("is already there");
        if is_yaml && is_valid(&text) {
            unseen.push(name);
        }
    }
    unseen.sort();
    assert_eq!(unseen, UNSEEN);
}
