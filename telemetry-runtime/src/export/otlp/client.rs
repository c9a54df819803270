//! One OTLP receiver over HTTP: sends a body and says what became of it.

use super::response::{error_message, rejected_items};
use super::{Invalid, Target, request, retry_after};
use crate::clock;
use crate::export::ExportError;
use crate::record::Secret;
use crate::record::printable::{escaped, shortened};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::uri::Scheme;
use ureq::http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

/// Source: OTLP specification 1.11, "Response size limits".
const MAX_RESPONSE_BYTES: u64 = 4 << 20;
/// A batch's body leaves in one piece, which costs the system less than several do.
const OUTPUT_BUFFER_BYTES: usize = 1 << 20;
/// As much as is read of an answer that is an error: enough for its message.
const MAX_ERROR_BYTES: u64 = 16 << 10;
/// As much of the receiver's own words as an error repeats.
const MAX_MESSAGE_CHARS: usize = 256;

pub(super) struct Client {
    agent: Agent,
    url: Uri,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    timeout: Duration,
    gzip: bool,
}

impl Client {
    pub(super) fn new(target: Target) -> Result<Self, Invalid> {
        let Target { url, headers, timeout, gzip, code_attributes: _ } = target;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(timeout))
            .max_idle_connections(1)
            .output_buffer_size(OUTPUT_BUFFER_BYTES)
            .build();
        Ok(Self {
            agent: Agent::with_parts(config, DefaultConnector::default(), Addresses::default()),
            url: request::valid_url(&url)?,
            headers: request::headers(&headers, gzip)?,
            secrets: headers.into_iter().map(|(_, value)| value).collect(),
            timeout,
            gzip,
        })
    }

    /// Sends the body of one request. Gives the number of items that the receiver says it rejected.
    pub(super) fn send(&self, body: &[u8]) -> Result<usize, ExportError> {
        request::within_limit(body)?;
        let body = if self.gzip { Cow::Owned(request::compressed(body)?) } else { Cow::Borrowed(body) };
        request::within_limit(&body)?;
        let mut request = Request::post(&self.url)
            .body(&*body)
            .map_err(|error| ExportError::permanent("the request cannot be made").with_source(error))?;
        *request.headers_mut() = self.headers.clone();
        match self.agent.run(request) {
            Ok(response) if response.status().is_success() => self.taken(response),
            Ok(response) => Err(self.refused(response)),
            Err(error) => Err(self.not_sent(error)),
        }
    }

    /// The receiver has the items. That the rest of its answer got lost does not change that.
    fn taken(&self, mut response: Response<Body>) -> Result<usize, ExportError> {
        let body = response.body_mut().with_config().limit(MAX_RESPONSE_BYTES).read_to_vec();
        match body {
            Ok(body) => Ok(rejected_items(&body)),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(ExportError::permanent(format!(
                "{} answered with more than {MAX_RESPONSE_BYTES} bytes",
                self.origin()
            ))),
            Err(_) => Ok(0),
        }
    }

    /// Which answers allow to try again.
    ///
    /// Source: OTLP specification 1.11, "Retryable Response Codes" and "OTLP/HTTP Throttling".
    fn refused(&self, mut response: Response<Body>) -> ExportError {
        let status = response.status();
        let pause = pause(response.headers());
        let detail = if status.is_redirection() {
            Some("redirects are not followed".to_owned())
        } else {
            self.message(&mut response)
        };
        let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        let message = format!("{} answered {status}{detail}", self.origin());
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => ExportError::retryable(message, pause),
            _ => ExportError::permanent(message),
        }
    }

    /// There was no answer. Only errors of the system and of TLS are passed on: others may repeat the URL.
    fn not_sent(&self, error: ureq::Error) -> ExportError {
        let origin = self.origin();
        match error {
            // This is how TLS reports what it does not accept.
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                ExportError::permanent(format!("no secure connection to {origin}")).with_source(error)
            }
            ureq::Error::Rustls(error) => {
                ExportError::permanent(format!("no secure connection to {origin}")).with_source(error)
            }
            ureq::Error::Io(error) => {
                ExportError::retryable(format!("no connection to {origin}, or it broke"), None)
                    .with_source(error)
            }
            ureq::Error::ConnectionFailed => {
                ExportError::retryable(format!("no connection to {origin}"), None)
            }
            ureq::Error::HostNotFound => ExportError::retryable(format!("no address for {origin}"), None),
            ureq::Error::Timeout(_) => {
                ExportError::retryable(format!("{origin} did not answer within {:?}", self.timeout), None)
            }
            _ => ExportError::permanent(format!("{origin} did not answer in HTTP")),
        }
    }

    /// The receiver's own words, made safe to show: it may repeat a key, and write whatever it likes.
    fn message(&self, response: &mut Response<Body>) -> Option<String> {
        let mut body = Vec::new();
        // Whatever was read until it failed may hold the message.
        let _ = response.body_mut().as_reader().take(MAX_ERROR_BYTES).read_to_end(&mut body);
        let mut message = error_message(&body)?;
        for part in self.secrets.iter().flat_map(secret_parts) {
            message = message.replace(part, "***");
        }
        Some(escaped(&shortened(&message, MAX_MESSAGE_CHARS)).into_owned())
    }

    /// Scheme, host and port: what may be shown of the URL.
    fn origin(&self) -> impl fmt::Display {
        let scheme = self.url.scheme_str().unwrap_or_default();
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        format!("{scheme}://{authority}")
    }
}

/// Takes an address as it is, and has names looked up by `ureq`, which starts a thread for that with every request.
#[derive(Debug, Default)]
struct Addresses(DefaultResolver);

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let Some(address) = address(uri) else { return self.0.resolve(uri, config, timeout) };
        let mut addresses = self.empty();
        addresses.push(address);
        Ok(addresses)
    }
}

/// The address that the URL names, if it does.
fn address(uri: &Uri) -> Option<SocketAddr> {
    let default_port = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let ip: IpAddr = uri.host()?.trim_matches(['[', ']']).parse().ok()?;
    Some(SocketAddr::new(ip, uri.port_u16().unwrap_or(default_port)))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.origin())
    }
}

fn pause(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    retry_after::pause(text(header::RETRY_AFTER)?, text(header::DATE), clock::unix_seconds)
}

/// A header's value, and the words in it, such as the token behind `Bearer`. Short words are no secrets, but hiding them would cripple
/// the text.
fn secret_parts(secret: &Secret) -> impl Iterator<Item = &str> {
    let words = secret.expose().split_whitespace().filter(|word| word.len() > 6);
    std::iter::once(secret.expose()).chain(words).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::io::Write;
    use std::net::TcpListener;
    use telemetry_tests::proto::collector::trace::v1::ExportTraceServiceRequest;
    use telemetry_tests::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use telemetry_tests::{Answer, Receiver};

    #[test]
    fn sends_the_body_with_the_headers_of_the_protocol() {
        let receiver = Receiver::start();
        assert_eq!(client(&receiver.traces_url()).send(&body()).ok(), Some(0));
        let request = &receiver.requests()[0];
        assert_eq!(request.line, "POST /v1/traces");
        assert_eq!(request.body, body());
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(request.header("content-encoding"), None);
        let version = env!("CARGO_PKG_VERSION");
        let user_agent = format!("telemetry-runtime/{version} OTel-OTLP-Exporter-Rust/{version}");
        assert_eq!(request.header("user-agent"), Some(user_agent.as_str()));
        assert_eq!(receiver.spans().len(), 1);
    }

    #[test]
    fn sends_gzip_that_decodes() {
        let receiver = Receiver::start();
        let target = Target { gzip: true, ..Target::new(receiver.traces_url()) };
        assert!(Client::new(target).expect("a valid target").send(&body()).is_ok());
        let request = &receiver.requests()[0];
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        assert_ne!(request.body, body());
        assert_eq!(request.content().ok(), Some(body()));
        assert_eq!(receiver.spans()[0].span.name, "sent");
    }

    #[test]
    fn sends_the_targets_own_headers() {
        let receiver = Receiver::start();
        let mut target = Target::new(receiver.traces_url());
        for (name, value) in [("Api-Key", "1234"), ("user-agent", "mine/1")] {
            target.headers.push((name.to_owned(), Secret::new(value)));
        }
        assert!(Client::new(target).expect("a valid target").send(&body()).is_ok());
        let request = &receiver.requests()[0];
        assert_eq!((request.header("api-key"), request.header("user-agent")), (Some("1234"), Some("mine/1")));
    }

    #[test]
    fn keeps_its_connection() {
        let receiver =
            Receiver::scripted([Answer::ok(), Answer::error(503, "busy"), Answer::error(400, "bad")]);
        let client = client(&receiver.traces_url());
        let outcomes = [(); 4].map(|()| client.send(&body()).is_ok());
        assert_eq!(outcomes, [true, false, false, true]);
        assert_eq!(receiver.connections(), 1);
    }

    #[test]
    fn an_address_is_taken_as_it_is_and_a_name_is_looked_up() {
        let address = |url: &str| address(&url.parse().expect("a URL")).map(|address| address.to_string());
        assert_eq!(address("http://127.0.0.1:4318/v1/traces").as_deref(), Some("127.0.0.1:4318"));
        assert_eq!(address("https://[::1]/").as_deref(), Some("[::1]:443"));
        assert_eq!(address("http://192.0.2.7/").as_deref(), Some("192.0.2.7:80"));
        for name in ["http://localhost:4318/", "http://example.com/", "http://1.example.com/"] {
            assert_eq!(address(name), None);
        }
    }

    #[test]
    fn only_four_statuses_may_be_tried_again() {
        for status in (300..600).filter(|status| *status != 304) {
            let error = error_after(Answer::status(status));
            assert_eq!(error.is_retryable(), [429, 502, 503, 504].contains(&status), "{error}");
        }
    }

    #[test]
    fn every_2xx_is_success() {
        for status in [200, 202, 204, 206] {
            let receiver = Receiver::scripted([Answer::status(status)]);
            assert_eq!(client(&receiver.traces_url()).send(&body()).ok(), Some(0), "{status}");
        }
    }

    #[test]
    fn partial_success_counts_the_rejected() {
        let receiver = Receiver::scripted([
            Answer::partial_success(7, "too old"),
            Answer::partial_success(0, "warning"),
        ]);
        let client = client(&receiver.traces_url());
        assert_eq!(client.send(&body()).ok(), Some(7));
        assert_eq!(client.send(&body()).ok(), Some(0));
    }

    #[test]
    fn retry_after_is_passed_on_in_both_forms() {
        let pause = |answer: Answer| error_after(answer).retry_after();
        assert_eq!(pause(Answer::status(429).header("Retry-After", "3")), Some(Duration::from_secs(3)));
        let dated = Answer::error(503, "busy")
            .header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
            .header("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(pause(dated), Some(Duration::from_secs(30)));
        let past = Answer::status(503).header("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(pause(past), Some(Duration::ZERO));
        assert_eq!(pause(Answer::status(503).header("Retry-After", "soon")), None);
        assert_eq!(pause(Answer::status(503)), None);
    }

    #[test]
    fn redirects_are_refused() {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = Receiver::start();
            let error = error_after(Answer::status(status).header("Location", elsewhere.traces_url()));
            assert!(!error.is_retryable());
            assert!(error.to_string().ends_with("redirects are not followed"), "{error}");
            assert_eq!(elsewhere.connections(), 0);
        }
    }

    #[test]
    fn the_receivers_message_is_shown_safely() {
        let shown = |message: &str| error_after(Answer::error(400, message)).to_string();
        assert!(
            shown("no \u{1b}[31m such\ntenant")
                .ends_with(" answered 400 Bad Request: no \\u{1b}[31m such\\ntenant")
        );
        assert!(shown(&"ü".repeat(300)).ends_with(&format!(": {}…", "ü".repeat(256))));
        assert!(
            error_after(Answer::status(500)).to_string().ends_with(" answered 500 Internal Server Error")
        );
    }

    #[test]
    fn what_breaks_before_an_answer_may_be_tried_again() {
        for answer in [Answer::hang_up(), Answer::raw("HTTP/1.1 200 OK\r\nContent-")] {
            let error = error_after(answer);
            assert!(error.is_retryable() && error.retry_after().is_none(), "{error}");
        }
    }

    #[test]
    fn a_port_where_nobody_listens_may_be_tried_again() {
        let unused =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let error = client(&format!("http://{unused}/v1/traces")).send(&body()).expect_err("nobody listens");
        assert!(error.is_retryable());
        assert!(error.source().is_some() && error.to_string().contains(&unused.to_string()), "{error}");
    }

    #[test]
    fn a_receiver_that_says_nothing_times_out() {
        let receiver = Receiver::scripted([Answer::hang()]);
        let target = Target { timeout: Duration::from_millis(50), ..Target::new(receiver.traces_url()) };
        let error = Client::new(target).expect("a valid target").send(&body()).expect_err("no answer");
        assert!(error.is_retryable());
        assert!(error.to_string().ends_with("did not answer within 50ms"), "{error}");
    }

    #[test]
    fn an_answer_that_is_not_http_is_final() {
        let error = error_after(Answer::raw("220 mail.example.com ESMTP\r\n\r\n"));
        assert!(!error.is_retryable());
        assert!(error.to_string().ends_with("did not answer in HTTP"), "{error}");
    }

    #[test]
    fn a_receiver_without_tls_behind_https_is_final() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("https://{}/v1/traces", listener.local_addr().expect("a bound listener"));
        #[expect(clippy::disallowed_methods, reason = "a test's peer is no background thread of ours")]
        let plain = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())
        });
        let error = client(&url).send(&body()).expect_err("no TLS");
        assert!(!error.is_retryable());
        assert!(error.to_string().starts_with("no secure connection to https://127.0.0.1:"), "{error}");
        assert!(plain.join().is_ok());
    }

    #[test]
    fn success_whose_body_breaks_off_is_still_success() {
        let receiver = Receiver::scripted([Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\n")]);
        assert_eq!(client(&receiver.traces_url()).send(&body()).ok(), Some(0));
    }

    #[test]
    fn an_answer_beyond_the_limit_is_final() {
        let error = error_after(Answer::protobuf(200, vec![0; (4 << 20) + 1]));
        assert!(!error.is_retryable());
        assert!(error.to_string().ends_with("answered with more than 4194304 bytes"), "{error}");
    }

    #[test]
    fn no_error_shows_a_secret() {
        let answers = [
            Answer::error(401, "unknown key Bearer canary-1234"),
            Answer::error(403, "token canary-1234 has expired"),
            Answer::status(307).header("Location", "http://example.com/?key=canary-1234"),
            Answer::raw("canary-1234\r\n\r\n"),
            Answer::hang_up(),
        ];
        for answer in answers {
            let receiver = Receiver::scripted([answer]);
            let mut target = Target::new(receiver.traces_url() + "?key=canary-1234");
            target.headers.push(("authorization".to_owned(), Secret::new("Bearer canary-1234")));
            let error = Client::new(target).expect("a valid target").send(&body()).expect_err("no success");
            assert_eq!(receiver.requests()[0].header("authorization"), Some("Bearer canary-1234"));
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    fn client(url: &str) -> Client {
        Client::new(Target::new(url)).expect("a valid target")
    }

    fn error_after(answer: Answer) -> ExportError {
        let receiver = Receiver::scripted([answer]);
        client(&receiver.traces_url()).send(&body()).expect_err("no success")
    }

    fn body() -> Vec<u8> {
        let span = Span { name: "sent".to_owned(), ..Span::default() };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        prost::Message::encode_to_vec(&ExportTraceServiceRequest { resource_spans })
    }
}
