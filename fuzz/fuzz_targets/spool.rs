//! A segment of a spool: every item of it is read or counted as lost, and what was read, written again, reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_runtime::fuzzing::{replay, segment};

fuzz_target!(|bytes: &[u8]| {
    let replayed = replay(bytes);
    let read: u64 = replayed.read.iter().map(|(items, _)| *items as u64).sum();
    assert_eq!((read + replayed.lost, replayed.left), (replayed.items, 0));
    if let Some(written) = segment(&replayed.read) {
        assert_eq!(replay(&written).read, replayed.read);
    }
});
