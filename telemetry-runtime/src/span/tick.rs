//! The cheapest steady clock of the machine: the time-stamp counter where it is invariant, else the operating system's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// The counter is the clock, of spans that began at this tick or later; `u64::MAX`: it is not the clock.
///
/// One number, so that the end of a span looks at one place only.
static COUNTER_FROM: AtomicU64 = AtomicU64::new(u64::MAX);
/// The first tick of this process: a span that began earlier is another process's, which forked this one.
static BEGINNING: AtomicU64 = AtomicU64::new(0);
static EPOCH: OnceLock<Instant> = OnceLock::new();

/// Chooses the clock, once, before the first span.
pub(crate) fn choose() {
    static IS_CHOSEN: AtomicBool = AtomicBool::new(false);
    if !IS_CHOSEN.swap(true, Ordering::Relaxed) {
        EPOCH.get_or_init(Instant::now);
        COUNTER_FROM.store(if counter_is_steady() { 0 } else { u64::MAX }, Ordering::Relaxed);
    }
}

/// In a forked child: all spans so far are the parent's.
#[cfg(unix)]
pub(super) fn begin_anew() {
    let now = now();
    BEGINNING.store(now, Ordering::Relaxed);
    if COUNTER_FROM.load(Ordering::Relaxed) != u64::MAX {
        COUNTER_FROM.store(now, Ordering::Relaxed);
    }
}

/// Whether a span that began at this tick is another process's.
#[inline]
pub(super) fn is_inherited(start: u64) -> bool {
    start < BEGINNING.load(Ordering::Relaxed)
}

/// Now, in ticks of the chosen clock.
#[inline(always)]
pub(crate) fn now() -> u64 {
    at_hand().unwrap_or_else(os_ticks)
}

/// The same, if the chosen clock is the counter.
#[inline(always)]
pub(super) fn at_hand() -> Option<u64> {
    (COUNTER_FROM.load(Ordering::Relaxed) != u64::MAX).then(counter)
}

/// The same, if the span that began at `start` is this process's besides.
#[inline(always)]
pub(super) fn at_hand_for(start: u64) -> Option<u64> {
    (start >= COUNTER_FROM.load(Ordering::Relaxed)).then(counter)
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn counter() -> u64 {
    // SAFETY: every x86_64 processor has the instruction, and it has no precondition.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    os_ticks()
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
