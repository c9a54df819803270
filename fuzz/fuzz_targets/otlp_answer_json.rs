//! Answers in JSON: what is read, written again, reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use telemetry_runtime::fuzzing::otlp_answer_json;

fuzz_target!(|body: &[u8]| {
    let (rejected, message) = otlp_answer_json(body);
    let said = message.clone().unwrap_or_default();
    assert!(message.is_none() || !said.is_empty() && said.trim() == said);
    for count in [json!(rejected), json!(rejected.to_string())] {
        let written = json!({"partialSuccess": {"rejectedSpans": count}, "message": said}).to_string();
        // Escapes may make it longer than any answer.
        if written.len() <= 64 << 10 {
            assert_eq!(otlp_answer_json(written.as_bytes()), (rejected, message.clone()));
        }
    }
});
