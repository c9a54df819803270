//! Settings as they hold: every value, and where it comes from.

use super::document::{Entry, Kind as Shape, Node};
use super::exporter::PROTOCOLS;
use super::key::{Absent, Key, Kind, word_for};
use super::overrides::{SAMPLER, pairs};
use super::raw::ROOT;
use super::section::File;
use super::source::Place;
use super::{ExporterKind, ExporterSettings, Settings, secrecy, substitute};
use crate::export::destination::Destination;
use crate::policy::Ratio;
use crate::propagation::{Propagator, Propagators};
use crate::record::printable::acts_unseen;
use crate::record::{PerSignal, Secret, Signal, ValueBuf};
use std::fmt::Write;

/// What was said elsewhere than in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Elsewhere {
    /// The variables that were understood, and what they say.
    pub(super) variables: Vec<(&'static str, Secret)>,
    /// The keys that were set in code.
    pub(super) in_code: Vec<&'static str>,
}

/// A value as YAML, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    value: String,
    origin: String,
}

/// Where in the file the reading is, and at which exporter.
#[derive(Clone, Copy)]
struct At<'s> {
    node: Option<&'s Node>,
    exporter: Option<&'s ExporterSettings>,
    indent: usize,
}

struct Lines<'s> {
    settings: &'s Settings,
    file: Option<&'s File>,
    text: String,
}

/// Instead of a secret.
const HIDDEN: &str = "\"***\"";
/// Where the origins begin, in characters.
const ORIGIN_COLUMN: usize = 48;

impl Settings {
    /// The settings as they hold, as lines of YAML, each value with its origin behind it: the place in the file, the variable, `code` for
    /// what was changed in code, or `default`. What differs between the signals has a line for each, of which the second is a comment.
    ///
    /// Secrets are masked: the values of headers, connection strings, whatever a key calls a password, token or the like, and in the
    /// application's own section what comes from a variable. Without those, the lines are a settings file that means the same.
    ///
    /// # Examples
    /// ```
    /// use telemetry_runtime::Settings;
    ///
    /// let settings = Settings::from_text("service: {name: orders}", "settings.yaml")?;
    /// let first = settings.resolved().lines().take(2).collect::<Vec<_>>().join("\n");
    /// assert!(first.starts_with("service:\n  name: orders "));
    /// assert!(first.ends_with("# settings.yaml:1:17"));
    /// # Ok::<(), telemetry_runtime::SettingsError>(())
    /// ```
    pub fn resolved(&self) -> String {
        let file = self.sections.file();
        let mut lines = Lines { settings: self, file, text: String::new() };
        let top = At { node: file.map(|file| &file.root), exporter: None, indent: 0 };
        lines.keys(ROOT, "", top);
        lines.text
    }
}

impl<'s> Lines<'s> {
    fn keys(&mut self, keys: &[Key], above: &str, at: At<'s>) {
        for key in keys {
            let path = if above.is_empty() { key.name.to_owned() } else { format!("{above}.{}", key.name) };
            self.key(key, &path, At { node: child(at.node, key.name), ..at });
        }
    }

    fn key(&mut self, key: &Key, path: &str, at: At<'s>) {
        match key.kind {
            Kind::Section(keys) => self.section(key, keys, path, at),
            Kind::Sections(keys) => self.exporters(key, keys, path, at),
            Kind::Map(_) if path == "telemetry.resource" => self.resource(key, at),
            Kind::Map(_) => self.map(key, at),
            Kind::Free => self.free(key, at),
            _ => self.per_signal(key, path, at),
        }
    }

    /// A block, unless there is nothing in it to be said.
    fn section(&mut self, key: &Key, keys: &[Key], path: &str, at: At<'s>) {
        let is_another_s = at.exporter.is_some_and(|own| is_block(path) && key.name != provider(own));
        let is_absent = at.node.is_none() && keys.iter().any(|key| key.is_required);
        if is_another_s || is_absent {
            return;
        }
        let before = self.text.len();
        self.line(at.indent, &format!("{}:", key.name), "");
        let header = self.text.len();
        self.keys(keys, path, At { indent: at.indent + 2, ..at });
        if self.text.len() == header {
            self.text.truncate(before);
        }
    }

    fn exporters(&mut self, key: &Key, keys: &[Key], path: &str, at: At<'s>) {
        let settings = self.settings;
        if settings.exporters.is_empty() {
            let origin = self.origin(key, path, at.node);
            return self.line(at.indent, &format!("{}: []", key.name), &origin);
        }
        self.line(at.indent, &format!("{}:", key.name), "");
        for exporter in &settings.exporters {
            let node = if self.is_in_code(path) {
                None
            } else {
                at.node.and_then(|node| self.entry(node, exporter))
            };
            let before = self.text.len();
            self.keys(keys, path, At { node, exporter: Some(exporter), indent: at.indent + 4 });
            self.text.replace_range(before + at.indent + 2..before + at.indent + 3, "-");
        }
    }

    /// The exporter's entry in the file.
    fn entry(&self, list: &'s Node, exporter: &ExporterSettings) -> Option<&'s Node> {
        let Shape::List(items) = &list.kind else { return None };
        let text = |item, key| child(Some(item), key).and_then(|node| self.scalar(node));
        let is_enabled = |item| text(item, "enabled").is_none_or(|word| word.eq_ignore_ascii_case("true"));
        let name = |item| text(item, "name").or_else(|| Some(text(item, "provider")?.to_ascii_lowercase()));
        items.iter().find(|item| is_enabled(item) && name(item).as_ref() == Some(&exporter.name))
    }

    fn resource(&mut self, key: &Key, at: At<'s>) {
        let resource = &self.settings.resource;
        let is_elsewhere = |name: &str| {
            name.starts_with("telemetry.sdk.") || SERVICE.iter().any(|(_, attribute)| *attribute == name)
        };
        let attributes: Vec<_> = resource.attributes().filter(|(name, _)| !is_elsewhere(name)).collect();
        if !attributes.is_empty() {
            self.line(at.indent, &format!("{}:", key.name), "");
        }
        for (name, value) in attributes {
            let origin = self.attribute_origin(name);
            self.line(at.indent + 2, &format!("{}: {}", yaml(name), attribute(name, value)), &origin);
        }
    }

    /// Names that the user chooses, with secrets behind them.
    fn map(&mut self, key: &Key, at: At<'s>) {
        let signals = signals(key, at.exporter);
        let maps: Vec<Vec<Said>> = signals.iter().map(|signal| self.names(key, *signal, at)).collect();
        if let [first, others @ ..] = &*maps
            && others.iter().all(|other| other == first)
        {
            if !first.is_empty() {
                self.line(at.indent, &format!("{}:", key.name), "");
            }
            for Said { value, origin } in first {
                self.line(at.indent + 2, &format!("{value}: {HIDDEN}"), origin);
            }
            return;
        }
        let flow = |names: Vec<Said>| {
            let origin = names.first().map_or("default".to_owned(), |first| first.origin.clone());
            let members: Vec<_> = names.iter().map(|name| format!("{}: {HIDDEN}", name.value)).collect();
            Said { value: format!("{{{}}}", members.join(", ")), origin }
        };
        self.alternatives(key, &signals, maps.into_iter().map(flow).collect(), at);
    }

    fn names(&self, key: &Key, signal: Option<Signal>, at: At<'s>) -> Vec<Said> {
        if let Some((variable, text)) = self.variable(key.variables(signal)) {
            let pairs = pairs(text).unwrap_or_default();
            return pairs
                .iter()
                .map(|(name, _)| Said { value: yaml(name), origin: variable.to_owned() })
                .collect();
        }
        let entries = at.node.and_then(Node::entries).unwrap_or_default();
        let said = |entry: &Entry| Said { value: yaml(&entry.key), origin: self.position(entry.key_place) };
        entries.iter().filter(|entry| self.scalar(&entry.value).is_some()).map(said).collect()
    }

    /// The application's own section as it is written, as far as it can be shown.
    fn free(&mut self, key: &Key, at: At<'s>) {
        let Some(node) = at.node else { return };
        let Some(entries) = node.entries() else {
            let value = self.flow(node);
            return self.line(at.indent, &format!("{}: {value}", key.name), &self.position(node.place));
        };
        self.line(at.indent, &format!("{}:", key.name), "");
        for entry in entries {
            let value = self.flow(&entry.value);
            let origin = self.position(entry.value.place);
            self.line(at.indent + 2, &format!("{}: {value}", yaml(&entry.key)), &origin);
        }
    }

    /// One line, if all signals have the same.
    fn per_signal(&mut self, key: &Key, path: &str, at: At<'s>) {
        let signals = signals(key, at.exporter);
        let said: Vec<_> = signals.iter().filter_map(|signal| self.said(key, path, *signal, at)).collect();
        match &*said {
            [first, others @ ..] if others.iter().all(|other| other == first) => {
                self.line(at.indent, &format!("{}: {}", key.name, first.value), &first.origin);
            }
            _ => self.alternatives(key, &signals, said, at),
        }
    }

    fn alternatives(&mut self, key: &Key, signals: &[Option<Signal>], said: Vec<Said>, at: At<'_>) {
        let mut comment = "";
        for (signal, Said { value, origin }) in signals.iter().zip(said) {
            let signal = signal.map(|signal| format!(", for {signal}")).unwrap_or_default();
            self.line(at.indent, &format!("{comment}{}: {value}", key.name), &format!("{origin}{signal}"));
            comment = "# ";
        }
    }

    fn line(&mut self, indent: usize, text: &str, origin: &str) {
        let text = format!("{:indent$}{text}", "");
        let origin = if origin.is_empty() { String::new() } else { format!(" # {origin}") };
        let width = if origin.is_empty() { 0 } else { ORIGIN_COLUMN };
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{text:<width$}{origin}");
    }

    /// What holds for this signal, if it can be said.
    fn said(&self, key: &Key, path: &str, signal: Option<Signal>, at: At<'s>) -> Option<Said> {
        if let Some(value) = self.value(path, at.exporter) {
            return Some(Said { value, origin: self.origin(key, path, at.node) });
        }
        if let Some((variable, text)) = self.variable(key.variables(signal)) {
            return Some(Said { value: written(key, text), origin: variable.to_owned() });
        }
        if let Some(node) = at.node {
            let value = if let Shape::Scalar { .. } = node.kind {
                written(key, &self.scalar(node)?)
            } else {
                self.flow(node)
            };
            return Some(Said { value, origin: self.position(node.place) });
        }
        if let Some((variable, text)) = self.variable(key.else_by.iter().copied()) {
            return Some(Said { value: written(key, text), origin: variable.to_owned() });
        }
        let value = match key.absent {
            Absent::Value(value) => yaml(&value()),
            _ => unwritten(path, destination(at.exporter?, signal)?)?,
        };
        Some(Said { value, origin: "default".to_owned() })
    }

    /// What the settings themselves know best, since several things decide it.
    fn value(&self, path: &str, exporter: Option<&ExporterSettings>) -> Option<String> {
        let settings = self.settings;
        let sampling = settings.policy.sampling;
        let service = SERVICE.iter().find(|(key, _)| *key == path);
        match path {
            _ if let Some((_, name)) = service => Some(attribute(name, settings.resource.get(name)?)),
            "telemetry.enabled" => Some((!settings.disabled).to_string()),
            "telemetry.sampling_ratio" => Some(share(sampling.ratio)),
            "telemetry.sampler" => Some(sampling.word().to_owned()),
            "telemetry.propagators" => Some(propagators(&settings.propagation.propagators)),
            "telemetry.exporters.provider" => Some(provider(exporter?).to_owned()),
            "telemetry.exporters.name" => Some(yaml(&exporter?.name)),
            "telemetry.exporters.signals" => {
                Some(format!("[{}]", taken(exporter?).collect::<Vec<_>>().join(", ")))
            }
            "telemetry.exporters.otlp.aws.region" => {
                let auth = |signal| destination(exporter?, Some(signal))?.auth.as_deref();
                Signal::ALL.into_iter().find_map(auth).map(|auth| yaml(&auth.region))
            }
            _ => None,
        }
    }

    /// Where the value of a key comes from that [several things decide](Self::value).
    fn origin(&self, key: &Key, path: &str, node: Option<&Node>) -> String {
        let variables = key.own.iter().flatten().chain(key.overridden_by).copied();
        match node {
            _ if self.is_in_code(path) => "code".to_owned(),
            _ if let Some((_, name)) = SERVICE.iter().find(|(key, _)| *key == path) => {
                self.attribute_origin(name)
            }
            _ if let Some((variable, _)) = self.variable(variables) => variable.to_owned(),
            _ if path == "telemetry.sampling_ratio" && self.variable([SAMPLER]).is_some() => {
                SAMPLER.to_owned()
            }
            Some(node) => self.position(node.place),
            None => self
                .variable(key.else_by.iter().copied())
                .map_or("default", |(variable, _)| variable)
                .to_owned(),
        }
    }

    fn attribute_origin(&self, name: &str) -> String {
        let root = self.file.map(|file| &file.root);
        let written = SERVICE.iter().find(|(_, attribute)| *attribute == name);
        let written = written.and_then(|(path, _)| path.split('.').fold(root, child));
        let attributes = child(child(root, "telemetry"), "resource");
        let names_it = |text| pairs(text).is_some_and(|pairs| pairs.iter().any(|(other, _)| other == name));
        if name == "service.name" && self.is_in_code("service.name") {
            "code".to_owned()
        } else if name == "service.name" && self.variable(["OTEL_SERVICE_NAME"]).is_some() {
            "OTEL_SERVICE_NAME".to_owned()
        } else if self.variable(["OTEL_RESOURCE_ATTRIBUTES"]).is_some_and(|(_, text)| names_it(text)) {
            "OTEL_RESOURCE_ATTRIBUTES".to_owned()
        } else {
            let node = written.or_else(|| child(attributes, name));
            node.map_or("default".to_owned(), |node| self.position(node.place))
        }
    }

    fn is_in_code(&self, path: &str) -> bool {
        self.settings.elsewhere.in_code.contains(&path)
    }

    /// The first of these variables that was understood.
    fn variable(&self, names: impl IntoIterator<Item = &'static str>) -> Option<(&'static str, &'s str)> {
        let understood = &self.settings.elsewhere.variables;
        names.into_iter().find_map(|name| {
            let (name, text) = understood.iter().find(|(other, _)| *other == name)?;
            Some((*name, text.expose()))
        })
    }

    fn position(&self, place: Place) -> String {
        self.file.map(|file| file.source.position(place)).unwrap_or_default()
    }

    /// The text of a single value, unless it is empty.
    fn scalar(&self, node: &Node) -> Option<String> {
        let Shape::Scalar { text, .. } = &node.kind else { return None };
        let substituted = substitute::substitute(text, &self.file?.environment).ok()?;
        Some(substituted.text.into_owned()).filter(|text| !text.is_empty())
    }

    /// Any value in a line. What a key calls a secret is hidden in the source already.
    fn flow(&self, node: &Node) -> String {
        match &node.kind {
            Shape::Scalar { text, quoted } => self.flow_scalar(node, text, *quoted),
            Shape::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Shape::Map(entries) => {
                let entries =
                    entries.iter().map(|entry| format!("{}: {}", yaml(&entry.key), self.flow(&entry.value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn flow_scalar(&self, node: &Node, text: &str, quoted: bool) -> String {
        let is_hidden = self.file.is_none_or(|file| file.source.is_hidden(node.place));
        let substituted = self.file.map(|file| substitute::substitute(text, &file.environment));
        match substituted {
            _ if is_hidden => HIDDEN.to_owned(),
            Some(Ok(substituted)) if substituted.is_foreign => HIDDEN.to_owned(),
            Some(Ok(substituted)) if quoted => in_quotes(&substituted.text),
            Some(Ok(substituted)) => yaml(&substituted.text),
            _ => in_quotes(text),
        }
    }
}

/// The keys that are attributes of the resource.
const SERVICE: [(&str, &str); 4] = [
    ("service.name", "service.name"),
    ("service.version", "service.version"),
    ("service.namespace", "service.namespace"),
    ("service.environment", "deployment.environment.name"),
];

fn child<'n>(node: Option<&'n Node>, key: &str) -> Option<&'n Node> {
    let entry = node?.entries()?.iter().find(|entry| entry.key == key)?;
    Some(&entry.value).filter(|value| !value.is_null())
}

/// Whether a section is the block of one provider.
fn is_block(path: &str) -> bool {
    let key = path.strip_prefix("telemetry.exporters.");
    key.is_some_and(|key| super::exporter::Provider::ALL.iter().any(|(word, _)| *word == key))
}

fn provider(exporter: &ExporterSettings) -> &'static str {
    use super::exporter::Provider;
    match exporter.kind {
        ExporterKind::Console(_) => Provider::Console.word(),
        ExporterKind::Otlp(_) => Provider::Otlp.word(),
        ExporterKind::AzureMonitor(_) => Provider::AzureMonitor.word(),
        ExporterKind::File(_) => Provider::File.word(),
    }
}

fn takes(exporter: &ExporterSettings) -> PerSignal<bool> {
    match &exporter.kind {
        ExporterKind::Console(_) => PerSignal { traces: true, logs: false },
        ExporterKind::Otlp(to) => PerSignal::of(|signal| to[signal].is_some()),
        ExporterKind::AzureMonitor(to) => to.takes,
        ExporterKind::File(to) => PerSignal::of(|signal| to[signal].is_some()),
    }
}

fn taken(exporter: &ExporterSettings) -> impl Iterator<Item = &'static str> {
    let takes = takes(exporter);
    Signal::ALL.into_iter().filter(move |signal| takes[*signal]).map(Signal::as_str)
}

/// For which signals a key is to be looked at apart.
fn signals(key: &Key, exporter: Option<&ExporterSettings>) -> Vec<Option<Signal>> {
    match exporter.filter(|_| key.own.is_some()).map(takes) {
        // What an exporter takes is itself no question of one signal.
        Some(takes) if key.name != "signals" => {
            Signal::ALL.into_iter().filter(|signal| takes[*signal]).map(Some).collect()
        }
        _ => vec![None],
    }
}

fn destination(exporter: &ExporterSettings, signal: Option<Signal>) -> Option<&Destination> {
    match &exporter.kind {
        ExporterKind::Otlp(destinations) => destinations[signal?].as_ref(),
        _ => None,
    }
}

/// What follows from other keys.
fn unwritten(path: &str, destination: &Destination) -> Option<String> {
    match path {
        "telemetry.exporters.otlp.endpoint" => Some(yaml(destination.endpoint.as_given())),
        "telemetry.exporters.otlp.protocol" => Some(word_for(&PROTOCOLS, &destination.protocol)),
        _ => None,
    }
}

/// The shortest number that means the same.
fn share(ratio: Ratio) -> String {
    let share = ratio.share();
    let mut texts = (0..).map(|digits| format!("{share:.digits$}"));
    texts.find(|text| super::raw::ratio(text) == Some(ratio)).unwrap_or_default()
}

fn propagators(propagators: &Propagators) -> String {
    let words: Vec<_> = propagators.formats().map(|format| word_for(&Propagator::WORDS, &format)).collect();
    format!("[{}]", words.join(", "))
}

/// A value as it was written, in the way a file has it.
fn written(key: &Key, text: &str) -> String {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match key.kind {
        Kind::Secret => HIDDEN.to_owned(),
        _ if secrecy::is_secret(key.name, text) => HIDDEN.to_owned(),
        Kind::Time if is_number => format!("{text}ms"),
        Kind::Size { .. } if is_number => format!("{text}B"),
        Kind::Bool | Kind::Word(_) => text.to_ascii_lowercase(),
        // A query may hold a key.
        Kind::Like("URL", _) => yaml(text.split(['?', '#']).next().unwrap_or_default()),
        _ => yaml(text),
    }
}

fn attribute(name: &str, value: &ValueBuf) -> String {
    match value {
        _ if secrecy::is_secret(name, &value.to_string()) => HIDDEN.to_owned(),
        ValueBuf::Str(text) if text.parse::<f64>().is_ok() || matches!(&**text, "true" | "false") => {
            in_quotes(text)
        }
        ValueBuf::Str(text) => yaml(text),
        // With its point, without which it would be an integer.
        ValueBuf::F64(number) => format!("{number:?}"),
        value => value.to_string(),
    }
}

/// The text as YAML: quoted where it would mean something else without.
pub(super) fn yaml(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_./:+-=%*".contains(char);
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric() || "/.".contains(first));
    if begins && !text.ends_with(':') && !super::document::is_null(text) && text.chars().all(is_plain) {
        return text.to_owned();
    }
    in_quotes(text)
}

fn in_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '$' => quoted.push_str("$$"),
            char if acts_unseen(char) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted + "\""
}
