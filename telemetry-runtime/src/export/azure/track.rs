//! The ingestion service: sends lines to it, follows it where it may lead, and heeds what it answers.

use super::answer::{ItemError, is_retryable, item_errors};
use super::ledger::{Fate, Ledger};
use crate::export::connection_string::ConnectionString;
use crate::export::http::{Answer, Authorize, HttpClient, HttpOptions, Tls, gzip, origin, safe_to_show};
use crate::export::{ExportError, Exported};
use crate::record::Secret;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};

/// The most items of a request.
///
/// Source: Azure Monitor service limits, Application Insights, "maximum telemetry items per batch".
const MAX_ITEMS: usize = 64_000;
/// The most bytes of a request before they are packed: what is tried again is not much.
const MAX_BYTES: usize = 1 << 20;
/// How often one request may be redirected.
const MAX_REDIRECTS: usize = 10;
/// As much of an answer that is an error as is shown.
const MAX_SHOWN_BYTES: usize = 4 << 10;

pub(super) struct Track {
    http: HttpClient,
    headers: HeaderMap,
    /// Where the connection string sends.
    home: Uri,
    /// Where the service has sent us since.
    url: Uri,
    key: Secret,
    authorize: Option<Box<dyn Authorize>>,
    gzip: bool,
    /// How long a batch may take.
    pub(super) timeout: Duration,
    /// The most bytes of a request before they are packed.
    pub(super) max_bytes: usize,
    /// What is left of the batch that failed last, and by what it is known.
    left: Option<(u64, Ledger)>,
}

impl Track {
    pub(super) fn new(connection: ConnectionString, timeout: Duration, gzip: bool) -> Self {
        let (home, key) = connection.into_parts();
        let mut headers = HeaderMap::new();
        let user_agent = concat!("telemetry-runtime/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(user_agent));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let http = HttpClient::new(HttpOptions { timeout, tls: Tls::default() });
        let (url, max_bytes) = (home.clone(), MAX_BYTES);
        Self { http, headers, url, home, key, authorize: None, gzip, timeout, max_bytes, left: None }
    }

    /// The same, which has each request authorized.
    pub(super) fn authorized_by(self, authorize: Option<Box<dyn Authorize>>) -> Self {
        Self { authorize, ..self }
    }

    /// Sends the lines of a batch, or what is left of them if they are those that failed last. It counts what is settled since then.
    pub(super) fn send(&mut self, batch: &[u8]) -> Result<Exported, ExportError> {
        self.send_counted(batch, Ledger::newly_settled)
    }

    /// The same for what was packed. It counts the whole, however often it comes: nobody has counted a part yet.
    pub(super) fn send_packed(&mut self, packed: &[u8]) -> Result<Exported, ExportError> {
        self.send_counted(packed, |ledger| ledger.settled())
    }

    /// Whether the service answers a request without items, which it may call a bad one.
    pub(super) fn check(&mut self) -> Result<(), ExportError> {
        let answer = self.post(b"[]", Instant::now())?;
        match answer.status {
            status if status.is_success() || status == StatusCode::BAD_REQUEST => Ok(()),
            _ => Err(self.refused(&answer, false)),
        }
    }

    /// The batch as it is to be packed: without what is settled, if it is the one that failed last.
    pub(super) fn left_of(&self, batch: &[u8]) -> Vec<u8> {
        match &self.left {
            Some((known, ledger)) if *known == fingerprint(batch) => ledger.rest(&lines(batch)),
            _ => batch.to_vec(),
        }
    }

    /// Whether a part of a batch that failed is left to be sent again.
    pub(super) fn has_left(&self) -> bool {
        self.left.is_some()
    }

    fn send_counted(
        &mut self,
        batch: &[u8],
        count: fn(&mut Ledger) -> (usize, usize),
    ) -> Result<Exported, ExportError> {
        let lines = lines(batch);
        let left = self.left.take().filter(|(known, _)| *known == fingerprint(batch));
        let mut ledger = left.map_or_else(|| Ledger::new(&lines), |(_, ledger)| ledger);
        let outcome = self.send_waiting(&lines, &mut ledger);
        let (taken, refused) = count(&mut ledger);
        match outcome {
            Ok(()) => Ok(Exported::with_rejected(refused)),
            Err(error) => {
                if error.is_retryable() {
                    self.left = Some((fingerprint(batch), ledger));
                }
                Err(error.with_settled(taken, refused))
            }
        }
    }

    /// Sends what waits, request by request. One that is refused for good says nothing of the others; the first without an answer is the
    /// last, and so is one after which the service wants to be left alone.
    fn send_waiting(&mut self, lines: &[&[u8]], ledger: &mut Ledger) -> Result<(), ExportError> {
        let started = Instant::now();
        let mut failures = Failures::default();
        for request in requests(lines, &ledger.waiting(), self.max_bytes) {
            let may_be_halved = failures.worst.is_none() && ledger.is_untouched();
            let (error, is_last) = match self.post(&body(lines, &request, &self.key), started) {
                Err(error) => (error, true),
                Ok(answer) => match self.heed(&answer, &request, may_be_halved, ledger) {
                    Ok(()) => continue,
                    Err(error) => {
                        let is_last =
                            error.is_too_large() || error.is_retryable() && !answer.status.is_success();
                        (error, is_last)
                    }
                },
            };
            if !error.is_retryable() {
                // Whoever refuses for good may be the wrong one to ask, if we were led there.
                self.url = self.home.clone();
            }
            failures.note(error, &request);
            if is_last {
                break;
            }
        }
        failures.settle(ledger)
    }

    /// Posts the body, to another host if the service says so: its answer, if there is one in the time that is left.
    fn post(&mut self, body: &[u8], started: Instant) -> Result<Answer, ExportError> {
        let body = if self.gzip { Cow::Owned(gzip(body)?) } else { Cow::Borrowed(body) };
        let answer = self.post_and_follow(&body, started)?;
        let is_refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let may_renew = is_refused && self.authorize.as_mut().is_some_and(|authorize| authorize.renew());
        if may_renew { self.post_and_follow(&body, started) } else { Ok(answer) }
    }

    fn post_and_follow(&mut self, body: &[u8], started: Instant) -> Result<Answer, ExportError> {
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.post_once(body, self.timeout.saturating_sub(started.elapsed()))?;
            match answer.status {
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    self.url = self.followed(&answer)?;
                }
                _ => return Ok(answer),
            }
        }
        Err(ExportError::permanent(format!("{} leads in circles", origin(&self.home))))
    }

    fn post_once(&mut self, body: &[u8], timeout: Duration) -> Result<Answer, ExportError> {
        if timeout.is_zero() {
            let message = format!("{} took longer than {:?}", origin(&self.url), self.timeout);
            return Err(ExportError::retryable(message, None));
        }
        self.authorize(body)?;
        let answer = self.http.post_within(timeout, &self.url, &self.headers, body);
        if answer.is_err() {
            // A host to which we were led may be gone: begin anew where we were told to.
            self.url = self.home.clone();
        }
        answer
    }

    /// Puts what authorizes the next request among the headers.
    fn authorize(&mut self, body: &[u8]) -> Result<(), ExportError> {
        let Some(authorize) = &mut self.authorize else { return Ok(()) };
        let (mut parts, ()) = Request::post(&self.url)
            .body(())
            .map_err(|error| ExportError::permanent("the request cannot be made").with_source(error))?
            .into_parts();
        parts.headers = std::mem::take(&mut self.headers);
        let authorized = authorize.authorize(&mut parts, body);
        self.headers = parts.headers;
        authorized
    }

    fn followed(&self, answer: &Answer) -> Result<Uri, ExportError> {
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        location.and_then(|location| followed(&self.url, location)).ok_or_else(|| {
            let message = "answered with a redirect to another host, which is not followed";
            ExportError::permanent(format!("{} {message}", origin(&self.url)))
        })
    }

    /// Settles the items of a request that was taken, at least in part. An error if it was not, or if some are to be sent again.
    fn heed(
        &self,
        answer: &Answer,
        request: &[usize],
        may_be_halved: bool,
        ledger: &mut Ledger,
    ) -> Result<(), ExportError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer, may_be_halved));
        }
        let errors = match (item_errors(&answer.body), answer.status) {
            (None, StatusCode::PARTIAL_CONTENT) => {
                let message = "took a part of the items and did not say which";
                return Err(ExportError::permanent(format!("{} {message}", origin(&self.url))));
            }
            (errors, _) => errors.unwrap_or_default(),
        };
        request.iter().for_each(|line| ledger.settle(*line, Fate::Accepted));
        let known = errors.iter().filter_map(|error| Some((*request.get(error.index)?, error)));
        for (line, error) in known.clone() {
            ledger.settle(line, if error.may_come_again() { Fate::Waiting } else { Fate::Refused });
        }
        let first_refused = known.clone().find(|(_, error)| !error.may_come_again());
        match known.clone().find(|(_, error)| error.may_come_again()) {
            Some(first_left) => Err(self.taken_in_part(first_refused.unwrap_or(first_left).1, answer)),
            None => Ok(()),
        }
    }

    fn taken_in_part(&self, first: &ItemError, answer: &Answer) -> ExportError {
        let words = self.safe_to_show(first.message.as_deref().unwrap_or_default());
        let message = format!(
            "{} took a part of the items; of one it says {}: {words}",
            origin(&self.url),
            first.status
        );
        ExportError::retryable(message.trim_end_matches([':', ' ']), answer.retry_after())
    }

    fn refused(&self, answer: &Answer, may_be_halved: bool) -> ExportError {
        let status = answer.status;
        let words = &answer.body[..answer.body.len().min(MAX_SHOWN_BYTES)];
        let words = self.safe_to_show(&String::from_utf8_lossy(words));
        let message = format!("{} answered {status}: {words}", origin(&self.url));
        let message = message.trim_end_matches([':', ' ']);
        match status {
            StatusCode::PAYLOAD_TOO_LARGE if may_be_halved => ExportError::too_large(message),
            _ if is_retryable(status.as_u16()) => ExportError::retryable(message, answer.retry_after()),
            _ => ExportError::permanent(message),
        }
    }

    fn safe_to_show(&self, words: &str) -> String {
        safe_to_show(without(self.key.expose(), words).trim(), &self.headers)
    }
}

/// The words without the key, which is in lower case, in whatever case they repeat it.
fn without(key: &str, words: &str) -> String {
    let lower = words.to_ascii_lowercase();
    let (mut shown, mut rest) = (String::new(), 0);
    for (at, found) in lower.match_indices(key) {
        shown = shown + &words[rest..at] + "***";
        rest = at + found.len();
    }
    shown + &words[rest..]
}

/// What became of the requests of a batch that failed.
#[derive(Default)]
struct Failures {
    /// What is said of all: that some may be sent again goes before all else, and the longest pause before shorter ones.
    worst: Option<ExportError>,
    /// Lines that must not be sent again.
    refused: Vec<usize>,
}

impl Failures {
    fn note(&mut self, error: ExportError, request: &[usize]) {
        if !error.is_retryable() {
            self.refused.extend(request);
        }
        let rank = |error: &ExportError| (error.is_retryable(), error.retry_after());
        if self.worst.as_ref().is_none_or(|worst| rank(&error) > rank(worst)) {
            self.worst = Some(error);
        }
    }

    /// The end of an attempt. If there is to be another, it is without what was refused; else the worker counts all that is left.
    fn settle(self, ledger: &mut Ledger) -> Result<(), ExportError> {
        let Some(worst) = self.worst else { return Ok(()) };
        if worst.is_retryable() {
            self.refused.into_iter().for_each(|line| ledger.settle(line, Fate::Refused));
        }
        Err(worst)
    }
}

/// Where a redirect leads, if it may be followed: another path of the same host, or another host with the same path. It may be one of the
/// same host or of the same of the vendor's domains, but not without security after a secure one: data and keys go to nobody else.
fn followed(from: &Uri, location: &str) -> Option<Uri> {
    let to = Uri::builder();
    if location.starts_with('/') && !location.starts_with("//") {
        let to = to.scheme(from.scheme()?.clone()).authority(from.authority()?.clone());
        return to.path_and_query(location).build().ok();
    }
    let new: Uri = location.parse().ok()?;
    let (old, new, scheme) = (from.authority()?, new.authority()?, new.scheme()?);
    let is_downgrade = from.scheme_str() == Some("https") && scheme.as_str() != "https";
    let is_known = old.host().eq_ignore_ascii_case(new.host()) || is_same_domain(old.host(), new.host());
    if is_downgrade || !is_known || new.as_str().contains('@') {
        return None;
    }
    to.scheme(scheme.clone())
        .authority(new.clone())
        .path_and_query(from.path_and_query()?.clone())
        .build()
        .ok()
}

/// Source: the vendor's exporter for Python, `_ALLOWED_REDIRECT_DOMAIN_SUFFIXES`.
fn is_same_domain(old: &str, new: &str) -> bool {
    const DOMAINS: [&str; 7] = [
        ".monitor.azure.com",
        ".services.visualstudio.com",
        ".applicationinsights.azure.com",
        ".monitor.azure.us",
        ".applicationinsights.azure.us",
        ".monitor.azure.cn",
        ".applicationinsights.azure.cn",
    ];
    let (old, new) = (old.to_ascii_lowercase(), new.to_ascii_lowercase());
    DOMAINS.iter().any(|domain| old.ends_with(domain) && new.ends_with(domain))
}

fn lines(batch: &[u8]) -> Vec<&[u8]> {
    batch.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// The lines in groups that fit into one request each.
fn requests(lines: &[&[u8]], waiting: &[usize], max_bytes: usize) -> Vec<Vec<usize>> {
    let mut requests = Vec::<Vec<usize>>::new();
    let mut bytes = 0;
    for line in waiting {
        bytes += lines[*line].len();
        match requests.last_mut() {
            Some(request) if bytes <= max_bytes && request.len() < MAX_ITEMS => request.push(*line),
            _ => {
                bytes = lines[*line].len();
                requests.push(vec![*line]);
            }
        }
    }
    requests
}

/// The JSON array of these lines, each with the instrumentation key.
fn body(lines: &[&[u8]], request: &[usize], key: &Secret) -> Vec<u8> {
    let member = format!("{{\"iKey\":\"{}\",", key.expose());
    let lines = request.iter().map(|line| lines[*line].trim_ascii_start());
    let mut body = Vec::with_capacity(lines.clone().map(|line| line.len() + member.len()).sum::<usize>() + 2);
    for line in lines {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(member.as_bytes());
        body.extend_from_slice(line.get(1..).unwrap_or_default());
    }
    body.push(b']');
    body
}

/// By what a batch is known again: one that failed comes again as it was.
fn fingerprint(batch: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    batch.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_within_the_host_or_the_vendors_domain() {
        let followed = |from: &str, to: &str| {
            let uri = |text: &str| text.parse::<Uri>().expect("a URL");
            followed(&uri(from), to).map(|to| to.to_string())
        };
        let home = "https://dc.services.visualstudio.com/v2.1/track";
        let near = "https://weu.services.visualstudio.com/v2.1/track";
        assert_eq!(
            followed(home, "https://weu.services.visualstudio.com/elsewhere?x=1").as_deref(),
            Some(near)
        );
        let azure = "https://a.in.applicationinsights.azure.com/v2.1/track";
        for (from, to) in [
            (home, "https://evil.example/v2.1/track"),
            (home, azure),
            (home, "https://evilservices.visualstudio.com/v2.1/track"),
            (home, "https://services.visualstudio.com.evil.example/"),
            (home, "http://dc.services.visualstudio.com/v2.1/track"),
            (home, "https://a:b@dc.services.visualstudio.com/"),
            (home, "//evil.example/v2.1/track"),
            (home, "evil.example"),
            (home, "::"),
            (home, ""),
            ("http://127.0.0.1:1/v2.1/track", "http://127.0.0.2:1/"),
        ] {
            assert_eq!(followed(from, to), None, "{to}");
        }
        assert!(followed("http://127.0.0.1:1/v2.1/track", "http://127.0.0.1:2/").is_some());
        let elsewhere = "https://dc.services.visualstudio.com/elsewhere?x=1";
        assert_eq!(followed(home, "/elsewhere?x=1").as_deref(), Some(elsewhere));
    }

    #[test]
    fn a_key_that_is_repeated_is_hidden_in_any_case() {
        assert_eq!(without("ab-1", "é AB-1, ab-1aB-1 and ab-2"), "é ***, ****** and ab-2");
        assert_eq!(without("ab-1", ""), "");
    }

    #[test]
    fn a_request_has_no_more_bytes_and_items_than_the_service_takes() {
        let half = vec![b' '; MAX_BYTES / 2];
        let lines = [half.as_slice(), half.as_slice(), half.as_slice()];
        assert_eq!(requests(&lines, &[0, 1, 2], MAX_BYTES), [vec![0, 1], vec![2]]);
        let many = vec![b"{}".as_slice(); MAX_ITEMS + 1];
        let sizes = requests(&many, &(0..many.len()).collect::<Vec<_>>(), MAX_BYTES)
            .iter()
            .map(Vec::len)
            .collect::<Vec<_>>();
        assert_eq!(sizes, [MAX_ITEMS, 1]);
    }
}
