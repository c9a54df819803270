//! OTLP over HTTP, as protobuf or JSON, and over gRPC: what collectors and most backends take.

mod client;
pub(super) mod encode;
mod encoder;
#[cfg(feature = "grpc")]
mod grpc;
mod request;
pub(crate) mod response;
mod target;
#[cfg(test)]
mod tests;

pub use super::destination::{Protocol, TlsFiles};
pub use target::{DEFAULT_TIMEOUT, InvalidTarget, Target};

use super::http::Authorize;
use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, Signal};
use client::Client;
use encode::{Encoded, LogEncoder, SpanEncoder};
use encoder::Encoder;
use std::fmt;

/// Sends spans, log records or both to OTLP receivers over HTTP/1.1 or gRPC, one request at a time over connections that are kept.
///
/// An answer of 429, 502, 503 or 504, a connection that cannot be made or breaks, and a timeout are retryable, no sooner
/// than the answer's `Retry-After`; every other failure is permanent, but a batch that the receiver finds too large (413) comes again in
/// halves. Items that the receiver refuses by
/// `partial_success` are counted as rejected and not sent again.
///
/// Nothing goes anywhere else: redirects are not followed, and the proxies that `HTTP_PROXY` and its kin name are not used,
/// since both would carry spans and keys to a host that the settings do not name. A request of more than [`max_request_bytes`](Target::max_request_bytes), measured before
/// and after compression, is not sent; of an answer, no more than 4 MiB is read. Certificates are
/// checked against [`ca_file`](TlsFiles::ca_file), or else what the system trusts.
///
/// Over gRPC the codes `CANCELLED`, `DEADLINE_EXCEEDED`, `ABORTED`, `OUT_OF_RANGE`, `UNAVAILABLE` and `DATA_LOSS` are retryable, and
/// `RESOURCE_EXHAUSTED` if the receiver says when. The connection is driven by a small runtime on the thread that exports, and while that
/// waits only: the program needs none, and a thread that runs a Tokio runtime itself gets an error.
///
/// [`check`](Exporter::check) sends each receiver a request for no spans, or no log records, with all its headers; only a success is an answer.
///
/// Source: OTLP specification 1.11, "OTLP/HTTP".
///
/// # Examples
/// ```
/// use telemetry_runtime::Secret;
/// use telemetry_runtime::export::otlp::{Otlp, Target};
///
/// let mut target = Target::new("https://otlp.example.com/v1/traces");
/// target.headers.push(("api-key".into(), Secret::new("1234")));
/// target.gzip = true;
/// let exporter = Otlp::new(target)?.with_logs(Target::new("https://otlp.example.com/v1/logs"))?;
/// # Ok::<(), telemetry_runtime::export::otlp::InvalidTarget>(())
/// ```
///
/// Over gRPC, to a receiver that one's own authority vouches for:
/// ```no_run
/// use telemetry_runtime::export::otlp::{Otlp, Protocol, Target, TlsFiles};
///
/// let exporter = Otlp::new(Target {
///     protocol: Protocol::Grpc,
///     tls: TlsFiles { ca_file: Some("/etc/ssl/orders/ca.pem".into()), ..TlsFiles::default() },
///     ..Target::new("https://collector.example.com:4317")
/// })?;
/// # Ok::<(), telemetry_runtime::export::otlp::InvalidTarget>(())
/// ```
pub struct Otlp {
    traces: Option<(Client, Encoder<SpanEncoder>)>,
    logs: Option<(Client, Encoder<LogEncoder>)>,
}

impl Otlp {
    /// An exporter of spans to this target. It connects when the first batch comes.
    ///
    /// # Errors
    /// The URL or a header could never be sent, a file of [`tls`](Target::tls) cannot be read or holds something else, or the
    /// [`protocol`](Target::protocol) is not part of this build: see [`InvalidTarget`].
    pub fn new(target: Target) -> Result<Self, InvalidTarget> {
        let encoder = Encoder::of(&target, SpanEncoder::new);
        Ok(Self { traces: Some((Client::new(target, Signal::Traces)?, encoder)), logs: None })
    }

    /// An exporter of log records to this target, and of nothing else.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn of_logs(target: Target) -> Result<Self, InvalidTarget> {
        Self::nowhere().with_logs(target)
    }

    /// An exporter of nothing so far.
    pub(crate) fn nowhere() -> Self {
        Self { traces: None, logs: None }
    }

    /// The same exporter, which sends log records to this target as well.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_logs(mut self, target: Target) -> Result<Self, InvalidTarget> {
        let encoder = Encoder::of(&target, LogEncoder::new);
        self.logs = Some((Client::new(target, Signal::Logs)?, encoder));
        Ok(self)
    }

    /// The same exporter, which has requests of this signal authorized.
    pub(crate) fn authorized_by(mut self, signal: Signal, authorize: Box<dyn Authorize>) -> Self {
        match signal {
            Signal::Traces => {
                self.traces = self.traces.map(|(client, encoder)| (client.authorized_by(authorize), encoder));
            }
            Signal::Logs => {
                self.logs = self.logs.map(|(client, encoder)| (client.authorized_by(authorize), encoder));
            }
        }
        self
    }

    /// Sends a batch; how many items of it were rejected. What the exporter has no target for is not sent, but no batch of that comes.
    fn send(&mut self, batch: &Batch) -> Result<usize, ExportError> {
        match (batch.signal(), &mut self.traces, &mut self.logs) {
            (Signal::Traces, Some((client, encoder)), _) => {
                send(client, &encoder.encode(batch, SpanEncoder::encode))
            }
            (Signal::Logs, _, Some((client, encoder))) => {
                send(client, &encoder.encode(batch, LogEncoder::encode))
            }
            _ => Ok(batch.item_count()),
        }
    }
}

fn send(client: &mut Client, body: &Encoded<'_>) -> Result<usize, ExportError> {
    client.takes(body)?;
    client.send(body.bytes)
}

impl Exporter for Otlp {
    fn takes(&self, signal: Signal) -> bool {
        match signal {
            Signal::Traces => self.traces.is_some(),
            Signal::Logs => self.logs.is_some(),
        }
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let rejected = self.send(batch)?;
        Ok(Exported::with_rejected(rejected.min(batch.item_count())))
    }

    fn pack(&mut self, batch: &Batch) -> Option<Vec<u8>> {
        match (batch.signal(), &mut self.traces, &mut self.logs) {
            (Signal::Traces, Some((client, encoder)), _) => encoder.pack(client, batch, SpanEncoder::encode),
            (Signal::Logs, _, Some((client, encoder))) => encoder.pack(client, batch, LogEncoder::encode),
            _ => None,
        }
    }

    fn export_packed(&mut self, signal: Signal, packed: &[u8]) -> Result<Exported, ExportError> {
        let rejected = match (signal, &mut self.traces, &mut self.logs) {
            (Signal::Traces, Some((client, encoder)), _) => client.send(encoder.unpack(packed)?),
            (Signal::Logs, _, Some((client, encoder))) => client.send(encoder.unpack(packed)?),
            _ => Err(ExportError::permanent(format!("{signal} have no target any more"))),
        };
        rejected.map(Exported::with_rejected)
    }

    fn halve_packed(&mut self, signal: Signal, packed: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        match signal {
            Signal::Traces => self.traces.as_ref()?.1.halve(signal, packed),
            Signal::Logs => self.logs.as_ref()?.1.halve(signal, packed),
        }
    }

    fn check(&mut self) -> Result<(), ExportError> {
        if let Some((client, encoder)) = &mut self.traces {
            client.send(encoder.empty()).map_err(|error| error.of_signal(Signal::Traces))?;
        }
        if let Some((client, encoder)) = &mut self.logs {
            client.send(encoder.empty()).map_err(|error| error.of_signal(Signal::Logs))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = |client: Option<&Client>| client.map(|client| format!("{client:?}"));
        f.debug_struct("Otlp")
            .field("traces", &client(self.traces.as_ref().map(|(client, _)| client)))
            .field("logs", &client(self.logs.as_ref().map(|(client, _)| client)))
            .finish_non_exhaustive()
    }
}
