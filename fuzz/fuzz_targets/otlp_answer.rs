//! Answers in protobuf: read as the generated code reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use telemetry_runtime::fuzzing::otlp_answer;

fuzz_target!(|body: &[u8]| {
    let (_, message) = otlp_answer(body);
    assert!(message.is_none_or(|message| !message.is_empty() && message.trim() == message));
    let Ok(answer) = ExportTraceServiceResponse::decode(body) else { return };
    let rejected = answer.partial_success.as_ref().map_or(0, |partial| partial.rejected_spans);
    let rejected = usize::try_from(rejected).unwrap_or(0);
    // Groups are passed over by that, and end the reading here: nobody sends them.
    if body.iter().all(|byte| byte & 7 != 3) {
        assert_eq!(otlp_answer(body).0, rejected);
    }
    assert_eq!(otlp_answer(&answer.encode_to_vec()).0, rejected);
});
