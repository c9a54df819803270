//! A URL's query without the credentials that signed addresses carry.

use std::borrow::Cow;

/// The parameters whose values grant access. Case counts.
///
/// Source: OpenTelemetry semantic conventions, "URL", `url.query`.
const SECRET: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
    "sig",
];

const REDACTED: &str = "REDACTED";

/// The query, with `REDACTED` for the values of parameters that grant access.
pub(crate) fn redacted(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(is_secret) {
        return Cow::Borrowed(query);
    }
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if is_secret(parameter) => format!("{name}={REDACTED}"),
        _ => parameter.to_owned(),
    });
    Cow::Owned(parameters.collect::<Vec<_>>().join("&"))
}

fn is_secret(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, _)| SECRET.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::redacted;
    use std::borrow::Cow;

    #[test]
    fn values_that_grant_access_are_redacted() {
        assert_eq!(
            redacted("a=1&sig=s%3D&b=2&X-Amz-Signature=x=y"),
            "a=1&sig=REDACTED&b=2&X-Amz-Signature=REDACTED"
        );
        assert_eq!(redacted("sig="), "sig=REDACTED");
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for query in ["", "a", "a=1&&b", "Sig=x&signature=y&design=z", "sig", "q=sig=1"] {
            assert!(matches!(redacted(query), Cow::Borrowed(same) if same == query), "{query}");
        }
    }
}
