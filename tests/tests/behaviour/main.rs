//! What users see, through the public facade.

mod instrument;
mod span;
