//! One OTLP receiver over gRPC: a unary call for each request, over one HTTP/2 connection that is kept.

mod connection;
mod status;
#[cfg(test)]
mod tests;

use super::response::rejected_items;
use crate::export::ExportError;
use crate::export::http::{self, MAX_ANSWER_BYTES, Tls, safe_to_show};
use bytes::Bytes;
use connection::{Connection, Failure, Reply};
use status::Status;
use std::time::Duration;
use ureq::http::request::Parts;
use ureq::http::{HeaderValue, Request, Uri, Version, header};

/// Whether the message is compressed, and its length: what stands in front of each.
///
/// Source: gRPC over HTTP/2, "Length-Prefixed-Message".
const PREFIX_BYTES: usize = 5;

pub(super) struct Grpc {
    connection: Connection,
    timeout: Duration,
}

impl Grpc {
    pub(super) fn new(url: &Uri, tls: Tls, timeout: Duration) -> Self {
        Self { connection: Connection::new(url, tls), timeout }
    }

    /// Calls the method that the head names. Gives the number of items that the receiver says it rejected.
    pub(super) fn call(&mut self, head: &Parts, gzip: bool, message: &[u8]) -> Result<usize, ExportError> {
        let request = request(head, gzip, self.timeout)?;
        let reply = self
            .connection
            .call(&request, &framed(gzip, message), self.timeout)
            .map_err(|failure| self.not_answered(&head.uri, failure))?;
        answered(head, &reply)
    }

    /// There was no answer, or none that can be understood.
    fn not_answered(&self, url: &Uri, failure: Failure) -> ExportError {
        let origin = http::origin(url);
        match failure {
            Failure::NoAddress(error) => {
                ExportError::retryable(format!("no address for {origin}"), None).with_source(error)
            }
            Failure::NotSecure(error) => {
                ExportError::permanent(format!("no secure connection to {origin}")).with_source(error)
            }
            Failure::Connection(error) => {
                ExportError::retryable(format!("no connection to {origin}, or it broke"), None)
                    .with_source(error)
            }
            Failure::Timeout => {
                ExportError::retryable(format!("{origin} did not answer within {:?}", self.timeout), None)
            }
            Failure::Reset(error) => status::of_reset(&error).into_error(&origin.to_string(), ""),
            Failure::TooLong => {
                ExportError::permanent(format!("{origin} answered with more than {MAX_ANSWER_BYTES} bytes"))
            }
            Failure::NotHttp2 => ExportError::permanent(format!("{origin} did not answer in gRPC")),
            Failure::NoRuntime(error) => {
                ExportError::permanent("a connection for gRPC cannot be prepared").with_source(error)
            }
        }
    }
}

/// Source: gRPC over HTTP/2, "Requests".
fn request(head: &Parts, gzip: bool, timeout: Duration) -> Result<Request<()>, ExportError> {
    let mut request = Request::post(&head.uri)
        .version(Version::HTTP_2)
        .body(())
        .map_err(|error| ExportError::permanent("the request cannot be made").with_source(error))?;
    let headers = request.headers_mut();
    headers.clone_from(&head.headers);
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert("grpc-timeout", grpc_timeout(timeout));
    headers.remove(header::CONTENT_ENCODING);
    if gzip {
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
    }
    Ok(request)
}

/// At most eight digits, and a unit.
fn grpc_timeout(timeout: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let text = match timeout.as_millis() {
        millis if millis <= MOST => format!("{}m", millis.max(1)),
        millis => format!("{}S", (millis / 1000).min(MOST)),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("10S"))
}

fn framed(is_compressed: bool, message: &[u8]) -> Bytes {
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(u8::from(is_compressed));
    // No more than 64 MiB are sent.
    framed.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend(message);
    framed.into()
}

/// What became of the items.
fn answered(head: &Parts, reply: &Reply) -> Result<usize, ExportError> {
    let origin = http::origin(&head.uri).to_string();
    let Some(status) = Status::of(reply) else {
        return Err(ExportError::permanent(format!("{origin} did not answer in gRPC")));
    };
    if status.is_ok() {
        return Ok(rejected(&reply.body));
    }
    let words = safe_to_show(&status.message, &head.headers);
    Err(status.into_error(&origin, &words))
}

/// The receiver was not told that we understand a compressed answer.
fn rejected(body: &[u8]) -> usize {
    match body.split_at_checked(PREFIX_BYTES) {
        Some(([0, ..], message)) => rejected_items(message),
        _ => 0,
    }
}
