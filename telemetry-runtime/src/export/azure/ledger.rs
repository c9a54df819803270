//! What became of each line of a batch, over all attempts to send it.

use std::ops::Range;

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting,
    Accepted,
    Refused,
}

/// The lines of one batch, and how much of it has been told.
pub(super) struct Ledger {
    fates: Vec<Fate>,
    /// The first line of each item.
    items: Vec<usize>,
    /// Items that were counted as taken and as refused by earlier errors.
    told: (usize, usize),
}

impl Ledger {
    pub(super) fn new(lines: &[&[u8]]) -> Self {
        let items = (0..lines.len()).filter(|index| !lines[*index].starts_with(b" ")).collect();
        Self { fates: vec![Fate::Waiting; lines.len()], items, told: (0, 0) }
    }

    pub(super) fn waiting(&self) -> Vec<usize> {
        (0..self.fates.len()).filter(|line| self.fates[*line] == Fate::Waiting).collect()
    }

    pub(super) fn is_untouched(&self) -> bool {
        self.fates.iter().all(|fate| *fate == Fate::Waiting)
    }

    /// The lines that wait, as a batch of their own: an item that had lost its first line begins with the next one.
    pub(super) fn rest(&self, lines: &[&[u8]]) -> Vec<u8> {
        let mut rest = Vec::new();
        let mut put = |line: &[u8]| {
            rest.extend_from_slice(line);
            rest.push(b'\n');
        };
        let waits = |line: &usize| self.fates[*line] == Fate::Waiting;
        self.heading().filter(waits).for_each(|line| put(lines[line]));
        for item in self.items() {
            for (number, line) in item.filter(waits).enumerate() {
                put(if number == 0 { lines[line].trim_ascii_start() } else { lines[line] });
            }
        }
        rest
    }

    pub(super) fn settle(&mut self, line: usize, fate: Fate) {
        self.fates[line] = fate;
    }

    /// Items that are settled now and were not when this was last asked: so many taken, so many of which a part was refused.
    pub(super) fn newly_settled(&mut self) -> (usize, usize) {
        let (taken, refused) = self.settled();
        let new = (taken - self.told.0, refused - self.told.1);
        self.told = (taken, refused);
        new
    }

    /// Items that are settled, over all attempts: so many taken, so many of which a part was refused.
    pub(super) fn settled(&self) -> (usize, usize) {
        let (mut taken, mut refused) = (0, 0);
        for item in self.items() {
            match &self.fates[item] {
                lines if lines.contains(&Fate::Waiting) => {}
                lines if lines.contains(&Fate::Refused) => refused += 1,
                _ => taken += 1,
            }
        }
        (taken, refused)
    }

    /// The lines in front of all items.
    fn heading(&self) -> Range<usize> {
        0..self.items.first().copied().unwrap_or(self.fates.len())
    }

    /// The lines of each item.
    fn items(&self) -> impl Iterator<Item = Range<usize>> {
        let ends = self.items.iter().skip(1).copied().chain([self.fates.len()]);
        self.items.iter().zip(ends).map(|(first, end)| *first..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_settled_with_its_last_line_and_refused_with_any() {
        let mut ledger = Ledger::new(&[b"{}", b" {}", b"{}", b"{}"]);
        ledger.settle(0, Fate::Accepted);
        ledger.settle(2, Fate::Accepted);
        assert_eq!(ledger.newly_settled(), (1, 0));
        ledger.settle(1, Fate::Refused);
        assert_eq!(ledger.newly_settled(), (0, 1));
        assert_eq!(ledger.newly_settled(), (0, 0));
        assert_eq!(ledger.waiting(), [3]);
    }
    #[test]
    fn the_rest_begins_each_item_anew_and_keeps_what_belongs_to_none() {
        let lines: [&[u8]; 5] = [b"{1}", b" {2}", b" {3}", b"{4}", b"{5}"];
        let mut ledger = Ledger::new(&lines);
        ledger.settle(0, Fate::Accepted);
        ledger.settle(3, Fate::Refused);
        assert_eq!(ledger.rest(&lines), b"{2}\n {3}\n{5}\n");
        let lines: [&[u8]; 3] = [b" {0}", b"{1}", b"{2}"];
        let mut ledger = Ledger::new(&lines);
        ledger.settle(1, Fate::Accepted);
        assert_eq!(ledger.rest(&lines), b" {0}\n{2}\n");
        ledger.settle(0, Fate::Refused);
        assert_eq!((ledger.rest(&lines), ledger.settled()), (b"{2}\n".to_vec(), (1, 0)));
    }
}
