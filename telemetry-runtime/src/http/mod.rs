//! Server spans for services that speak the `http` crate: Warp, axum, hyper.

mod parent;
mod query;
mod request;
mod service;

pub use service::TraceService;
