//! `${VARIABLE}`: text without a dollar sign stays, escaped text comes back, and what comes from outside is said to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_runtime::fuzzing::substitute;

const VALUE: &str = "c4n4ry";

fuzz_target!(|text: &str| {
    assert_eq!(substitute(&text.replace('$', "$$"), VALUE), Ok((text.to_owned(), false)));
    match substitute(text, VALUE) {
        Ok((substituted, is_foreign)) => {
            assert!(text.contains('$') || substituted == text);
            assert!(!is_foreign || substituted.contains(VALUE));
            assert!(substituted.len() <= text.len() * VALUE.len());
        }
        Err(message) => assert!(text.contains(VALUE) || !message.contains(VALUE), "{message}"),
    }
});
