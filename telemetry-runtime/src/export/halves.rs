//! Packed requests divided into two by their items, which are in lists of lists.

use std::ops::Range;

/// The items that are wanted, while a request is gone through.
pub(super) struct Pick {
    wanted: Range<usize>,
    seen: usize,
}

impl Pick {
    /// Goes past an item; whether it is wanted.
    pub(super) fn item(&mut self) -> bool {
        self.seen += 1;
        self.wanted.contains(&(self.seen - 1))
    }

    /// Goes through a list; whether there is anything in it that is wanted.
    pub(super) fn list(&mut self, go: impl FnOnce(&mut Self) -> Option<()>) -> Option<bool> {
        let first = self.seen;
        go(self)?;
        Some(first < self.wanted.end && self.wanted.start < self.seen)
    }
}

/// Two requests with a half of the items each, and how many those are. `part` makes one of those that are picked; `None` if it cannot.
pub(super) fn halves(part: impl Fn(&mut Pick) -> Option<Vec<u8>>) -> Option<[(usize, Vec<u8>); 2]> {
    let pick = |wanted: Range<usize>| {
        let mut pick = Pick { wanted, seen: 0 };
        let part = part(&mut pick)?;
        Some((pick.seen, part))
    };
    let (items, _) = pick(0..0)?;
    let middle = items / 2;
    Some([(middle, pick(0..middle)?.1), (items - middle, pick(middle..items)?.1)])
}
