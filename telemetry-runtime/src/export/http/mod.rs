//! The HTTP client that exporters share: it posts a body to a host that the settings name, and gives what that answered.

mod addresses;
#[cfg(feature = "otlp")]
mod authorize;
mod client;
mod gzip;
mod retry_after;
mod tls;
mod words;

#[cfg(feature = "otlp")]
pub(crate) use authorize::Authorize;
pub(crate) use client::{Answer, HttpClient, HttpOptions, origin};
pub(crate) use gzip::gzip;
pub(crate) use tls::{Tls, TlsError};
pub(crate) use words::safe_to_show;
