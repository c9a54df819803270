//! B3 in one header and in several: what is written reads the same, and both say the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_fuzz::stable;
use telemetry_runtime::propagation::Propagator;

fuzz_target!(|text: &str| assert_eq!(stable(Propagator::B3, text), stable(Propagator::B3Multi, text)));
