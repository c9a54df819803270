//! Measures `telemetry-runtime` beside its peers: every library makes the same spans, each configuration in a process of its own.

mod configurations;
pub mod coordinator;
mod counter;
mod libraries;
mod library;
mod pair;
mod process;
pub mod receiver;
pub mod run;
mod scenario;
mod sink;
mod statistics;
pub mod worker;
