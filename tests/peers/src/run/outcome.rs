//! What came of a run, as the line that it prints.

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Spans made.
    pub(crate) created: u64,
    /// Spans counted in the process when production stopped.
    pub(crate) delivered_at_stop: u64,
    /// Spans counted in the process in the end.
    pub(crate) delivered: u64,
    /// The spans that the library itself says it has lost, if it says so.
    pub(crate) lost: Option<u64>,
    /// How long spans were made.
    pub(crate) seconds: f64,
    /// How long it took until the flush was over.
    pub(crate) settled_seconds: f64,
    /// Processor time of all threads, the flush included.
    pub(crate) cpu_seconds: f64,
    /// The most memory that was resident.
    pub(crate) peak_mib: f64,
    /// Whether production went on to its end, since memory allowed it.
    pub(crate) is_within_memory: bool,
    /// Whether the flush was over in time.
    pub(crate) is_flushed: bool,
}

impl Outcome {
    /// As a line.
    pub(super) fn line(&self) -> String {
        let counts = format!("{} {} {}", self.created, self.delivered_at_stop, self.delivered);
        let lost = self.lost.map_or_else(|| "-".to_owned(), |lost| lost.to_string());
        let times = format!("{} {} {}", self.seconds, self.settled_seconds, self.cpu_seconds);
        format!("{counts} {lost} {times} {} {} {}", self.peak_mib, self.is_within_memory, self.is_flushed)
    }

    /// Reads what [`line`](Self::line) writes.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut next = || words.next();
        Some(Self {
            created: next()?.parse().ok()?,
            delivered_at_stop: next()?.parse().ok()?,
            delivered: next()?.parse().ok()?,
            lost: next()?.parse().ok(),
            seconds: next()?.parse().ok()?,
            settled_seconds: next()?.parse().ok()?,
            cpu_seconds: next()?.parse().ok()?,
            peak_mib: next()?.parse().ok()?,
            is_within_memory: next()?.parse().ok()?,
            is_flushed: next()?.parse().ok()?,
        })
    }

    /// What the tables have to say besides numbers.
    pub(crate) fn remark(&self) -> &'static str {
        match (self.is_within_memory, self.is_flushed) {
            (true, true) => "",
            (false, _) => "stopped at the bound on memory",
            (true, false) => "flush not over in time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_read_as_it_was_written() {
        let outcome = Outcome {
            created: 5050,
            delivered_at_stop: 505,
            delivered: 5000,
            lost: Some(50),
            seconds: 1.25,
            settled_seconds: 1.5,
            cpu_seconds: 0.125,
            peak_mib: 7.5,
            is_within_memory: true,
            is_flushed: false,
        };
        for outcome in [outcome, Outcome { lost: None, ..outcome }] {
            assert_eq!(Outcome::from_line(&outcome.line()), Some(outcome));
        }
    }
}
