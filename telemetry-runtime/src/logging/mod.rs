//! `tracing` events as log lines with the ids of the current span.
//!
//! [`install`] is enough for a program of one's own; [`layer`] goes into a registry that is there already. Lines are written to standard
//! error, each in one piece, on the thread that logs. Records of the `log` crate become lines where they are made `tracing` events: with the
//! feature `log`, [`init`](crate::init) sees to that, unless the program has a logger of its own.

#[cfg(feature = "logging")]
mod ecs;
#[cfg(feature = "logging")]
mod gcp;
#[cfg(feature = "logging")]
mod json;
#[cfg(feature = "logging")]
mod layer;
mod options;
#[cfg(feature = "logging")]
mod parts;
#[cfg(feature = "logging")]
mod text;

#[cfg(feature = "logging")]
pub use layer::{install, layer};
#[cfg(feature = "logging")]
pub(crate) use layer::{layer_behind, writer};
pub(crate) use options::LEVELS;
pub use options::{Filter, FilterError, Format, Options};
