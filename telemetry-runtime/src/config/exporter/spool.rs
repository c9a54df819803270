//! The block `spool` of an exporter: where and how what cannot be sent is kept on disk.

use super::super::document::Node;
use super::super::error::Mistake;
use super::super::key::{self, Key, Kind as Type, time, word_for, words};
use super::super::limits;
use super::super::reader::{At, Reader};
use super::{FILE_SIZE, Provider, duration};
use crate::dispatch::{Fsync, Mode, SpoolOptions, SpoolPlace};

pub(super) const SPOOL: &[Key] = &[
    Key::new("path", Type::Text, "a folder of its own (mode 0700), made if it is not there").required(),
    Key::new("max_size", FILE_SIZE, "of each process; beyond that the oldest go")
        .or(|| key::size(SpoolOptions::default().max_size_bytes)),
    Key::new("max_age", Type::Time, "what is older goes").or(|| time(SpoolOptions::default().max_age)),
    Key::new("fsync", Type::WordOr(&["always", "never"], &Type::Time), "what a power failure may cost")
        .or(|| fsync_word(SpoolOptions::default().fsync)),
    Key::new(
        "mode",
        Type::Word(|| words(&MODES)),
        "what goes to disk: what cannot be sent just now, or everything before it is sent",
    )
    .or(|| word_for(&MODES, &Mode::default())),
];
const MODES: [(&str, Mode); 2] = [("on_failure", Mode::OnFailure), ("always", Mode::Always)];

/// What the file says; `None` if it says nothing, or something that cannot be.
pub(super) fn read(
    node: Option<&Node>,
    provider: Option<&At<Provider>>,
    reader: &mut Reader<'_>,
) -> Option<SpoolPlace> {
    let node = node?;
    let fields = reader.fields(Some(node), SPOOL);
    let default = SpoolOptions::default();
    let path = reader.text(fields.get("path"));
    let size = reader.typed(fields.get("max_size"), limits::FILE_SIZE, limits::file_size);
    let age = reader.typed(fields.get("max_age"), "a time such as `24h` or `30m`", duration);
    let fsync = reader.typed(fields.get("fsync"), "`always` or `never` or a time such as `1s`", fsync);
    let mode = reader.word(fields.get("mode"), &MODES);
    if provider.is_some_and(|own| matches!(own.value, Provider::Console | Provider::File)) {
        let mistake = Mistake::new(node.place, "what the console or a file cannot take is not kept");
        reader.mistakes.push(mistake.with_help("remove `spool`"));
    } else if path.is_none() && !reader.forgiving {
        let mistake = Mistake::new(node.place, "this spool has no `path`");
        reader.mistakes.push(mistake.with_help("add `path:` with a folder of its own"));
    }
    let options = SpoolOptions {
        max_size_bytes: size.map_or(default.max_size_bytes, |at| at.value),
        max_age: age.map_or(default.max_age, |at| at.value),
        fsync: fsync.map_or(default.fsync, |at| at.value),
    };
    let mode = mode.map(|at| at.value).unwrap_or_default();
    path.map(|path| SpoolPlace { path: path.into(), mode, options })
}

fn fsync_word(fsync: Fsync) -> String {
    match fsync {
        Fsync::Always => "always".to_owned(),
        Fsync::Never => "never".to_owned(),
        Fsync::Every(pause) => time(pause),
    }
}

fn fsync(text: &str) -> Option<Fsync> {
    match text {
        "always" => Some(Fsync::Always),
        "never" => Some(Fsync::Never),
        _ => duration(text).map(Fsync::Every),
    }
}
