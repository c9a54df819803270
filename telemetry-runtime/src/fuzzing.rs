//! The doors through which fuzz targets reach parsers that nobody else outside has a use for; they are in those targets' builds only.

use crate::config::Environment;
use crate::config::substitute;
use crate::dispatch::SpoolOptions;
use crate::dispatch::spool::Spool;
use crate::dispatch::spool::fake::Fake;
use crate::export::connection_string::ConnectionString;
use crate::export::http::retry_after;
use crate::export::otlp::response;
use crate::record::Signal;
use std::time::Duration;

/// The pause that the header asks for.
pub fn retry_after(value: &str, date: Option<&str>, now_unix_s: u64) -> Option<Duration> {
    retry_after::pause(value, date, || now_unix_s)
}

/// What an answer in protobuf says: how many items were rejected, and the message.
pub fn otlp_answer(body: &[u8]) -> (usize, Option<String>) {
    (response::rejected_items(body), response::error_message(body))
}

/// The same of an answer in JSON.
pub fn otlp_answer_json(body: &[u8]) -> (usize, Option<String>) {
    (response::json::rejected_items(body), response::json::error_message(body))
}

/// The text with its references replaced by an environment of one variable, `A`, and whether that is in it.
pub fn substitute(text: &str, a: &str) -> Result<(String, bool), String> {
    let environment = Environment::from([("A", a)]);
    let substituted = substitute::substitute(text, &environment).map_err(|error| error.to_string())?;
    Ok((substituted.text.into_owned(), substituted.is_foreign))
}

/// Where items are posted, and the instrumentation key.
pub fn connection_string(text: &str) -> Result<(String, String), String> {
    let (url, key) = ConnectionString::parse(text).map_err(|error| error.to_string())?.into_parts();
    Ok((url.to_string(), key.expose().to_owned()))
}

/// What a spool makes of a segment file that an earlier process left.
#[derive(Debug)]
pub struct Replay {
    /// Items that the file has by its headers.
    pub items: u64,
    /// Items that are lost.
    pub lost: u64,
    /// Items of each entry that was read, and its payload.
    pub read: Vec<(usize, Vec<u8>)>,
    /// Items that are there when all that was read is settled.
    pub left: u64,
}

/// Reads a segment, and settles what is in it.
pub fn replay(segment: &[u8]) -> Replay {
    let mut spool = spool(Fake::with_file(segment));
    let items =
        |spool: &Spool<Fake>| Signal::ALL.into_iter().map(|signal| spool.on_disk().earlier[signal]).sum();
    let mut replay = Replay { items: items(&spool), lost: 0, read: Vec::new(), left: 0 };
    while let Ok(Some(entry)) = spool.next(0) {
        replay.read.push((entry.items as usize, entry.payload));
        spool.settle(entry.place).expect("a disk in memory takes it");
    }
    replay.left = items(&spool);
    let losses = spool.take_losses();
    replay.lost = Signal::ALL.into_iter().map(|signal| losses.earlier[signal].total()).sum();
    replay
}

/// The segment that a spool makes of these entries; `None` if there is none, or more than fits one.
pub fn segment(entries: &[(usize, Vec<u8>)]) -> Option<Vec<u8>> {
    let folder = Fake::default();
    let mut spool = spool(folder.clone());
    for (items, payload) in entries {
        spool.append(Signal::Traces, *items, payload, 0).expect("a disk in memory takes it");
    }
    (folder.files().len() == 1).then(|| folder.bytes(0))
}

fn spool(folder: Fake) -> Spool<Fake> {
    Spool::open(folder, SpoolOptions::default(), 0).expect("a folder in memory can be listed")
}
