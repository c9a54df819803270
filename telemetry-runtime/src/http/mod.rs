//! Spans for services and clients that speak the `http` crate (Warp, axum, hyper), and the headers between them.

mod call;
mod client;
mod incoming;
mod key;
mod outgoing;
mod request;
#[cfg(feature = "reqwest")]
mod reqwest;
mod service;
mod wire;

#[cfg(feature = "reqwest")]
pub use self::reqwest::ExecuteTraced;
pub use call::{ResendCount, UrlTemplate};
pub use client::ClientService;
pub use outgoing::inject;
pub use service::TraceService;
