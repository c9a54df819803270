//! What users see, through the public facade.

mod array;
mod event;
mod instrument;
mod span;
