//! A file that is added to in whole pieces, and begun anew when it is full.

use super::Target;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file at hand, and how to get the next one.
#[derive(Debug)]
pub(super) struct Rotating {
    target: Target,
    /// Open between batches; not before the first one, nor after an error.
    open: Option<File>,
}

impl Rotating {
    /// Checks that the file can be opened.
    pub(super) fn new(target: Target) -> io::Result<Self> {
        match open(&target.path) {
            Ok(_) => Ok(Self { target, open: None }),
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", target.path.display()))),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.target.path
    }

    /// Whether the file can be opened.
    pub(super) fn check(&self) -> io::Result<()> {
        open(&self.target.path).map(drop)
    }

    /// Adds these lines, all or none.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut file = match self.open.take() {
            Some(file) if is_at(&file, &self.target.path)? => file,
            _ => claim(&self.target.path)?,
        };
        let len = file.metadata()?.len();
        if len > 0 && len + lines.len() as u64 > self.target.max_size_bytes {
            file = self.rotate(file)?;
        }
        append(&file, lines)?;
        self.open = Some(file);
        Ok(())
    }

    /// Puts the full file among the earlier ones, and begins the next. The full one is held until it has its other name, so that nobody
    /// else begins to write to it.
    fn rotate(&self, full: File) -> io::Result<File> {
        if self.target.max_files <= 1 {
            full.set_len(0)?;
            return Ok(full);
        }
        let oldest = self.target.max_files - 1;
        let last = (1..oldest).find(|age| fs::symlink_metadata(self.name(*age)).is_err()).unwrap_or(oldest);
        for age in (0..last).rev() {
            fs::rename(self.name(age), self.name(age + 1))?;
        }
        claim(&self.target.path)
    }

    /// What a file is called after so many others were begun.
    fn name(&self, age: usize) -> PathBuf {
        let mut name = self.target.path.clone().into_os_string();
        if age > 0 {
            name.push(format!(".{age}"));
        }
        name.into()
    }
}

/// Opens the file for this exporter alone, and ends a line that a crash has torn.
fn claim(path: &Path) -> io::Result<File> {
    hold(open(path)?, path)
}

/// Holds the file that was opened at this path.
pub(super) fn hold(mut file: File, path: &Path) -> io::Result<File> {
    let busy = |why| Err(io::Error::new(ErrorKind::ResourceBusy, why));
    // Not every file system has locks.
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return busy("another exporter writes to it");
    }
    // Who held it until now may have put it among the earlier ones.
    if !is_at(&file, path)? {
        return busy("another file has taken its place");
    }
    if file.metadata()?.len() > 0 && last_byte(&mut file)? != b'\n' {
        append(&file, b"\n")?;
    }
    Ok(file)
}

/// Adds the bytes, or takes back what was added of them.
pub(super) fn append(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    let len = file.metadata()?.len();
    file.write_all(bytes).inspect_err(|_| {
        // If it cannot be taken back, the line is ended when the file is opened next.
        let _ = file.set_len(len);
    })
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0])
}

/// Whether the open file still has this name: others remove files, and rename them.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let file = file.metadata()?;
    Ok(fs::symlink_metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (file.dev(), file.ino())))
}

/// Elsewhere, the standard library does not say which file it is.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Opens a regular file to add to its end, and makes it if it is not there.
fn open(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // What has taken the file's place meanwhile is not followed, nor waited for.
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}
