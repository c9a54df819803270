//! The HTTP client that exporters share: it posts a body to a host that the settings name, and gives what that answered.

mod addresses;
mod authorize;
mod client;
mod gzip;
mod quiet;
pub(crate) mod retry_after;
mod tls;
mod words;

pub(crate) use authorize::Authorize;
#[cfg(feature = "grpc")]
pub(crate) use client::MAX_ANSWER_BYTES;
pub(crate) use client::{Answer, HttpClient, HttpOptions, origin};
pub(crate) use gzip::gzip;
#[cfg(feature = "grpc")]
pub(crate) use retry_after::LONGEST_PAUSE;
pub(crate) use tls::Tls;
#[cfg(feature = "otlp")]
pub(crate) use tls::TlsError;
pub(crate) use words::safe_to_show;
