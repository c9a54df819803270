//! Which formats are spoken, and how far callers are believed: what is installed once for the whole process.

use super::Propagators;
use arc_swap::ArcSwapOption;
use std::sync::Arc;

/// What the settings say of contexts from and to other processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The formats.
    pub(crate) propagators: Propagators,
    /// What becomes of a caller's context.
    pub(crate) incoming: Incoming,
}

/// What becomes of a caller's context.
///
/// Source of the choice: W3C Trace Context Level 2, section 3.4, "restart trace", and section 7.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Its trace is continued, its decision holds, and its baggage is taken over.
    #[default]
    Trust,
    /// A new trace begins, which links to it.
    Link,
    /// A new trace begins.
    Ignore,
}

impl Incoming {
    /// The words of the settings.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("trust", Self::Trust), ("link", Self::Link), ("ignore", Self::Ignore)];
}

static INSTALLED: ArcSwapOption<Options> = ArcSwapOption::const_empty();

/// From now on, these are the options.
pub(crate) fn install(options: Options) {
    INSTALLED.store(Some(Arc::new(options)));
}

/// The options; defaults before anything is installed.
pub(crate) fn installed() -> Options {
    INSTALLED.load().as_deref().copied().unwrap_or_default()
}
