//! Batches kept on disk, so that they outlive an outage of the other side, and the end of the process.
//!
//! A spool is a queue of packed batches in append-only segment files. What is appended is not written again but for one byte, which
//! says that the entry is settled; a segment goes once all its entries are. Every process begins segments of its own, so nothing is
//! ever written behind a torn tail. What an ended process has left belongs to whoever moves its segments into a folder of its own: the next
//! one at its start, or one that runs, which looks now and then.
//!
//! What a `kill -9` costs: nothing that [`append`](Spool::append) has acknowledged, and no more than the entries that were out are sent
//! twice. What a power failure costs is in [`Fsync`]; what had been sent may then be sent again, out of the two segments (of 4 MiB) that were
//! open or, with [`Fsync::Never`], any.

mod access;
mod disk;
mod entry;
mod error;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, expect(dead_code, reason = "fuzz targets have no disk that fails"))]
pub(crate) mod fake;
mod folder;
mod losses;
mod segment;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use disk::Disk;
pub(crate) use error::SpoolError;
pub(crate) use losses::{Loss, Losses};

use crate::record::{PerSignal, Signal};
use entry::{DONE, Header, MARK_AT};
use folder::{File, Folder, read_header, read_payload, write_all};
use segment::Segment;
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

/// How much is kept, how long, and how safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The files of one process together, in bytes; beyond that the oldest entries go, as they do by age: the newest say how things
    /// stand. Default: 256 MiB.
    pub(crate) max_size_bytes: u64,
    /// How long an entry is kept, by the wall clock. Default: 24 h.
    pub(crate) max_age: Duration,
    /// What a power failure may cost.
    pub(crate) fsync: Fsync,
}

/// When what was written is forced out to the disk, and so what a power failure or a crash of the kernel may cost. The end of the
/// process costs nothing in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fsync {
    /// Before an append is acknowledged: nothing that was acknowledged is lost.
    Always,
    /// At most this long after an append, which may be lost till then. Default: 1 s.
    Every(Duration),
    /// When the operating system thinks best: what it had not written yet is lost, on Linux some 30 s.
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_size_bytes: 256 << 20,
            max_age: Duration::from_secs(24 * 60 * 60),
            fsync: Fsync::Every(Duration::from_secs(1)),
        }
    }
}

/// The entries of one exporter on disk.
#[derive(Debug)]
pub(crate) struct Spool<D: Folder = Disk> {
    folder: D,
    options: Options,
    /// By their numbers: the oldest first.
    segments: BTreeMap<u64, Segment>,
    /// The segment that is appended to.
    writer: Option<Open<D::File>>,
    /// The segment last read or marked, unless that is the writer's.
    reader: Option<Open<D::File>>,
    next_number: u64,
    unsynced_since: Option<Instant>,
    losses: Losses,
}

#[derive(Debug)]
struct Open<F> {
    number: u64,
    file: F,
}

/// A batch that was packed, and is on disk until it is [settled](Spool::settle).
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) signal: Signal,
    pub(crate) items: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) written_unix_s: u64,
    /// Whether an earlier process wrote it.
    pub(crate) earlier: bool,
    pub(crate) place: Place,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    segment: u64,
    offset: u64,
}

/// Items on disk that are not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnDisk {
    /// This process's.
    pub(crate) own: PerSignal<u64>,
    /// Those of earlier ones.
    pub(crate) earlier: PerSignal<u64>,
}

impl<D: Folder> Spool<D> {
    /// A spool with what earlier processes left in the folder.
    ///
    /// # Errors
    /// If the folder cannot be listed. A file that cannot be read is left as it is and counted as one unreadable entry.
    pub(crate) fn open(folder: D, options: Options, now_unix_s: u64) -> io::Result<Self> {
        let mut numbers = folder.list()?;
        numbers.sort_unstable();
        let mut spool = Self {
            folder,
            options,
            segments: BTreeMap::new(),
            writer: None,
            reader: None,
            next_number: numbers.last().map_or(0, |last| last.saturating_add(1)),
            unsynced_since: None,
            losses: Losses::default(),
        };
        numbers.into_iter().for_each(|number| spool.recover(number));
        spool.expire(now_unix_s);
        spool.make_room(0)?;
        Ok(spool)
    }

    /// The oldest entry that is neither settled nor out; it is out then. What was given back comes behind all others, so that one that is
    /// never taken stops nobody.
    ///
    /// # Errors
    /// If a segment cannot be opened now. It is the next one still.
    pub(crate) fn next(&mut self, now_unix_s: u64) -> io::Result<Option<Entry>> {
        self.expire(now_unix_s);
        while let Some(number) = self.first_unread() {
            if let Some(entry) = self.read_next(number, now_unix_s)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The segment to read next, which is the first again if all are through.
    fn first_unread(&mut self) -> Option<u64> {
        let first =
            |segments: &BTreeMap<u64, Segment>| segments.values().find(|s| s.is_unread()).map(|s| s.number);
        first(&self.segments).or_else(|| {
            let again = self.segments.values_mut().filter_map(|segment| segment.start_over().then_some(()));
            (again.count() > 0).then(|| first(&self.segments))?
        })
    }

    /// Keeps an entry from being read: somebody has the batch, and will settle the entry or give it back.
    pub(crate) fn hold(&mut self, place: Place, signal: Signal, items: u64) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.hold(place.offset, signal, items);
        }
    }

    /// Takes back an entry that was out: it will be read again, behind all others.
    pub(crate) fn give_back(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.give_back(place.offset);
        }
    }

    /// Forgets an entry that was out: it was sent, or never can be.
    ///
    /// # Errors
    /// If the disk does not take the mark. The entry is not read again by this process, but by the next if that gets to it.
    pub(crate) fn settle(&mut self, place: Place) -> io::Result<()> {
        let Some(segment) = self.segments.get_mut(&place.segment) else { return Ok(()) };
        if !segment.settle(place.offset) {
            return Ok(());
        }
        let marked = self.mark(place);
        self.remove_if_settled(place.segment);
        marked
    }

    /// What is on disk.
    pub(crate) fn on_disk(&self) -> OnDisk {
        let mut on_disk = OnDisk::default();
        for segment in self.segments.values() {
            let items = if segment.earlier { &mut on_disk.earlier } else { &mut on_disk.own };
            Signal::ALL.into_iter().for_each(|signal| items[signal] += segment.items()[signal]);
        }
        on_disk
    }

    /// All segments together.
    fn len_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.len_bytes).sum()
    }

    /// Entries that are neither settled nor out.
    pub(crate) fn unread_entries(&self) -> usize {
        self.segments.values().map(Segment::unread_entries).sum()
    }

    /// What was thrown away or lost since it was last taken.
    pub(crate) fn losses(&self) -> &Losses {
        &self.losses
    }

    /// What was thrown away or lost since the last call.
    pub(crate) fn take_losses(&mut self) -> Losses {
        std::mem::take(&mut self.losses)
    }

    /// When [`sync`](Self::sync) is to be called.
    pub(crate) fn sync_due(&self) -> Option<Instant> {
        match self.options.fsync {
            Fsync::Every(interval) => self.unsynced_since.map(|since| since + interval),
            Fsync::Always | Fsync::Never => None,
        }
    }

    /// Forces out what was written.
    ///
    /// # Errors
    /// If the disk does not take it: what was not forced out before may not outlive a power failure.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.unsynced_since = None;
        let synced =
            [self.writer.as_mut(), self.reader.as_mut()].into_iter().flatten().map(|open| open.file.sync());
        // After a failure the operating system may take the next attempt for a success: both are tried once.
        synced.fold(Ok(()), io::Result::and)
    }

    /// Ends the spool: what is not settled waits for the next process.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub(crate) fn close(mut self) -> io::Result<()> {
        let synced = if self.options.fsync == Fsync::Never { Ok(()) } else { self.sync() };
        if let Some(Open { number, .. }) = self.writer.take() {
            self.remove_if_settled(number);
        }
        synced
    }

    /// Reads the books of a segment that an earlier process left.
    fn recover(&mut self, number: u64) {
        let Ok(mut file) = self.folder.open(number) else {
            self.losses.unreadable_entries += 1;
            return;
        };
        let end = file.len_bytes().unwrap_or(0);
        let mut segment = Segment::new(number, true);
        while let Some(header) = read_header(&mut file, segment.len_bytes, end) {
            segment.add(&header);
        }
        self.losses.unreadable_entries += u64::from(segment.len_bytes < end);
        self.segments.insert(number, segment);
        self.remove_if_settled(number);
    }

    /// Throws away segments whose last entry is too old.
    fn expire(&mut self, now_unix_s: u64) {
        let oldest_kept = self.oldest_kept(now_unix_s);
        let is_old = |segment: &&Segment| segment.is_older_than(oldest_kept) && segment.is_at_rest();
        while let Some(number) = self.segments.values().find(is_old).map(|segment| segment.number) {
            self.lose(number, Loss::expired);
        }
    }

    fn oldest_kept(&self, now_unix_s: u64) -> u64 {
        now_unix_s.saturating_sub(self.options.max_age.as_secs())
    }

    /// Throws the oldest segments away until so much more fits.
    fn make_room(&mut self, len_bytes: u64) -> io::Result<()> {
        let max = self.options.max_size_bytes;
        if len_bytes > max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        while self.len_bytes() > max - len_bytes {
            let oldest = self.segments.values().find(|segment| segment.is_at_rest());
            let number = oldest.ok_or(io::ErrorKind::QuotaExceeded)?.number;
            self.lose(number, Loss::disk_full);
        }
        Ok(())
    }

    /// The segment's next entry, if it is one to send; in any case the segment has less to read then. What the books have beyond the
    /// file's end is lost: somebody else has marked entries.
    fn read_next(&mut self, number: u64, now_unix_s: u64) -> io::Result<Option<Entry>> {
        let Some(Segment { cursor: offset, len_bytes: end, .. }) = self.segments.get(&number) else {
            return Ok(None);
        };
        let (offset, end) = (*offset, *end);
        let header = match self.file_of(number) {
            Ok(file) => read_header(file, offset, end),
            Err(error) if is_for_good(&error) => None,
            Err(error) => return Err(error),
        };
        match header {
            Some(header) => Ok(self.take(Place { segment: number, offset }, &header, now_unix_s)),
            // Of what was given back the file may have more than of the others.
            None if self.segments.get_mut(&number).is_some_and(Segment::start_over) => Ok(None),
            None => {
                self.losses.unreadable_entries += 1;
                self.lose(number, Loss::corrupt);
                Ok(None)
            }
        }
    }

    /// The entry, which is out then, unless it is not to be sent.
    fn take(&mut self, place: Place, header: &Header, now_unix_s: u64) -> Option<Entry> {
        let Header { signal, items, written_unix_s, .. } = *header;
        let segment = self.segments.get_mut(&place.segment)?;
        segment.cursor += header.entry_len();
        if segment.passes_over(place.offset, header) {
            return None;
        }
        let earlier = segment.earlier;
        segment.hold(place.offset, signal, u64::from(items));
        if written_unix_s < self.oldest_kept(now_unix_s) {
            return self.discard(place, header, Loss::expired);
        }
        let payload =
            self.file_of(place.segment).ok().and_then(|file| read_payload(file, place.offset, header));
        match payload {
            Some(payload) => Some(Entry { signal, items, payload, written_unix_s, earlier, place }),
            None => self.discard(place, header, Loss::corrupt),
        }
    }

    /// Throws away an entry that is out.
    fn discard(&mut self, place: Place, header: &Header, reason: Reason) -> Option<Entry> {
        let earlier = self.segments.get(&place.segment)?.earlier;
        *reason(&mut self.losses.of(earlier)[header.signal]) += u64::from(header.items);
        // It is lost either way.
        let _ = self.settle(place);
        None
    }

    /// Throws away what of a segment is neither settled nor out, and the segment itself if that is all.
    fn lose(&mut self, number: u64, reason: Reason) {
        if self.writer.as_ref().is_some_and(|open| open.number == number) {
            self.writer = None;
        }
        if let Some(segment) = self.segments.get_mut(&number) {
            let (earlier, lost) = (segment.earlier, segment.lose_unread());
            let losses = self.losses.of(earlier);
            Signal::ALL.into_iter().for_each(|signal| *reason(&mut losses[signal]) += lost[signal]);
        }
        self.remove_if_settled(number);
    }

    /// Says in the file that the entry is settled.
    fn mark(&mut self, place: Place) -> io::Result<()> {
        let file = self.file_of(place.segment)?;
        write_all(file, place.offset + MARK_AT, &[DONE])?;
        self.note_unsynced();
        Ok(())
    }

    fn note_unsynced(&mut self) {
        self.unsynced_since.get_or_insert_with(Instant::now);
    }

    /// Deletes a segment that holds nothing any more, unless it is the writer's.
    fn remove_if_settled(&mut self, number: u64) {
        let is_writers = self.writer.as_ref().is_some_and(|open| open.number == number);
        if is_writers || !self.segments.get(&number).is_some_and(Segment::is_settled) {
            return;
        }
        if self.reader.as_ref().is_some_and(|open| open.number == number) {
            self.close_reader();
        }
        self.segments.remove(&number);
        // What cannot be removed now is removed by the next process, which finds nothing to send in it.
        let _ = self.folder.remove(number);
    }

    /// The marks are forced out: should the file's end not outlive a power failure, they do.
    fn close_reader(&mut self) {
        if let Some(Open { mut file, .. }) = self.reader.take()
            && self.options.fsync != Fsync::Never
        {
            // Otherwise some entries are sent twice.
            let _ = file.sync();
        }
    }

    fn file_of(&mut self, number: u64) -> io::Result<&mut D::File> {
        let has = |open: &Option<Open<D::File>>| open.as_ref().is_some_and(|open| open.number == number);
        let is_writers = has(&self.writer);
        if !is_writers && !has(&self.reader) {
            self.close_reader();
            self.reader = Some(Open { number, file: self.folder.open(number)? });
        }
        let open = if is_writers { &mut self.writer } else { &mut self.reader };
        open.as_mut().map(|open| &mut open.file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Which count of a loss grows.
type Reason = fn(&mut Loss) -> &mut u64;

/// Whether opening the file again would fail again: it is gone, or no longer one of ours.
fn is_for_good(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData)
}
