//! Numbers of one's own: what the attribute `microsoft.custom_measurements` says as a JSON object, such as `{"load": 0.5}`.

use super::json::{Object, cut};
use super::key::{Key, Known};
use serde_json::{Map, Value};

/// Names and numbers; none, if the attribute is not there or no such object.
///
/// Source: the vendor's exporter for Python, `_filter_custom_measurements`.
#[derive(Debug, Default)]
pub(super) struct Measurements(Vec<(String, f64)>);

impl Measurements {
    pub(super) fn of(known: &Known<'_>) -> Self {
        let text = known.text(Key::Measurements);
        let object = text.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
        let numbers = object.into_iter().flatten().filter_map(|(key, value)| Some((key, value.as_f64()?)));
        Self(numbers.filter(|(key, number)| !key.is_empty() && number.is_finite()).collect())
    }

    /// Writes the member `measurements`, if there are any.
    pub(super) fn put(&self, data: &mut Object<'_>) {
        const MAX_KEY: usize = 150;
        if self.0.is_empty() {
            return;
        }
        data.object("measurements", |measurements| {
            self.0.iter().for_each(|(key, number)| measurements.bare(cut(key, MAX_KEY), number));
        });
    }
}
