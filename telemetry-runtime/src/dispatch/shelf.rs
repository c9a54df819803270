//! What of an exporter's batches is on disk: the spool behind its queue, and what the queue knows of it.

use super::SpoolPlace;
use super::crew::Ticket;
use super::flight::Flight;
use super::queue::{Counts, Queue, State};
use super::spool::{Disk, Entry, Loss, Place, Spool, SpoolError};
use super::stats::{self, Dropped, Settled};
use crate::clock;
use crate::record::{Batch, Signal};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which batches go to disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Those that cannot be sent just now: the last call failed, the queue is more than half full, or the end has come.
    #[default]
    OnFailure,
    /// All, before they are sent.
    Always,
}

/// The keeper's number among workers, which no worker has.
pub(super) const KEEPER: Ticket = Ticket(0);
/// How long a disk that failed is left alone.
const DISK_PAUSE: Duration = Duration::from_secs(5);

/// The spool, until it is closed.
pub(super) struct Shelf {
    spool: Mutex<Option<Spool<Disk>>>,
    mode: Mode,
}

/// What the queue knows of its spool without asking it.
#[derive(Default)]
pub(super) struct Books {
    /// Entries that no worker has.
    entries: usize,
    /// Items that have been put on disk or were there, and those of them that are not any more.
    pub(super) came: u64,
    pub(super) went: u64,
    pub(super) error: Option<String>,
    pub(super) unreadable_entries: u64,
    /// Until when nothing is written, or read, since that failed.
    no_writing_until: Option<Instant>,
    no_reading_until: Option<Instant>,
    /// When what was written is to be forced out.
    sync_due: Option<Instant>,
    /// Whether the end is near: what waits goes to disk.
    leaving: bool,
    closed: bool,
}

/// What the keeper is to do next.
pub(super) enum Chore {
    Keep(Arc<Batch>),
    Sync,
}

impl Queue {
    /// The same queue with the spool that its options ask for. If that cannot be had now, the status says why.
    ///
    /// # Errors
    /// If the spool's folder must not be used: see [`SpoolError::is_refused`].
    pub(crate) fn with_spool(self) -> Result<Self, SpoolError> {
        let Some(SpoolPlace { path, mode, options }) = self.options.spool.clone() else { return Ok(self) };
        let spool = Disk::claim(&path, &self.name).and_then(|disk| {
            Spool::open(disk, options, clock::unix_seconds()).map_err(|error| SpoolError::io(&path, error))
        });
        match spool {
            Ok(spool) => Ok(self.behind(spool, mode)),
            Err(error) if error.is_refused() => Err(error),
            Err(error) => {
                stats::log_disk_failure(&self.name, &error.to_string());
                self.lock().disk.error = Some(error.to_string());
                Ok(self)
            }
        }
    }

    /// The same queue before this spool.
    fn behind(mut self, mut spool: Spool<Disk>, mode: Mode) -> Self {
        let found = spool.on_disk().earlier;
        let mut state = self.lock();
        for signal in Signal::ALL {
            let lost = spool.losses().earlier[signal].total();
            let replayed = &mut state.counts[signal].replayed;
            (replayed.found, replayed.waiting) = (found[signal] + lost, found[signal] + lost);
            state.disk.came += found[signal] + lost;
        }
        state.note(&mut spool);
        drop(state);
        self.shelf = Some(Shelf { spool: Mutex::new(Some(spool)), mode });
        self
    }

    /// Whether there is a spool: one was asked for, and could be had.
    pub(crate) fn has_spool(&self) -> bool {
        self.shelf.is_some()
    }

    /// Whether batches may go to disk now.
    pub(super) fn has_disk(&self) -> bool {
        self.may_write(&self.lock())
    }

    /// Whether the last call failed.
    pub(super) fn is_failing(&self) -> bool {
        !self.lock().is_answered()
    }

    /// Whether a worker is to send from disk.
    pub(super) fn is_kept_due(&self, state: &State) -> bool {
        let is_over = state.closed && !state.is_answered();
        state.disk.entries > 0 && state.disk.may_read() && !is_over
    }

    /// Whether what waits is to go to disk before it is sent.
    pub(super) fn is_for_disk(&self, state: &State) -> bool {
        let always = self.shelf.as_ref().is_some_and(|shelf| shelf.mode == Mode::Always);
        self.may_write(state) && (always || state.closed || state.disk.leaving || !state.is_answered())
    }

    fn may_write(&self, state: &State) -> bool {
        self.shelf.is_some() && state.disk.may_write()
    }

    /// What the keeper is to do next; waits for it. `None` when the end has come.
    pub(super) fn next_chore(&self) -> Option<Chore> {
        let mut state = self.lock();
        while !state.abandoned {
            let is_crowded = self.may_write(&state) && !self.is_half_empty(&state);
            if (is_crowded || self.is_for_disk(&state))
                && let Some(waiting) = state.pop()
            {
                let batch = waiting.batch.clone();
                state.flights.push(Flight::of_batch(KEEPER, waiting));
                return Some(Chore::Keep(batch));
            }
            if state.disk.sync_due.take_if(|due| *due <= Instant::now()).is_some() {
                return Some(Chore::Sync);
            }
            let until = state.disk.next_change();
            state = self.wait(state, until);
        }
        None
    }

    /// Puts a packed part of the worker's batch on disk; false if it is not there then.
    pub(super) fn keep(&self, worker: Ticket, signal: Signal, items: u64, packed: &[u8]) -> bool {
        let kept = self.with_disk(|spool| {
            let place = spool.append(signal, items as usize, packed, clock::unix_seconds());
            let mut state = self.lock();
            state.disk.written(&place);
            if state.has_flight(worker) && place.is_ok() {
                state.settle(worker, Settled { spooled: items, ..Settled::default() });
                state.disk.came += items;
            } else if let Ok(place) = place {
                // Somebody has settled the batch meanwhile.
                drop(state);
                spool.hold(place, signal, items);
                return spool.settle(place);
            }
            place.map(drop)
        });
        kept.is_some()
    }

    /// Puts the rest of the keeper's batch back into memory: the disk does not take it.
    pub(super) fn keep_in_memory(&self, rest: Batch) {
        self.lock().return_rest(KEEPER, rest);
        self.changed.notify_all();
    }

    /// The oldest entry on disk, which is the worker's then.
    pub(super) fn take_kept(&self, worker: Ticket) -> Option<Entry> {
        let next = |spool: &mut Spool<Disk>| {
            let next = spool.next(clock::unix_seconds());
            let mut state = self.lock();
            state.disk.read(&next);
            let Some(entry) = next? else { return Ok(None) };
            if state.abandoned {
                spool.give_back(entry.place);
                return Ok(None);
            }
            state.flights.push(Flight::of_entry(worker, &entry));
            Ok(Some(entry))
        };
        self.with_disk(next).flatten()
    }

    /// Leaves on disk what the worker has from there, if it still has it.
    pub(super) fn give_back(&self, worker: Ticket) {
        let mut state = self.lock();
        state.circuit.withdrawn(worker, Instant::now());
        let place = state.remove_kept(worker);
        drop(state);
        if let Some(place) = place {
            self.put_back_kept(place);
        }
    }

    pub(super) fn put_back_kept(&self, place: Place) {
        self.with_disk(|spool| {
            spool.give_back(place);
            Ok(())
        });
    }

    /// Has an entry that is settled forgotten.
    pub(super) fn forget(&self, place: Option<Place>) {
        if let Some(place) = place {
            self.with_disk(|spool| spool.settle(place));
        }
    }

    /// Forces out what was written.
    pub(super) fn sync_disk(&self) {
        self.with_disk(Spool::sync);
    }

    /// Ends the spool, which another process may then have.
    pub(super) fn close_disk(&self) {
        if let Some(shelf) = &self.shelf {
            let closed = shelf.lock().take().map_or(Ok(()), Spool::close);
            let mut state = self.lock();
            state.disk.closed = true;
            let is_news = closed.as_ref().is_err_and(|error| state.disk.complain(error));
            self.changed.notify_all();
            drop(state);
            self.log_disk_if(is_news, closed.err());
        }
    }

    /// Has what waits put on disk: the end is near.
    pub(crate) fn leave(&self) {
        self.lock().disk.leaving = true;
        self.changed.notify_all();
    }

    /// Has those batches put on disk that workers have but do not get rid of.
    pub(crate) fn rescue_all(&self) {
        let mut state = self.lock();
        let workers: Vec<_> = state.flights.iter().map(|flight| flight.worker).collect();
        workers
            .into_iter()
            .filter(|worker| *worker != KEEPER)
            .for_each(|worker| self.rescue(&mut state, worker));
        self.changed.notify_all();
    }

    /// Waits until all that is to go to disk is there, or the deadline has come.
    pub(crate) fn wait_until_kept(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.is_all_kept() && self.may_write(&state) && Instant::now() < deadline {
            state = self.wait(state, Some(deadline));
        }
    }

    /// Takes a batch back from a worker, for the disk, unless a part of it is settled: nobody but the worker knows which.
    pub(super) fn rescue(&self, state: &mut State, worker: Ticket) {
        let flight = state.flights.iter().find(|flight| flight.worker == worker);
        let Some((waiting, left)) = flight.and_then(|flight| Some((flight.batch()?, flight.left))) else {
            return;
        };
        let (chosen, _) = self.options.selection.of(&waiting.batch);
        if self.may_write(state) && chosen.item_count() as u64 == left {
            state.return_rest(worker, chosen);
        }
    }

    /// Waits until the spool is closed, or the deadline has come.
    pub(crate) fn wait_for_disk(&self, deadline: Instant) {
        let mut state = self.lock();
        while self.shelf.is_some() && !state.disk.closed && Instant::now() < deadline {
            state = self.wait(state, Some(deadline));
        }
    }

    /// Does something with the spool, and notes what that came to; `None` if there is no spool, or the disk fails.
    fn with_disk<T>(&self, act: impl FnOnce(&mut Spool<Disk>) -> io::Result<T>) -> Option<T> {
        let mut spool = self.shelf.as_ref()?.lock();
        let spool = spool.as_mut()?;
        let done = act(spool);
        let mut state = self.lock();
        state.note(spool);
        let is_news = done.as_ref().is_err_and(|error| state.disk.complain(error));
        self.changed.notify_all();
        drop(state);
        done.map_err(|error| self.log_disk_if(is_news, Some(error))).ok()
    }

    fn log_disk_if(&self, is_news: bool, error: Option<io::Error>) {
        if let Some(error) = error.filter(|_| is_news) {
            stats::log_disk_failure(&self.name, &error.to_string());
        }
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Option<Spool<Disk>>> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn may_write(&self) -> bool {
        !self.closed && is_past(self.no_writing_until)
    }

    fn may_read(&self) -> bool {
        !self.closed && is_past(self.no_reading_until)
    }

    /// When it may be tried again to write or to read.
    pub(super) fn next_try(&self) -> Option<Instant> {
        let pauses = [self.no_writing_until, self.no_reading_until].into_iter().flatten();
        pauses.filter(|until| *until > Instant::now()).min()
    }

    /// When the keeper has to look again.
    fn next_change(&self) -> Option<Instant> {
        self.next_try().into_iter().chain(self.sync_due).min()
    }

    fn written<T>(&mut self, result: &io::Result<T>) {
        match result {
            Ok(_) => self.error = None,
            Err(_) => self.no_writing_until = Some(Instant::now() + DISK_PAUSE),
        }
    }

    fn read<T>(&mut self, result: &io::Result<T>) {
        if result.is_err() {
            self.no_reading_until = Some(Instant::now() + DISK_PAUSE);
        }
    }

    /// Remembers what went wrong; whether it is news that anything does.
    fn complain(&mut self, error: &io::Error) -> bool {
        self.error.replace(error.to_string()).is_none()
    }
}

fn is_past(until: Option<Instant>) -> bool {
    until.is_none_or(|until| until <= Instant::now())
}

impl State {
    /// Whether nothing is in memory that is still to go to disk.
    pub(super) fn is_all_kept(&self) -> bool {
        self.waiting.is_empty() && !self.has_flight(KEEPER)
    }

    /// Counts what the spool has lost, and notes how it stands.
    fn note(&mut self, spool: &mut Spool<Disk>) {
        let losses = spool.take_losses();
        for signal in Signal::ALL {
            let (own, earlier) = (losses.own[signal], losses.earlier[signal]);
            self.counts[signal].lose(own, earlier);
            self.disk.went += own.total() + earlier.total();
        }
        self.disk.unreadable_entries += losses.unreadable_entries;
        self.disk.entries = spool.unread_entries();
        self.disk.sync_due = spool.sync_due();
    }
}

impl Counts {
    /// Counts what became of items that were on disk.
    pub(super) fn add_kept(&mut self, settled: Settled, earlier: bool) {
        let total = settled.total();
        if !earlier {
            self.spooled = self.spooled.saturating_sub(total);
            return self.add(settled);
        }
        self.replayed.waiting = self.replayed.waiting.saturating_sub(total);
        self.replayed.exported += settled.exported;
        self.replayed.rejected += settled.rejected;
        self.replayed.dropped += settled.dropped.total();
    }

    fn lose(&mut self, own: Loss, earlier: Loss) {
        let lost = |Loss { disk_full, expired, corrupt }| Dropped {
            disk_full,
            expired,
            corrupt,
            ..Dropped::default()
        };
        self.add_kept(lost(own).into(), false);
        self.add_kept(lost(earlier).into(), true);
    }
}
