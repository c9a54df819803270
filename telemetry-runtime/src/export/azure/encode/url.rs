//! URLs of spans: their parts, and what they must not give away.

use crate::record::query;
use std::borrow::Cow;

/// The parts of an absolute URL, as far as the mapping looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    /// Host and port as written, without user and password.
    pub(super) authority: &'a str,
    pub(super) path: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Some(Self { scheme, authority, path: if path.is_empty() { "/" } else { path } })
    }

    /// Host and port, without the port that the scheme stands for.
    pub(super) fn target(&self) -> &'a str {
        let port = default_port(self.scheme).map(|port| format!(":{port}"));
        port.and_then(|port| self.authority.strip_suffix(&*port)).unwrap_or(self.authority)
    }
}

pub(super) fn default_port(scheme: &str) -> Option<i64> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The URL without user, password and the values of query parameters that grant access.
///
/// Source: OpenTelemetry semantic conventions, "URL", `url.full`.
pub(super) fn redacted(url: Cow<'_, str>) -> Cow<'_, str> {
    let Some(safe) = redacted_if_needed(&url) else { return url };
    Cow::Owned(safe)
}

fn redacted_if_needed(url: &str) -> Option<String> {
    let (url, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let safe_query =
        query.strip_prefix('?').map(query::redacted).map_or(String::new(), |safe| format!("?{safe}"));
    // Without a scheme there is no host.
    let host_start = address.find("://").map_or(address.len(), |scheme| scheme + 3);
    let host_end = address[host_start..].find('/').map_or(address.len(), |slash| host_start + slash);
    match address[host_start..host_end].rfind('@') {
        Some(at) => {
            let (scheme, rest) = (&address[..host_start], &address[host_start + at..]);
            Some(format!("{scheme}REDACTED:REDACTED{rest}{safe_query}{fragment}"))
        }
        None if safe_query != query => Some(format!("{address}{safe_query}{fragment}")),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_grants_access_is_redacted() {
        for (url, safe) in [
            (
                "https://anna:secret@shop/a?sig=secret&b=1#top",
                "https://REDACTED:REDACTED@shop/a?sig=REDACTED&b=1#top",
            ),
            ("https://shop/a?Signature=secret", "https://shop/a?Signature=REDACTED"),
            ("https://shop/@me?b=1", "https://shop/@me?b=1"),
            ("/a?sig=secret", "/a?sig=REDACTED"),
        ] {
            assert_eq!(redacted(Cow::Borrowed(url)), safe);
        }
    }

    #[test]
    fn a_target_has_no_default_port() {
        let target = |url| Url::parse(url).map(|url| (url.target(), url.path));
        assert_eq!(target("https://shop:443"), Some(("shop", "/")));
        assert_eq!(target("http://a:b@shop:443/x?y"), Some(("shop:443", "/x")));
        assert_eq!(target("/x"), None);
    }

    proptest! {
        #[test]
        fn any_text_may_be_a_url(url in "[a-z:/?#@&=é]{0,24}") {
            redacted(Cow::Borrowed(&url));
            Url::parse(&url).map(|url| url.target());
        }
    }
}
