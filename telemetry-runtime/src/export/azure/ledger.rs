//! What became of each line of a batch, over all attempts to send it.

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

    fn settled(&self) -> (usize, usize) {
        let (mut taken, mut refused) = (0, 0);
        for (item, first) in self.items.iter().enumerate() {
            let end = self.items.get(item + 1).copied().unwrap_or(self.fates.len());
            match &self.fates[*first..end] {
                lines if lines.contains(&Fate::Waiting) => {}
                lines if lines.contains(&Fate::Refused) => refused += 1,
                _ => taken += 1,
            }
        }
        (taken, refused)
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
}
