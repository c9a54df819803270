//! What `tracing` sees, as telemetry: its events as log records (feature `logging`).

mod events;
mod places;

pub use events::{Events, events};
