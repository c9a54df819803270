//! What users see, through the public facade.

mod instrument;
