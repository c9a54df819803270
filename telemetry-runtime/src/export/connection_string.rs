//! The connection string of an Application Insights resource.

use super::destination::{Endpoint, EndpointError};
use crate::record::Secret;
use std::collections::HashMap;
use std::fmt;
use std::net::Ipv6Addr;
#[cfg(feature = "azure")]
use ureq::http::Uri;

/// A valid connection string.
///
/// Read more kindly than by the vendor's own libraries (blanks around parts, a `;` at the end, `=` inside of values and an upper-case
/// key are fine), and more strictly: unknown, repeated and malformed parts are errors.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ConnectionString {
    instrumentation_key: Secret,
    ingestion_endpoint: String,
    audience: Option<String>,
}

impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionString(***)")
    }
}

/// Why a text is no connection string. The messages never repeat a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectionStringError {
    #[error(
        "expected a connection string such as `InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://...`: copy it from the resource's overview page"
    )]
    MissingInstrumentationKey,
    #[error("part {0} of the connection string is not `Key=Value`")]
    NotAPair(usize),
    #[error("part {0} of the connection string has an unknown key: known are {known}", known = KNOWN_KEYS.join(", "))]
    UnknownKey(usize),
    #[error("the connection string has `{0}` twice")]
    Repeated(&'static str),
    #[error("`InstrumentationKey` in the connection string is not a UUID")]
    InstrumentationKey,
    #[error("`{0}` in the connection string: {1}")]
    Endpoint(&'static str, EndpointError),
    #[error(
        "`{0}` in the connection string must be `https://`, a host of letters, digits, `-` and `.`, and at most a port and a path"
    )]
    Url(&'static str),
    #[error("`{0}` in the connection string must begin with `https://`: `http://` is for this machine only")]
    Insecure(&'static str),
    #[error(
        "`{0}` in the connection string must be letters, digits, `-` and `.`, and the host that it is a part of {MAX_HOST_BYTES} bytes long at most"
    )]
    HostPart(&'static str),
    #[error(
        "`Authorization` in the connection string must be `ikey`: for tokens of Entra write `auth: azure_entra` beside the connection string"
    )]
    Authorization,
}

const INSTRUMENTATION_KEY: &str = "InstrumentationKey";
const INGESTION_ENDPOINT: &str = "IngestionEndpoint";
const LIVE_ENDPOINT: &str = "LiveEndpoint";
const ENDPOINT_SUFFIX: &str = "EndpointSuffix";
const LOCATION: &str = "Location";
const AUTHORIZATION: &str = "Authorization";
const AUDIENCE: &str = "AADAudience";
const KNOWN_KEYS: [&str; 8] = [
    INSTRUMENTATION_KEY,
    INGESTION_ENDPOINT,
    LIVE_ENDPOINT,
    ENDPOINT_SUFFIX,
    LOCATION,
    AUTHORIZATION,
    AUDIENCE,
    "ApplicationId",
];
/// Source: RFC 1035, section 2.3.4.
const MAX_HOST_BYTES: usize = 255;
/// Longer than any endpoint, and not too long for any client.
const MAX_URL_BYTES: usize = 2048;
const DEFAULT_INGESTION_ENDPOINT: &str = "https://dc.services.visualstudio.com";

impl ConnectionString {
    /// Reads `Key=Value` pairs separated by `;`; the case of keys does not matter.
    pub(crate) fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        let parts = parts(text)?;
        let key = parts.get(INSTRUMENTATION_KEY).ok_or(ConnectionStringError::MissingInstrumentationKey)?;
        if !is_uuid(key) {
            return Err(ConnectionStringError::InstrumentationKey);
        }
        if parts.get(AUTHORIZATION).is_some_and(|way| !way.eq_ignore_ascii_case("ikey")) {
            return Err(ConnectionStringError::Authorization);
        }
        endpoint(&parts, LIVE_ENDPOINT)?;
        let ingestion_endpoint = match (endpoint(&parts, INGESTION_ENDPOINT)?, parts.get(ENDPOINT_SUFFIX)) {
            (Some(explicit), _) => explicit.trim_end_matches('/').to_owned(),
            (None, Some(suffix)) => {
                let suffix = host_part(suffix, ENDPOINT_SUFFIX)?;
                let host = match parts.get(LOCATION) {
                    Some(location) => format!("{}.dc.{suffix}", host_part(location, LOCATION)?),
                    None => format!("dc.{suffix}"),
                };
                // Together they may be too long.
                format!("https://{}", host_part(&host, ENDPOINT_SUFFIX)?)
            }
            (None, None) => DEFAULT_INGESTION_ENDPOINT.to_owned(),
        };
        let audience =
            parts.get(AUDIENCE).filter(|audience| !audience.is_empty()).map(|&text| text.to_owned());
        Ok(Self { instrumentation_key: Secret::new(key.to_ascii_lowercase()), ingestion_endpoint, audience })
    }

    /// What tokens are to be for, if the resource says so.
    pub(crate) fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// That of a resource of which only the key is known.
    pub(crate) fn of_instrumentation_key(key: &str) -> Result<Self, ConnectionStringError> {
        match is_uuid(key) {
            true => Self::parse(&format!("{INSTRUMENTATION_KEY}={key}")),
            false => Err(ConnectionStringError::InstrumentationKey),
        }
    }

    /// Where items are posted, and the instrumentation key.
    #[cfg(feature = "azure")]
    pub(crate) fn into_parts(self) -> (Uri, Secret) {
        let url = format!("{}/v2.1/track", self.ingestion_endpoint);
        // What was read makes a URL with a host.
        (url.parse().unwrap_or_default(), self.instrumentation_key)
    }
}

fn parts(text: &str) -> Result<HashMap<&'static str, &str>, ConnectionStringError> {
    let mut parts = HashMap::new();
    for (index, part) in text.split(';').map(str::trim).enumerate().filter(|(_, part)| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or(ConnectionStringError::NotAPair(index + 1))?;
        let known = KNOWN_KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(key.trim()));
        let key = known.ok_or(ConnectionStringError::UnknownKey(index + 1))?;
        if parts.insert(key, value.trim()).is_some() {
            return Err(ConnectionStringError::Repeated(key));
        }
    }
    Ok(parts)
}

fn is_uuid(text: &str) -> bool {
    let groups = || text.split('-');
    groups().map(str::len).eq([8, 4, 4, 4, 12])
        && groups().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn endpoint<'a>(
    parts: &HashMap<&'static str, &'a str>,
    key: &'static str,
) -> Result<Option<&'a str>, ConnectionStringError> {
    let Some(url) = parts.get(key).copied() else { return Ok(None) };
    let endpoint = Endpoint::from_base(url).map_err(|error| match error {
        // What these advise is for OTLP.
        EndpointError::Query | EndpointError::Credentials => ConnectionStringError::Url(key),
        error => ConnectionStringError::Endpoint(key, error),
    })?;
    if !is_plain(url) {
        return Err(ConnectionStringError::Url(key));
    }
    if endpoint.is_readable_on_the_way() { Err(ConnectionStringError::Insecure(key)) } else { Ok(Some(url)) }
}

/// Whether the URL, of which scheme and authority are there, holds nothing that an HTTP client may not take.
fn is_plain(url: &str) -> bool {
    let (host, port) = host_and_port(url);
    let is_ip6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).is_some_and(is_ip6);
    let is_port = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    // Source: RFC 3986, section 3.3.
    let is_path =
        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&byte));
    url.len() <= MAX_URL_BYTES && (is_ip6 || is_host(host)) && is_port && is_path
}

fn host_and_port(url: &str) -> (&str, Option<&str>) {
    let authority = url.split('/').nth(2).unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_ip6(host: &str) -> bool {
    host.parse::<Ipv6Addr>().is_ok()
}

fn is_host(host: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (1..=MAX_HOST_BYTES).contains(&host.len()) && host.bytes().all(is_valid)
}

fn host_part<'a>(part: &'a str, key: &'static str) -> Result<&'a str, ConnectionStringError> {
    if is_host(part) { Ok(part) } else { Err(ConnectionStringError::HostPart(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "11112222-3333-4444-5555-66667777aaaa";

    fn ingestion_endpoint(rest: &str) -> Result<String, ConnectionStringError> {
        ConnectionString::parse(&format!("InstrumentationKey={KEY};{rest}"))
            .map(|string| string.ingestion_endpoint)
    }

    #[test]
    fn reads_what_people_paste() {
        for text in [
            format!("InstrumentationKey={KEY}"),
            format!("InstrumentationKey={KEY};"),
            format!(" instrumentationkey = {} ; ", KEY.to_uppercase()),
            format!("AADAudience=a=b;InstrumentationKey={KEY};Authorization=ikey"),
        ] {
            let string = ConnectionString::parse(&text);
            assert_eq!(string.map(|string| string.instrumentation_key), Ok(Secret::new(KEY)), "{text}");
        }
    }

    #[test]
    fn ingestion_endpoint_is_named_or_made_of_suffix_and_location_or_the_global_one() {
        for (rest, endpoint) in [
            ("", DEFAULT_INGESTION_ENDPOINT),
            ("IngestionEndpoint=https://weu.example/", "https://weu.example"),
            ("EndpointSuffix=ai.contoso.com", "https://dc.ai.contoso.com"),
            ("EndpointSuffix=ai.contoso.com;Location=west", "https://west.dc.ai.contoso.com"),
            ("EndpointSuffix=x;IngestionEndpoint=http://localhost:1", "http://localhost:1"),
        ] {
            assert_eq!(ingestion_endpoint(rest).as_deref(), Ok(endpoint), "{rest}");
        }
    }

    #[test]
    fn each_mistake_has_its_own_message() {
        use ConnectionStringError as E;
        assert_eq!(ConnectionString::parse("").err(), Some(E::MissingInstrumentationKey));
        assert_eq!(ConnectionString::parse("InstrumentationKey=abc").err(), Some(E::InstrumentationKey));
        for (rest, error) in [
            ("foo", E::NotAPair(2)),
            ("foo=bar", E::UnknownKey(2)),
            ("instrumentationkey=x", E::Repeated("InstrumentationKey")),
            ("IngestionEndpoint=weu.example", E::Endpoint("IngestionEndpoint", EndpointError::Scheme)),
            ("LiveEndpoint=https://", E::Endpoint("LiveEndpoint", EndpointError::Host)),
            ("IngestionEndpoint=https://a:b@weu.example", E::Url("IngestionEndpoint")),
            ("IngestionEndpoint=https://weu.example/?a=b", E::Url("IngestionEndpoint")),
            ("IngestionEndpoint=https://weu<.example", E::Url("IngestionEndpoint")),
            ("IngestionEndpoint=https://[weu]", E::Url("IngestionEndpoint")),
            ("IngestionEndpoint=https://weu.example/<", E::Url("IngestionEndpoint")),
            ("IngestionEndpoint=https://weu.example:+80", E::Url("IngestionEndpoint")),
            ("IngestionEndpoint=http://weu.example:80/x", E::Insecure("IngestionEndpoint")),
            ("IngestionEndpoint=http://localhost.example", E::Insecure("IngestionEndpoint")),
            ("EndpointSuffix=evil.example/x", E::HostPart("EndpointSuffix")),
            ("EndpointSuffix=x;Location=a/b", E::HostPart("Location")),
            ("Authorization=aad", E::Authorization),
        ] {
            assert_eq!(ingestion_endpoint(rest), Err(error), "{rest}");
        }
    }

    #[test]
    fn a_host_is_not_made_too_long() {
        let long = "a".repeat(250);
        let error = ConnectionStringError::HostPart("EndpointSuffix");
        for (rest, expected) in [
            (format!("EndpointSuffix={long}"), Ok(format!("https://dc.{long}"))),
            (format!("EndpointSuffix={long};Location=west"), Err(error)),
            (format!("EndpointSuffix=x;Location={long}"), Ok(format!("https://{long}.dc.x"))),
            (format!("EndpointSuffix=xy;Location={long}"), Err(error)),
        ] {
            assert_eq!(ingestion_endpoint(&rest), expected, "{rest}");
        }
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let string = ConnectionString::parse(&format!("InstrumentationKey={KEY}"));
        assert_eq!(format!("{string:?}"), "Ok(ConnectionString(***))");
    }

    #[test]
    fn plain_http_reaches_this_machine_only() {
        for endpoint in ["http://127.0.0.1:9/", "http://[::1]:9", "http://LOCALHOST/x", "HTTPS://weu.example"]
        {
            assert!(ingestion_endpoint(&format!("IngestionEndpoint={endpoint}")).is_ok(), "{endpoint}");
        }
    }

    proptest! {
        #[test]
        fn no_message_repeats_a_value(text in "(InstrumentationKey=)?c4n4ry[;=a-z]{0,12}") {
            if let Err(error) = ConnectionString::parse(&text) {
                prop_assert!(!error.to_string().contains("c4n4ry"));
            }
        }

        #[test]
        fn no_message_speaks_of_otlp(rest in "(IngestionEndpoint|LiveEndpoint)=(https://)?[a:@/?#. ]{0,8}") {
            if let Err(error) = ingestion_endpoint(&rest) {
                let message = error.to_string();
                prop_assert!(!message.contains("v1/traces") && !message.contains("headers"), "{}", message);
            }
        }

        #[cfg(feature = "azure")]
        #[test]
        fn what_is_read_has_a_host_and_a_path(
            key in "IngestionEndpoint|EndpointSuffix", scheme in "(https?://(localhost)?)?", rest in "[!-:<-~]{0,12}", location in "(;Location=[!-:<-~]{0,4})?",
        ) {
            let text = format!("InstrumentationKey={KEY};{key}={scheme}{rest}{location}");
            if let Ok(string) = ConnectionString::parse(&text) {
                let (url, _) = string.into_parts();
                prop_assert!(url.host().is_some_and(|host| !host.is_empty()), "{}", text);
                prop_assert!(url.path().ends_with("/v2.1/track"), "{}", text);
            }
        }
    }
}
