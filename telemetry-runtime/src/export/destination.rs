//! Where OTLP goes and how, checked: endpoint, protocol, headers, timeout, compression, content.

use super::auth::Auth;
use crate::record::{Secret, Signal};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long one request may take, unless told otherwise.
///
/// Source: OpenTelemetry specification, OTLP exporter, "Timeout".
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where an OTLP exporter sends one signal. It is checked in every build, also where the exporter itself is left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Destination {
    /// Where to; by default `http://localhost:4318`, with the signal's path.
    pub(crate) endpoint: Endpoint,
    /// Sent with every request; none by default.
    pub(crate) headers: Vec<Header>,
    /// How long one request may take, from looking up the host to the answer's last byte; 10 s by default.
    pub(crate) timeout: Duration,
    /// How bodies are packed; not at all by default.
    pub(crate) compression: Compression,
    /// How it is spoken; HTTP/protobuf by default, but gRPC where the endpoint's port is the one for that.
    pub(crate) protocol: Protocol,
    /// Whom to trust behind `https`; whom the system trusts by default.
    pub(crate) tls: TlsFiles,
    /// Whether spans and log records say where their code is; they do by default.
    pub(crate) code_attributes: bool,
    /// The most bytes of a request; as many as the protocol allows by default.
    pub(crate) max_request_bytes: Option<usize>,
    /// The most bytes of one span or log record; no bound by default.
    pub(crate) max_item_bytes: Option<usize>,
    /// How each request is authorized beyond its headers; not at all by default.
    pub(crate) auth: Option<Box<Auth>>,
}

/// A valid URL, of a receiver for all signals or of one signal.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Without the signal's path, but with a slash at its end, if it is a base.
    url: String,
    is_base: bool,
    port: Option<u16>,
}

/// A valid HTTP header. Its value is a secret: it usually carries a key or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    name: String,
    value: Secret,
}

/// Files in the form PEM that say whom to trust behind `https`, and who to be there.
///
/// They are read once, when the exporter is made. A receiver's certificate is checked in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "otlp"), expect(unreachable_pub, reason = "the exporter hands it out"))]
pub struct TlsFiles {
    /// Certificates to trust, instead of those that the system trusts. Where the system says nothing, Mozilla's list stands in.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show, with those that vouch for it behind it, where a receiver asks for one. It needs `key_file`.
    pub cert_file: Option<PathBuf>,
    /// The private key of that certificate.
    pub key_file: Option<PathBuf>,
}

/// The transports that OTLP defines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(not(feature = "otlp"), expect(unreachable_pub, reason = "the exporter hands it out"))]
pub enum Protocol {
    /// Protobuf over HTTP/1.1: the default, which every receiver takes.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP/1.1, which is larger and slower, for receivers that take nothing else.
    HttpJson,
    /// gRPC. The URL names a host and a port, such as `http://localhost:4317`, and no path. It needs the feature `grpc`.
    Grpc,
}

/// How request bodies are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
}

/// Why a text is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("expected a URL that begins with `http://` or `https://`")]
    Scheme,
    #[error("expected a host after `://`")]
    Host,
    #[error("expected a port from 1 to 65535 after the host")]
    Port,
    #[error("a URL here must not carry a user name or password: put credentials into `headers`")]
    Credentials,
    #[error("a URL here must not contain spaces, control characters or characters outside of ASCII")]
    Character,
    #[error("a base URL must not contain `?` or `#`: `v1/traces` or `v1/logs` is appended to it")]
    Query,
}

/// Why a text is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("expected a header name: letters, digits and any of !#$%&'*+-.^_`|~")]
    Name,
    #[error("the exporter sets this header itself")]
    Reserved,
    #[error("expected a header value of printable ASCII characters")]
    Value,
}

/// Headers that say how the request is made, which nobody else can know.
const RESERVED_HEADERS: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
];

/// Whether the exporter or the connection sets this header, whose name is in lower case.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED_HEADERS.contains(&name) || name.starts_with("grpc-")
}

impl Default for Destination {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::default_of(Protocol::default()),
            headers: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
            compression: Compression::default(),
            protocol: Protocol::default(),
            tls: TlsFiles::default(),
            code_attributes: true,
            max_request_bytes: None,
            max_item_bytes: None,
            auth: None,
        }
    }
}

/// Link-local addresses of metadata services, which no request leaves this machine's network for.
///
/// Source: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS credential provider"; Azure and Google Cloud have
/// the first one.
const NEXT_TO_US: [&str; 5] = [
    "http://169.254.169.254",
    "http://169.254.170.2",
    "http://169.254.170.23",
    "http://[fd00:ec2::254]",
    "http://[fd00:ec2::23]",
];

impl Endpoint {
    /// Where receivers on this machine listen.
    pub(crate) fn default_of(protocol: Protocol) -> Self {
        let port = if protocol == Protocol::Grpc { 4317 } else { 4318 };
        Self { url: format!("http://localhost:{port}/"), is_base: true, port: Some(port) }
    }

    /// From the URL of a receiver for all signals: `v1/traces` and the like are appended, with or without a slash at its end.
    ///
    /// Source: OpenTelemetry specification, OTLP exporter, "endpoint URLs for OTLP/HTTP".
    pub(crate) fn from_base(url: &str) -> Result<Self, EndpointError> {
        let Self { mut url, port, .. } = Self::from_exact(url)?;
        if url.contains(['?', '#']) {
            return Err(EndpointError::Query);
        }
        if !url.ends_with('/') {
            url.push('/');
        }
        Ok(Self { url, is_base: true, port })
    }

    /// From the URL for one signal, which is used as it is; only an absent path becomes `/`.
    pub(crate) fn from_exact(url: &str) -> Result<Self, EndpointError> {
        let rest = after_scheme(url).ok_or(EndpointError::Scheme)?;
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EndpointError::Character);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let port = port(authority)?;
        let (start, path) = url.split_at(url.len() - rest.len() + authority.len());
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { url: format!("{start}{slash}{path}"), is_base: false, port })
    }

    /// Where this signal is posted by HTTP.
    #[cfg_attr(not(any(feature = "otlp", test)), expect(dead_code, reason = "only the exporter posts"))]
    pub(crate) fn url(&self, signal: Signal) -> String {
        if self.is_base { format!("{}v1/{signal}", self.url) } else { self.url.clone() }
    }

    /// The URL without any signal's path: what gRPC wants.
    pub(crate) fn as_given(&self) -> &str {
        &self.url
    }

    /// Whether there is a path, or a query.
    pub(crate) fn has_path(&self) -> bool {
        after_scheme(&self.url)
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(_, path)| !path.is_empty())
    }

    /// Scheme, host and port: what may be shown.
    pub(crate) fn origin(&self) -> &str {
        let rest = after_scheme(&self.url).unwrap_or_default();
        let path = rest.find('/').map_or(0, |slash| rest.len() - slash);
        &self.url[..self.url.len() - path]
    }

    /// Whether whoever carries it can read what is sent: it is not encrypted, and leaves this machine.
    pub(crate) fn is_readable_on_the_way(&self) -> bool {
        !self.is_secure() && !self.is_this_machine()
    }

    /// Whether what is secret may go there: nobody on the way reads it, or it does not leave this machine's network.
    pub(crate) fn is_private(&self) -> bool {
        !self.is_readable_on_the_way() || NEXT_TO_US.contains(&self.origin())
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
    }

    /// Whether the host is the loopback interface.
    fn is_this_machine(&self) -> bool {
        let authority = after_scheme(self.origin()).unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        };
        let address: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    /// Whether the port is the one on which receivers speak gRPC.
    pub(crate) fn is_grpc_port(&self) -> bool {
        self.port == Some(4317)
    }
}

fn after_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

fn port(authority: &str) -> Result<Option<u16>, EndpointError> {
    if authority.contains('@') {
        return Err(EndpointError::Credentials);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_ip6 = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
    if host.is_empty() || (!is_ip6 && host.contains([':', '[', ']'])) {
        return Err(EndpointError::Host);
    }
    port.map(|port| port.parse().ok().filter(|port| *port != 0).ok_or(EndpointError::Port)).transpose()
}

/// A path or query may hold a token.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.origin())
    }
}

impl Header {
    pub(crate) fn new(name: &str, value: &str) -> Result<Self, HeaderError> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(HeaderError::Name);
        }
        if is_reserved(&name.to_ascii_lowercase()) {
            return Err(HeaderError::Reserved);
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t') {
            return Err(HeaderError::Value);
        }
        Ok(Self { name: name.to_owned(), value: Secret::new(value) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name, and the value for the wire.
    #[cfg_attr(not(any(feature = "otlp", test)), expect(dead_code, reason = "only the exporter sends"))]
    pub(crate) fn into_parts(self) -> (String, Secret) {
        (self.name, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base(url: &str) -> Result<String, EndpointError> {
        Endpoint::from_base(url).map(|endpoint| endpoint.url(Signal::Traces))
    }

    #[test]
    fn base_gets_the_path_of_the_signal_whether_or_not_it_ends_in_a_slash() {
        for (url, traces_url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://collector.example/otlp", "https://collector.example/otlp/v1/traces"),
            ("https://collector.example/otlp/", "https://collector.example/otlp/v1/traces"),
            ("HTTP://[::1]:4318", "HTTP://[::1]:4318/v1/traces"),
        ] {
            assert_eq!(base(url).as_deref(), Ok(traces_url));
        }
        let logs_url =
            Endpoint::from_base("https://collector.example/otlp").map(|base| base.url(Signal::Logs));
        assert_eq!(logs_url.as_deref(), Ok("https://collector.example/otlp/v1/logs"));
    }

    #[test]
    fn exact_endpoint_is_used_as_it_is() {
        for (url, exact) in [
            ("http://localhost:4318", "http://localhost:4318/"),
            ("http://localhost:4318/", "http://localhost:4318/"),
            ("http://localhost/custom?key=1", "http://localhost/custom?key=1"),
            ("http://localhost?key=1", "http://localhost/?key=1"),
        ] {
            assert_eq!(Endpoint::from_exact(url).map(|e| e.url(Signal::Logs)), Ok(exact.to_owned()));
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_its_reason() {
        for (url, error) in [
            ("localhost:4318", EndpointError::Scheme),
            ("grpc://localhost:4317", EndpointError::Scheme),
            ("", EndpointError::Scheme),
            ("http://", EndpointError::Host),
            ("http://:4318", EndpointError::Host),
            ("http://::1:4318", EndpointError::Host),
            ("http://[]:4318", EndpointError::Host),
            ("http://localhost:", EndpointError::Port),
            ("http://localhost:0", EndpointError::Port),
            ("http://localhost:70000", EndpointError::Port),
            ("http://user:pass@localhost", EndpointError::Credentials),
            ("http://local host", EndpointError::Character),
            ("http://localhost/?a=b", EndpointError::Query),
        ] {
            assert_eq!(base(url), Err(error), "{url}");
        }
    }

    #[test]
    fn port_4317_is_known_as_grpc() {
        assert!(Endpoint::from_base("http://[::1]:4317").is_ok_and(|endpoint| endpoint.is_grpc_port()));
        assert!(Endpoint::from_base("http://localhost/4317").is_ok_and(|endpoint| !endpoint.is_grpc_port()));
    }

    #[test]
    fn only_plain_http_that_leaves_this_machine_is_readable_on_the_way() {
        let readable = |url| Endpoint::from_exact(url).map(|endpoint| endpoint.is_readable_on_the_way());
        for url in
            ["https://a.example", "HTTPS://a", "http://LOCALHOST:1/x", "http://127.0.0.9", "http://[::1]:1?a"]
        {
            assert_eq!(readable(url), Ok(false), "{url}");
        }
        for url in
            ["http://a.example", "HTTP://10.0.0.1:1/x", "http://[2001:db8::1]:1", "http://localhost.example"]
        {
            assert_eq!(readable(url), Ok(true), "{url}");
        }
        let origin = Endpoint::from_exact("http://a.example:1/b?key=canary");
        assert_eq!(origin.as_ref().map(Endpoint::origin), Ok("http://a.example:1"));
    }

    #[test]
    fn headers_that_would_break_the_request_are_refused() {
        assert!(Header::new("api-key", "a b\tc~").is_ok());
        for name in ["", "api key", "api:key", "schlüssel"] {
            assert_eq!(Header::new(name, "x"), Err(HeaderError::Name));
        }
        for name in ["Content-Type", "Expect", "gRPC-Timeout"] {
            assert_eq!(Header::new(name, "x"), Err(HeaderError::Reserved));
        }
        for value in ["a\r\nb: c", "\0", "ü"] {
            assert_eq!(Header::new("a", value), Err(HeaderError::Value));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_endpoint_or_an_error(url in "(https?://)?[a-z0-9:/@\\[\\]?#. é]{0,24}") {
            let _ = Endpoint::from_base(&url);
            if let Ok(endpoint) = Endpoint::from_exact(&url) {
                prop_assert!(endpoint.url(Signal::Traces).starts_with("http"));
            }
        }
    }
}
