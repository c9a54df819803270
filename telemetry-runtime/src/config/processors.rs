//! The variables of OpenTelemetry's batching processors, as far as there is something here that they can mean.

use super::limits;
use super::overrides::{MILLISECONDS, Variables, milliseconds};
use crate::record::{PerSignal, Signal};
use std::time::Duration;

/// What they say. Spans and log records have variables of their own, but share an exporter with its queue: where two are set that concern
/// both, the one that is kinder to what is sent counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Processors {
    /// The longest that a finished span or log record waits for company.
    pub(super) delay: PerSignal<Option<Duration>>,
    /// How long one call of an exporter may take: the longer one.
    pub(super) export_timeout: Option<Duration>,
    /// The spans and log records that wait for one exporter: the larger number.
    pub(super) queue_items: Option<usize>,
    /// The spans or log records that an exporter gets at a time: the smaller number.
    pub(super) max_batch_items: Option<usize>,
}

/// The variables of one signal's processor.
pub(super) struct Names {
    pub(super) delay: &'static str,
    pub(super) export_timeout: &'static str,
    pub(super) queue_items: &'static str,
    pub(super) max_batch_items: &'static str,
}

pub(super) const NAMES: PerSignal<Names> = PerSignal {
    traces: Names {
        delay: "OTEL_BSP_SCHEDULE_DELAY",
        export_timeout: "OTEL_BSP_EXPORT_TIMEOUT",
        queue_items: "OTEL_BSP_MAX_QUEUE_SIZE",
        max_batch_items: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    },
    logs: Names {
        delay: "OTEL_BLRP_SCHEDULE_DELAY",
        export_timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
        queue_items: "OTEL_BLRP_MAX_QUEUE_SIZE",
        max_batch_items: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    },
};
/// A call that may take for ever is one that nobody waits for to the end.
const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Processors {
    /// Source: OpenTelemetry specification, environment variables, "batch span processor" and "batch log record processor"; a timeout of 0 is
    /// none, "timeout".
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        let delay =
            PerSignal::of(|signal| variables.understood([NAMES[signal].delay], MILLISECONDS, milliseconds));
        let export_timeouts = Signal::ALL.map(|signal| {
            let expected = "a number of milliseconds, or 0 for no limit";
            variables.understood([NAMES[signal].export_timeout], expected, timeout)
        });
        let mut counts = |name: fn(&Names) -> &'static str| {
            Signal::ALL
                .map(|signal| variables.understood([name(&NAMES[signal])], limits::COUNT, limits::count))
        };
        Self {
            delay,
            export_timeout: export_timeouts.into_iter().flatten().max(),
            queue_items: counts(|names| names.queue_items).into_iter().flatten().max(),
            max_batch_items: counts(|names| names.max_batch_items).into_iter().flatten().min(),
        }
    }
}

fn timeout(text: &str) -> Option<Duration> {
    let milliseconds: u64 = text.parse().ok()?;
    Some(if milliseconds == 0 { NO_LIMIT } else { Duration::from_millis(milliseconds).min(NO_LIMIT) })
}
