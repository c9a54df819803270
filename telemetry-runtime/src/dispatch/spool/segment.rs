//! What is known of one segment file without looking into it: how much of it still has to be sent, and from where on.

use super::entry::Header;
use crate::record::{PerSignal, Signal};
use std::collections::{BTreeMap, BTreeSet};

/// The books of one file.
#[derive(Debug)]
pub(super) struct Segment {
    /// Its name; the oldest has the lowest.
    pub(super) number: u64,
    /// Whether an earlier process wrote it.
    pub(super) earlier: bool,
    /// Where the last valid entry ends, in bytes.
    pub(super) len_bytes: u64,
    /// What is before this has been read.
    pub(super) cursor: u64,
    newest_unix_s: u64,
    entries: usize,
    items: PerSignal<u64>,
    /// Entries that somebody tries to send, by their offsets.
    out: BTreeMap<u64, Held>,
    /// Entries that were given back, by their offsets: they are read again once nothing else is left.
    again: BTreeSet<u64>,
    /// Entries that are settled. Their marks in the file are for the next process: here they might be damaged.
    settled: BTreeSet<u64>,
}

/// An entry's part of the counts.
#[derive(Clone, Copy, Debug)]
struct Held {
    signal: Signal,
    items: u64,
}

impl Segment {
    pub(super) fn new(number: u64, earlier: bool) -> Self {
        Self {
            number,
            earlier,
            len_bytes: 0,
            cursor: 0,
            newest_unix_s: 0,
            entries: 0,
            items: PerSignal::default(),
            out: BTreeMap::new(),
            again: BTreeSet::new(),
            settled: BTreeSet::new(),
        }
    }

    /// Counts the entry that is next in the file; where it begins.
    pub(super) fn add(&mut self, header: &Header) -> u64 {
        let offset = self.len_bytes;
        self.len_bytes += header.entry_len();
        self.newest_unix_s = self.newest_unix_s.max(header.written_unix_s);
        if header.done {
            self.settled.insert(offset);
        } else {
            self.entries += 1;
            self.items[header.signal] += u64::from(header.items);
        }
        offset
    }

    /// Lends the entry out, to be settled or given back.
    pub(super) fn hold(&mut self, offset: u64, signal: Signal, items: u64) {
        self.out.insert(offset, Held { signal, items });
    }

    /// Takes back an entry that was not sent: it will be read again, behind all others.
    pub(super) fn give_back(&mut self, offset: u64) {
        if self.out.remove(&offset).is_some() {
            self.again.insert(offset);
        }
    }

    /// Has what was given back read again; whether there is any.
    pub(super) fn start_over(&mut self) -> bool {
        let Some(first) = self.again.first() else { return false };
        self.cursor = self.cursor.min(*first);
        self.again.clear();
        true
    }

    /// Counts out an entry that was lent; false if it was not.
    pub(super) fn settle(&mut self, offset: u64) -> bool {
        let Some(Held { signal, items }) = self.out.remove(&offset) else { return false };
        self.settled.insert(offset);
        self.entries = self.entries.saturating_sub(1);
        self.items[signal] = self.items[signal].saturating_sub(items);
        true
    }

    /// Whether the entry is not to be read now: it is out, given back, or settled. A mark that came behind our back is believed.
    pub(super) fn passes_over(&self, offset: u64, header: &Header) -> bool {
        let is_ours = self.out.contains_key(&offset) || self.again.contains(&offset);
        header.done || is_ours || self.settled.contains(&offset)
    }

    /// Gives up what is neither out nor settled; how many items that was.
    pub(super) fn lose_unread(&mut self) -> PerSignal<u64> {
        let mut kept = PerSignal::default();
        self.out.values().for_each(|held| kept[held.signal] += held.items);
        let lost = PerSignal::of(|signal| self.items[signal].saturating_sub(kept[signal]));
        (self.items, self.entries, self.cursor) = (kept, self.out.len(), self.len_bytes);
        self.again.clear();
        lost
    }

    pub(super) fn items(&self) -> PerSignal<u64> {
        self.items
    }

    /// Whether there is an entry to read that was not given back.
    pub(super) fn is_unread(&self) -> bool {
        self.unread_entries() > self.again.len()
    }

    /// Entries to read, given back or not.
    pub(super) fn unread_entries(&self) -> usize {
        self.entries.saturating_sub(self.out.len())
    }

    /// Whether nothing of it has to be sent any more.
    pub(super) fn is_settled(&self) -> bool {
        self.entries == 0
    }

    /// Whether nobody tries to send a part of it.
    pub(super) fn is_at_rest(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether its last entry was written before this moment.
    pub(super) fn is_older_than(&self, unix_s: u64) -> bool {
        self.newest_unix_s < unix_s
    }
}
