//! `traceparent` and `tracestate`: what is written reads the same, within the bounds of the specification.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_fuzz::stable;
use telemetry_runtime::propagation::Propagator;

fuzz_target!(|text: &str| {
    let Some(context) = stable(Propagator::TraceContext, text).context else { return };
    let state = context.trace_state().as_str();
    assert!(state.len() <= 512 && state.split(',').count() <= 32, "{state}");
    let keys: Vec<_> = state.split(',').map(|member| member.split_once('=').map(|(key, _)| key)).collect();
    assert!(
        state.is_empty() || keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1),
        "{state}"
    );
});
