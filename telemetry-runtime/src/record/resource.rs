//! Who reports: the attributes of the process that every span, log and metric shares.

use super::ValueBuf;

/// The attributes of the entity that produces telemetry, such as `service.name`.
///
/// Source: OpenTelemetry specification, resource SDK.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    attributes: Vec<(String, ValueBuf)>,
}

impl Resource {
    /// A resource with no attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same resource with one attribute more, or one replaced.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<ValueBuf>) -> Self {
        let (key, value) = (key.into(), value.into());
        match self.attributes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((key, value)),
        }
        self
    }

    /// The same resource with those attributes of the other that it does not have.
    pub(crate) fn over(self, beneath: &Self) -> Self {
        let missing = beneath.attributes.iter().filter(|(key, _)| self.get(key).is_none()).cloned();
        let missing: Vec<_> = missing.collect();
        missing.into_iter().fold(self, |resource, (key, value)| resource.with(key, value))
    }

    /// The attributes in the order in which they were given.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &ValueBuf)> {
        self.attributes.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The attribute's value, if it is there.
    pub fn get(&self, key: &str) -> Option<&ValueBuf> {
        self.attributes.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The `service.name`, or the specification's stand-in for one.
    pub fn service_name(&self) -> &str {
        match self.get("service.name") {
            Some(ValueBuf::Str(name)) => name,
            _ => "unknown_service",
        }
    }
}
