//! The cheapest steady clock of the machine: the time-stamp counter where it is invariant, else the operating system's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

static COUNTER_IS_STEADY: AtomicBool = AtomicBool::new(false);
static EPOCH: OnceLock<Instant> = OnceLock::new();

/// Chooses the clock, once, before the first span.
pub(crate) fn choose() {
    EPOCH.get_or_init(|| {
        COUNTER_IS_STEADY.store(counter_is_steady(), Ordering::Relaxed);
        Instant::now()
    });
}

/// Now, in ticks of the chosen clock.
#[inline(always)]
pub(crate) fn now() -> u64 {
    at_hand().unwrap_or_else(os_ticks)
}

/// The same, if the chosen clock is the counter.
#[inline(always)]
pub(super) fn at_hand() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    if COUNTER_IS_STEADY.load(Ordering::Relaxed) {
        // SAFETY: every x86_64 processor has the instruction, and it has no precondition.
        return Some(unsafe { core::arch::x86_64::_rdtsc() });
    }
    None
}

#[cold]
fn os_ticks() -> u64 {
    EPOCH.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Whether the counter runs at one rate in every power state and agrees between processors.
#[cfg(target_arch = "x86_64")]
fn counter_is_steady() -> bool {
    const ADVANCED_POWER_MANAGEMENT: u32 = 0x8000_0007;
    const INVARIANT_COUNTER: u32 = 1 << 8;
    let highest = core::arch::x86_64::__cpuid(0x8000_0000).eax;
    let invariant = highest >= ADVANCED_POWER_MANAGEMENT
        && core::arch::x86_64::__cpuid(ADVANCED_POWER_MANAGEMENT).edx & INVARIANT_COUNTER != 0;
    // Linux has checked that the processors agree before it uses the counter itself; its word beats the processor's.
    match std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource") {
        Ok(source) => source.trim() == "tsc",
        Err(_) => invariant && !cfg!(target_os = "linux"),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter_is_steady() -> bool {
    false
}
