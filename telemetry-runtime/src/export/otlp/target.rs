//! Where to send, and what is wrong with a target that could never be sent to.

use super::{Protocol, TlsFiles};
use crate::export::destination::{self, Compression, Destination, Header};
use crate::export::http::TlsError;
use crate::record::{Secret, Signal};
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

/// The target could never be sent to. The message shows neither the URL nor a header's value.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct InvalidTarget(#[from] pub(super) Invalid);

#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
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
