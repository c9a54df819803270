//! What of an exporter's batches is on disk: the spool behind its queue, and what the queue knows of it.

use super::SpoolPlace;
use super::books::{Access, does_not_fit};
use super::crew::Ticket;
use super::flight::Flight;
use super::queue::{Counts, Queue, State, Waiting};
use super::spool::{Disk, Entry, Loss, Place, Spool, SpoolError};
use super::stats::{self, Dropped, Settled};
use crate::clock;
use crate::record::{Batch, PerSignal, Signal};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
/// The spool, until it is closed.
pub(super) struct Shelf {
    spool: Mutex<Option<Spool<Disk>>>,
    mode: Mode,
}

/// The spool while somebody has it; nothing once it is closed.
pub(super) type OpenSpool<'a> = MutexGuard<'a, Option<Spool<Disk>>>;

/// What the keeper is to do next.
pub(super) enum Chore {
    Keep(Arc<Batch>),
    /// To have the entry sent by somebody else.
    GiveBack(Place),
    Sync,
    /// To look for what other processes have left since.
    Adopt,
}

/// Whether a part of a batch is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// No, and the disk is not to blame: the spool has no room for so much.
    DoesNotFit,
    No,
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
                self.lock().disk.errors.insert(Access::Open, error.to_string());
                Ok(self)
            }
        }
    }

    /// The same queue before this spool.
    fn behind(mut self, mut spool: Spool<Disk>, mode: Mode) -> Self {
        let (left, lost) = (spool.on_disk().earlier, spool.losses().earlier);
        let mut state = self.lock();
        state.find(PerSignal::of(|signal| left[signal] + lost[signal].total()));
        state.note(&mut spool);
        state.disk.look_again();
        drop(state);
        self.shelf = Some(Shelf { spool: Mutex::new(Some(spool)), mode });
        self
    }

    /// Whether there is a spool: one was asked for, and could be had.
    pub(crate) fn has_spool(&self) -> bool {
        self.shelf.is_some()
    }

    /// Whether the worker's batch may go to disk now; it may not if it was given up.
    pub(super) fn may_keep(&self, worker: Ticket) -> bool {
        let state = self.lock();
        self.may_write(&state) && state.has_flight(worker)
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
                && let Some(waiting) = state.pop(|waiting| !waiting.in_memory)
            {
                let batch = waiting.batch.clone();
                state.flights.push(Flight::of_batch(KEEPER, waiting));
                return Some(Chore::Keep(batch));
            }
            if let Some(place) = state.disk.given_back.pop() {
                return Some(Chore::GiveBack(place));
            }
            if state.disk.sync_due.take_if(|due| *due <= Instant::now()).is_some() {
                return Some(Chore::Sync);
            }
            if state.disk.look_due.take_if(|due| *due <= Instant::now()).is_some() && !state.closed {
                return Some(Chore::Adopt);
            }
            let until = state.disk.next_change();
            state = self.wait(state, until);
        }
        None
    }

    /// Puts a packed part of the worker's batch on disk.
    pub(super) fn keep(&self, worker: Ticket, signal: Signal, items: u64, packed: &[u8]) -> Kept {
        let mut fits = true;
        let kept = self.with_disk(Access::Write, |spool| {
            let place = spool.append(signal, items as usize, packed, clock::unix_seconds());
            let place = place.inspect_err(|error| fits = !does_not_fit(error))?;
            let mut state = self.lock();
            if state.has_flight(worker) {
                state.settle(worker, Settled { spooled: items, ..Settled::default() });
                state.disk.came += items;
            } else {
                // Somebody has settled the batch meanwhile. Without the mark the next process sends the entry.
                drop(state);
                spool.hold(place, signal, items);
                let _ = spool.settle(place);
            }
            Ok(())
        });
        Kept::of(kept, fits)
    }

    /// Puts what is left of the keeper's batch back into memory. What does not fit on disk stays there until it is sent.
    pub(super) fn keep_in_memory(&self, kept: Kept) {
        self.lock().return_rest(KEEPER, kept == Kept::DoesNotFit);
        self.changed.notify_all();
    }

    /// The oldest entry on disk, which is the worker's then.
    pub(super) fn take_kept(&self, worker: Ticket) -> Option<Entry> {
        let next = |spool: &mut Spool<Disk>| {
            let next = spool.next(clock::unix_seconds());
            let Some(entry) = next? else { return Ok(None) };
            let mut state = self.lock();
            if state.abandoned {
                spool.give_back(entry.place);
                return Ok(None);
            }
            state.flights.push(Flight::of_entry(worker, &entry));
            Ok(Some(entry))
        };
        self.with_disk(Access::Read, next).flatten()
    }

    /// Puts two batches, of so many items each, in the place of what the worker has from disk, if it still has it.
    pub(super) fn replace(&self, worker: Ticket, entry: &Entry, halves: [(usize, &[u8]); 2]) -> Kept {
        let mut fits = true;
        let replaced = self.with_disk(Access::Write, |spool| {
            if self.lock().has_flight(worker) {
                // Whoever gives it back afterwards gives back what is settled, which is nothing.
                spool.replace(entry, halves).inspect_err(|error| fits = !does_not_fit(error))?;
            }
            Ok(())
        });
        Kept::of(replaced, fits)
    }

    /// Leaves on disk what the worker has from there, if it still has it.
    pub(super) fn give_back(&self, worker: Ticket) {
        let mut state = self.lock();
        state.circuit.withdrawn(worker, Instant::now());
        let place = state.remove_kept(worker);
        state.disk.memory_first |= place.is_some();
        drop(state);
        if let Some(place) = place {
            self.put_back_kept(place);
        }
    }

    pub(super) fn put_back_kept(&self, place: Place) {
        let Some(shelf) = &self.shelf else { return };
        if let Some(spool) = shelf.lock().as_mut() {
            spool.give_back(place);
            self.lock().note(spool);
            self.changed.notify_all();
        }
    }

    /// The spool, if what the worker has is from there: held until that is counted and forgotten, so that nobody closes it in between, and
    /// the next process finds no more than this one said is left.
    pub(super) fn hold_spool(&self, worker: Ticket) -> Option<OpenSpool<'_>> {
        let shelf = self.shelf.as_ref()?;
        let is_kept = self.lock().flight(worker).is_some_and(|flight| flight.is_kept());
        is_kept.then(|| shelf.lock())
    }

    /// Has an entry that is settled forgotten.
    pub(super) fn forget(&self, spool: Option<OpenSpool<'_>>, place: Option<Place>) {
        if let (Some(mut spool), Some(place)) = (spool, place) {
            self.act_on(&mut spool, Access::Settle, |spool| spool.settle(place));
        }
    }

    /// Forces out what was written.
    pub(super) fn sync_disk(&self) {
        self.with_disk(Access::Sync, Spool::sync);
    }

    /// Takes over what processes that have ended since left behind.
    pub(super) fn adopt(&self) {
        self.with_disk(Access::Open, |spool| {
            let found = spool.adopt();
            self.lock().find(found);
            Ok(())
        });
        self.lock().disk.look_again();
    }

    /// Ends the spool, which another process may then have.
    pub(super) fn close_disk(&self) {
        if let Some(shelf) = &self.shelf {
            let closed = shelf.lock().take().map_or(Ok(()), Spool::close);
            let mut state = self.lock();
            state.disk.closed = true;
            let is_news = state.disk.note(Access::Sync, &closed);
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

    /// Has those batches put on disk that workers have but do not get rid of. From now on they begin nothing else, or that would be sent
    /// twice, too.
    pub(super) fn rescue_all(&self) {
        let mut state = self.lock();
        state.over = true;
        let workers: Vec<_> = state.flights.iter().map(|flight| flight.worker).collect();
        workers
            .into_iter()
            .filter(|worker| *worker != KEEPER)
            .for_each(|worker| self.rescue(&mut state, worker));
        self.changed.notify_all();
    }

    /// Waits until all that is to go to disk is there, or the deadline has come.
    pub(super) fn wait_until_kept(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.is_all_kept() && self.may_write(&state) && Instant::now() < deadline {
            state = self.wait(state, Some(deadline));
        }
    }

    /// Takes what is left of a batch back from a worker, for the disk.
    pub(super) fn rescue(&self, state: &mut State, worker: Ticket) {
        let fits = |waiting: &Waiting| !waiting.in_memory;
        if self.may_write(state)
            && state.flight(worker).is_some_and(|flight| flight.batch().is_some_and(fits))
        {
            state.return_rest(worker, false);
        }
    }

    /// Waits until the spool is closed, or the deadline has come.
    pub(super) fn wait_for_disk(&self, deadline: Instant) {
        let mut state = self.lock();
        while self.shelf.is_some() && !state.disk.closed && Instant::now() < deadline {
            state = self.wait(state, Some(deadline));
        }
    }

    /// Does something with the spool, and notes what that came to; `None` if there is no spool, or the disk fails.
    fn with_disk<T>(&self, access: Access, act: impl FnOnce(&mut Spool<Disk>) -> io::Result<T>) -> Option<T> {
        self.act_on(&mut self.shelf.as_ref()?.lock(), access, act)
    }

    fn act_on<T>(
        &self,
        spool: &mut OpenSpool<'_>,
        access: Access,
        act: impl FnOnce(&mut Spool<Disk>) -> io::Result<T>,
    ) -> Option<T> {
        let spool = spool.as_mut()?;
        let done = act(spool);
        let mut state = self.lock();
        state.note(spool);
        let is_news = state.disk.note(access, &done);
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

impl Kept {
    fn of(done: Option<()>, fits: bool) -> Self {
        match done {
            Some(()) => Self::Yes,
            None if fits => Self::No,
            None => Self::DoesNotFit,
        }
    }
}

impl Shelf {
    pub(super) fn lock(&self) -> OpenSpool<'_> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether nothing is in memory that is still to go to disk.
    pub(super) fn is_all_kept(&self) -> bool {
        self.waiting.iter().all(|waiting| waiting.in_memory) && !self.has_flight(KEEPER)
    }

    /// Counts what other processes have left.
    fn find(&mut self, found: PerSignal<u64>) {
        for signal in Signal::ALL {
            let replayed = &mut self.counts[signal].replayed;
            replayed.found += found[signal];
            replayed.waiting += found[signal];
            self.disk.came += found[signal];
        }
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
