//! What the tables of keys say, held against what readers and resolver do, and written as a schema for editors and a page for people.

mod page;
mod resolved;
mod schema;
mod tests;

use super::document::{self, Kind as Shape, Node};
use super::key::{Key, Kind};
use super::raw::ROOT;
use super::source::Source;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A key, and the keys above it.
pub(super) struct Place {
    above: Vec<&'static str>,
    key: &'static Key,
}

/// Every key of a settings file, in the order of the tables.
pub(super) fn places() -> Vec<Place> {
    let mut places = Vec::new();
    collect(ROOT, &[], &mut places);
    places
}

fn collect(keys: &'static [Key], above: &[&'static str], places: &mut Vec<Place>) {
    for key in keys {
        places.push(Place { above: above.to_vec(), key });
        if let Kind::Section(below) | Kind::Sections(below) = key.kind {
            collect(below, &[above, &[key.name]].concat(), places);
        }
    }
}

impl Place {
    /// Such as `telemetry.exporters.otlp.timeout`.
    fn path(&self) -> String {
        [&self.above[..], &[self.key.name]].concat().join(".")
    }

    /// A file that says this of the key, and else only what must be said beside it.
    fn file(&self, value: &str) -> String {
        let provider = match self.above.get(2).or(Some(&self.key.name)) {
            Some(block) if ["console", "file", "azure_monitor"].contains(block) => block,
            _ => "otlp",
        };
        let mut text = format!("{}: {value}", self.key.name);
        for name in self.above.iter().rev() {
            text = match *name {
                "spool" if self.key.name != "path" => format!("spool: {{path: a, {text}}}"),
                "exporters" if self.key.name == "provider" => format!("exporters: [{{{text}}}]"),
                "exporters" => format!("exporters: [{{provider: {provider}, {text}}}]"),
                name => format!("{name}: {{{text}}}"),
            };
        }
        text
    }
}

/// A settings file as JSON, as an editor sees it: before anything is replaced.
pub(super) fn json(text: &str) -> Value {
    let mut mistakes = Vec::new();
    let root = document::parse(&mut Source::new("test.yaml", text), &mut mistakes);
    assert!(mistakes.is_empty(), "no YAML: {text}");
    root.map_or(Value::Null, |root| of_node(&root))
}

fn of_node(node: &Node) -> Value {
    match &node.kind {
        _ if node.is_null() => Value::Null,
        Shape::Scalar { text, quoted: true } => text.as_str().into(),
        // Of what stands in a settings file, JSON's numbers and words are YAML's.
        Shape::Scalar { text, .. } => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        Shape::List(items) => items.iter().map(of_node).collect(),
        Shape::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), of_node(&entry.value))).collect()
        }
    }
}

/// Compares a file of the repository with what it should be; with the variable `UPDATE` set, it is written instead.
#[expect(clippy::disallowed_methods, reason = "it says what is to be done, not how telemetry behaves")]
fn compare(file: &str, expected: &str, is_same: fn(&str, &str) -> bool) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, expected).expect("a file that can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        is_same(&found, expected),
        "{file} is not what the tables of keys say: `UPDATE=1 cargo test -p telemetry-runtime --lib config::reference` renews it"
    );
}
