//! Connection strings: what is read, written again, reads the same, and is an address that a client takes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry_runtime::fuzzing::connection_string;

fuzz_target!(|text: &str| {
    let Ok((url, key)) = connection_string(text) else { return };
    let endpoint = url.strip_suffix("/v2.1/track").expect("what clients post to");
    assert!(endpoint.len() <= 2048);
    let (scheme, host) = endpoint.split_once("://").expect("a URL with a host");
    assert!(["http", "https"].contains(&scheme) && !host.is_empty(), "{url}");
    let written = format!("InstrumentationKey={key};IngestionEndpoint={endpoint}");
    assert_eq!(connection_string(&written), Ok((url.clone(), key.clone())), "{written}");
});
