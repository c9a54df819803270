//! Azure Monitor.

mod options;

pub(crate) use options::ConnectionString;
