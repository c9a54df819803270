//! The block `file` of an exporter: where lines go, and when the next file is begun.

use super::super::document::Node;
use super::super::key::{self, Key, Kind as Type};
use super::super::limits;
use super::super::reader::{At, Reader};
use super::FILE_SIZE;
use crate::export::file::{DEFAULT_MAX_FILES, DEFAULT_MAX_SIZE_BYTES, Destination, Target};
use crate::record::Signal;
use std::path::PathBuf;

/// The options of files.
#[derive(Debug, Default)]
pub(in crate::config) struct File {
    pub(in crate::config) path: Option<At<String>>,
    max_size_bytes: Option<u64>,
    max_files: Option<usize>,
}

pub(super) const FILE: &[Key] = &[
    Key::new(
        "path",
        Type::Text,
        "`{signal}` in it is `traces` or `logs`; `stdout` is no file but standard output",
    )
    .or(|| DEFAULT_PATH.to_owned()),
    Key::new("max_size", FILE_SIZE, "the next file is begun before one grows beyond this")
        .or(|| key::size(DEFAULT_MAX_SIZE_BYTES)),
    Key::new(
        "max_files",
        Type::Count { of: "files", most: Some(MOST_FILES) },
        "of each signal; the oldest is removed",
    )
    .or(|| DEFAULT_MAX_FILES.to_string()),
];
/// Where a path has the signal's name.
pub(in crate::config) const SIGNAL: &str = "{signal}";
/// What a path says that means no file.
const STDOUT: &str = "stdout";
/// A file of each signal in the working directory.
const DEFAULT_PATH: &str = "{signal}.jsonl";
const MOST_FILES: usize = 1000;

impl File {
    pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Self {
        let fields = reader.fields(node, FILE);
        Self {
            path: reader.checked(fields.get("path"), |path| Ok::<_, String>(path.to_owned())),
            max_size_bytes: reader
                .typed(fields.get("max_size"), limits::FILE_SIZE, limits::file_size)
                .map(|size| size.value),
            max_files: reader
                .typed(fields.get("max_files"), "a number of files from 1 to 1000", files)
                .map(|files| files.value),
        }
    }

    /// Whether signals that share the path would share a file.
    pub(in crate::config) fn mixes_signals(&self) -> bool {
        self.path.as_ref().is_some_and(|path| path.value != STDOUT && !path.value.contains(SIGNAL))
    }

    /// The file of this signal; `None` if it goes to standard output.
    pub(super) fn path_of(&self, signal: Signal) -> Option<PathBuf> {
        let path = self.path.as_ref().map_or(DEFAULT_PATH, |path| &path.value);
        (path != STDOUT).then(|| path.replace(SIGNAL, signal.as_str()).into())
    }

    /// Where lines of this signal go.
    pub(in crate::config) fn destination(&self, signal: Signal) -> Destination {
        let Some(path) = self.path_of(signal) else { return Destination::Stdout };
        Destination::File(Target {
            path,
            max_size_bytes: self.max_size_bytes.unwrap_or(DEFAULT_MAX_SIZE_BYTES),
            max_files: self.max_files.unwrap_or(DEFAULT_MAX_FILES),
        })
    }
}

fn files(text: &str) -> Option<usize> {
    text.parse().ok().filter(|files| (1..=MOST_FILES).contains(files))
}
