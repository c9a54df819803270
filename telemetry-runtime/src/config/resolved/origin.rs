//! Where a value comes from.

use super::super::ExporterSettings;
use super::super::document::Node;
use super::super::exporter::Provider;
use super::super::key::Key;
use super::super::overrides::{self, EVERY_SIGNAL, LOGS, SAMPLER, TRACES, pairs};
use super::super::source::Place;
use super::exporter::{auth, provider};
use super::{At, DEFAULT, Lines, PRESET};
use crate::logging::Format;
use crate::propagation::Propagators;

/// The keys that are attributes of the resource.
pub(super) const SERVICE: [(&str, &str); 4] = [
    ("service.name", "service.name"),
    ("service.version", "service.version"),
    ("service.namespace", "service.namespace"),
    ("service.environment", "deployment.environment.name"),
];

impl<'s> Lines<'s> {
    /// Where the value of a key comes from that [several things decide](Self::value).
    pub(super) fn origin(&self, key: &Key, path: &str, at: At<'s>) -> String {
        let variable = match (path, at.exporter) {
            ("telemetry.exporters.provider" | "telemetry.exporters.signals", Some(exporter)) => {
                self.deciding_variable(path, exporter, at.is_written).map(str::to_owned)
            }
            _ => self.overriding(key),
        };
        let sampler = || child(child(self.root(), "telemetry"), "sampler");
        match (path, at.node) {
            _ if self.is_in_code(path) => "code".to_owned(),
            _ if let Some((_, name)) = SERVICE.iter().find(|(key, _)| *key == path) => {
                self.attribute_origin(name)
            }
            _ if let Some(variable) = variable => variable,
            ("telemetry.sampling_ratio", _) if self.variable([SAMPLER]).is_some() => SAMPLER.to_owned(),
            (_, Some(node)) => self.position(node.place),
            ("telemetry.sampling_ratio", None) if let Some(node) = sampler() => self.position(node.place),
            ("telemetry.propagators", None) if !self.has_default_propagators() => PRESET.to_owned(),
            ("telemetry.resource_detection", None) if !self.settings.detection.detectors.is_empty() => {
                PRESET.to_owned()
            }
            ("logging.format", None) if self.settings.logging.format != Format::default() => {
                PRESET.to_owned()
            }
            ("telemetry.exporters.otlp.auth", None) if auth(at.exporter).is_some() => PRESET.to_owned(),
            (_, None) => self.stand_in(key).map_or(DEFAULT, |(variable, _)| variable).to_owned(),
        }
    }

    /// The variables that win over the file and were understood; where there are two, both have a say.
    fn overriding(&self, key: &Key) -> Option<String> {
        let names = key.overridden_by.iter().copied().filter(|name| self.variable([*name]).is_some());
        Some(names.collect::<Vec<_>>().join(" and ")).filter(|names| !names.is_empty())
    }

    /// The variable that makes an exporter, or takes a signal from it.
    pub(super) fn deciding_variable(
        &self,
        path: &str,
        exporter: &ExporterSettings,
        is_written: bool,
    ) -> Option<&'static str> {
        let is_otlp = provider(exporter) == Provider::Otlp.word();
        let asks = |text: &str| text.eq_ignore_ascii_case("otlp");
        let wanted = [overrides::EXPORTER.traces, overrides::EXPORTER.logs];
        let wanted = wanted.into_iter().filter_map(|name| self.variable([name]));
        let endpoints = [TRACES.endpoint, LOGS.endpoint, EVERY_SIGNAL.endpoint];
        match path {
            _ if !is_otlp => None,
            "telemetry.exporters.signals" if is_written => {
                wanted.clone().find(|(_, text)| !asks(text)).map(|(name, _)| name)
            }
            "telemetry.exporters.provider" | "telemetry.exporters.signals" if !is_written => {
                let asking = wanted.clone().find(|(_, text)| asks(text));
                asking.or_else(|| self.variable(endpoints)).map(|(name, _)| name)
            }
            _ => None,
        }
    }

    pub(super) fn attribute_origin(&self, name: &str) -> String {
        let written = SERVICE.iter().find(|(_, attribute)| *attribute == name);
        let written = written.and_then(|(path, _)| path.split('.').fold(self.root(), child));
        let attributes = child(child(self.root(), "telemetry"), "resource");
        let names_it = |text| pairs(text).is_some_and(|pairs| pairs.iter().any(|(other, _)| other == name));
        if name == "service.name" && self.is_in_code("service.name") {
            "code".to_owned()
        } else if name == "service.name" && self.variable(["OTEL_SERVICE_NAME"]).is_some() {
            "OTEL_SERVICE_NAME".to_owned()
        } else if self.variable(["OTEL_RESOURCE_ATTRIBUTES"]).is_some_and(|(_, text)| names_it(text)) {
            "OTEL_RESOURCE_ATTRIBUTES".to_owned()
        } else {
            let node = written.or_else(|| child(attributes, name));
            node.map_or(DEFAULT.to_owned(), |node| self.position(node.place))
        }
    }

    pub(super) fn root(&self) -> Option<&'s Node> {
        self.file.map(|file| &file.root)
    }

    pub(super) fn is_in_code(&self, path: &str) -> bool {
        self.settings.elsewhere.in_code.contains(&path)
    }

    /// The first of these variables that was understood.
    pub(super) fn variable(
        &self,
        names: impl IntoIterator<Item = &'static str>,
    ) -> Option<(&'static str, &'s str)> {
        let understood = &self.settings.elsewhere.variables;
        names.into_iter().find_map(|name| {
            let (name, text) = understood.iter().find(|(other, _)| *other == name)?;
            Some((*name, text.expose()))
        })
    }

    /// The first of the variables that is set, for where the file says nothing.
    pub(super) fn stand_in(&self, key: &Key) -> Option<(&'static str, String)> {
        let environment = &self.file?.environment;
        key.else_by.iter().find_map(|name| Some((*name, environment.get(name)?)))
    }

    pub(super) fn has_default_propagators(&self) -> bool {
        self.settings.propagation.propagators == Propagators::default()
    }

    pub(super) fn position(&self, place: Place) -> String {
        self.file.map(|file| file.source.position(place)).unwrap_or_default()
    }
}

/// The value of this key, unless it is absent or null.
pub(super) fn child<'n>(node: Option<&'n Node>, key: &str) -> Option<&'n Node> {
    let entry = node?.entries()?.iter().find(|entry| entry.key == key)?;
    Some(&entry.value).filter(|value| !value.is_null())
}
