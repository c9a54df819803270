//! The same in JSON.

use serde_json::Value;

/// As much as is read of an answer, in bytes: parsed it takes many times that. Every answer of this protocol is shorter.
const MAX_BYTES: usize = 64 << 10;

/// How many spans or log records were rejected; a body that is no such message rejects none.
///
/// Source: OTLP specification 1.11, "JSON Protobuf Encoding": 64-bit numbers are text, and readers take numbers as well.
pub(crate) fn rejected_items(body: &[u8]) -> usize {
    let answer: Value = parsed(body).unwrap_or_default();
    let partial_success = &answer["partialSuccess"];
    let rejected = ["rejectedSpans", "rejectedLogRecords"].iter().find_map(|key| partial_success.get(key));
    let rejected = rejected.and_then(|count| match count {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    });
    rejected.and_then(|rejected| rejected.try_into().ok()).unwrap_or(0)
}

/// The message of a `google.rpc.Status`, if the body is one and has one.
pub(crate) fn error_message(body: &[u8]) -> Option<String> {
    let status = parsed(body)?;
    let message = status.get("message")?.as_str()?.trim();
    Some(message.to_owned()).filter(|message| !message.is_empty())
}

fn parsed(body: &[u8]) -> Option<Value> {
    Some(body).filter(|body| body.len() <= MAX_BYTES).and_then(|body| serde_json::from_slice(body).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_are_text_or_numbers_and_never_negative() {
        for (count, expected) in [("\"3\"", 3), ("3", 3), ("\"-3\"", 0), ("-3", 0), ("null", 0), ("[]", 0)] {
            let body = format!("{{\"partialSuccess\":{{\"rejectedSpans\":{count}}}}}");
            assert_eq!(rejected_items(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn other_formats_reject_nothing_and_say_nothing() {
        for body in ["", "{}", "[]", "3", "<html></html>", "{\"message\":\" \"}", "{\"message\":3}"] {
            assert_eq!(
                (rejected_items(body.as_bytes()), error_message(body.as_bytes())),
                (0, None),
                "{body:?}"
            );
        }
    }

    #[test]
    fn what_is_longer_than_any_answer_is_none() {
        let rejected = r#"{"partialSuccess":{"rejectedSpans":"3"}}"#;
        let padded = |length: usize| rejected.to_owned() + &" ".repeat(length - rejected.len());
        assert_eq!(rejected_items(padded(MAX_BYTES).as_bytes()), 3);
        assert_eq!(rejected_items(padded(MAX_BYTES + 1).as_bytes()), 0);
        let message = |length: usize| format!("{{\"message\":\"{}\"}}", "x".repeat(length));
        assert!(error_message(message(1000).as_bytes()).is_some());
        assert_eq!(error_message(message(MAX_BYTES).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn takes_any_bytes(body: Vec<u8>) {
            rejected_items(&body);
            error_message(&body);
        }
    }
}
