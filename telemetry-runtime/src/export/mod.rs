//! Where batches leave the process: the [`Exporter`] trait, and the exporters that come with the crate.

pub(crate) mod auth;
#[cfg(feature = "azure")]
pub mod azure;
pub(crate) mod connection_string;
pub mod console;
pub(crate) mod destination;
pub mod file;
#[cfg(feature = "otlp")]
mod halves;
#[cfg(feature = "_http-client")]
pub(crate) mod http;
mod json;
pub mod memory;
mod numbers;
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
/// Each exporter has one thread to itself, which alone calls it: a worker's, first [`export`](Self::export) once a batch, in order, at last
/// [`shutdown`](Self::shutdown). Where there is a spool, another exporter of its kind is called by the spool's thread, and only
/// [packs](Self::pack). It may block; the worker's queue is bounded, so what does not fit is dropped and counted while
/// the application goes on. A retryable error has the worker call again with the same batch, after a pause. A panic is caught and counted.
/// A call that takes longer than the exporter's `export_timeout`, 30 seconds by default, is given up: its batch goes to the spool,
/// or is dropped as [timed out](crate::Dropped::timed_out), and an exporter that was given in code gets no other until it returns. Spans that the thread
/// itself makes, by whatever library, are not recorded.
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

    /// The batch as bytes that any later process can send: what a spool keeps. `None`, the default: it cannot be kept as it is, though halves of it
    /// may, since each becomes a request of its own.
    /// If the last [`export`](Self::export) of the same batch failed and [settled a part of it](ExportError::with_settled), only the rest is
    /// packed. Only exporters of the settings can have a spool so far: one that was given in code is not asked.
    fn pack(&mut self, batch: &Batch) -> Option<Vec<u8>> {
        let _ = batch;
        None
    }

    /// Sends what [`pack`](Self::pack) made of a batch of this signal, perhaps in an earlier process.
    ///
    /// # Errors
    /// As for [`export`](Self::export), but for what is settled in part: a retryable error has the whole come again. The default, of an exporter that packs nothing, is a permanent error.
    fn export_packed(&mut self, signal: Signal, packed: &[u8]) -> Result<Exported, ExportError> {
        let _ = packed;
        Err(ExportError::permanent(format!("this exporter keeps no {signal}")))
    }

    /// Divides what [`pack`](Self::pack) made of a batch of this signal into two such, with the number of items in each, which the other side
    /// is to get since the whole is [too large](ExportError::too_large) for it. `None`, the default, or if there are not two items in it:
    /// it is dropped and counted. No item may be left out or be in both.
    ///
    /// # Examples
    /// A line for each span, divided between lines.
    /// ```
    /// use telemetry_runtime::{Batch, ExportError, Exported, Exporter, Signal};
    ///
    /// struct Lines;
    ///
    /// impl Exporter for Lines {
    ///     fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
    ///         let lines = self.pack(batch).unwrap_or_default();
    ///         self.export_packed(batch.signal(), &lines)
    ///     }
    ///
    ///     fn pack(&mut self, batch: &Batch) -> Option<Vec<u8>> {
    ///         Some(batch.spans().map(|span| format!("{}\n", span.name())).collect::<String>().into())
    ///     }
    ///
    ///     fn export_packed(&mut self, _: Signal, lines: &[u8]) -> Result<Exported, ExportError> {
    ///         if lines.len() > 1000 { Err(ExportError::too_large("too many names")) } else { Ok(Exported::all()) }
    ///     }
    ///
    ///     fn halve_packed(&mut self, _: Signal, lines: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
    ///         let lines: Vec<_> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    ///         let (first, second) = lines.split_at(lines.len() / 2);
    ///         Some([first, second].map(|half| (half.len(), half.concat())))
    ///     }
    /// }
    /// ```
    fn halve_packed(&mut self, signal: Signal, packed: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        let _ = (signal, packed);
        None
    }

    /// Whether whoever is on the other side answers, found out without a batch: by an empty export, if there is such a thing. It is asked by
    /// [`Builder::check`](crate::Builder::check) only, of an exporter that gets no batches. The default says that it does.
    ///
    /// # Errors
    /// If there is no answer, or one that says that batches would not be taken either. Of several places, the first that fails.
    ///
    /// # Examples
    /// ```
    /// use std::net::TcpStream;
    /// use telemetry_runtime::{Batch, ExportError, Exported, Exporter};
    ///
    /// struct Lines(&'static str);
    ///
    /// impl Exporter for Lines {
    ///     fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
    ///         // ..
    ///         Ok(Exported::all())
    ///     }
    ///
    ///     fn check(&mut self) -> Result<(), ExportError> {
    ///         let connected = TcpStream::connect(self.0);
    ///         connected.map(drop).map_err(|error| ExportError::retryable("nobody listens", None).with_source(error))
    ///     }
    /// }
    /// ```
    fn check(&mut self) -> Result<(), ExportError> {
        Ok(())
    }

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
    exported: usize,
    rejected: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Permanent,
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only OTLP's client asks once more"))]
    Unauthorized,
    TooLarge,
    Retryable {
        after: Option<Duration>,
    },
}

impl ExportError {
    /// Sending the same batch again would fail again: it is dropped and counted.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(Kind::Permanent, message.into())
    }

    /// It may go better later: the worker tries again, no sooner than `after` if the other side named a time.
    pub fn retryable(message: impl Into<String>, after: Option<Duration>) -> Self {
        Self::new(Kind::Retryable { after }, message.into())
    }

    /// The batch makes a request that is larger than may be sent, of which nothing was sent: the worker comes again with each half of the
    /// batch. A single item that is too large is dropped and counted, and so is what is left of a batch that is
    /// [settled in part](Self::with_settled).
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message.into())
    }

    /// The other side does not let us in: permanent, unless whoever authorizes requests has something newer.
    #[cfg(feature = "otlp")]
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(Kind::Unauthorized, message.into())
    }

    fn new(kind: Kind, message: String) -> Self {
        Self { kind, message, source: None, exported: 0, rejected: 0 }
    }

    /// The same error with its cause, which stands behind the message where the error is told of: in the log, and in
    /// [`last_error`](crate::ExporterStatus::last_error).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, after so many items of the batch were taken and so many refused for good: they are counted now, and must not be
    /// sent again when the worker calls with the same batch. Which ones they are, the exporter remembers itself: the next batch that it
    /// gets is this one, unless it was given up. It means nothing on a batch that is too large.
    #[must_use]
    pub fn with_settled(mut self, exported: usize, rejected: usize) -> Self {
        (self.exported, self.rejected) = (exported, rejected);
        self
    }

    /// The same error, of this signal alone.
    #[cfg(feature = "otlp")]
    pub(crate) fn of_signal(self, signal: Signal) -> Self {
        Self { message: format!("{signal}: {}", self.message), ..self }
    }

    /// How many items of the batch were taken, and how many refused, although the batch as a whole failed.
    pub fn settled(&self) -> (usize, usize) {
        (self.exported, self.rejected)
    }

    /// Whether the batch may be sent again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, Kind::Retryable { .. })
    }

    /// Whether halves of the batch may be sent.
    pub fn is_too_large(&self) -> bool {
        matches!(self.kind, Kind::TooLarge)
    }

    /// Whether newer credentials may help.
    #[cfg(feature = "otlp")]
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self.kind, Kind::Unauthorized)
    }

    /// How long the other side asked to be left alone, at least.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            Kind::Retryable { after } => after,
            Kind::Permanent | Kind::Unauthorized | Kind::TooLarge => None,
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
