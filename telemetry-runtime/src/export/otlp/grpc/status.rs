//! How a call ended: its status, and whether and when to try again.

use super::connection::Reply;
use crate::export::ExportError;
use crate::export::http::LONGEST_PAUSE;
use crate::export::otlp::response::Fields;
use crate::record::percent;
use h2::Reason;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode};

const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";

/// Every code's name, at its number.
///
/// Source: gRPC, "Status codes and their use in gRPC".
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const UNKNOWN: &str = CODES[2];

/// A call's end as its trailers tell it.
#[derive(Debug, PartialEq)]
pub(super) struct Status {
    code: &'static str,
    /// The receiver's own words.
    pub(super) message: String,
    /// How long the receiver wants to be left alone.
    retry_delay: Option<Duration>,
}

impl Status {
    /// `None` if the answer is none of gRPC.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        let told = [&reply.trailers, &reply.headers].into_iter().find_map(Self::told);
        told.or_else(|| (reply.status != StatusCode::OK).then(|| Self::bare(code_of_http(reply.status))))
    }

    fn told(trailers: &HeaderMap) -> Option<Self> {
        let text = |name| trailers.get(name).and_then(|value| value.to_str().ok());
        let code = text("grpc-status")?.parse().ok().and_then(|code: usize| CODES.get(code));
        Some(Self {
            code: code.unwrap_or(&UNKNOWN),
            message: percent::decoded(text("grpc-message").unwrap_or_default()).trim().to_owned(),
            retry_delay: text("grpc-status-details-bin")
                .and_then(base64)
                .and_then(|status| retry_delay(&status)),
        })
    }

    fn bare(code: &'static str) -> Self {
        Self { code, message: String::new(), retry_delay: None }
    }

    pub(super) fn is_ok(&self) -> bool {
        self.code == "OK"
    }

    /// Which codes allow to try again.
    ///
    /// Source: OTLP specification 1.11, "OTLP/gRPC Response", "Failures" and "OTLP/gRPC Throttling".
    pub(super) fn into_error(self, origin: &str, words: &str) -> ExportError {
        let words = if words.is_empty() { String::new() } else { format!(": {words}") };
        let message = format!("{origin} answered {}{words}", self.code);
        match self.code {
            "CANCELLED" | "DEADLINE_EXCEEDED" | "ABORTED" | "OUT_OF_RANGE" | "UNAVAILABLE" | "DATA_LOSS" => {
                ExportError::retryable(message, self.retry_delay)
            }
            "RESOURCE_EXHAUSTED" if self.retry_delay.is_some() => {
                ExportError::retryable(message, self.retry_delay)
            }
            "UNAUTHENTICATED" | "PERMISSION_DENIED" => ExportError::unauthorized(message),
            _ => ExportError::permanent(message),
        }
    }
}

/// What it means that the receiver ended the call without a status.
///
/// Source: gRPC over HTTP/2, "Errors".
pub(super) fn of_reset(error: &h2::Error) -> Status {
    Status::bare(match error.reason() {
        Some(Reason::CANCEL) => "CANCELLED",
        Some(Reason::ENHANCE_YOUR_CALM) => "RESOURCE_EXHAUSTED",
        Some(Reason::INADEQUATE_SECURITY) => "PERMISSION_DENIED",
        _ => "INTERNAL",
    })
}

/// What an answer means that something in between gave.
///
/// Source: gRPC, "HTTP to gRPC Status Code Mapping".
fn code_of_http(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "INTERNAL",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "UNIMPLEMENTED",
        429 | 502 | 503 | 504 => "UNAVAILABLE",
        _ => UNKNOWN,
    }
}

/// The delay of the first `google.rpc.RetryInfo` among the details of a `google.rpc.Status`; one that says nothing asks for none.
fn retry_delay(status: &[u8]) -> Option<Duration> {
    let mut details = Fields(status).filter_map(|field| field.bytes_of(3));
    let info = details.find_map(|detail| {
        let is_retry_info = Fields(detail).any(|field| field.bytes_of(1) == Some(RETRY_INFO));
        is_retry_info.then(|| Fields(detail).filter_map(|field| field.bytes_of(2)).last().unwrap_or_default())
    })?;
    let delay = Fields(info).filter_map(|field| field.bytes_of(1)).last().unwrap_or_default();
    // Both are signed, but a negative delay makes no sense.
    let number = |number| {
        let value = Fields(delay).filter_map(|field| field.varint_of(number)).last().unwrap_or(0);
        u64::try_from(value.cast_signed()).unwrap_or(0)
    };
    let nanos = number(2).try_into().ok().filter(|nanos| *nanos < 1_000_000_000).unwrap_or(0);
    Some(Duration::new(number(1), nanos).min(LONGEST_PAUSE))
}

/// What a text in base64 means, with or without padding; `None` if it is none.
///
/// Source: RFC 4648, section 4.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | u32::from(base64_digit(digit)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff).try_into().ok()?);
        }
    }
    Some(bytes)
}

fn base64_digit(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status(headers: &[(&'static str, &str)]) -> Option<Status> {
        let mut trailers = HeaderMap::new();
        for (name, value) in headers {
            trailers.insert(*name, value.parse().expect("a value"));
        }
        Status::of(&Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: Vec::new(), trailers })
    }

    /// `google.rpc.Status { code: 8, details: [RetryInfo { retry_delay: 2.5 s }] }`.
    pub(in super::super) const IN_2500_MS: &str =
        "CAgaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIAhCAyrXuAQ";

    #[test]
    fn only_these_codes_may_be_tried_again() {
        for (code, name) in CODES.iter().enumerate().skip(1) {
            let error =
                status(&[("grpc-status", &code.to_string())]).expect("a status").into_error("here", "");
            assert_eq!(error.is_retryable(), [1, 4, 10, 11, 14, 15].contains(&code), "{name}");
            assert_eq!(error.to_string(), format!("here answered {name}"));
        }
    }

    #[test]
    fn exhausted_resources_may_be_tried_again_if_the_receiver_says_when() {
        for code in ["8", "14"] {
            let told = status(&[("grpc-status", code), ("grpc-status-details-bin", IN_2500_MS)]);
            let error = told.expect("a status").into_error("here", "");
            assert_eq!(error.retry_after(), Some(Duration::from_millis(2500)));
        }
        let never = status(&[("grpc-status", "3"), ("grpc-status-details-bin", IN_2500_MS)]);
        assert!(!never.expect("a status").into_error("here", "").is_retryable());
    }

    #[test]
    fn the_message_is_percent_decoded() {
        let told = status(&[("grpc-status", "3"), ("grpc-message", "no%20such%0Atenant")]).expect("a status");
        assert_eq!(told.message, "no such\ntenant");
    }

    #[test]
    fn without_a_status_an_answer_is_what_http_says_or_none_of_grpc() {
        assert_eq!(status(&[]), None);
        let reply = |status| Reply {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
            trailers: HeaderMap::new(),
        };
        let code = |status| Status::of(&reply(status)).map(|status| status.code);
        assert_eq!(code(StatusCode::BAD_GATEWAY), Some("UNAVAILABLE"));
        assert_eq!(code(StatusCode::UNAUTHORIZED), Some("UNAUTHENTICATED"));
        assert_eq!(code(StatusCode::IM_A_TEAPOT), Some("UNKNOWN"));
    }

    proptest! {
        #[test]
        fn takes_any_details(text in "[A-Za-z0-9+/=é]{0,80}") {
            let _ = base64(&text).map(|status| retry_delay(&status));
        }

        #[test]
        fn takes_details_that_are_changed_anywhere(at in 0..58_usize, byte: u8) {
            let mut details = base64(IN_2500_MS).expect("base64");
            if let Some(changed) = details.get_mut(at) { *changed = byte; }
            retry_delay(&details);
        }
    }
}
