//! The API's baggage as ours, and back.

use crate::record::Baggage;
use opentelemetry::baggage::{Baggage as ApiBaggage, KeyValueMetadata};

/// Members that are malformed, or for which there is no room, are left out.
pub(super) fn from_api(baggage: &ApiBaggage) -> Baggage {
    baggage.iter().fold(Baggage::default(), |ours, (key, (value, metadata))| {
        ours.with_properties(key.as_str().trim(), value.as_str(), metadata.as_str()).unwrap_or(ours)
    })
}

pub(super) fn to_api(baggage: &Baggage) -> impl Iterator<Item = KeyValueMetadata> {
    baggage.iter().map(|member| {
        let (key, value) = (member.key().to_owned(), member.value().into_owned());
        KeyValueMetadata::new(key, value, member.written_properties())
    })
}
