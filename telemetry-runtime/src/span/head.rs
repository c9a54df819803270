//! The head decision: whether a trace that starts here is recorded, asked once for each local root; and whether log records are.

use crate::policy::{Decision, LocalRoot, SamplingPolicy};
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Nothing is installed: spans are not even started.
const OFF: u64 = u64::MAX;
/// Only the policy itself can say.
const ASK: u64 = u64::MAX - 1;

/// `OFF`, `ASK`, or the threshold for roots without a parent: sampled if the trace id's low 56 bits are not below it.
static HEAD: AtomicU64 = AtomicU64::new(OFF);
static POLICY: ArcSwapOption<Box<dyn SamplingPolicy>> = ArcSwapOption::const_empty();

/// Whether anybody takes log records.
static TAKES_LOGS: AtomicBool = AtomicBool::new(false);

const LOW_56_BITS: u64 = (1 << 56) - 1;

/// Starts recording under this policy, log records as well if somebody takes them.
pub(crate) fn install(policy: Box<dyn SamplingPolicy>, takes_logs: bool) {
    let threshold = policy.threshold_without_parent().unwrap_or(ASK);
    POLICY.store(Some(Arc::new(policy)));
    HEAD.store(threshold, Ordering::Release);
    TAKES_LOGS.store(takes_logs, Ordering::Release);
}

/// Stops recording: what starts from now on is not.
pub(crate) fn remove() {
    switch_off();
    POLICY.store(None);
}

/// The same, but keeps the policy.
pub(super) fn switch_off() {
    HEAD.store(OFF, Ordering::Release);
    TAKES_LOGS.store(false, Ordering::Release);
}

/// Whether nothing is installed.
#[inline(always)]
pub(super) fn is_off() -> bool {
    HEAD.load(Ordering::Relaxed) == OFF
}

/// Whether a log record goes to anybody.
#[inline(always)]
pub(super) fn takes_logs() -> bool {
    TAKES_LOGS.load(Ordering::Relaxed)
}

/// Whether a trace without a parent is recorded.
#[inline]
pub(super) fn samples_new(trace_low: u64, ask: impl FnOnce() -> bool) -> bool {
    match HEAD.load(Ordering::Relaxed) {
        OFF => false,
        ASK => ask(),
        threshold => trace_low & LOW_56_BITS >= threshold,
    }
}

/// The policy's own word.
#[cold]
pub(crate) fn ask(root: &LocalRoot<'_>) -> bool {
    POLICY.load().as_ref().is_some_and(|policy| policy.decide(root) == Decision::Sample)
}
