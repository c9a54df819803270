//! What the relay is told to do: where to post what, on this machine only.

use crate::error::Problem;
use http::{StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;
use std::net::IpAddr;

/// How many errands one request may bring.
const MAX_ERRANDS: usize = 16;

/// One request to send.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) target: Uri,
    /// As it was written, for the answer.
    pub(super) url: String,
    /// What to send, as JSON.
    pub(super) arguments: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    url: String,
    #[serde(default)]
    arguments: Value,
}

/// The errands of a request's body.
///
/// # Errors
/// 400 if the body is something else, has too many errands, or one that leads to another machine. Then none is run.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Errand>, Problem> {
    let written: Vec<Written> = serde_json::from_slice(body).map_err(|error| {
        refused(format!("the body must be `[{{\"url\": \"..\", \"arguments\": [..]}}]`: {error}"))
    })?;
    if written.len() > MAX_ERRANDS {
        return Err(refused(format!("there must not be more than {MAX_ERRANDS} targets")));
    }
    written.into_iter().map(Errand::new).collect()
}

impl Errand {
    fn new(Written { url, arguments }: Written) -> Result<Self, Problem> {
        match url.parse() {
            Ok(target) if is_on_this_machine(&target) => Ok(Self { target, url, arguments }),
            _ => Err(refused(format!(
                "`{url}` is refused: only http://localhost and loopback addresses may be targets"
            ))),
        }
    }
}

fn is_on_this_machine(target: &Uri) -> bool {
    let is_loopback = |host: &str| {
        let address = host.trim_matches(['[', ']']).parse();
        host == "localhost" || address.is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
    };
    target.scheme_str() == Some("http") && target.host().is_some_and(is_loopback)
}

fn refused(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(url: &str) -> bool {
        parse(format!("[{{\"url\": \"{url}\", \"arguments\": []}}]").as_bytes()).is_ok()
    }

    #[test]
    fn only_this_machine_may_be_a_target() {
        for url in
            ["http://127.0.0.1:7777/a?b=1", "http://127.8.8.8/", "http://[::1]:1/", "http://localhost:80/x"]
        {
            assert!(is_taken(url), "{url}");
        }
        for url in [
            "http://192.0.2.1/",
            "http://0.0.0.0/",
            "http://169.254.169.254/",
            "http://example.org/",
            "http://localhost.example.org/",
            "http://127.0.0.1.example.org/",
            "http://127.0.0.1@192.0.2.1/",
            "http://[::ffff:192.0.2.1]/",
            "https://127.0.0.1/",
            "ftp://127.0.0.1/",
            "/relay",
            "127.0.0.1",
            "",
        ] {
            assert!(!is_taken(url), "{url}");
        }
    }

    #[test]
    fn anything_else_than_a_short_list_is_refused() {
        for body in
            ["", "{}", "[1]", "[{}]", "[{\"url\": 7}]", "[{\"url\": \"http://localhost/\", \"more\": 1}]"]
        {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
        let many = |count: usize| format!("[{}]", vec!["{\"url\": \"http://localhost/\"}"; count].join(","));
        assert!(parse(many(MAX_ERRANDS).as_bytes()).is_ok());
        assert!(parse(many(MAX_ERRANDS + 1).as_bytes()).is_err());
    }
}
