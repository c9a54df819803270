//! What a settings file says, each value checked by itself and still at its place.

use super::document::{Kind, Node};
use super::exporter::Exporter;
use super::limits;
use super::reader::{At, Reader};
use crate::detect::Detector;
use crate::logging::{Filter, Format};
use crate::policy::{PathPattern, Ratio, Sampling};
use crate::propagation::{Incoming, Propagator, Propagators};
use crate::record::ValueBuf;

/// The whole file. What is absent was not written, or is null or empty.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) service: Service,
    pub(super) telemetry: Telemetry,
    pub(super) logging: Logging,
}

#[derive(Debug, Default)]
pub(super) struct Service {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) environment: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Telemetry {
    pub(super) enabled: Option<bool>,
    pub(super) sampling_ratio: Option<At<Ratio>>,
    pub(super) sampler: Option<At<String>>,
    pub(super) exclude_endpoints: Vec<PathPattern>,
    pub(super) propagators: Option<Propagators>,
    pub(super) incoming: Option<Incoming>,
    pub(super) resource: Vec<(String, ValueBuf)>,
    pub(super) resource_detection: Option<Vec<Detector>>,
    pub(super) limits: limits::Written,
    pub(super) tracing: Option<Filter>,
    pub(super) opentelemetry: Option<bool>,
    /// Those that are enabled.
    pub(super) exporters: Option<Vec<Exporter>>,
}

#[derive(Debug, Default)]
pub(super) struct Logging {
    pub(super) level: Option<Filter>,
    pub(super) format: Option<Format>,
    pub(super) span_events: Option<bool>,
}

const ROOT: &[&str] = &["service", "telemetry", "logging", "server"];
const SERVICE: &[&str] = &["name", "version", "namespace", "environment"];
const TELEMETRY: &[&str] = &[
    "enabled",
    "sampling_ratio",
    "sampler",
    "exclude_endpoints",
    "propagators",
    "incoming",
    "resource",
    "resource_detection",
    "limits",
    "tracing",
    "opentelemetry",
    "exporters",
];
const LIMITS: &[&str] = &["lanes", "details", "queue", "queue_items", "value"];
const FORMATS: [(&str, Format); 4] =
    [("json", Format::Json), ("text", Format::Text), ("gcp", Format::Gcp), ("ecs", Format::Ecs)];
const LOGGING: &[&str] = &["level", "format", "span_events"];

impl Raw {
    /// Reads the file's own sections; `disabled` if the environment has switched telemetry off.
    pub(super) fn read(root: Option<&Node>, reader: &mut Reader<'_>, disabled: Option<bool>) -> Self {
        let fields = reader.fields(root, ROOT);
        Self {
            service: service(fields.get("service"), reader),
            telemetry: telemetry(fields.get("telemetry"), reader, disabled),
            logging: logging(fields.get("logging"), reader),
        }
    }
}

fn service(node: Option<&Node>, reader: &mut Reader<'_>) -> Service {
    let fields = reader.fields(node, SERVICE);
    Service {
        name: reader.text(fields.get("name")),
        version: reader.text(fields.get("version")),
        namespace: reader.text(fields.get("namespace")),
        environment: reader.text(fields.get("environment")),
    }
}

fn telemetry(node: Option<&Node>, reader: &mut Reader<'_>, disabled: Option<bool>) -> Telemetry {
    let fields = reader.fields(node, TELEMETRY);
    let enabled = reader.bool(fields.get("enabled"));
    let is_disabled = disabled.unwrap_or(enabled == Some(false));
    Telemetry {
        enabled,
        sampling_ratio: reader.typed(fields.get("sampling_ratio"), "a number from 0 to 1", ratio),
        sampler: reader.checked(fields.get("sampler"), |word| {
            Sampling::from_word(word, Ratio::ALWAYS).map(|_| word.to_owned())
        }),
        exclude_endpoints: exclude_endpoints(fields.get("exclude_endpoints"), reader),
        propagators: fields.get("propagators").map(|node| propagators(node, reader)),
        incoming: reader.word(fields.get("incoming"), &Incoming::WORDS).map(|at| at.value),
        resource: resource(fields.get("resource"), reader),
        resource_detection: fields.get("resource_detection").map(|node| detectors(node, reader)),
        limits: limits(fields.get("limits"), reader),
        tracing: reader.checked(fields.get("tracing"), Filter::from_setting_by_target).map(|at| at.value),
        opentelemetry: reader.bool(fields.get("opentelemetry")),
        exporters: fields.get("exporters").map(|node| {
            let items = reader.items(Some(node));
            items.iter().filter_map(|item| Exporter::read(item, reader, is_disabled)).collect()
        }),
    }
}

fn limits(node: Option<&Node>, reader: &mut Reader<'_>) -> limits::Written {
    let fields = reader.fields(node, LIMITS);
    let mut size = |key| Some(reader.typed(fields.get(key), limits::SIZE, limits::size)?.value);
    let (lanes, details, queue) = (size("lanes"), size("details"), size("queue"));
    let value = reader.typed(fields.get("value"), limits::LENGTH, limits::length).map(|at| at.value);
    let queue_items =
        reader.typed(fields.get("queue_items"), limits::COUNT, limits::count).map(|at| at.value);
    limits::Written { lanes, details, queue, queue_items, value }
}

pub(super) fn ratio(text: &str) -> Option<Ratio> {
    text.parse().ok().and_then(Ratio::new)
}

fn exclude_endpoints(node: Option<&Node>, reader: &mut Reader<'_>) -> Vec<PathPattern> {
    let items = reader.items(node);
    items
        .iter()
        .filter_map(|item| reader.checked(Some(item), PathPattern::parse))
        .map(|at| at.value)
        .collect()
}

/// The formats of the list; `none` adds nothing.
fn propagators(node: &Node, reader: &mut Reader<'_>) -> Propagators {
    let words = propagator_words();
    let items = reader.items(Some(node));
    let formats = items.iter().filter_map(|item| reader.word(Some(item), &words)?.value);
    Propagators::new(formats.collect::<Vec<_>>())
}

/// The words for formats, `none` among them.
pub(super) fn propagator_words() -> Vec<(&'static str, Option<Propagator>)> {
    let formats = Propagator::WORDS.map(|(word, format)| (word, Some(format)));
    formats.into_iter().chain([("none", None)]).collect()
}

fn detectors(node: &Node, reader: &mut Reader<'_>) -> Vec<Detector> {
    let items = reader.items(Some(node));
    items.iter().filter_map(|item| reader.word(Some(item), &Detector::WORDS)).map(|at| at.value).collect()
}

fn resource(node: Option<&Node>, reader: &mut Reader<'_>) -> Vec<(String, ValueBuf)> {
    let entries = reader.entries(node);
    entries.iter().filter_map(|entry| Some((entry.key.clone(), attribute(&entry.value, reader)?))).collect()
}

/// What is quoted is text; the rest is what it looks like.
pub(super) fn attribute(node: &Node, reader: &mut Reader<'_>) -> Option<ValueBuf> {
    let text = reader.scalar(node)?.text;
    if matches!(node.kind, Kind::Scalar { quoted: true, .. }) {
        return Some(text.into_owned().into());
    }
    let bool = match &*text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    let int = || text.parse().ok().map(ValueBuf::I64);
    let float = || text.parse().ok().filter(|float: &f64| float.is_finite()).map(ValueBuf::F64);
    bool.map(ValueBuf::Bool).or_else(int).or_else(float).or_else(|| Some(ValueBuf::Str(text.to_string())))
}

fn logging(node: Option<&Node>, reader: &mut Reader<'_>) -> Logging {
    let fields = reader.fields(node, LOGGING);
    Logging {
        level: reader.checked(fields.get("level"), Filter::from_setting).map(|at| at.value),
        format: reader.word(fields.get("format"), &FORMATS).map(|at| at.value),
        span_events: reader.bool(fields.get("span_events")),
    }
}
