//! Between a context and the text of request headers.

pub mod tracecontext;
