//! Where batches leave the process: the [`Exporter`] trait, and the exporters that come with the crate.

pub(crate) mod auth;
pub(crate) mod azure;
pub mod console;
pub(crate) mod destination;
#[cfg(feature = "_http-client")]
pub(crate) mod http;
pub mod memory;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "opentelemetry-sdk")]
pub mod sdk;

use crate::record::{Batch, Signal};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Takes batches out of the process.
///
/// Each exporter has one worker thread to itself, which alone calls it: first [`export`](Self::export) once a batch, in order, at last
/// [`shutdown`](Self::shutdown). It may block; the worker's queue is bounded, so what does not fit is dropped and counted while
/// the application goes on. A retryable error has the worker call again with the same batch, after a pause. A panic is caught and counted. Spans that the thread itself makes, by whatever library, are not recorded.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Batch, ExportError, Exported, Exporter};
///
/// /// Counts spans.
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl Exporter for Count {
///     fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
///         self.0 += batch.span_count();
///         Ok(Exported::all())
///     }
/// }
/// ```
///
/// One that takes log records, too, says so, and gets batches of either:
/// ```
/// use telemetry_runtime::{Batch, ExportError, Exported, Exporter, Signal};
///
/// struct Lines;
///
/// impl Exporter for Lines {
///     fn takes(&self, signal: Signal) -> bool {
///         matches!(signal, Signal::Traces | Signal::Logs)
///     }
///
///     fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
///         batch.spans().for_each(|span| eprintln!("{}", span.name()));
///         batch.logs().for_each(|log| eprintln!("{} {}", log.level().as_str(), log.body()));
///         Ok(Exported::all())
///     }
/// }
/// ```
pub trait Exporter: Send + 'static {
    /// Whether the exporter takes this signal, asked once for each when it is installed; it gets no batches of the others. By default
    /// it takes traces only.
    fn takes(&self, signal: Signal) -> bool {
        signal == Signal::Traces
    }

    /// Delivers the batch, or says why not.
    ///
    /// # Errors
    /// What kind of error it is decides what becomes of the batch: see [`ExportError`].
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError>;

    /// Called once, after the last batch. The default does nothing.
    fn shutdown(&mut self) {}
}

/// What became of a batch that the other side took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    rejected: usize,
}

impl Exported {
    /// Every item was taken.
    pub fn all() -> Self {
        Self::default()
    }

    /// The other side took the batch but refused so many of its items: OTLP's `partial_success`. They are counted and not sent again.
    pub fn with_rejected(rejected: usize) -> Self {
        Self { rejected }
    }

    /// How many items were refused.
    pub fn rejected(self) -> usize {
        self.rejected
    }
}

/// Why a batch was not delivered.
#[derive(Debug)]
pub struct ExportError {
    kind: Kind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Permanent,
    Retryable { after: Option<Duration> },
}

impl ExportError {
    /// Sending the same batch again would fail again: it is dropped and counted.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { kind: Kind::Permanent, message: message.into(), source: None }
    }

    /// It may go better later: the worker tries again, no sooner than `after` if the other side named a time.
    pub fn retryable(message: impl Into<String>, after: Option<Duration>) -> Self {
        Self { kind: Kind::Retryable { after }, message: message.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the batch may be sent again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, Kind::Retryable { .. })
    }

    /// How long the other side asked to be left alone, at least.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            Kind::Retryable { after } => after,
            Kind::Permanent => None,
        }
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ExportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
