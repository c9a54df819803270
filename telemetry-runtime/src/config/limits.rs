//! How much memory telemetry may take, how long a value may be, and how long what has ended may wait.

use crate::record::PerSignal;
use crate::{collect, dispatch, span};
use std::time::Duration;

/// The bounds that settings know, in bytes unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// All threads' lanes together.
    pub(crate) lanes: usize,
    /// Events, late attributes and the like, of spans that still run.
    pub(crate) details: usize,
    /// The batches that wait for one exporter.
    pub(crate) queue: usize,
    /// The spans and log records that wait for one exporter; a number of them.
    pub(crate) queue_items: usize,
    /// One attribute value.
    pub(crate) value: usize,
    /// The longest that a finished span or log record waits for company.
    pub(crate) schedule_delay: PerSignal<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lanes: span::lanes::DEFAULT_MAX_BYTES,
            details: collect::Options::default().max_waiting_bytes,
            queue: dispatch::Options::default().max_queue_bytes,
            queue_items: dispatch::Options::default().max_queue_items,
            value: span::DEFAULT_VALUE_LIMIT_BYTES,
            schedule_delay: collect::Options::default().delay,
        }
    }
}

/// What the file says of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) lanes: Option<usize>,
    pub(super) details: Option<usize>,
    pub(super) queue: Option<usize>,
    pub(super) queue_items: Option<usize>,
    pub(super) value: Option<usize>,
    pub(super) schedule_delay: Option<Duration>,
}

impl Written {
    pub(super) fn or_default(self) -> Limits {
        let default = Limits::default();
        Limits {
            lanes: self.lanes.unwrap_or(default.lanes),
            details: self.details.unwrap_or(default.details),
            queue: self.queue.unwrap_or(default.queue),
            queue_items: self.queue_items.unwrap_or(default.queue_items),
            value: self.value.unwrap_or(default.value),
            schedule_delay: self
                .schedule_delay
                .map_or(default.schedule_delay, |delay| PerSignal::of(|_| delay)),
        }
    }
}

/// Memory for many records is no less than this.
pub(super) const LEAST_MEMORY_BYTES: usize = 1 << 10;
/// What is on disk has room for a batch.
pub(super) const LEAST_ON_DISK_BYTES: u64 = 1 << 20;
pub(super) const LONGEST_VALUE_BYTES: usize = 1 << 20;

/// What [`size`] understands.
pub(super) const SIZE: &str = "a size of 1KiB or more, such as 64MiB";
/// What [`length`] understands.
pub(super) const LENGTH: &str = "a size of 1B to 1MiB, such as 4KiB";

/// The memory for many records, in bytes.
pub(super) fn size(text: &str) -> Option<usize> {
    bytes(text).filter(|bytes| *bytes >= LEAST_MEMORY_BYTES)
}

/// What [`file_size`] understands.
pub(super) const FILE_SIZE: &str = "a size of 1MiB or more, such as 64MiB";

/// The size of what is on disk, in bytes.
pub(super) fn file_size(text: &str) -> Option<u64> {
    bytes(text)?.try_into().ok().filter(|bytes| *bytes >= LEAST_ON_DISK_BYTES)
}

/// What [`count`] understands.
pub(super) const COUNT: &str = "a number of 1 or more";

/// A number of things.
pub(super) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|count| *count > 0)
}

/// The length of one value, in bytes.
pub(super) fn length(text: &str) -> Option<usize> {
    bytes(text).filter(|bytes| (1..=LONGEST_VALUE_BYTES).contains(bytes))
}

/// `4096`, `4096B`, `4KiB`, `16MiB` or `1GiB`.
fn bytes(text: &str) -> Option<usize> {
    const UNITS: [(&str, usize); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];
    let found = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (count, factor) = found.unwrap_or((text, 1));
    count.trim_end().parse::<usize>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units_and_are_bytes_without_one() {
        let sizes = [
            ("1024", 1 << 10),
            ("4096B", 4 << 10),
            ("4KiB", 4 << 10),
            ("64 MiB", 64 << 20),
            ("1GiB", 1 << 30),
        ];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for wrong in ["", "MiB", "-1", "1.5MiB", "64MB", "64mib", "1023", "99999999999GiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_on_disk_has_room_for_a_batch() {
        assert_eq!([file_size("1MiB"), file_size("1048575"), file_size("2")], [Some(1 << 20), None, None]);
    }

    #[test]
    fn a_value_may_be_short_and_not_too_long() {
        assert_eq!([length("1"), length("1MiB")], [Some(1), Some(1 << 20)]);
        assert_eq!([length("0"), length("1048577"), length("2MiB")], [None; 3]);
    }
}
