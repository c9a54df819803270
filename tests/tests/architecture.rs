//! Holds the sources against ARCHITECTURE.md: who imports whom, where `unsafe` may be, how every file begins.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms of the runtime a room may import. `lifecycle` may import all; nobody imports it.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("clock", &["record"]),
    ("policy", &["record"]),
    ("span", &["policy", "record"]),
    ("collect", &["span", "dispatch", "clock", "record"]),
    ("export", &["record", "clock"]),
    ("detect", &["export", "record"]),
    ("dispatch", &["export", "clock", "record"]),
    ("propagation", &["record"]),
    ("http", &["span", "propagation", "record"]),
    ("spawn", &["span"]),
    ("compat", &[]),
    ("logging", &["span", "record"]),
    ("config", &["detect", "dispatch", "export", "policy", "propagation", "logging", "record"]),
    ("bridge", &["span", "propagation", "record"]),
    ("__private", &["span", "record"]),
];

/// Rooms that put others together.
const AT_THE_EDGE: &[&str] = &["lib", "lifecycle", "testing", "fuzzing"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path())
    {
        if entry.is_dir() {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

/// The room a file of the runtime belongs to: the first part of its path below `src`.
fn room(src: &Path, file: &Path) -> String {
    let path = file.strip_prefix(src).expect("a file below src");
    let first = path.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The file without what only tests see: everything from `#[cfg(test)]` followed by a module on.
fn without_tests(text: &str) -> &str {
    [
        "#[cfg(test)]\nmod tests {",
        "#[cfg(all(test, feature = \"testing\"))]\nmod tests {",
        "#[cfg(all(test, not(loom)))]\nmod tests {",
        "#[cfg(all(test, loom))]\nmod ",
    ]
    .iter()
    .filter_map(|start| text.find(start))
    .min()
    .map_or(text, |end| &text[..end])
}

/// The rooms that a file names after `crate::`, comments aside.
fn imported_rooms(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    code.split("crate::")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned))
        .filter(|name| name.chars().next().is_some_and(|first| first.is_lowercase() || first == '_'))
        .collect()
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let src = root().join("telemetry-runtime/src");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in rust_files(&src) {
        let room = room(&src, &file);
        seen.insert(room.clone());
        if AT_THE_EDGE.contains(&room.as_str()) || file.ends_with("tests.rs") || file.ends_with("sample.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a readable file");
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        let Some(allowed) = allowed else {
            wrong.push(format!("{}: the room `{room}` is not in the table", file.display()));
            continue;
        };
        for imported in imported_rooms(without_tests(&text)) {
            if imported != room && !allowed.contains(&imported.as_str()) {
                wrong.push(format!("{}: `{room}` imports `{imported}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (room, _) in MAY_IMPORT {
        assert!(seen.contains(*room), "the table names a room that is not there: {room}");
    }
}

#[test]
fn unsafe_code_is_in_the_span_room_only() {
    let src = root().join("telemetry-runtime/src");
    for folder in ["telemetry-runtime/src", "telemetry-macros/src", "demo/src"] {
        for file in rust_files(&root().join(folder)) {
            if file.starts_with(src.join("span")) {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a readable file");
            let found = without_tests(&text).lines().find(|line| {
                let code = line.trim_start();
                !code.starts_with("//") && (code.contains("unsafe {") || code.starts_with("unsafe impl"))
            });
            assert_eq!(found, None, "{}", file.display());
        }
    }
}

#[test]
fn every_source_file_begins_with_one_sentence_about_itself() {
    for folder in ["telemetry-runtime/src", "telemetry-macros/src", "demo/src", "tests/src"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).expect("a readable file");
            let first = text.lines().next().unwrap_or_default();
            assert!(first.starts_with("//! ") && first.len() > 10, "{}: {first:?}", file.display());
        }
    }
}
