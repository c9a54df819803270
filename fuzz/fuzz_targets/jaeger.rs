//! `uber-trace-id` and `uberctx-..`: what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_fuzz::stable;
use telemetry_runtime::propagation::Propagator;

fuzz_target!(|text: &str| {
    let baggage = stable(Propagator::Jaeger, text).baggage;
    assert!(baggage.as_str().len() <= 8192 && baggage.iter().count() <= 64);
});
