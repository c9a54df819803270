//! Percent-encoding, as headers use it.

use std::borrow::Cow;

/// The text with every byte encoded that is not plain.
///
/// Source: RFC 3986, section 2.1.
pub(crate) fn encoded(text: &str, is_plain: impl Fn(u8) -> bool) -> Cow<'_, str> {
    if text.bytes().all(&is_plain) {
        return Cow::Borrowed(text);
    }
    let byte = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    Cow::Owned(text.bytes().map(byte).collect())
}

/// The text with every encoded byte decoded. What is not UTF-8 becomes U+FFFD, and a percent sign without two digits is itself.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = (*first == b'%').then(|| hex_byte(after)).flatten();
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

/// The byte that the first two digits stand for.
fn hex_byte(text: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low, ..] = text else { return None };
    u8::try_from(16 * digit(*high)? + digit(*low)?).ok()
}
