//! What a queue knows of its spool without asking it, and how long a disk that failed is left alone.

use super::spool::Place;
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

/// How long a disk that failed is left alone.
const DISK_PAUSE: Duration = Duration::from_secs(5);

/// How often a process looks for what others have left: some calls of the system for each that has ever had a spool at the same path.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What the queue knows of its spool without asking it.
#[derive(Default)]
pub(super) struct Books {
    /// Entries that no worker has.
    pub(super) entries: usize,
    /// Items that have been put on disk or were there, and those of them that are not any more.
    pub(super) came: u64,
    pub(super) went: u64,
    /// What has failed last and not worked since.
    pub(super) errors: BTreeMap<Access, String>,
    pub(super) unreadable_entries: u64,
    /// Entries that nobody sends any more.
    pub(super) given_back: Vec<Place>,
    /// Whether it is memory's turn: what was sent from disk last failed.
    pub(super) memory_first: bool,
    /// Until when nothing is written, or read, since that failed.
    no_writing_until: Option<Instant>,
    no_reading_until: Option<Instant>,
    /// When what was written is to be forced out.
    pub(super) sync_due: Option<Instant>,
    /// When to look for what other processes have left.
    pub(super) look_due: Option<Instant>,
    /// Whether the end is near: what waits goes to disk.
    pub(super) leaving: bool,
    pub(super) closed: bool,
}

/// What is done with the spool's files: each may fail while the others work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    Open,
    Write,
    Read,
    Settle,
    Sync,
}

impl Books {
    pub(super) fn may_write(&self) -> bool {
        !self.closed && is_past(self.no_writing_until)
    }

    pub(super) fn may_read(&self) -> bool {
        !self.closed && is_past(self.no_reading_until)
    }

    /// When it may be tried again to write or to read.
    pub(super) fn next_try(&self) -> Option<Instant> {
        let pauses = [self.no_writing_until, self.no_reading_until].into_iter().flatten();
        pauses.filter(|until| *until > Instant::now()).min()
    }

    /// When the keeper has to look again.
    pub(super) fn next_change(&self) -> Option<Instant> {
        self.next_try().into_iter().chain(self.sync_due).chain(self.look_due).min()
    }

    /// Has the keeper look for what other processes have left, some time later.
    pub(super) fn look_again(&mut self) {
        self.look_due = Some(Instant::now() + LOOK_EVERY);
    }

    /// What fails just now, if anything does.
    pub(super) fn error(&self) -> Option<String> {
        self.errors.values().next().cloned()
    }

    /// Has the keeper give the entry back, who may wait for the disk.
    pub(super) fn give_back_later(&mut self, place: Place) {
        self.given_back.push(place);
    }

    /// Whether memory has its turn before the disk; that is over then.
    pub(super) fn take_turn(&mut self) -> bool {
        std::mem::take(&mut self.memory_first)
    }

    /// Notes whether this kind of access works, and leaves alone what does not; whether it is news that it does not.
    pub(super) fn note<T>(&mut self, access: Access, result: &io::Result<T>) -> bool {
        let error = match result {
            Err(error) if does_not_fit(error) => return false,
            Err(error) => error.to_string(),
            Ok(_) => {
                self.errors.remove(&access);
                return false;
            }
        };
        let until = Some(Instant::now() + DISK_PAUSE);
        match access {
            Access::Write => self.no_writing_until = until,
            Access::Read => self.no_reading_until = until,
            Access::Open | Access::Settle | Access::Sync => {}
        }
        self.errors.insert(access, error).is_none()
    }
}

/// Whether the spool has no room, as against the disk: the operating system has said nothing.
pub(super) fn does_not_fit(error: &io::Error) -> bool {
    let is_bound = matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded);
    is_bound && error.raw_os_error().is_none()
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_none_or(|until| until <= Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_access_that_fails_is_told_of_until_it_works_again() {
        let mut books = Books::default();
        let failed = |what: &str| io::Result::<()>::Err(io::Error::other(what));
        assert!(books.note(Access::Write, &failed("no writing")) && !books.may_write());
        assert!(!books.note(Access::Write, &failed("no writing")), "that is no news");
        assert!(books.note(Access::Read, &failed("no reading")) && !books.may_read());
        books.note(Access::Write, &Ok(()));
        assert_eq!(books.error().as_deref(), Some("no reading"));
        books.note(Access::Read, &Ok(()));
        assert_eq!(books.error(), None);
        assert!(books.note(Access::Write, &failed("no writing")), "it is news again");
    }

    #[test]
    fn a_spool_without_room_is_no_broken_disk() {
        let mut books = Books::default();
        let full: io::Result<()> = Err(io::ErrorKind::FileTooLarge.into());
        assert!(!books.note(Access::Write, &full) && books.may_write() && books.error().is_none());
    }
}
