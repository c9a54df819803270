//! What users see, through the public facade.

mod compat;
mod event;
mod instrument;
mod span;
