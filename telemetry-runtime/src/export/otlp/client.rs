//! One OTLP receiver, over HTTP or gRPC: sends a body and says what became of it.

use super::encode::Encoded;
#[cfg(feature = "grpc")]
use super::grpc::Grpc;
use super::target::Invalid;
use super::{Target, request, response};
use crate::export::ExportError;
use crate::export::destination::Protocol;
use crate::export::http::{self, Answer, Authorize, HttpClient, HttpOptions, Tls, gzip, safe_to_show};
use crate::record::Signal;
use std::borrow::Cow;
use std::fmt;
use ureq::http::request::Parts;
use ureq::http::{HeaderMap, Request, StatusCode, Uri};

pub(super) struct Client {
    wire: Wire,
    url: Uri,
    headers: HeaderMap,
    gzip: bool,
    protocol: Protocol,
    max_bytes: usize,
    max_item_bytes: usize,
    authorize: Option<Box<dyn Authorize>>,
}

enum Wire {
    Http(HttpClient),
    #[cfg(feature = "grpc")]
    Grpc(Grpc),
}

impl Client {
    pub(super) fn new(target: Target, signal: Signal) -> Result<Self, Invalid> {
        let (url, wire) = wire(&target, signal)?;
        let Target { headers, gzip, protocol, max_request_bytes, max_item_bytes, .. } = target;
        let headers = request::headers(&headers, gzip, protocol)?;
        let max_bytes = request::limit(protocol, max_request_bytes);
        let max_item_bytes = max_item_bytes.unwrap_or(usize::MAX);
        Ok(Self { wire, url, headers, gzip, protocol, max_bytes, max_item_bytes, authorize: None })
    }

    /// The same client, which has each request authorized.
    pub(super) fn authorized_by(self, authorize: Box<dyn Authorize>) -> Self {
        Self { authorize: Some(authorize), ..self }
    }

    /// Whether the receiver takes a body of so many bytes, and the largest of its items.
    pub(super) fn takes(&self, body: &Encoded<'_>) -> Result<(), ExportError> {
        request::within_limit(body.bytes, self.max_bytes)?;
        if body.largest_item <= self.max_item_bytes {
            return Ok(());
        }
        let (bytes, limit) = (body.largest_item, self.max_item_bytes);
        Err(ExportError::too_large(format!("an item takes {bytes} bytes, of {limit} allowed")))
    }

    /// Sends the body of one request. Gives the number of items that the receiver says it rejected.
    pub(super) fn send(&mut self, body: &[u8]) -> Result<usize, ExportError> {
        request::within_limit(body, self.max_bytes)?;
        let body = if self.gzip { Cow::Owned(gzip(body)?) } else { Cow::Borrowed(body) };
        request::within_limit(&body, self.max_bytes)?;
        match self.attempt(&body) {
            Err(error) if error.is_unauthorized() && self.renew() => self.attempt(&body),
            outcome => outcome,
        }
    }

    /// Whether there may be newer credentials.
    fn renew(&mut self) -> bool {
        self.authorize.as_mut().is_some_and(|authorize| authorize.renew())
    }

    fn attempt(&mut self, body: &[u8]) -> Result<usize, ExportError> {
        let request = self.authorized(body)?;
        let answer = match &mut self.wire {
            Wire::Http(http) => http.post(&request.uri, &request.headers, body)?,
            #[cfg(feature = "grpc")]
            Wire::Grpc(grpc) => return grpc.call(&request, self.gzip, body),
        };
        if answer.status.is_success() {
            return Ok(self.rejected_items(&answer.body));
        }
        Err(self.refused(&request, &answer))
    }

    fn rejected_items(&self, body: &[u8]) -> usize {
        match self.protocol {
            Protocol::HttpJson => response::json::rejected_items(body),
            Protocol::HttpProtobuf | Protocol::Grpc => response::rejected_items(body),
        }
    }

    fn error_message(&self, body: &[u8]) -> Option<String> {
        match self.protocol {
            Protocol::HttpJson => response::json::error_message(body),
            Protocol::HttpProtobuf | Protocol::Grpc => response::error_message(body),
        }
    }

    /// The request's head, complete.
    fn authorized(&mut self, body: &[u8]) -> Result<Parts, ExportError> {
        let (mut parts, ()) = Request::post(&self.url)
            .body(())
            .map_err(|error| ExportError::permanent("the request cannot be made").with_source(error))?
            .into_parts();
        parts.headers.clone_from(&self.headers);
        if let Some(authorize) = &mut self.authorize {
            authorize.authorize(&mut parts, body)?;
        }
        Ok(parts)
    }

    /// Which answers allow to try again.
    ///
    /// Source: OTLP specification 1.11, "Retryable Response Codes" and "OTLP/HTTP Throttling".
    fn refused(&self, request: &Parts, answer: &Answer) -> ExportError {
        let detail = if answer.status.is_redirection() {
            Some("redirects are not followed".to_owned())
        } else {
            self.error_message(&answer.body).map(|message| safe_to_show(&message, &request.headers))
        };
        let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        let message = format!("{} answered {}{detail}", http::origin(&self.url), answer.status);
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => ExportError::retryable(message, answer.retry_after()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ExportError::unauthorized(message),
            // The same request must not come again, but its halves are others.
            StatusCode::PAYLOAD_TOO_LARGE => ExportError::too_large(message),
            _ => ExportError::permanent(message),
        }
    }
}

fn wire(target: &Target, signal: Signal) -> Result<(Uri, Wire), Invalid> {
    let tls = Tls::read(&target.tls)?;
    match target.protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson => {
            let http = HttpClient::new(HttpOptions { timeout: target.timeout, tls });
            Ok((request::valid_url(&target.url)?, Wire::Http(http)))
        }
        Protocol::Grpc => grpc(target, signal, tls),
    }
}

#[cfg(feature = "grpc")]
fn grpc(target: &Target, signal: Signal, tls: Tls) -> Result<(Uri, Wire), Invalid> {
    let url = request::method_url(&target.url, signal)?;
    let grpc = Grpc::new(&url, tls, target.timeout);
    Ok((url, Wire::Grpc(grpc)))
}

#[cfg(not(feature = "grpc"))]
fn grpc(_: &Target, _: Signal, _: Tls) -> Result<(Uri, Wire), Invalid> {
    Err(Invalid::NoGrpc)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", http::origin(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Exporter;
    use crate::export::otlp::Otlp;
    use crate::record::Secret;
    use std::error::Error;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;
    use telemetry_tests::proto::collector::trace::v1::ExportTraceServiceRequest;
    use telemetry_tests::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use telemetry_tests::{Answer, Receiver};
    use ureq::http::{HeaderValue, header};

    #[test]
    fn a_check_asks_each_receiver_for_nothing_and_wants_a_success() {
        let ok = || Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        for (protocol, body) in [(Protocol::HttpProtobuf, ""), (Protocol::HttpJson, "{}")] {
            let receiver = Receiver::scripted([ok(), ok(), ok(), Answer::status(401)]);
            let target = |url| Target { protocol, gzip: true, ..Target::new(url) };
            let mut otlp = Otlp::new(target(receiver.traces_url()))
                .and_then(|otlp| otlp.with_logs(target(receiver.logs_url())))
                .expect("valid targets");
            assert_eq!(otlp.check().map_err(|error| error.to_string()), Ok(()));
            let requests = receiver.requests();
            assert_eq!([&*requests[0].line, &*requests[1].line], ["POST /v1/traces", "POST /v1/logs"]);
            assert!(requests.iter().all(|request| request.content().expect("gzip") == body.as_bytes()));
            let error = otlp.check().expect_err("a key that is not known").to_string();
            assert!(error.starts_with("logs: http://127.0.0.1:"), "{error}");
            assert!(error.ends_with("answered 401 Unauthorized"), "{error}");
        }
    }

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
        assert!(Client::new(target, Signal::Traces).expect("a valid target").send(&body()).is_ok());
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
        assert!(Client::new(target, Signal::Traces).expect("a valid target").send(&body()).is_ok());
        let request = &receiver.requests()[0];
        assert_eq!((request.header("api-key"), request.header("user-agent")), (Some("1234"), Some("mine/1")));
    }

    #[test]
    fn each_request_is_authorized_for_the_body_that_is_sent() {
        struct Signs;
        impl Authorize for Signs {
            fn authorize(&mut self, parts: &mut Parts, body: &[u8]) -> Result<(), ExportError> {
                let mut token = HeaderValue::from_static("canary-1234");
                token.set_sensitive(true);
                parts.headers.insert(header::AUTHORIZATION, token);
                parts.headers.insert("signed-bytes", body.len().into());
                Ok(())
            }
        }
        let receiver = Receiver::scripted([Answer::ok(), Answer::error(403, "no canary-1234")]);
        let target = Target { gzip: true, ..Target::new(receiver.traces_url()) };
        let mut client =
            Client::new(target, Signal::Traces).expect("a valid target").authorized_by(Box::new(Signs));
        assert!(client.send(&body()).is_ok());
        let error = client.send(&[0; 4000]).expect_err("an answer of 403");
        for request in receiver.requests() {
            let expected = request.body.len().to_string();
            assert_eq!(request.header("signed-bytes"), Some(expected.as_str()));
            assert_eq!(request.header("authorization"), Some("canary-1234"));
        }
        assert!(error.to_string().ends_with("no ***"), "{error}");
    }

    #[test]
    fn a_request_that_cannot_be_authorized_is_not_sent() {
        struct Refuses;
        impl Authorize for Refuses {
            fn authorize(&mut self, _: &mut Parts, _: &[u8]) -> Result<(), ExportError> {
                Err(ExportError::retryable("no token", None))
            }
        }
        let receiver = Receiver::start();
        let mut client = client(&receiver.traces_url()).authorized_by(Box::new(Refuses));
        assert!(client.send(&body()).is_err_and(|error| error.is_retryable()));
        assert_eq!(receiver.requests().len(), 0);
    }

    #[test]
    fn keeps_its_connection() {
        let receiver =
            Receiver::scripted([Answer::ok(), Answer::error(503, "busy"), Answer::error(400, "bad")]);
        let mut client = client(&receiver.traces_url());
        let outcomes = [(); 4].map(|()| client.send(&body()).is_ok());
        assert_eq!(outcomes, [true, false, false, true]);
        assert_eq!(receiver.connections(), 1);
    }

    #[test]
    fn only_four_statuses_may_be_tried_again() {
        for status in (300..600).filter(|status| *status != 304) {
            let error = error_after(Answer::status(status));
            assert_eq!(error.is_retryable(), [429, 502, 503, 504].contains(&status), "{error}");
            assert_eq!(error.is_too_large(), status == 413, "{error}");
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
        let mut client = client(&receiver.traces_url());
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
        let error = Client::new(target, Signal::Traces)
            .expect("a valid target")
            .send(&body())
            .expect_err("no answer");
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
            let error = Client::new(target, Signal::Traces)
                .expect("a valid target")
                .send(&body())
                .expect_err("no success");
            assert_eq!(receiver.requests()[0].header("authorization"), Some("Bearer canary-1234"));
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    fn client(url: &str) -> Client {
        Client::new(Target::new(url), Signal::Traces).expect("a valid target")
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
