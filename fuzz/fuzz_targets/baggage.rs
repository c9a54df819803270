//! `baggage`: what is written reads the same, member by member, within the bounds of the specification.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_fuzz::stable;
use telemetry_runtime::Baggage;
use telemetry_runtime::propagation::Propagator;

fuzz_target!(|text: &str| {
    let baggage = stable(Propagator::Baggage, text).baggage;
    assert!(baggage.as_str().len() <= 8192 && baggage.iter().count() <= 64);
    let plain = || baggage.iter().filter(|member| member.properties().next().is_none());
    let copy = plain()
        .fold(Baggage::default(), |copy, member| copy.with(member.key(), &member.value()).unwrap_or(copy));
    for member in copy.iter() {
        assert_eq!(baggage.get(member.key()), Some(member.value()));
    }
});
