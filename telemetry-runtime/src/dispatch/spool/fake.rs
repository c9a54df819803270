//! A folder in memory that fails where a test tells it to, and keeps of its files what a crash would leave.

use super::folder::{File, Folder};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folder. Clones share it, as processes share a disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<u64, Shared>,
    /// What `names` is after a power failure, if nothing more got to the disk.
    durable_names: BTreeMap<u64, Shared>,
    fault: Option<(u32, Fault)>,
    is_dead: bool,
}

type Shared = Arc<Mutex<Inode>>;

#[derive(Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The operation fails; a write does one half first.
    Error,
    /// The process ends within the operation.
    Kill,
}

/// Reads and writes do no more than this at a time, as those of an operating system may.
const MOST_BYTES_AT_ONCE: usize = 200;

impl Fake {
    /// Has the operation that comes after so many others go wrong.
    pub(super) fn fail(&self, after: u32, fault: Fault) {
        self.lock().fault = Some((after, fault));
    }

    /// Whether the process has ended by a [`Fault::Kill`].
    pub(super) fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// A folder with one file.
    #[cfg(fuzzing)]
    pub(crate) fn with_file(bytes: &[u8]) -> Self {
        let mut folder = Self::default();
        // It has no fault to fail by.
        drop(folder.create(0));
        folder.damage(0, |file| file.extend(bytes));
        folder
    }

    /// What is in a file.
    #[cfg(fuzzing)]
    pub(crate) fn bytes(&self, number: u64) -> Vec<u8> {
        self.lock().names.get(&number).map(|file| lock(file).bytes.clone()).unwrap_or_default()
    }

    /// What is there for the next process.
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        (state.fault, state.is_dead) = (None, false);
    }

    /// What is there after a power failure: of what was not forced out, anything.
    pub(super) fn lose_power(&self, mut luck: impl FnMut() -> u32) {
        self.restart();
        let mut state = self.lock();
        let (names, durable) = (std::mem::take(&mut state.names), std::mem::take(&mut state.durable_names));
        for (number, file) in names.iter().chain(&durable) {
            let is_settled = names.contains_key(number) && durable.contains_key(number);
            if is_settled || luck().is_multiple_of(2) {
                state.names.insert(*number, file.clone());
            }
        }
        state.durable_names = state.names.clone();
        for file in state.names.values() {
            lock(file).lose_power(&mut luck);
        }
    }

    /// The numbers of the files and their lengths.
    pub(crate) fn files(&self) -> Vec<(u64, usize)> {
        self.lock().names.iter().map(|(number, file)| (*number, lock(file).bytes.len())).collect()
    }

    /// Changes what is in a file, behind the spool's back.
    pub(super) fn damage(&self, number: u64, damage: impl FnOnce(&mut Vec<u8>)) {
        let state = self.lock();
        let mut file = lock(&state.names[&number]);
        damage(&mut file.bytes);
        file.durable = file.bytes.clone();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Counts an operation; what goes wrong with it, if anything.
    fn fault(&self) -> Option<Fault> {
        let mut state = self.lock();
        let (left, fault) = state.fault?;
        state.fault = left.checked_sub(1).map(|left| (left, fault));
        if left > 0 {
            return None;
        }
        // The dead stay dead.
        (fault == Fault::Kill).then(|| (state.fault, state.is_dead) = (Some((0, fault)), true));
        Some(fault)
    }

    fn attempt(&self) -> io::Result<()> {
        self.fault().map_or(Ok(()), |_| Err(io::ErrorKind::StorageFull.into()))
    }
}

impl Inode {
    /// Anything between what was forced out and what was written: a part of the new bytes, or zeros in their place.
    fn lose_power(&mut self, luck: &mut impl FnMut() -> u32) {
        let keep = luck() as usize % (self.bytes.len() + 1);
        match luck() % 4 {
            0 => self.bytes = self.durable.clone(),
            1 => {}
            2 if keep >= self.durable.len() => self.bytes.truncate(keep),
            _ => {
                let old = |at: usize| self.durable.get(at).copied().unwrap_or(0);
                let bytes = self.bytes.iter().enumerate();
                self.bytes = bytes.map(|(at, new)| if at < keep { *new } else { old(at) }).collect();
            }
        }
        self.durable = self.bytes.clone();
    }
}

impl Folder for Fake {
    type File = Handle;

    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.lock().names.keys().copied().collect())
    }

    fn create(&mut self, number: u64) -> io::Result<Handle> {
        self.attempt()?;
        let before = self.lock().names.insert(number, Shared::default());
        assert!(before.is_none(), "a segment was overwritten");
        self.open(number)
    }

    fn open(&mut self, number: u64) -> io::Result<Handle> {
        let file = self.lock().names.get(&number).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Handle { folder: self.clone(), file })
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        self.attempt()?;
        self.lock().names.remove(&number).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.attempt()?;
        let mut state = self.lock();
        state.durable_names = state.names.clone();
        Ok(())
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Handle {
    folder: Fake,
    file: Shared,
}

impl File for Handle {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(lock(&self.file).bytes.len() as u64)
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let file = lock(&self.file);
        let there = file.bytes.get(at as usize..).unwrap_or_default();
        let read = there.len().min(into.len()).min(MOST_BYTES_AT_ONCE);
        into[..read].copy_from_slice(&there[..read]);
        Ok(read)
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize> {
        let was_dead = self.folder.is_dead();
        let fault = self.folder.fault();
        let most = if fault.is_some() { bytes.len() / 2 } else { bytes.len().min(MOST_BYTES_AT_ONCE) };
        let mut file = lock(&self.file);
        if !was_dead {
            let end = at as usize + most;
            let len = file.bytes.len().max(end);
            file.bytes.resize(len, 0);
            file.bytes[at as usize..end].copy_from_slice(&bytes[..most]);
        }
        if fault.is_some() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(most) }
    }

    fn cut(&mut self, len_bytes: u64) -> io::Result<()> {
        self.folder.attempt()?;
        lock(&self.file).bytes.truncate(len_bytes as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.folder.attempt()?;
        let mut file = lock(&self.file);
        file.durable = file.bytes.clone();
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
