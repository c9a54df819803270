//! Who works for one exporter: workers that take batches, and those that were left behind in a call that does not return.

/// How many calls that do not return may be left behind, each with its thread and its batch. Beyond that the exporter waits for one of them.
const MAX_LEFT_BEHIND: usize = 4;

/// A worker's number, never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(pub(super) u64);

/// The workers of one exporter.
#[derive(Debug, Default)]
pub(super) struct Crew {
    at_work: Vec<Ticket>,
    left_behind: Vec<Ticket>,
    hired: u64,
}

impl Crew {
    /// Takes a worker on, unless there are as many as there should be.
    pub(super) fn hire(&mut self, wanted: usize) -> Option<Ticket> {
        if self.at_work.len() >= wanted {
            return None;
        }
        self.hired += 1;
        let ticket = Ticket(self.hired);
        self.at_work.push(ticket);
        Some(ticket)
    }

    /// Goes on without a worker whose call does not return.
    pub(super) fn leave_behind(&mut self, worker: Ticket) {
        self.at_work.retain(|other| *other != worker);
        self.left_behind.push(worker);
    }

    /// Takes back a worker that was left behind, unless there is another in its place; whether it is at work now.
    pub(super) fn take_back(&mut self, worker: Ticket, wanted: usize) -> bool {
        let is_behind = self.left_behind.contains(&worker);
        if is_behind && self.at_work.len() < wanted {
            self.left_behind.retain(|other| *other != worker);
            self.at_work.push(worker);
        }
        self.at_work.contains(&worker)
    }

    pub(super) fn discharge(&mut self, worker: Ticket) {
        self.at_work.retain(|other| *other != worker);
        self.left_behind.retain(|other| *other != worker);
    }

    pub(super) fn is_nobody_at_work(&self) -> bool {
        self.at_work.is_empty()
    }

    /// Whether there should be more workers, and may be.
    pub(super) fn is_short(&self, wanted: usize) -> bool {
        self.at_work.len() < wanted && self.left_behind.len() < MAX_LEFT_BEHIND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_returns_is_taken_back_if_nobody_replaced_it() {
        let mut crew = Crew::default();
        let first = crew.hire(1).expect("there is nobody");
        assert_eq!(crew.hire(1), None);
        crew.leave_behind(first);
        assert!(crew.is_short(1) && crew.is_nobody_at_work());
        assert!(crew.take_back(first, 1) && !crew.is_short(1));
        crew.leave_behind(first);
        let second = crew.hire(1).expect("the place is free");
        assert!(!crew.take_back(first, 1) && crew.take_back(second, 1));
    }

    #[test]
    fn no_more_than_so_many_are_left_behind() {
        let mut crew = Crew::default();
        let mut hired = 0;
        while crew.is_short(1) {
            let worker = crew.hire(1).expect("the place is free");
            crew.leave_behind(worker);
            hired += 1;
        }
        assert_eq!(hired, MAX_LEFT_BEHIND);
        crew.discharge(Ticket(1));
        assert!(crew.is_short(1));
    }
}
