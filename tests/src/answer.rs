//! What the receiver does with a request.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use std::fmt::Write as _;
use std::time::Duration;

/// The receiver's answer to one request, and how it gives it.
///
/// # Examples
/// ```
/// use telemetry_tests::Answer;
///
/// let busy = Answer::error(503, "too busy").header("Retry-After", "2");
/// # drop(busy);
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) how: How,
    pub(crate) delay: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    /// Answers in HTTP and keeps the connection.
    Http { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// Sends these bytes and closes the connection.
    Raw(Vec<u8>),
    /// Says nothing until the receiver is dropped.
    Hang,
    /// Sends an answer of one byte at a time, which does not end before the receiver is dropped.
    Trickle,
}

/// `google.rpc.Status`, without its details.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Answer {
    /// Everything was taken.
    pub fn ok() -> Self {
        Self::protobuf(200, ExportTraceServiceResponse::default().encode_to_vec())
    }

    /// The request was taken, but so many of its spans were not.
    pub fn partial_success(rejected_spans: i64, error_message: &str) -> Self {
        let partial_success =
            ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() };
        let response = ExportTraceServiceResponse { partial_success: Some(partial_success) };
        Self::protobuf(200, response.encode_to_vec())
    }

    /// A status with no body.
    pub fn status(status: u16) -> Self {
        Self::http(status, Vec::new())
    }

    /// A status with `google.rpc.Status` as its body, as OTLP asks for.
    pub fn error(status: u16, message: &str) -> Self {
        Self::protobuf(status, RpcStatus { code: 2, message: message.to_owned() }.encode_to_vec())
    }

    /// A status with any body, said to be protobuf.
    pub fn protobuf(status: u16, body: Vec<u8>) -> Self {
        Self::http(status, body).header("Content-Type", "application/x-protobuf")
    }

    /// A status with any body, said to be JSON.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::http(status, body.into()).header("Content-Type", "application/json")
    }

    /// Bytes that need not be HTTP, after which the connection is closed. No bytes: it just hangs up.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { how: How::Raw(bytes.into()), delay: Duration::ZERO }
    }

    /// Takes the request and hangs up.
    pub fn hang_up() -> Self {
        Self::raw([])
    }

    /// Takes the request and says nothing for as long as the receiver lives.
    pub fn hang() -> Self {
        Self { how: How::Hang, delay: Duration::ZERO }
    }

    /// Takes the request and answers one byte at a time, for as long as the receiver lives.
    pub fn trickle() -> Self {
        Self { how: How::Trickle, delay: Duration::ZERO }
    }

    /// The same answer with one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let How::Http { headers, .. } = &mut self.how {
            headers.push((name.to_owned(), value.into()));
        }
        self
    }

    /// The same answer, so much later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn http(status: u16, body: Vec<u8>) -> Self {
        Self { how: How::Http { status, headers: Vec::new(), body }, delay: Duration::ZERO }
    }

    /// Whether an exporter has to take it that its spans arrived.
    pub(crate) fn accepts(&self) -> bool {
        matches!(self.how, How::Http { status: 200..=299, .. })
    }
}

impl How {
    /// The bytes to send; `None` to say nothing.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Http { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\n", body.len());
                for (name, value) in headers {
                    write!(head, "{name}: {value}\r\n").ok()?;
                }
                Some([head.as_bytes(), b"\r\n", body].concat())
            }
            Self::Raw(bytes) => Some(bytes.clone()),
            Self::Hang => None,
            // Nobody takes the answer for complete: it is to be longer than anybody waits for.
            Self::Trickle => Some(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec()),
        }
    }

    pub(crate) fn keeps_connection(&self) -> bool {
        matches!(self, Self::Http { .. })
    }
}
