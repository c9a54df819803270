//! What a request says, field by field, and everything that is wrong with it.

use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::ops::RangeInclusive;
use utoipa::ToSchema;

/// The fields of a JSON object or of a query, taken out one by one.
///
/// What is wrong is collected, so that the client hears of all of it at once: a wrong field yields a placeholder, and
/// [`finish`](Self::finish) the error.
#[derive(Debug)]
pub(crate) struct Fields {
    values: Map<String, Value>,
    violations: Vec<Violation>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Violation {
    /// The field's name.
    #[schema(example = "quantity")]
    pub(crate) field: String,
    /// What it should be.
    #[schema(example = "must be a whole number from 1 to 1000")]
    pub(crate) detail: String,
}

/// The fields are not what they should be.
#[derive(Clone, Debug)]
pub(crate) struct Invalid {
    violations: Vec<Violation>,
}

impl Fields {
    /// The members of a JSON object.
    pub(crate) fn from_object(values: Map<String, Value>) -> Self {
        Self { values, violations: Vec::new() }
    }

    /// The parameters of a query. A name may come once.
    pub(crate) fn from_query(parameters: Vec<(String, String)>) -> Self {
        let mut fields = Self::from_object(Map::new());
        for (name, text) in parameters {
            let value = text.parse::<u64>().map_or(Value::String(text), Value::from);
            if fields.values.insert(name.clone(), value).is_some() {
                fields.refuse(&name, "must be given only once");
            }
        }
        fields
    }

    /// A text of so many characters.
    pub(crate) fn text(&mut self, name: &str, length: RangeInclusive<usize>) -> String {
        match self.values.remove(name) {
            Some(Value::String(text)) if length.contains(&text.chars().count()) => text,
            _ => {
                self.refuse(
                    name,
                    format!("must be a text of {} to {} characters", length.start(), length.end()),
                );
                String::new()
            }
        }
    }

    /// A whole number in that range.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> u32 {
        let number =
            self.values.remove(name).as_ref().and_then(Value::as_u64).and_then(|n| n.try_into().ok());
        match number {
            Some(number) if range.contains(&number) => number,
            _ => {
                self.refuse(
                    name,
                    format!("must be a whole number from {} to {}", range.start(), range.end()),
                );
                *range.start()
            }
        }
    }

    /// A whole number in that range, or the default if the field is absent.
    pub(crate) fn number_or(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> u32 {
        if self.values.contains_key(name) { self.number(name, range) } else { default }
    }

    /// Nothing is left and nothing was wrong.
    ///
    /// # Errors
    /// Names every field that was wrong, and every one that nobody asked for.
    pub(crate) fn finish(mut self) -> Result<(), Invalid> {
        for unknown in std::mem::take(&mut self.values).keys() {
            self.refuse(unknown, "is not known here");
        }
        if self.violations.is_empty() { Ok(()) } else { Err(Invalid { violations: self.violations }) }
    }

    fn refuse(&mut self, field: &str, detail: impl Into<String>) {
        self.violations.push(Violation { field: field.to_owned(), detail: detail.into() });
    }
}

impl Invalid {
    /// What is wrong, field by field.
    pub(crate) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Violation { field, detail }) in self.violations.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}`{field}` {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        let Value::Object(object) = value else { panic!("an object") };
        Fields::from_object(object)
    }

    fn complaints(fields: Fields) -> Vec<(String, String)> {
        let invalid = fields.finish().expect_err("something is wrong");
        invalid.into_violations().into_iter().map(|v| (v.field, v.detail)).collect()
    }

    #[test]
    fn takes_what_is_right() {
        let mut fields = fields(json!({"item": "tea", "quantity": 1000}));

        assert_eq!(fields.text("item", 1..=3), "tea");
        assert_eq!(fields.number("quantity", 1..=1000), 1000);
        assert_eq!(fields.number_or("limit", 1..=9, 5), 5);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn names_everything_that_is_wrong_at_once() {
        let mut fields = fields(json!({"item": "", "quantity": 1.5, "price": 3}));
        fields.text("item", 1..=200);
        fields.number("quantity", 1..=1000);
        fields.number("limit", 1..=9);

        let complaints = complaints(fields);

        let names: Vec<&str> = complaints.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["item", "quantity", "limit", "price"]);
        assert_eq!(complaints[1].1, "must be a whole number from 1 to 1000");
    }

    #[test]
    fn counts_characters_and_not_bytes() {
        let mut fields = fields(json!({"item": "éé"}));
        fields.text("item", 1..=2);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn refuses_a_query_parameter_given_twice() {
        let twice = vec![("limit".to_owned(), "1".to_owned()), ("limit".to_owned(), "2".to_owned())];
        let mut fields = Fields::from_query(twice);
        fields.number("limit", 1..=9);

        assert_eq!(complaints(fields), [("limit".to_owned(), "must be given only once".to_owned())]);
    }

    #[test]
    fn refuses_numbers_out_of_range_however_large() {
        for text in ["0", "10", "-1", "4294967296", "18446744073709551616", "1e3", ""] {
            let mut fields = Fields::from_query(vec![("limit".to_owned(), text.to_owned())]);
            fields.number("limit", 1..=9);
            assert!(fields.finish().is_err(), "{text}");
        }
    }
}
