//! What a request is made of: a URL, headers and a body that may be sent.

use super::target::Invalid;
use crate::export::ExportError;
use crate::export::destination::{Protocol, is_reserved};
use crate::record::Secret;
#[cfg(feature = "grpc")]
use crate::record::Signal;
use ureq::http::uri::Scheme;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// Source: OTLP specification 1.11, "Request size limits".
const MAX_BYTES: usize = 64 << 20;
/// What a receiver takes over gRPC unless somebody has told it otherwise.
///
/// Source: gRPC for Go and for Java, the default of the largest message that is received.
const MAX_GRPC_BYTES: usize = 4 << 20;

/// Source: OpenTelemetry specification, OTLP exporter, "User Agent": a distribution puts its own name in front.
const USER_AGENT: &str = concat!(
    "telemetry-runtime/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
);

pub(super) fn valid_url(url: &str) -> Result<Uri, Invalid> {
    let url: Uri = url.parse().map_err(|_| Invalid::Url)?;
    let authority = url.authority().filter(|authority| !authority.host().is_empty()).ok_or(Invalid::Url)?;
    if url.scheme() != Some(&Scheme::HTTP) && url.scheme() != Some(&Scheme::HTTPS) {
        return Err(Invalid::Url);
    }
    if authority.as_str().contains('@') {
        return Err(Invalid::Credentials);
    }
    Ok(url)
}

/// Where the method is that takes this signal. A URL for gRPC names a host and no more.
///
/// Source: opentelemetry-proto, `TraceService` and `LogsService`.
#[cfg(feature = "grpc")]
pub(super) fn method_url(url: &str, signal: Signal) -> Result<Uri, Invalid> {
    let url = valid_url(url)?;
    if url.path() != "/" || url.query().is_some() {
        return Err(Invalid::Path);
    }
    let service = match signal {
        Signal::Traces => "trace.v1.TraceService",
        Signal::Logs => "logs.v1.LogsService",
    };
    let mut parts = url.into_parts();
    let method = format!("/opentelemetry.proto.collector.{service}/Export");
    parts.path_and_query = Some(method.parse().map_err(|_| Invalid::Path)?);
    Uri::from_parts(parts).map_err(|_| Invalid::Url)
}

/// The headers of every request. A given `user-agent` replaces ours.
pub(super) fn headers(
    more: &[(String, Secret)],
    gzip: bool,
    protocol: Protocol,
) -> Result<HeaderMap, Invalid> {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let content_type = match protocol {
        Protocol::HttpProtobuf => "application/x-protobuf",
        Protocol::HttpJson => "application/json",
        Protocol::Grpc => "application/grpc",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    for (name, value) in more {
        let key = HeaderName::try_from(name).map_err(|_| Invalid::HeaderName(name.clone()))?;
        if is_reserved(key.as_str()) {
            return Err(Invalid::OwnHeader(name.clone()));
        }
        let mut value =
            HeaderValue::from_str(value.expose()).map_err(|_| Invalid::HeaderValue(name.clone()))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// The largest body that may be sent, if nothing less is said.
pub(super) fn limit(protocol: Protocol, said: Option<usize>) -> usize {
    let default = if protocol == Protocol::Grpc { MAX_GRPC_BYTES } else { MAX_BYTES };
    said.unwrap_or(default).min(MAX_BYTES)
}

pub(super) fn within_limit(body: &[u8], limit: usize) -> Result<(), ExportError> {
    if body.len() <= limit {
        return Ok(());
    }
    Err(ExportError::too_large(format!("the batch takes {} bytes, of {limit} allowed", body.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_beyond_the_limit_is_not_sent() {
        let limit = limit(Protocol::HttpProtobuf, None);
        assert!(within_limit(&vec![0; MAX_BYTES], limit).is_ok());
        let error = within_limit(&vec![0; MAX_BYTES + 1], limit).expect_err("one byte too many");
        assert!(!error.is_retryable());
        assert_eq!(error.to_string(), "the batch takes 67108865 bytes, of 67108864 allowed");
    }

    #[test]
    fn the_limit_is_what_is_said_or_what_the_protocol_allows() {
        let limits = [None, Some(1000), Some(MAX_BYTES + 1)];
        assert_eq!(limits.map(|said| limit(Protocol::HttpProtobuf, said)), [MAX_BYTES, 1000, MAX_BYTES]);
        assert_eq!(limits.map(|said| limit(Protocol::Grpc, said)), [4 << 20, 1000, MAX_BYTES]);
    }
}
