//! Headers as formats read and write them: names in any case, and text.

use std::borrow::Cow;

/// Headers that came in.
pub(super) type Headers<'a> = [(&'a str, &'a str)];

/// Headers to send.
pub(super) type Injected = Vec<(Cow<'static, str>, String)>;

/// The values of a header, in their order.
pub(super) fn all<'a>(headers: &Headers<'a>, name: &str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |header| header.0.eq_ignore_ascii_case(name)).map(|header| header.1)
}

/// The value of a header that may come once, without the white space around it.
pub(super) fn only<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
    let mut values = all(headers, name);
    let value = values.next()?;
    values.next().is_none().then_some(trimmed(value))
}

pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
