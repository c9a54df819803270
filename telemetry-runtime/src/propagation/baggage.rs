//! W3C Baggage: the header `baggage`.

use super::headers::{Headers, Injected, all};
use crate::record::Baggage;

pub(super) const NAME: &str = "baggage";

/// The baggage of all such headers.
pub(super) fn extract(headers: &Headers<'_>) -> Baggage {
    Baggage::parse(all(headers, NAME))
}

pub(super) fn inject(baggage: &Baggage, into: &mut Injected) {
    if !baggage.is_empty() {
        into.push((NAME.into(), baggage.as_str().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_headers_are_one() {
        let headers = [("Baggage", "a=1"), ("x", "y=2"), ("baggage", " b = 2 ;p ")];
        let mut sent = Vec::new();
        inject(&extract(&headers), &mut sent);
        assert_eq!(sent, [("baggage".into(), "a=1,b=2;p".to_owned())]);
    }
}
