//! For unit tests of instrumented code: runs a closure and gives the spans, or the log records, that it made.

use crate::export::memory::Memory;
#[cfg(feature = "logging")]
use crate::record::LogData;
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
/// along (see [`InCurrentSpan`](crate::InCurrentSpan)). Unless the process has a `tracing` subscriber of its own, one is installed that
/// records the spans of libraries, too, as [`init`](crate::init) does by default.
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
    let runtime = runtime();
    #[cfg(feature = "logging")]
    subscriber::install();
    let test = run(runtime, body);
    let mut spans = runtime.memory.take_if(|span| span.trace_id == test.trace_id());
    spans.sort_by_key(|span| span.start_unix_ns);
    for span in &mut spans {
        span.parent_span_id = span.parent_span_id.filter(|parent| *parent != test.span_id());
    }
    spans
}

/// Runs `body` and returns the log records that were made in it, by their time: what it says by the macros of `tracing`.
///
/// Tests may run side by side, as with [`capture`], and the same holds for tasks and threads. Unless the process has a `tracing` subscriber of
/// its own, one is installed that has every level recorded; else only what this thread says is seen.
///
/// # Examples
/// ```
/// use telemetry_runtime::testing;
///
/// let logs = testing::capture_logs(|| tracing::warn!(left = 3, "nearly sold out"));
/// assert_eq!(logs[0].body, "nearly sold out");
/// assert_eq!(logs[0].attribute("left"), Some(&3.into()));
/// ```
///
/// # Panics
/// As [`capture`] does.
#[cfg(feature = "logging")]
pub fn capture_logs<R>(body: impl FnOnce() -> R) -> Vec<LogData> {
    let runtime = runtime();
    let test = run(runtime, || subscriber::within(body));
    let is_own = |context: &SpanContext| context.trace_id() == test.trace_id();
    let mut logs = runtime.memory.take_logs_if(|log| log.context.as_ref().is_some_and(is_own));
    logs.sort_by_key(|log| log.unix_ns);
    for log in &mut logs {
        log.context = log.context.take().filter(|context| context.span_id() != test.span_id());
    }
    logs
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let memory = Memory::new();
        let guard = builder().exporter("memory", memory.clone()).install();
        Runtime { guard: guard.expect("`testing::capture` installs telemetry itself"), memory }
    })
}

/// Runs the body below a span that is nobody's, which is returned, and waits until everything has arrived.
fn run<R>(runtime: &Runtime, body: impl FnOnce() -> R) -> SpanContext {
    let test = fresh_context();
    let parent = SpanContext::new(test.trace_id(), test.span_id(), TraceFlags::SAMPLED);
    {
        let _attached = attach(&parent);
        body();
    }
    let report = runtime.guard.flush(FLUSH_TIMEOUT);
    assert!(
        report.exporters.iter().all(|exporter| exporter.left == 0),
        "what was recorded did not arrive: {report:?}"
    );
    test
}

#[cfg(feature = "logging")]
mod subscriber {
    use crate::bridge;
    use crate::bridge::subscriber::Process;
    use crate::logging::Filter;
    use std::sync::OnceLock;
    use tracing::Subscriber;
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::filter::Targets;

    /// Installs one, unless the process has one already; whether it is ours.
    pub(super) fn install() -> bool {
        static IS_OURS: OnceLock<bool> = OnceLock::new();
        *IS_OURS.get_or_init(|| tracing::subscriber::set_global_default(subscriber()).is_ok())
    }

    /// Runs the body where events become log records.
    pub(super) fn within<R>(body: impl FnOnce() -> R) -> R {
        if install() { body() } else { tracing::subscriber::with_default(subscriber(), body) }
    }

    fn subscriber() -> impl Subscriber + Send + Sync {
        let events = bridge::events::layer();
        let all = Targets::new().with_default(LevelFilter::TRACE);
        Process::new(Filter::default().to_targets(), all, move |event| events.tell(event))
    }
}
