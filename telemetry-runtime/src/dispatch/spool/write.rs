//! How entries get into a spool: behind all others, or in the place of one that was too large.

use super::entry::{HEADER_BYTES, Header};
use super::folder::{File, Folder, write_all};
use super::segment::Segment;
use super::{Entry, Fsync, Open, Place, Spool};
use crate::record::Signal;
use std::io;

impl<D: Folder> Spool<D> {
    /// Writes a batch behind all others; where it is then. It is on disk when this returns, as safely as [`Fsync`] says.
    ///
    /// # Errors
    /// If it is too large for a spool of this size, nothing more may be thrown away for it, or the disk does not take it. The batch is
    /// not in the spool then.
    pub(crate) fn append(
        &mut self,
        signal: Signal,
        items: usize,
        payload: &[u8],
        now_unix_s: u64,
    ) -> io::Result<Place> {
        let header = Header::of(signal, items, payload, now_unix_s).ok_or(io::ErrorKind::FileTooLarge)?;
        self.expire(now_unix_s);
        self.make_room(header.entry_len())?;
        let place = self.place_for(&header)?;
        match self.write(place, &header, payload) {
            Ok(()) => {
                self.segments.get_mut(&place.segment).map(|segment| segment.add(&header));
                Ok(place)
            }
            Err(error) => {
                self.cut_off(place);
                Err(error)
            }
        }
    }

    /// Writes two batches, of so many items each, in the place of one that is out. They are as old as it and of its process, and behind all others.
    ///
    /// # Errors
    /// As for [`append`](Self::append). The entry is out still then, and neither batch is in the spool.
    pub(crate) fn replace(&mut self, entry: &Entry, halves: [(usize, &[u8]); 2]) -> io::Result<()> {
        let Entry { signal, written_unix_s, earlier, place, .. } = *entry;
        let of = |(items, payload)| Header::of(signal, items, payload, written_unix_s);
        let [Some(first), Some(second)] = halves.map(of) else {
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.make_room(first.entry_len() + second.entry_len())?;
        // In a segment of their own: it says of all its entries whose they are.
        let start = self.begin_segment()?;
        let behind = Place { offset: first.entry_len(), ..start };
        self.write(start, &first, halves[0].1)
            .and_then(|()| self.write(behind, &second, halves[1].1))
            // Before the entry is marked they are to be as safe as it is.
            .and_then(|()| if self.options.fsync == Fsync::Never { Ok(()) } else { self.sync() })
            .inspect_err(|_| self.cut_off(start))?;
        self.writer = None;
        if let Some(segment) = self.segments.get_mut(&start.segment) {
            segment.earlier = earlier;
            segment.add(&first);
            segment.add(&second);
        }
        // Without the mark the next process sends the whole, too.
        let _ = self.settle(place);
        Ok(())
    }

    /// Where the next entry goes: in the writer's segment, or in a new one.
    fn place_for(&mut self, header: &Header) -> io::Result<Place> {
        let full = |len_bytes: u64| len_bytes + header.entry_len() > self.segment_bytes();
        let writing = self.writer.as_ref().and_then(|open| self.segments.get(&open.number));
        if let Some(segment) = writing.filter(|segment| !full(segment.len_bytes)) {
            return Ok(Place { segment: segment.number, offset: segment.len_bytes });
        }
        self.begin_segment()
    }

    fn begin_segment(&mut self) -> io::Result<Place> {
        let number = self.next_number;
        self.end_segment()?;
        let file = self.folder.create(number)?;
        self.next_number = number.saturating_add(1);
        self.segments.insert(number, Segment::new(number, false));
        self.writer = Some(Open { number, file });
        let place = Place { segment: number, offset: 0 };
        if self.options.fsync != Fsync::Never {
            self.folder.sync().inspect_err(|_| self.cut_off(place))?;
        }
        Ok(place)
    }

    /// Appends no more to the writer's segment.
    fn end_segment(&mut self) -> io::Result<()> {
        let Some(Open { number, mut file }) = self.writer.take() else { return Ok(()) };
        let synced = if self.options.fsync == Fsync::Never { Ok(()) } else { file.sync() };
        self.remove_if_settled(number);
        synced
    }

    fn write(&mut self, place: Place, header: &Header, payload: &[u8]) -> io::Result<()> {
        let fsync = self.options.fsync;
        let file = self.file_of(place.segment)?;
        write_all(file, place.offset, &header.encode())?;
        write_all(file, place.offset + HEADER_BYTES as u64, payload)?;
        if fsync == Fsync::Always {
            return file.sync();
        }
        self.note_unsynced();
        Ok(())
    }

    /// Undoes a write that failed. The file is not written to again: nobody knows what is in it.
    fn cut_off(&mut self, place: Place) {
        if let Some(Open { mut file, .. }) = self.writer.take() {
            // What cannot be cut off is a torn tail, which a reader recognizes.
            let _ = file.cut(place.offset);
        }
        self.remove_if_settled(place.segment);
    }

    /// How long a segment grows, in bytes: short enough that throwing one away is no great loss.
    fn segment_bytes(&self) -> u64 {
        (self.options.max_size_bytes / 16).min(4 << 20)
    }
}
