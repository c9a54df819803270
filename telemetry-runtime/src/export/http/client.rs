//! The client itself: one request at a time, over a connection that is kept.

use super::addresses::Addresses;
use super::quiet::quietly;
use super::retry_after;
use super::tls::Tls;
use crate::clock;
use crate::export::ExportError;
use std::fmt;
use std::io::{self, Read};
use std::sync::OnceLock;
use std::time::Duration;
use ureq::http::uri::Scheme;
use ureq::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

/// As much as is read of an answer, in bytes.
///
/// Source: OTLP specification 1.11, "Response size limits".
pub(crate) const MAX_ANSWER_BYTES: usize = 4 << 20;
/// A batch's body leaves in one piece, which costs the system less than several do.
const OUTPUT_BUFFER_BYTES: usize = 1 << 20;

/// Posts bodies, and goes nowhere but where it is told: redirects are not followed, and the proxies that `HTTP_PROXY` and its kin name are
/// not used.
pub(crate) struct HttpClient {
    plain: Agent,
    /// Made when it is needed, since the system's certificates take a while to read.
    secure: OnceLock<Agent>,
    options: HttpOptions,
}

/// How to send.
#[derive(Debug)]
pub(crate) struct HttpOptions {
    /// How long one request may take, from looking up the host to the answer's last byte.
    pub(crate) timeout: Duration,
    /// Whom to trust behind `https`, and who to be there.
    pub(crate) tls: Tls,
}

/// What the other side answered, whether it liked the request or not.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What came of the body, in case it broke off; of an error's, no more than is allowed.
    pub(crate) body: Vec<u8>,
}

impl HttpClient {
    pub(crate) fn new(options: HttpOptions) -> Self {
        Self { plain: agent(options.timeout, TlsConfig::default()), secure: OnceLock::new(), options }
    }

    /// Posts the body, and waits for the answer. An error says why there is none and whether to try again, and shows no more of the URL
    /// than its [`origin`].
    #[cfg(feature = "otlp")]
    pub(crate) fn post(&self, url: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Answer, ExportError> {
        self.post_within(self.options.timeout, url, headers, body)
    }

    /// The same, with so much time instead.
    pub(crate) fn post_within(
        &self,
        timeout: Duration,
        url: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Answer, ExportError> {
        self.send_within(timeout, Method::POST, url, headers, body)
    }

    /// The same by any method.
    pub(crate) fn send_within(
        &self,
        timeout: Duration,
        method: Method,
        url: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Answer, ExportError> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .body(body)
            .map_err(|error| ExportError::permanent("the request cannot be made").with_source(error))?;
        *request.headers_mut() = headers.clone();
        let agent = self.agent(url);
        let request = agent.configure_request(request).timeout_global(Some(timeout)).build();
        let answer = quietly(|| agent.run(request).map(Answer::read));
        answer.map_err(|error| not_sent(url, timeout, error))?.ok_or_else(|| {
            let message = format!("{} answered with more than {MAX_ANSWER_BYTES} bytes", origin(url));
            ExportError::permanent(message)
        })
    }

    fn agent(&self, url: &Uri) -> &Agent {
        match url.scheme() == Some(&Scheme::HTTPS) {
            true => self.secure.get_or_init(|| agent(self.options.timeout, self.options.tls.for_ureq())),
            false => &self.plain,
        }
    }
}

/// There was no answer. Only errors of the system and of TLS are passed on: others may repeat the URL.
fn not_sent(url: &Uri, timeout: Duration, error: ureq::Error) -> ExportError {
    let origin = origin(url);
    match error {
        // This is how TLS reports what it does not accept.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            ExportError::permanent(format!("no secure connection to {origin}")).with_source(error)
        }
        ureq::Error::Rustls(error) => {
            ExportError::permanent(format!("no secure connection to {origin}")).with_source(error)
        }
        ureq::Error::Io(error) => {
            ExportError::retryable(format!("no connection to {origin}, or it broke"), None).with_source(error)
        }
        ureq::Error::ConnectionFailed => ExportError::retryable(format!("no connection to {origin}"), None),
        ureq::Error::HostNotFound => ExportError::retryable(format!("no address for {origin}"), None),
        ureq::Error::Timeout(_) => {
            ExportError::retryable(format!("{origin} did not answer within {:?}", timeout), None)
        }
        _ => ExportError::permanent(format!("{origin} did not answer in HTTP")),
    }
}

fn agent(timeout: Duration, tls: TlsConfig) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(timeout))
        .max_idle_connections(1)
        .output_buffer_size(OUTPUT_BUFFER_BYTES)
        .tls_config(tls)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Addresses::default())
}

impl Answer {
    /// The whole answer, however its body ends; `None` if a success says more than is allowed.
    fn read(response: Response<Body>) -> Option<Self> {
        let (parts, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        // What was asked for is done, or not, whether or not the rest of the answer gets lost.
        let _ = body.as_reader().take(MAX_ANSWER_BYTES as u64 + 1).read_to_end(&mut bytes);
        let is_too_long = bytes.len() > MAX_ANSWER_BYTES;
        if is_too_long && parts.status.is_success() {
            return None;
        }
        Some(Self { status: parts.status, headers: parts.headers, body: bytes })
    }

    /// When the other side wants to hear from us again, if it says so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        retry_after::pause(text(header::RETRY_AFTER)?, text(header::DATE), clock::unix_seconds)
    }
}

/// Scheme, host and port: what may be shown of a URL.
pub(crate) fn origin(url: &Uri) -> impl fmt::Display {
    let scheme = url.scheme_str().unwrap_or_default();
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("{scheme}://{authority}")
}
