//! What the service answers: statuses that allow to try again, and the body `{"itemsReceived":2,"itemsAccepted":1,"errors":[{"index":0,"statusCode":500,"message":".."}]}`.

use serde::Deserialize;

#[derive(Deserialize)]
struct Body {
    errors: Vec<ItemError>,
}

/// What became of one item that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ItemError {
    /// Which of the request's items it is, from 0.
    pub(super) index: usize,
    #[serde(rename = "statusCode")]
    pub(super) status: u16,
    pub(super) message: Option<String>,
}

impl ItemError {
    /// Whether the item may be sent again: what was sampled out is not wanted, whatever its status.
    pub(super) fn may_come_again(&self) -> bool {
        let is_sampled_out =
            self.message.as_deref().is_some_and(|words| words.eq_ignore_ascii_case("Telemetry sampled out."));
        is_retryable(self.status) && !is_sampled_out
    }
}

/// The items that were not accepted; `None` if the body is no such answer.
pub(super) fn item_errors(body: &[u8]) -> Option<Vec<ItemError>> {
    serde_json::from_slice::<Body>(body).ok().map(|body| body.errors)
}

/// Whether a request or an item with this status may be sent again. 402 and 439 say that the quota is used up: more of the same does not help.
///
/// Source: the vendor's exporter for Python, `_RETRYABLE_STATUS_CODES`.
pub(super) fn is_retryable(status: u16) -> bool {
    matches!(status, 401 | 403 | 408 | 429 | 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_was_not_accepted() {
        let body = r#" {"itemsReceived": 3, "itemsAccepted":1, "appId": null, "errors": [
            {"index":0,"statusCode":500,"message":"a \"b\"","more":[1,{"x":[]}]},
            {"message":null,"statusCode": 400 , "index":2}]}"#;
        let error = |index, status, message: Option<&str>| ItemError {
            index,
            status,
            message: message.map(str::to_owned),
        };
        assert_eq!(
            item_errors(body.as_bytes()),
            Some(vec![error(0, 500, Some("a \"b\"")), error(2, 400, None)])
        );
        assert_eq!(item_errors(br#"{"errors":[]}"#), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_such_answer_says_nothing() {
        let deep = "[".repeat(100_000);
        let too_deep = format!("{{\"a\":{deep}");
        for body in [
            "",
            "OK",
            "{}",
            "[]",
            "<html>",
            r#"{"errors":[{"index":-1,"statusCode":500}]}"#,
            r#"{"errors":[{"index":1}]}"#,
            r#"{"errors":[{"statusCode":500}]}"#,
            r#"{"errors":["#,
            &too_deep,
        ] {
            assert_eq!(item_errors(body.as_bytes()), None);
        }
        assert_eq!(item_errors(&[0xff]), None);
    }

    proptest! {
        #[test]
        fn reads_whatever_serde_writes(items in proptest::collection::vec((0_usize..99, any::<u16>(), "[ -~]*"), 0..5)) {
            let errors: Vec<_> = items.iter().map(|(index, status, message)| {
                serde_json::json!({"index": index, "statusCode": status, "message": message})
            }).collect();
            let body = serde_json::json!({"itemsReceived": 9, "errors": errors}).to_string();
            let expected = items.into_iter().map(|(index, status, message)| ItemError { index, status, message: Some(message) });
            prop_assert_eq!(item_errors(body.as_bytes()), Some(expected.collect()));
        }

        #[test]
        fn takes_any_bytes(body in "[\\[\\]{}\":,a1\\\\é ]{0,40}") {
            item_errors(body.as_bytes());
        }
    }
}
