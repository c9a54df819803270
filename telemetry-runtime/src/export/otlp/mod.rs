//! OTLP over HTTP, as protobuf or JSON, and over gRPC: what collectors and most backends take.

mod client;
pub(super) mod encode;
#[cfg(feature = "grpc")]
mod grpc;
mod request;
pub(crate) mod response;

pub use super::destination::{Protocol, TlsFiles};

use super::destination::{self, Compression, Destination, Header};
use super::http::{Authorize, TlsError};
use super::json::{self, JsonEncoder};
use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, Secret, Signal};
use client::Client;
use encode::{Encoded, LogEncoder, SpanEncoder};
use std::fmt;
use std::time::Duration;

/// How long one request may take, from looking up the host to the answer's last byte, unless told otherwise: 10 s.
///
/// Source: OpenTelemetry specification, OTLP exporter, "Timeout".
pub const DEFAULT_TIMEOUT: Duration = destination::DEFAULT_TIMEOUT;

/// Where to send, and how.
#[derive(Clone)]
pub struct Target {
    /// The signal's URL as it is, such as `http://localhost:4318/v1/traces` or `http://localhost:4318/v1/logs`; `http` or `https`. For gRPC
    /// it names a host and a port, such as `http://localhost:4317`, and no path.
    pub url: String,
    /// More request headers, such as an API key; none by default. Their values appear nowhere but on the wire.
    pub headers: Vec<(String, Secret)>,
    /// How long one request may take in all; [`DEFAULT_TIMEOUT`] by default.
    pub timeout: Duration,
    /// Whether to compress the body; `false` by default.
    pub gzip: bool,
    /// How it is spoken; [`Protocol::HttpProtobuf`] by default.
    pub protocol: Protocol,
    /// Whom to trust behind `https`, and who to be there; whom the system trusts, and nobody, by default.
    pub tls: TlsFiles,
    /// Whether spans and log records say where their code is: `code.function.name`, `code.file.path` and `code.line.number`; `true` by
    /// default. Records of the `log` crate do in any case, as far as they know.
    pub code_attributes: bool,
    /// The most bytes of a request, before and after it is packed; a larger batch is sent in parts. By default 64 MiB, which is also the
    /// most there can be, but 4 MiB over gRPC, since receivers take no more unless they are told to.
    pub max_request_bytes: Option<usize>,
    /// The most bytes of one span or log record as protobuf (as JSON they are not measured), for receivers that refuse the whole request otherwise: a larger one is dropped,
    /// and counted as [too large](crate::Dropped::too_large). No bound by default.
    pub max_item_bytes: Option<usize>,
}

impl Target {
    /// A URL for one signal, and the default of every other field.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            gzip: false,
            protocol: Protocol::default(),
            tls: TlsFiles::default(),
            code_attributes: true,
            max_request_bytes: None,
            max_item_bytes: None,
        }
    }
}

impl Target {
    /// Where the settings send this signal.
    pub(crate) fn of(destination: Destination, signal: Signal) -> Self {
        let Destination {
            endpoint,
            headers,
            timeout,
            compression,
            protocol,
            tls,
            code_attributes,
            max_request_bytes,
            max_item_bytes,
            auth: _,
        } = destination;
        Self {
            url: match protocol {
                Protocol::Grpc => endpoint.as_given().to_owned(),
                Protocol::HttpProtobuf | Protocol::HttpJson => endpoint.url(signal),
            },
            headers: headers.into_iter().map(Header::into_parts).collect(),
            timeout,
            gzip: compression == Compression::Gzip,
            protocol,
            tls,
            code_attributes,
            max_request_bytes,
            max_item_bytes,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL's query may hold a key.
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        let url = if url.contains('@') { "***" } else { url };
        let Self {
            url: _,
            headers,
            timeout,
            gzip,
            protocol,
            tls,
            code_attributes,
            max_request_bytes,
            max_item_bytes,
        } = self;
        f.debug_struct("Target")
            .field("url", &url)
            .field("headers", headers)
            .field("timeout", timeout)
            .field("gzip", gzip)
            .field("protocol", protocol)
            .field("tls", tls)
            .field("code_attributes", code_attributes)
            .field("max_request_bytes", max_request_bytes)
            .field("max_item_bytes", max_item_bytes)
            .finish()
    }
}

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

/// How bodies are written.
enum Encoder<P> {
    Protobuf(P),
    Json(JsonEncoder),
}

impl<P> Encoder<P> {
    fn of(target: &Target, protobuf: fn(bool) -> P) -> Self {
        match target.protocol {
            Protocol::HttpJson => Self::Json(JsonEncoder::new(target.code_attributes)),
            Protocol::HttpProtobuf | Protocol::Grpc => Self::Protobuf(protobuf(target.code_attributes)),
        }
    }

    fn encode<'a>(
        &'a mut self,
        batch: &Batch,
        protobuf: fn(&'a mut P, &Batch) -> Encoded<'a>,
    ) -> Encoded<'a> {
        match self {
            Self::Protobuf(encoder) => protobuf(encoder, batch),
            Self::Json(encoder) => Encoded { bytes: encoder.encode(batch), largest_item: 0 },
        }
    }

    /// The body of a request for nothing.
    fn empty(&self) -> &'static [u8] {
        match self {
            Self::Protobuf(_) => b"",
            Self::Json(_) => b"{}",
        }
    }

    /// What a packed batch begins with: the rest is a request's body of this kind.
    fn mark(&self) -> u8 {
        match self {
            Self::Protobuf(_) => b'P',
            Self::Json(_) => b'J',
        }
    }

    /// The batch for later, if the receiver takes it as it is.
    fn pack<'a>(
        &'a mut self,
        client: &Client,
        batch: &Batch,
        protobuf: fn(&'a mut P, &Batch) -> Encoded<'a>,
    ) -> Option<Vec<u8>> {
        let mark = self.mark();
        let body = self.encode(batch, protobuf);
        client.takes(&body).ok()?;
        Some([&[mark], body.bytes].concat())
    }

    /// A packed batch in two halves.
    fn halve(&self, signal: Signal, packed: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        let body = self.unpack(packed).ok()?;
        let halves = match self {
            Self::Protobuf(_) => encode::halves(body),
            Self::Json(_) => json::halves(signal, body),
        };
        Some(halves?.map(|(items, body)| (items, [&[self.mark()], &*body].concat())))
    }

    fn unpack<'a>(&self, packed: &'a [u8]) -> Result<&'a [u8], ExportError> {
        let body = packed.strip_prefix(&[self.mark()]);
        body.ok_or_else(|| ExportError::permanent("the batch on disk is of another protocol"))
    }
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

/// The target could never be sent to. The message shows neither the URL nor a header's value.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvalidTarget(#[from] Invalid);

#[derive(Debug, thiserror::Error)]
enum Invalid {
    #[error("the endpoint is not an absolute http or https URL, such as http://localhost:4318")]
    Url,
    #[error("the endpoint holds a user name or password, which is not sent: use the header `authorization`")]
    Credentials,
    #[error("`{0}` is not a header's name")]
    HeaderName(String),
    #[error("the header `{0}` has a value that cannot be sent: it holds a control character")]
    HeaderValue(String),
    #[error("the header `{0}` is the exporter's own")]
    OwnHeader(String),
    #[cfg(feature = "grpc")]
    #[error("an endpoint for gRPC has no path: it names a host and a port, such as http://localhost:4317")]
    Path,
    #[cfg(not(feature = "grpc"))]
    #[error("OTLP over gRPC needs `telemetry-runtime`'s feature `grpc`, which this build lacks")]
    NoGrpc,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl InvalidTarget {
    /// Whether the URL is at fault.
    pub fn is_url(&self) -> bool {
        match self.0 {
            #[cfg(feature = "grpc")]
            Invalid::Path => true,
            Invalid::Url | Invalid::Credentials => true,
            _ => false,
        }
    }

    /// Whether one of the files for TLS is at fault.
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Invalid::Tls(_))
    }

    /// The name of the header that is at fault, if one is.
    pub fn header(&self) -> Option<&str> {
        match &self.0 {
            Invalid::HeaderName(name) | Invalid::HeaderValue(name) | Invalid::OwnHeader(name) => Some(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Level;
    use crate::record::sample::{LogSample, Sample, batch, logs};
    use telemetry_tests::{Answer, Receiver};

    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn spans_arrive() {
        let receiver = Receiver::start();
        let mut otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a valid target");
        let exported = otlp.export(&batch(&[Sample::root("a", 1), Sample::child("b", 2, 1)]));
        assert_eq!(exported.ok(), Some(Exported::all()));
        let spans = receiver.wait_for_spans(2, SOON);
        assert_eq!([spans[0].span.name.as_str(), &spans[1].span.name], ["a", "b"]);
    }

    #[test]
    fn log_records_arrive_at_their_own_url_and_their_rejected_are_counted() {
        let receiver = Receiver::scripted([Answer::ok(), Answer::partial_success(1, "too old")]);
        let mut otlp = Otlp::new(Target::new(receiver.traces_url()))
            .and_then(|otlp| otlp.with_logs(Target::new(receiver.logs_url())))
            .expect("valid targets");
        let log = |body| LogSample::new(Level::Info, 1, body);
        assert_eq!(otlp.export(&batch(&[Sample::root("a", 1)])).ok(), Some(Exported::all()));
        let exported = otlp.export(&logs(&[log("one"), log("two")]));
        assert_eq!(exported.ok(), Some(Exported::with_rejected(1)));
        let lines: Vec<_> = receiver.requests().into_iter().map(|request| request.line).collect();
        assert_eq!(lines, ["POST /v1/traces", "POST /v1/logs"]);
        assert_eq!(receiver.logs().iter().map(|log| log.body()).collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn what_was_packed_is_sent_by_another_exporter_to_the_signal_s_target() {
        let receiver = Receiver::scripted([Answer::ok(), Answer::partial_success(1, "too old")]);
        let mut packer = Otlp::new(Target::new("http://localhost:1/"))
            .and_then(|otlp| otlp.with_logs(Target::new("http://localhost:1/")))
            .expect("valid targets");
        let mut sender = Otlp::new(Target::new(receiver.traces_url()))
            .and_then(|otlp| otlp.with_logs(Target::new(receiver.logs_url())))
            .expect("valid targets");
        let spans = packer.pack(&batch(&[Sample::root("a", 1)])).expect("spans have a target");
        let records =
            packer.pack(&logs(&[LogSample::new(Level::Info, 1, "one")])).expect("so have log records");
        assert_eq!(sender.export_packed(Signal::Traces, &spans).ok(), Some(Exported::all()));
        assert_eq!(sender.export_packed(Signal::Logs, &records).ok(), Some(Exported::with_rejected(1)));
        assert_eq!(receiver.wait_for_spans(1, SOON)[0].span.name, "a");
        assert_eq!(receiver.logs()[0].body(), "one");
        let error = sender.export_packed(Signal::Traces, b"{}").expect_err("this is no packed batch");
        assert!(!error.is_retryable());
    }

    #[test]
    fn json_is_sent_and_answered_as_such() {
        let answer = |status: &str, body: &str| {
            Answer::raw(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
        };
        let receiver = Receiver::scripted([
            answer("200 OK", r#"{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "no"}}"#),
            answer("200 OK", r#"{"partialSuccess": {"rejectedLogRecords": 1}}"#),
            answer("503 Busy", r#"{"code": 14, "message": "come back"}"#),
        ]);
        let json = |url| Target { protocol: Protocol::HttpJson, ..Target::new(url) };
        let mut otlp = Otlp::new(json(receiver.traces_url()))
            .and_then(|otlp| otlp.with_logs(json(receiver.logs_url())))
            .expect("valid targets");
        let spans = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
        assert_eq!(otlp.export(&spans).ok(), Some(Exported::with_rejected(1)));
        let log = logs(&[LogSample::new(Level::Info, 1, "one")]);
        assert_eq!(otlp.export(&log).ok(), Some(Exported::with_rejected(1)));
        let error = otlp.export(&spans).expect_err("the receiver is busy");
        assert!(error.is_retryable() && error.to_string().ends_with(": come back"), "{error}");
        let requests = receiver.requests();
        for (request, begin) in requests.iter().zip(["{\"resourceSpans\":", "{\"resourceLogs\":"]) {
            assert_eq!(request.header("content-type"), Some("application/json"));
            assert!(request.body.starts_with(begin.as_bytes()) && request.body.ends_with(b"}"));
        }
    }

    #[test]
    fn takes_what_it_has_a_target_for() {
        let target = || Target::new("http://localhost:4318/");
        let takes = |otlp: Otlp| Signal::ALL.map(|signal| otlp.takes(signal));
        assert_eq!(Otlp::new(target()).map(takes).ok(), Some([true, false]));
        assert_eq!(Otlp::of_logs(target()).map(takes).ok(), Some([false, true]));
        assert!(Otlp::of_logs(Target::new("")).is_err_and(|error| error.is_url()));
    }

    #[test]
    fn no_more_spans_are_rejected_than_were_sent() {
        let receiver =
            Receiver::scripted([Answer::partial_success(900, "no"), Answer::partial_success(-1, "no")]);
        let mut otlp = Otlp::new(Target::new(receiver.traces_url())).expect("a valid target");
        let sent = batch(&[Sample::root("a", 1), Sample::root("b", 2)]);
        assert_eq!(otlp.export(&sent).map(Exported::rejected).ok(), Some(2));
        assert_eq!(otlp.export(&sent).map(Exported::rejected).ok(), Some(0));
    }

    #[test]
    fn refuses_targets_that_could_never_be_sent_to() {
        for url in [
            "",
            "localhost:4318",
            "ftp://host/",
            "/v1/traces",
            "http://",
            "http:// host/",
            "http://user:pass@host/",
        ] {
            assert!(Otlp::new(Target::new(url)).is_err_and(|error| error.is_url()), "{url:?}");
        }
        for (name, value) in [
            ("a b", "1"),
            ("", "1"),
            ("key", "a\nb"),
            ("Content-Length", "1"),
            ("host", "h"),
            ("Expect", "x"),
            ("grpc-a", "1"),
        ] {
            let mut target = Target::new("http://localhost/");
            target.headers.push((name.to_owned(), Secret::new(value)));
            let error = Otlp::new(target).expect_err("an invalid header");
            assert_eq!(error.header(), Some(name));
        }
    }

    #[cfg(not(feature = "grpc"))]
    #[test]
    fn a_build_without_grpc_says_which_feature_it_lacks() {
        let target = Target { protocol: Protocol::Grpc, ..Target::new("http://localhost:4317") };
        assert!(Otlp::new(target).is_err_and(|error| error.to_string().contains("feature `grpc`")));
    }

    #[test]
    fn secrets_do_not_show() {
        let mut target = Target::new("http://localhost:4318/v1/traces?key=canary");
        target.headers.push(("api-key".to_owned(), Secret::new("canary")));
        let shown = format!("{target:?}");
        assert!(shown.contains("http://localhost:4318/v1/traces") && !shown.contains("canary"), "{shown}");
        let shown = format!("{:?}", Otlp::new(target).expect("a valid target"));
        assert!(shown.contains("localhost:4318") && !shown.contains("canary"), "{shown}");
        let shown = format!("{:?}", Target::new("http://canary:canary@localhost"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
