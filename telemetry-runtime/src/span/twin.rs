//! Says, while a span of `tracing` is made beside one of ours, which one that is: it is no further span, wherever it is seen.

#[cfg(feature = "logging")]
use super::context::Snapshot;
use super::context::{Ids, current};
#[cfg(feature = "logging")]
use super::foreign::Held;
use super::recording::Recording;
use std::cell::Cell;
use std::fmt;

/// A span of ours, and the place of the one of `tracing` beside it.
#[cfg_attr(
    not(feature = "logging"),
    expect(dead_code, reason = "only the layer for spans of `tracing` asks")
)]
#[derive(Clone, Copy)]
struct Twin {
    name: &'static str,
    file: &'static str,
    line: u32,
    ours: Ids,
}

thread_local! {
    static TWIN: Cell<Option<Twin>> = const { Cell::new(None) };
}

/// As long as this is kept, a span of `tracing` that is made at that place, on this thread, stands beside ours.
///
/// The place, because the values of its fields are made meanwhile, too, by code that may make any span.
#[must_use = "the span of `tracing` is made while this is kept"]
pub struct Twinning {
    before: Option<Twin>,
}

impl Twinning {
    pub(super) fn new(name: &'static str, file: &'static str, line: u32, ours: Option<Ids>) -> Self {
        let ours = ours.unwrap_or_else(|| current().ids());
        Self { before: TWIN.replace(Some(Twin { name, file, line, ours })) }
    }
}

impl Drop for Twinning {
    fn drop(&mut self) {
        TWIN.set(self.before);
    }
}

impl fmt::Debug for Twinning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twinning").finish_non_exhaustive()
    }
}

impl<const N: usize> Recording<N> {
    /// Announces the span of `tracing` at this place, which stands beside this one.
    pub fn twin(&self, name: &'static str, file: &'static str, line: u32) -> Twinning {
        Twinning::new(name, file, line, self.ids())
    }
}

/// The context of the span of ours beside which the span of `tracing` that is being made at this place stands, if it does.
#[cfg(feature = "logging")]
pub(crate) fn twin_of(name: &str, file: Option<&str>, line: Option<u32>) -> Option<Held> {
    let twin =
        TWIN.get().filter(|twin| (twin.name, Some(twin.file), Some(twin.line)) == (name, file, line))?;
    // What travels along does so with the whole trace.
    Some(Held::new(Snapshot { ids: twin.ours, luggage: current().luggage() }))
}
