//! The other side's own words, made safe to show: it may repeat a key, and write whatever it likes.

use crate::record::printable::{escaped, shortened};
use ureq::http::{HeaderMap, HeaderValue};

/// As much of the other side's own words as an error repeats.
const MAX_CHARS: usize = 256;

/// The words without what was secret in the request that they answer: the values of its sensitive headers.
pub(crate) fn safe_to_show(words: &str, request: &HeaderMap) -> String {
    let sensitive = request.values().filter(|value| value.is_sensitive());
    let mut words = words.to_owned();
    for part in sensitive.flat_map(secret_parts) {
        words = words.replace(part, "***");
    }
    escaped(&shortened(&words, MAX_CHARS)).into_owned()
}

/// A header's value, and the words in it, such as the token behind `Bearer`. Short words are no secrets, but hiding them would cripple
/// the text.
fn secret_parts(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let value = value.to_str().unwrap_or_default();
    let words = value.split_whitespace().filter(|word| word.len() > 6);
    std::iter::once(value).chain(words).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::header;

    #[test]
    fn hides_what_was_sensitive_in_the_request() {
        let mut request = HeaderMap::new();
        request.insert(header::USER_AGENT, HeaderValue::from_static("telemetry"));
        let mut key = HeaderValue::from_static("Bearer canary-1234");
        key.set_sensitive(true);
        request.insert(header::AUTHORIZATION, key);
        let words = "telemetry may not use Bearer canary-1234, nor `canary-1234`";
        assert_eq!(safe_to_show(words, &request), "telemetry may not use ***, nor `***`");
    }

    #[test]
    fn shows_what_acts_unseen_and_cuts_what_is_long() {
        let request = HeaderMap::new();
        assert_eq!(safe_to_show("no \u{1b}[31m such\ntenant", &request), "no \\u{1b}[31m such\\ntenant");
        assert_eq!(safe_to_show(&"ü".repeat(300), &request), format!("{}…", "ü".repeat(256)));
    }
}
