//! Azure Monitor's own protocol: spans and log records as Application Insights shows them.

mod answer;
mod encode;
#[cfg(test)]
mod interop;
mod introduction;
mod ledger;
#[cfg(test)]
mod tests;
mod track;

use super::auth::Entra;
use super::connection_string::{ConnectionString, ConnectionStringError};
use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, PerSignal, Signal};
use encode::{Encoder, Rates};
use introduction::Introduction;
use std::fmt;
use std::time::Duration;
use track::Track;

/// How long one batch may take, with all its requests and their redirects, unless told otherwise: 10 s.
pub const DEFAULT_TIMEOUT: Duration = super::destination::DEFAULT_TIMEOUT;

/// Where to send, and how.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use telemetry_runtime::export::azure::Target;
///
/// let mut target = Target::new("InstrumentationKey=00000000-0000-0000-0000-000000000000")?;
/// target.logs = false;
/// target.timeout = Duration::from_secs(5);
/// target.sampling_ratio = 0.1;
/// # Ok::<(), telemetry_runtime::export::azure::InvalidConnectionString>(())
/// ```
#[derive(Clone, Debug)]
pub struct Target {
    connection: ConnectionString,
    /// Whether to send spans. Default: `true`.
    pub traces: bool,
    /// Whether to send log records. Default: `true`.
    pub logs: bool,
    /// How long one batch may take, with all its requests and their redirects: what is not sent by then is tried again. It should be less
    /// than the exporter's `export_timeout`, after which the batch is given up. Default: [`DEFAULT_TIMEOUT`], 10 s.
    pub timeout: Duration,
    /// Whether to compress bodies with gzip. Default: `true`.
    pub gzip: bool,
    /// Whether to send the resource's attributes, with the first spans and then once a minute, as the properties of a metric
    /// `_OTELRESOURCE_`: items of their own have tags for the service and its instance only. Default: `true`.
    pub resource_metric: bool,
    /// The share of traces that is recorded, from 0 to 1, of which the service is told so that it counts all of them. It matters to spans that
    /// do not say it themselves, by the attribute `_MS.sampleRate` or by `ot=th:..` in their trace state. Of a trace that began elsewhere and
    /// was recorded since its caller's was, without `ot=th:..`, nobody here knows the share: it is counted by this one, as if it had begun
    /// here. Default: 1. Example: `0.1`, of which each span that was recorded counts as ten.
    pub sampling_ratio: f64,
    /// The share of all traces that this exporter gets, whatever is recorded, from 0 to 1. Default: 1.
    pub(crate) exported_ratio: f64,
    /// Who asks for a token of Entra with each request. Default: nobody.
    pub(crate) auth: Option<Entra>,
}

impl Target {
    /// The resource that this connection string is of: it is on the resource's overview page.
    ///
    /// It is read more kindly than by the vendor's own libraries (blanks around parts, a `;` at the end, `=` within values and an upper-case
    /// key are fine), and more strictly: unknown, repeated and malformed parts are errors, and so is plain `http://` but to this machine.
    ///
    /// # Errors
    /// It is none; the message says what is wrong, and repeats nothing of it.
    ///
    /// # Examples
    /// ```
    /// use telemetry_runtime::export::azure::Target;
    ///
    /// let key = "InstrumentationKey=00000000-0000-0000-0000-000000000000";
    /// assert!(Target::new(key).is_ok());
    /// assert!(Target::new(&format!("{key};IngestionEndpoint=http://weu.example")).is_err_and(|error| error.is_insecure()));
    /// assert!(Target::new(&format!("{key};Authorization=aad")).is_err_and(|error| error.is_unsupported()));
    /// ```
    pub fn new(connection_string: &str) -> Result<Self, InvalidConnectionString> {
        Ok(Self::of(ConnectionString::parse(connection_string)?))
    }

    pub(crate) fn of(connection: ConnectionString) -> Self {
        let (traces, logs) = (true, true);
        let (sampling_ratio, exported_ratio) = (1.0, 1.0);
        let timeout = DEFAULT_TIMEOUT;
        let (gzip, resource_metric) = (true, true);
        Self {
            connection,
            traces,
            logs,
            timeout,
            gzip,
            resource_metric,
            sampling_ratio,
            exported_ratio,
            auth: None,
        }
    }
}

/// The text is no connection string. The message shows nothing of it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvalidConnectionString(#[from] ConnectionStringError);

impl InvalidConnectionString {
    /// Whether it is none for lack of an instrumentation key: it may be empty, or not set.
    pub fn is_without_key(&self) -> bool {
        matches!(self.0, ConnectionStringError::MissingInstrumentationKey)
    }

    /// Whether it would send over plain `http://` to another machine.
    pub fn is_insecure(&self) -> bool {
        matches!(self.0, ConnectionStringError::Insecure(_))
    }

    /// Whether it asks for a way to sign in that is not supported here, such as `Authorization=aad`.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.0, ConnectionStringError::Authorization)
    }
}

/// Sends spans and log records to an Application Insights resource, one request at a time over a connection that is kept.
///
/// Spans of kind server and consumer become requests, all others dependencies; an event `exception`, or a log record with an exception's
/// attributes, becomes an exception, every other event and log record a trace (in the vendor's words), and a log record with
/// `microsoft.custom_event.name` a custom event, and one with `microsoft.availability.id`, `.name`, `.duration` and `.success` an availability
/// result (`.runLocation` and `.message` are optional). The numbers of a JSON object in `microsoft.custom_measurements` become measurements.
/// Attributes that have a field of their own there are not repeated among the custom
/// properties. Credentials in URLs are redacted. Texts are cut to the service's limits between characters, counted as UTF-16 code units; an
/// item beyond 64 KB is cut further.
///
/// Answers of 401, 403, 408, 429, 500, 502, 503 and 504, a connection that cannot be made or breaks, and a timeout are retryable, no sooner
/// than the answer's `Retry-After`; every other failure is permanent, 402 and 439 (the quota is used up) among them, but a batch that is too
/// large (413) comes again in halves. Of a request that was
/// taken in part (206), only the items for which that makes sense are sent again; the others are counted as rejected. A span of
/// which an event was refused counts as rejected. A batch that takes several requests goes on after one that is refused for good.
///
/// [`check`](Exporter::check) posts an empty array. What the service says to that is not documented: a success is an answer, and so is 400, by
/// which it refuses what has no items. It says nothing of the instrumentation key, which only items have.
///
/// Nothing goes anywhere else: no statistics to the vendor, no remote settings, no proxies from the environment. Redirects (307, 308) are
/// followed, ten times at most, within the same host, or from one host to another of the same of the vendor's domains, and never from
/// `https` to `http`. The host that they lead to is remembered until it cannot be reached, or refuses for good.
///
/// Source: the vendor's exporter for Python, 1.0.0b58, for what goes where; Azure Monitor service limits.
///
/// # Examples
/// ```
/// use telemetry_runtime::export::azure::{AzureMonitor, Target};
///
/// let target = Target::new("InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://weu.in.applicationinsights.azure.com/")?;
/// let exporter = AzureMonitor::new(target);
/// # drop(exporter);
/// # Ok::<(), telemetry_runtime::export::azure::InvalidConnectionString>(())
/// ```
pub struct AzureMonitor {
    takes: PerSignal<bool>,
    introduction: Introduction,
    encoder: Encoder,
    track: Track,
}

impl AzureMonitor {
    /// An exporter to this target. It connects when the first batch comes.
    pub fn new(target: Target) -> Self {
        let Target {
            connection,
            traces,
            logs,
            timeout,
            gzip,
            resource_metric,
            sampling_ratio,
            exported_ratio,
            auth,
        } = target;
        let authorize = auth.and_then(Entra::authorizer);
        Self {
            takes: PerSignal { traces, logs },
            introduction: Introduction::new(resource_metric),
            encoder: Encoder::new(Rates::of_shares(sampling_ratio, exported_ratio), host()),
            track: Track::new(connection, timeout, gzip).authorized_by(authorize),
        }
    }
}

impl Exporter for AzureMonitor {
    fn takes(&self, signal: Signal) -> bool {
        self.takes[signal]
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let with_resource = self.introduction.is_due(batch);
        let exported = self.track.send(self.encoder.encode(batch, with_resource))?;
        self.introduction.note(batch);
        Ok(exported)
    }

    /// JSON lines without the instrumentation key: whoever sends them has one.
    fn pack(&mut self, batch: &Batch) -> Option<Vec<u8>> {
        let with_resource = self.introduction.is_due(batch);
        let packed = self.track.left_of(self.encoder.encode(batch, with_resource));
        // A batch that failed has to look the same if it comes again.
        if !self.track.has_left() {
            self.introduction.note(batch);
        }
        Some(packed)
    }

    fn export_packed(&mut self, _: Signal, packed: &[u8]) -> Result<Exported, ExportError> {
        self.track.send_packed(packed)
    }

    fn halve_packed(&mut self, _: Signal, packed: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        encode::halves(packed)
    }

    fn check(&mut self) -> Result<(), ExportError> {
        self.track.check()
    }
}

/// The machine's name, where the system has it in a file.
fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

impl fmt::Debug for AzureMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureMonitor").field("takes", &self.takes).finish_non_exhaustive()
    }
}
