//! A spool's folder on a real disk, which one process at a time has to itself.

use super::Spool;
use super::access;
use super::error::SpoolError;
use super::folder::{File, Folder};
use crate::record::PerSignal;
use std::fmt::Write as _;
use std::fs::{self, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many processes may keep spools for exporters of the same name below the same path at a time.
const MAX_PROCESSES: usize = 256;
const SUFFIX: &str = ".spool";

/// A folder of segment files, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    /// Released by the operating system once the process has ended, in whatever way, and all its forked children that `exec` nothing have:
    /// they inherit what is locked.
    _lock: fs::File,
}

impl Disk {
    /// The first folder below `<path>/<exporter>` that no other process uses, with all that processes which ended have left in it
    /// and in the others. Two processes at a time thus have a folder each.
    ///
    /// # Errors
    /// If a folder is a link, belongs to or is open to others ([`SpoolError::is_refused`]), if it cannot be made or
    /// written to, or if 256 processes use one each.
    pub(crate) fn claim(path: &Path, exporter: &str) -> Result<Self, SpoolError> {
        let base = path.join(folder_name(exporter));
        access::private_folder(path)?;
        access::private_folder(&base)?;
        let mut own = Self::first_free(&base)?;
        access::same_owners(&own.path, [path, &base])?;
        let next = own.list().map(|numbers| numbers.into_iter().max().map_or(0, |last| last + 1));
        next.and_then(|mut next| own.adopt(&mut next, u64::MAX))
            .map_err(|error| SpoolError::io(&base, error))?;
        Ok(own)
    }

    fn first_free(base: &Path) -> Result<Self, SpoolError> {
        for number in 0..MAX_PROCESSES {
            if let Some(free) = Self::lock(base.join(number.to_string()))? {
                return Ok(free);
            }
        }
        Err(SpoolError::io(base, io::ErrorKind::ResourceBusy.into()))
    }

    /// `None` if another process has it.
    fn lock(path: PathBuf) -> Result<Option<Self>, SpoolError> {
        access::private_folder(&path)?;
        let lock = access::lock_file(&path.join("lock")).map_err(|error| SpoolError::io(&path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(SpoolError::io(&path, error)),
        }
        match access::is_ours(&path) {
            Ok(true) => Ok(Some(Self { path, _lock: lock })),
            Ok(false) => Err(SpoolError::refused(&path, access::FOREIGN)),
            Err(error) => Err(SpoolError::io(&path, error)),
        }
    }

    /// Moves what ended processes have left in other folders into this one, as segments from a number on and as far as there is room for
    /// so much. Who has the lock of a folder may do that. Folders and locks stay: who deletes a lock must know that nobody is about to take it.
    fn adopt(&mut self, next: &mut u64, mut room_bytes: u64) -> io::Result<()> {
        for other in self.others() {
            if !segments(&other).is_ok_and(|numbers| !numbers.is_empty()) {
                continue;
            }
            let Ok(Some(left)) = Self::lock(other) else { continue };
            let mut numbers = left.list()?;
            numbers.sort_unstable();
            for file in numbers.into_iter().map(|number| left.file(number)) {
                let Some(rest) = room_bytes.checked_sub(fs::symlink_metadata(&file)?.len()) else {
                    return Ok(());
                };
                fs::rename(file, self.file(*next))?;
                (*next, room_bytes) = (*next + 1, rest);
            }
        }
        Ok(())
    }

    /// The folders beside this one.
    fn others(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let others = (0..MAX_PROCESSES).map(|number| number.to_string());
        let (own, base) = (self.path.clone(), self.path.parent().map(Path::to_owned).unwrap_or_default());
        others.map(move |number| base.join(number)).filter(move |other| *other != own)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:016x}{SUFFIX}"))
    }
}

impl Folder for Disk {
    type File = fs::File;

    fn list(&self) -> io::Result<Vec<u64>> {
        segments(&self.path)
    }

    fn create(&mut self, number: u64) -> io::Result<fs::File> {
        access::new_file(&self.file(number))
    }

    fn open(&mut self, number: u64) -> io::Result<fs::File> {
        access::own_file(&self.file(number))
    }

    fn remove(&mut self, number: u64) -> io::Result<()> {
        fs::remove_file(self.file(number))
    }

    fn sync(&mut self) -> io::Result<()> {
        // Elsewhere a folder cannot be opened, and its names need no help.
        if cfg!(unix) { fs::File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

impl File for fs::File {
    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        Read::read(self, into)
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        Write::write(self, bytes)
    }

    fn cut(&mut self, len_bytes: u64) -> io::Result<()> {
        self.set_len(len_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Spool<Disk> {
    /// Takes over what processes that have ended since have left in other folders, behind all that is here and as far as there is room; how
    /// many items that is.
    pub(crate) fn adopt(&mut self) -> PerSignal<u64> {
        let (first, before) = (self.next_number, self.on_disk().earlier);
        let room_bytes = self.options.max_size_bytes.saturating_sub(self.len_bytes());
        // What cannot be moved now may be another time, and is where it was.
        let _ = self.folder.adopt(&mut self.next_number, room_bytes);
        (first..self.next_number).for_each(|number| self.recover(number));
        let after = self.on_disk().earlier;
        PerSignal::of(|signal| after[signal] - before[signal])
    }
}

/// The numbers of the segments in a folder.
fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let number = |entry: io::Result<fs::DirEntry>| {
        let name = entry.map(|entry| entry.file_name());
        name.map(|name| number(name.to_str()?)).transpose()
    };
    fs::read_dir(folder)?.filter_map(number).collect()
}

/// A segment's number by its file's name; `None` for other files.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The exporter's name as a folder's: what is no ASCII letter, digit, `-` or `_` becomes `%` and its bytes' hexadecimal digits.
fn folder_name(exporter: &str) -> String {
    let mut name = String::new();
    for byte in exporter.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(name, "%{byte:02x}")),
        }
    }
    name
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::{Fsync, Options};
    use super::*;
    use crate::record::Signal;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    /// A folder for one test, which goes with it.
    struct Folders(PathBuf);

    impl Folders {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("telemetry-spool-{}-{test}", std::process::id()));
            fs::create_dir(&path).expect("a folder that is not there");
            Self(path)
        }

        fn spool(&self) -> PathBuf {
            self.0.join("spool")
        }

        fn claim(&self) -> Result<Disk, SpoolError> {
            Disk::claim(&self.spool(), "otlp")
        }

        fn open(&self) -> Spool {
            let options = Options { fsync: Fsync::Always, ..Options::default() };
            Spool::open(self.claim().expect("a folder of ours"), options, 0).expect("it can be listed")
        }
    }

    impl Drop for Folders {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn append(spool: &mut Spool, payload: &[u8]) {
        spool.append(Signal::Traces, 1, payload, 0).expect("room");
    }

    fn payloads(spool: &mut Spool) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| spool.next(0).expect("files that open")).map(|entry| entry.payload).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn folders_and_files_are_for_us_alone() {
        let folders = Folders::new("modes");
        append(&mut folders.open(), b"payload");
        let slot = folders.spool().join("otlp/0");
        for folder in [folders.spool(), folders.spool().join("otlp"), slot.clone()] {
            assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        }
        for file in ["lock", "0000000000000000.spool"] {
            assert_eq!(mode(&slot.join(file)), 0o600, "{file}");
        }
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let folders = Folders::new("open");
        append(&mut folders.open(), b"payload");
        for folder in ["", "otlp", "otlp/0"] {
            let folder = folders.spool().join(folder);
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).expect("ours to change");
            let error = folders.claim().expect_err("open to the group");
            assert!(error.is_refused() && error.to_string().contains("is open to others"), "{error}");
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("ours to change");
        }
        assert!(folders.claim().is_ok());
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused_even_if_we_may_enter() {
        let folders = Folders::new("foreign");
        append(&mut folders.open(), b"payload");
        for folder in ["", "otlp", "otlp/0"] {
            let folder = folders.spool().join(folder);
            let ours = fs::metadata(&folder).expect("it is there").uid();
            // Who may not give a folder away may not enter one of somebody else either.
            if chown(&folder, Some(ours + 1), None).is_err() {
                return;
            }
            let error = folders.claim().expect_err("of somebody else");
            assert!(error.is_refused() && error.to_string().contains("belongs to somebody else"), "{error}");
            chown(&folder, Some(ours), None).expect("ours to give");
        }
        assert!(folders.claim().is_ok());
    }

    #[test]
    fn links_in_the_place_of_folders_are_refused() {
        let folders = Folders::new("links");
        fs::create_dir(folders.0.join("elsewhere")).expect("a new folder");
        symlink(folders.0.join("elsewhere"), folders.spool()).expect("a new link");
        let error = folders.claim().expect_err("a link");
        assert!(error.is_refused() && error.to_string().contains("is a link or no folder"), "{error}");
        assert_eq!(fs::read_dir(folders.0.join("elsewhere")).map(Iterator::count).ok(), Some(0));
    }

    #[test]
    fn a_link_in_the_place_of_the_lock_is_not_followed() {
        let folders = Folders::new("lock");
        drop(folders.open());
        let (lock, victim) = (folders.spool().join("otlp/0/lock"), folders.0.join("victim"));
        fs::remove_file(&lock).expect("the lock is there");
        symlink(&victim, &lock).expect("a new link");
        assert!(folders.claim().is_err());
        assert!(!victim.exists());
    }

    #[test]
    fn links_and_foreign_files_in_the_place_of_segments_are_neither_read_nor_changed() {
        let folders = Folders::new("segments");
        append(&mut folders.open(), b"first");
        append(&mut folders.open(), b"second");
        let slot = folders.spool().join("otlp/0");
        let (first, elsewhere) = (slot.join("0000000000000000.spool"), folders.0.join("elsewhere"));
        fs::rename(&first, &elsewhere).expect("the segment is there");
        let before = fs::read(&elsewhere).expect("it was moved");

        symlink(&elsewhere, &first).expect("a new link");
        assert_eq!(payloads(&mut folders.open()), [b"second"]);
        fs::remove_file(&first).expect("the link is there");

        fs::hard_link(&elsewhere, &first).expect("a second name");
        let mut spool = folders.open();
        assert_eq!(
            (payloads(&mut spool), spool.take_losses().unreadable_entries),
            (vec![b"second".to_vec()], 1)
        );
        assert_eq!(fs::read(&elsewhere).ok(), Some(before));
    }

    #[test]
    fn what_a_process_left_is_there_for_the_next_and_settled_files_go() {
        let folders = Folders::new("replay");
        let mut spool = folders.open();
        append(&mut spool, b"first");
        append(&mut spool, b"second");
        let entry = spool.next(0).expect("a file that opens").expect("the first");
        spool.settle(entry.place).expect("a disk that takes it");
        // As a `kill -9` does: nothing is closed in order.
        drop(spool);
        let mut spool = folders.open();
        let entry = spool.next(0).expect("a file that opens").expect("the second");
        assert_eq!((entry.payload.as_slice(), entry.earlier), (&b"second"[..], true));
        spool.settle(entry.place).expect("a disk that takes it");
        spool.close().expect("a disk that takes it");
        let files = fs::read_dir(folders.spool().join("otlp/0")).expect("the folder is there");
        assert_eq!(files.map(|file| file.expect("a file").file_name()).collect::<Vec<_>>(), ["lock"]);
    }

    #[test]
    fn two_at_a_time_have_a_folder_each_and_the_next_adopts_what_both_left() {
        let folders = Folders::new("two");
        let (mut one, mut other) = (folders.open(), folders.open());
        append(&mut one, b"one");
        append(&mut other, b"other");
        // The first goes on while the second ends and a third begins.
        drop(other);
        let mut third = folders.open();
        assert_eq!(payloads(&mut third), [b"other"]);
        drop((one, third));
        assert_eq!(payloads(&mut folders.open()), [&b"one"[..], b"other"]);
    }

    #[test]
    fn what_a_process_leaves_while_others_run_is_adopted_by_one_of_them_once() {
        let folders = Folders::new("adopt");
        let (mut one, mut other, mut third) = (folders.open(), folders.open(), folders.open());
        append(&mut one, b"own");
        append(&mut other, b"first");
        append(&mut other, b"second");
        assert_eq!([one.adopt().traces, third.adopt().traces], [0, 0], "it runs");
        drop(other);
        assert_eq!([one.adopt().traces, third.adopt().traces], [2, 0]);
        append(&mut one, b"later");
        assert_eq!((one.on_disk().own.traces, one.on_disk().earlier.traces), (2, 2));
        assert_eq!(payloads(&mut one), [&b"own"[..], b"later", b"first", b"second"]);
        drop(one);
        assert_eq!((third.adopt().traces, payloads(&mut third).len()), (4, 4), "nobody has sent them");
    }

    #[test]
    fn what_cannot_be_adopted_stops_nobody() {
        let folders = Folders::new("foreign-things");
        append(&mut folders.open(), b"payload");
        fs::write(folders.spool().join("otlp/1"), b"a file in a folder's place").expect("a new file");
        symlink(folders.spool(), folders.spool().join("otlp/2")).expect("a new link");
        let mut spool = folders.open();
        assert_eq!((spool.adopt().traces, payloads(&mut spool).len()), (0, 1));
    }

    #[test]
    fn nothing_of_its_own_goes_for_what_a_process_adopts() {
        let folders = Folders::new("room");
        let options = Options { max_size_bytes: 250, ..Options::default() };
        let mut one =
            Spool::open(folders.claim().expect("a folder of ours"), options, 0).expect("it can be listed");
        let mut other = folders.open();
        append(&mut one, &[1; 100]);
        append(&mut other, &[2; 100]);
        drop(other);
        assert_eq!(one.adopt().traces, 0, "there is no room");
        let entry = one.next(0).expect("a file that opens").expect("its own");
        one.settle(entry.place).expect("a disk that takes it");
        append(&mut one, &[1; 10]);
        assert_eq!((one.adopt().traces, one.take_losses().earlier.traces.total()), (1, 0));
    }

    #[test]
    fn exporters_names_are_folders_whatever_is_in_them() {
        assert_eq!(folder_name("otlp_2-b"), "otlp_2-b");
        assert_eq!(folder_name("../é"), "%2e%2e%2f%c3%a9");
    }
}
