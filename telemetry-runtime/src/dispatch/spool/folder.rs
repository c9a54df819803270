//! The one door to files: what a spool asks of the folder it is in, so that tests can put one that fails beneath it.

use super::entry::{HEADER_BYTES, Header};
use std::io;

/// A folder that belongs to one spool alone, and its segment files, which are called by numbers.
pub(crate) trait Folder {
    /// A segment file.
    type File: File;

    /// The numbers of all segments, in any order.
    fn list(&self) -> io::Result<Vec<u64>>;
    /// A new, empty segment; it is an error if there is anything of that number.
    fn create(&mut self, number: u64) -> io::Result<Self::File>;
    /// A segment that is there.
    fn open(&mut self, number: u64) -> io::Result<Self::File>;
    /// Deletes a segment.
    fn remove(&mut self, number: u64) -> io::Result<()>;
    /// Has the names of new segments outlive a power failure.
    fn sync(&mut self) -> io::Result<()>;
}

/// An open segment file. Reads and writes may do less than was asked, as those of the operating system.
pub(crate) trait File {
    fn len_bytes(&self) -> io::Result<u64>;
    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize>;
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts the file to this length.
    fn cut(&mut self, len_bytes: u64) -> io::Result<()>;
    /// Has what was written outlive a power failure.
    fn sync(&mut self) -> io::Result<()>;
}

/// Writes all the bytes.
pub(super) fn write_all(file: &mut impl File, mut at: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(at, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => (at, bytes) = (at + written as u64, &bytes[written..]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The header that begins there, if there is a whole entry before `end`.
pub(super) fn read_header(file: &mut impl File, at: u64, end: u64) -> Option<Header> {
    let mut bytes = [0; HEADER_BYTES];
    let fits = |len: u64| at.checked_add(len).is_some_and(|entry_end| entry_end <= end);
    let header = fits(HEADER_BYTES as u64).then(|| read_all(file, at, &mut bytes).ok())?;
    header.and_then(|()| Header::decode(&bytes)).filter(|header| fits(header.entry_len()))
}

/// The payload behind the header that begins there, if it is the one that was written.
pub(super) fn read_payload(file: &mut impl File, at: u64, header: &Header) -> Option<Vec<u8>> {
    let mut payload = vec![0; header.payload_len()];
    read_all(file, at + HEADER_BYTES as u64, &mut payload).ok()?;
    header.fits(&payload).then_some(payload)
}

fn read_all(file: &mut impl File, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match file.read(at, into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => (at, into) = (at + read as u64, &mut into[read..]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
