//! What the kernel says of this process: its processor time and its memory.

use rustix::time::{ClockId, clock_gettime};
use std::fs;

/// The processor time of all threads so far, in seconds.
pub(crate) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The memory that is resident now, in MiB.
pub(crate) fn resident_mib() -> f64 {
    status("VmRSS:")
}

/// The most memory that was ever resident, in MiB.
pub(crate) fn peak_resident_mib() -> f64 {
    status("VmHWM:")
}

/// A size of `/proc/self/status`, in MiB.
fn status(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
}
