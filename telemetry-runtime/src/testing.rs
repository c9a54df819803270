//! For unit tests of instrumented code: runs a closure and gives the spans it made.

use crate::export::memory::Memory;
use crate::record::{SpanContext, SpanData, TraceFlags};
use crate::span::{attach, fresh_context};
use crate::{Guard, builder};
use std::sync::OnceLock;
use std::time::Duration;

/// How long a test may wait for its own spans.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

struct Runtime {
    guard: Guard,
    memory: Memory,
}

/// Runs `body` and returns the spans that ended in it, by their start.
///
/// Tests may run side by side: each sees its own spans only, those of tasks and threads included as long as they carry the context
/// along (see [`InCurrentSpan`](crate::InCurrentSpan)).
///
/// # Examples
/// ```
/// use telemetry_runtime::{instrument, testing};
///
/// #[instrument]
/// fn double(n: u32) -> u32 {
///     2 * n
/// }
///
/// let spans = testing::capture(|| double(21));
/// assert_eq!(spans[0].name, "double");
/// assert_eq!(spans[0].attribute("n"), Some(&21.into()));
/// ```
///
/// # Panics
/// If telemetry was already installed in this process by other means: tests of the installation itself use a
/// [`Memory`] exporter.
pub fn capture<R>(body: impl FnOnce() -> R) -> Vec<SpanData> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        let memory = Memory::new();
        let guard = builder().exporter("memory", memory.clone()).install();
        Runtime { guard: guard.expect("`testing::capture` installs telemetry itself"), memory }
    });
    let test = fresh_context();
    let parent = SpanContext::new(test.trace_id(), test.span_id(), TraceFlags::SAMPLED);
    {
        let _attached = attach(&parent);
        body();
    }
    let report = runtime.guard.flush(FLUSH_TIMEOUT);
    assert!(
        report.exporters.iter().all(|exporter| exporter.left == 0),
        "the spans did not arrive: {report:?}"
    );
    let mut spans = runtime.memory.take_if(|span| span.trace_id == test.trace_id());
    spans.sort_by_key(|span| span.start_unix_ns);
    for span in &mut spans {
        span.parent_span_id = span.parent_span_id.filter(|parent| *parent != test.span_id());
    }
    spans
}
