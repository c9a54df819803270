//! What users see, through the public facade.

mod event;
mod instrument;
mod span;
