//! From settings to a running installation: `init` and `builder`, the `Guard` that ends it, and what can be checked beforehand.

mod builder;
mod check;
mod error;
mod guard;
#[cfg(feature = "logging")]
mod subscriber;
mod threads;

pub use builder::{Builder, builder, init};
pub use check::ExporterCheck;
pub use error::InitError;
pub use guard::Guard;

use crate::record::Signal;
use crate::span::lanes::Collected;
use std::sync::atomic::AtomicU32;

/// The process that has an installation, by its [number](crate::span::fork::this_process): one that was forked has none. Zero: nobody.
///
/// There is one installation in a process at a time: spans find it without being told.
static INSTALLED: AtomicU32 = AtomicU32::new(0);

/// What the lanes have seen since `before`.
fn since(before: Collected, now: Collected) -> Collected {
    let mut since = now;
    for signal in Signal::ALL {
        let (dropped, collected) = (before.counts.dropped[signal], before.collected[signal]);
        // What an earlier installation left in the lanes is this one's to deliver.
        since.counts.created[signal] -= collected + dropped;
        since.counts.dropped[signal] -= dropped;
        since.collected[signal] -= collected;
    }
    since.counts.dropped_extras -= before.counts.dropped_extras;
    since
}
