//! The libraries under measure, one file each: the same spans, made as each library's documentation says.

pub(crate) mod emit;
pub(crate) mod fastrace;
pub(crate) mod floor;
pub(crate) mod project;
pub(crate) mod sdk;
pub(crate) mod tracing;
