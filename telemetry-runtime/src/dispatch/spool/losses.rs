//! What a spool threw away or could not read any more.

use crate::record::PerSignal;

/// Items lost, and entries of which not even that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// This process's items.
    pub(crate) own: PerSignal<Loss>,
    /// Those of earlier processes.
    pub(crate) earlier: PerSignal<Loss>,
    /// Entries, torn or corrupt, that do not say any more what they held: at most one a segment, since nothing behind one is found.
    pub(crate) unreadable_entries: u64,
}

/// Items of one signal, by the reason why they are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The oldest, when there were more bytes than allowed.
    pub(crate) disk_full: u64,
    /// Too old.
    pub(crate) expired: u64,
    /// Not as they were written.
    pub(crate) corrupt: u64,
}

impl Losses {
    pub(super) fn of(&mut self, earlier: bool) -> &mut PerSignal<Loss> {
        if earlier { &mut self.earlier } else { &mut self.own }
    }
}

impl Loss {
    pub(crate) fn total(self) -> u64 {
        self.disk_full + self.expired + self.corrupt
    }

    pub(super) fn disk_full(&mut self) -> &mut u64 {
        &mut self.disk_full
    }

    pub(super) fn expired(&mut self) -> &mut u64 {
        &mut self.expired
    }

    pub(super) fn corrupt(&mut self) -> &mut u64 {
        &mut self.corrupt
    }
}
