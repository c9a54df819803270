//! Settings as they hold: every value, and where it comes from.

mod exporter;
mod origin;
mod text;

pub(super) use text::yaml;

use super::document::{Entry, Kind as Shape, Node};
use super::key::{Absent, Key, Kind, size, time, word_for};
use super::overrides::pairs;
use super::raw::{FORMATS, ROOT};
use super::section::File;
use super::{ExporterSettings, Settings, secrecy, substitute};
use crate::detect::Detector;
use crate::export::auth::Auth;
use crate::record::{Secret, Signal};
use exporter::{auth, destination, is_block, of_destination, provider, signals, taken};
use origin::{SERVICE, child};
use std::fmt::Write;
use text::{HIDDEN, attribute, in_quotes, propagators, share, written};

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
    /// Whether the exporter is in the file.
    is_written: bool,
    indent: usize,
}

/// What becomes of a value that comes from a variable: in the application's section nobody knows whether it is a secret.
#[derive(Clone, Copy, PartialEq)]
enum Foreign {
    Shown,
    Hidden,
}

struct Lines<'s> {
    settings: &'s Settings,
    file: Option<&'s File>,
    text: String,
}

/// The origin of what a preset fills in.
const PRESET: &str = "preset";
/// The origin of what nobody has said.
const DEFAULT: &str = "default";
/// Where the origins begin, in characters.
const ORIGIN_COLUMN: usize = 48;

impl Settings {
    /// The settings as they hold, as lines of YAML, each value with its origin behind it: the place in the file, the variable, `code` for
    /// what was changed in code, `preset` for what one fills in, or `default`. What differs between the signals has a line for each, of which
    /// the second is a comment; exporters that are not enabled are named in comments.
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
        let node = file.map(|file| &file.root);
        let top = At { node, exporter: None, is_written: false, indent: 0 };
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
            Kind::Size { .. } if path == "telemetry.exporters.max_batch_bytes" && at.node.is_none() => {
                self.bounds_of_preset(key, at);
            }
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
        let enabled = &self.settings.exporters;
        if enabled.is_empty() {
            let origin = self.origin(key, path, at);
            self.line(at.indent, &format!("{}: []", key.name), &origin);
        } else {
            self.line(at.indent, &format!("{}:", key.name), "");
        }
        for exporter in enabled {
            let node = at.node.and_then(|node| self.entry(node, exporter));
            let (is_written, indent) = (node.is_some(), at.indent + 4);
            let before = self.text.len();
            self.keys(keys, path, At { node, exporter: Some(exporter), is_written, indent });
            self.text.replace_range(before + at.indent + 2..before + at.indent + 3, "-");
        }
        if let Some(list) = at.node {
            self.left_out(list, at.indent + 4);
        }
    }

    /// The exporter's entry in the file.
    fn entry(&self, list: &'s Node, exporter: &ExporterSettings) -> Option<&'s Node> {
        items(list)
            .iter()
            .find(|item| self.is_enabled(item) && self.name(item).as_ref() == Some(&exporter.name))
    }

    /// What there would be besides.
    fn left_out(&mut self, list: &'s Node, indent: usize) {
        for item in items(list) {
            if self.is_enabled(item) {
                continue;
            }
            let (name, switch) = (self.name(item).unwrap_or_default(), child(Some(item), "enabled"));
            let origin = self.position(switch.unwrap_or(item).place);
            self.line(indent, &format!("# {} is not enabled", yaml(&name)), &origin);
        }
    }

    fn is_enabled(&self, item: &Node) -> bool {
        let word = child(Some(item), "enabled").and_then(|node| self.scalar(node));
        word.is_none_or(|word| word.eq_ignore_ascii_case("true"))
    }

    fn name(&self, item: &Node) -> Option<String> {
        let text = |key| child(Some(item), key).and_then(|node| self.scalar(node));
        text("name").or_else(|| Some(text("provider")?.to_ascii_lowercase()))
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
            let origin = names.first().map_or(DEFAULT.to_owned(), |first| first.origin.clone());
            let members: Vec<_> = names.iter().map(|name| format!("{}: {HIDDEN}", name.value)).collect();
            Said { value: format!("{{{}}}", members.join(", ")), origin }
        };
        self.alternatives(key, signals.into_iter().zip(maps.into_iter().map(flow)).collect(), at);
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
            let value = self.flow(node, Foreign::Hidden);
            return self.line(at.indent, &format!("{}: {value}", key.name), &self.position(node.place));
        };
        self.line(at.indent, &format!("{}:", key.name), "");
        for entry in entries {
            let value = self.flow(&entry.value, Foreign::Hidden);
            let origin = self.position(entry.value.place);
            self.line(at.indent + 2, &format!("{}: {value}", self.key_of(entry)), &origin);
        }
    }

    /// A key, unless a slip has made one of a secret.
    fn key_of(&self, entry: &Entry) -> String {
        let is_hidden = self.file.is_none_or(|file| file.source.is_hidden(entry.key_place));
        if is_hidden { HIDDEN.to_owned() } else { yaml(&entry.key) }
    }

    /// One line, if all signals have the same.
    fn per_signal(&mut self, key: &Key, path: &str, at: At<'s>) {
        let signals = signals(key, at.exporter);
        let said = signals.iter().filter_map(|signal| Some((*signal, self.said(key, path, *signal, at)?)));
        let said: Vec<_> = said.collect();
        match &*said {
            [(_, first), others @ ..]
                if said.len() == signals.len() && others.iter().all(|(_, other)| other == first) =>
            {
                self.line(at.indent, &format!("{}: {}", key.name, first.value), &first.origin);
            }
            _ => self.alternatives(key, said, at),
        }
    }

    /// A line for each signal, of which one can stand in a file.
    fn alternatives(&mut self, key: &Key, said: Vec<(Option<Signal>, Said)>, at: At<'_>) {
        let mut comment = "";
        for (signal, Said { value, origin }) in said {
            let signal = signal.map(|signal| format!(", for {signal}")).unwrap_or_default();
            self.line(at.indent, &format!("{comment}{}: {value}", key.name), &format!("{origin}{signal}"));
            comment = "# ";
        }
    }

    /// The bounds that a preset sets, in comments: in a file they would hold for both signals.
    fn bounds_of_preset(&mut self, key: &Key, at: At<'_>) {
        for signal in Signal::ALL {
            let bound = destination(at.exporter, Some(signal)).and_then(|to| to.max_request_bytes);
            if let Some(bytes) = bound {
                let text = format!("# {}: {}", key.name, size(bytes as u64));
                self.line(at.indent, &text, &format!("{PRESET}, for {signal}"));
            }
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
            return Some(Said { value, origin: self.origin(key, path, at) });
        }
        let variable = self.variable(key.variables(signal)).map(|(name, text)| (name, text.to_owned()));
        let by = |(name, text): (&str, String)| Said { value: written(key, &text), origin: name.to_owned() };
        let said = variable.map(by).or_else(|| self.in_file(key, at.node?));
        let said = said.or_else(|| self.stand_in(key).map(by)).or_else(|| default(key));
        match destination(at.exporter, signal) {
            Some(destination) => of_destination(path, destination, said),
            None => said,
        }
    }

    fn in_file(&self, key: &Key, node: &Node) -> Option<Said> {
        let value = match node.kind {
            Shape::Scalar { .. } => written(key, &self.scalar(node)?),
            _ => self.flow(node, Foreign::Shown),
        };
        Some(Said { value, origin: self.position(node.place) })
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
            "telemetry.limits.queue_items" => Some(settings.limits.queue_items.to_string()),
            "telemetry.exporters.export_timeout" => Some(time(exporter?.delivery.export_timeout)),
            "telemetry.exporters.max_batch_items" => {
                let items = exporter?.delivery.max_batch_items;
                (items < usize::MAX).then(|| items.to_string())
            }
            "telemetry.exporters.otlp.aws.region" => {
                let Auth::Aws(signature) = auth(exporter)? else { return None };
                Some(yaml(&signature.region))
            }
            "telemetry.exporters.otlp.auth" => Some(auth(exporter).map_or("none", Auth::word).to_owned()),
            "telemetry.resource_detection" => Some(detectors(&settings.detection.detectors)),
            "logging.format" => Some(word_for(&FORMATS, &settings.logging.format)),
            _ => None,
        }
    }

    /// The text of a single value, unless it is empty.
    fn scalar(&self, node: &Node) -> Option<String> {
        let Shape::Scalar { text, .. } = &node.kind else { return None };
        let substituted = substitute::substitute(text, &self.file?.environment).ok()?;
        Some(substituted.text.into_owned()).filter(|text| !text.is_empty())
    }

    /// Any value in a line. What a key calls a secret is hidden in the source already.
    fn flow(&self, node: &Node, foreign: Foreign) -> String {
        match &node.kind {
            Shape::Scalar { text, quoted } => self.flow_scalar(node, text, *quoted, foreign),
            Shape::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item, foreign)).collect();
                format!("[{}]", items.join(", "))
            }
            Shape::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| format!("{}: {}", self.key_of(entry), self.flow(&entry.value, foreign)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn flow_scalar(&self, node: &Node, text: &str, quoted: bool, foreign: Foreign) -> String {
        let is_hidden = self.file.is_none_or(|file| file.source.is_hidden(node.place));
        let substituted = self.file.map(|file| substitute::substitute(text, &file.environment));
        match substituted {
            _ if is_hidden => HIDDEN.to_owned(),
            Some(Ok(substituted)) if substituted.is_foreign && foreign == Foreign::Hidden => {
                HIDDEN.to_owned()
            }
            Some(Ok(substituted)) if secrecy::is_secret("", &substituted.text) => HIDDEN.to_owned(),
            Some(Ok(substituted)) if quoted => in_quotes(&substituted.text),
            Some(Ok(substituted)) => yaml(&substituted.text),
            _ => in_quotes(text),
        }
    }
}

fn detectors(detectors: &[Detector]) -> String {
    let words: Vec<_> = detectors.iter().map(|detector| word_for(&Detector::WORDS, detector)).collect();
    format!("[{}]", words.join(", "))
}

fn items(list: &Node) -> &[Node] {
    match &list.kind {
        Shape::List(items) => items,
        _ => &[],
    }
}

fn default(key: &Key) -> Option<Said> {
    match key.absent {
        Absent::Value(value) => Some(Said { value: yaml(&value()), origin: DEFAULT.to_owned() }),
        _ => None,
    }
}
