//! `X-Amzn-Trace-Id`: what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_fuzz::stable;
use telemetry_runtime::propagation::Propagator;

fuzz_target!(|text: &str| {
    stable(Propagator::XRay, text);
});
