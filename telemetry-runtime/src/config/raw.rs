//! What a settings file says, each value checked by itself and still at its place.

use super::document::{Kind, Node};
use super::exporter::{A_TIME, EXPORTER, Exporter, duration};
use super::key::{self, Key, Kind as Type, time, word_for, words};
use super::limits::{self, Limits};
use super::overrides::{PROPAGATORS, SAMPLER, SAMPLER_ARG, VALUE_LIMIT};
use super::processors::NAMES;
use super::reader::{At, Reader};
use crate::detect::Detector;
use crate::logging::{Filter, Format, LEVELS};
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

/// All that a file may say.
pub(super) const ROOT: &[Key] = &[
    Key::new("service", Type::Section(SERVICE), "who reports"),
    Key::new("telemetry", Type::Section(TELEMETRY), "what is recorded, and where it goes"),
    Key::new(
        "logging",
        Type::Section(LOGGING),
        "the log lines on standard error, and the log records that exporters get",
    ),
    Key::new("server", Type::Free, "the application's own section, which it reads by `Settings::section`"),
];
const SERVICE: &[Key] = &[
    Key::new("name", Type::Text, "the attribute `service.name`")
        .or_else("`unknown_service:` and the program's name")
        .overridden_by(&["OTEL_SERVICE_NAME"]),
    Key::new("version", Type::Text, "the attribute `service.version`"),
    Key::new("namespace", Type::Text, "the attribute `service.namespace`"),
    Key::new("environment", Type::Text, "the attribute `deployment.environment.name`, such as `production`"),
];
const TELEMETRY: &[Key] = &[
    Key::new("enabled", Type::Bool, "whether anything is recorded; the variable says the opposite")
        .or(|| true.to_string())
        .overridden_by(&["OTEL_SDK_DISABLED"]),
    Key::new("sampling_ratio", Type::Ratio, "the share of the traces that begin here; a caller's decision holds")
        .or(|| Ratio::ALWAYS.share().to_string())
        .overridden_by(&[SAMPLER_ARG]),
    Key::new("sampler", Type::Word(|| Sampling::WORDS.to_vec()), "how it is decided which traces are recorded")
        .or(|| Sampling::default().word().to_owned())
        .overridden_by(&[SAMPLER]),
    Key::new(
        "exclude_endpoints",
        Type::List(&Type::Like("path", r"^/[^*?#]*\*?$")),
        "requests for these paths are not recorded: a path, or all that begin alike, as in `/internal/*`",
    ),
    Key::new(
        "propagators",
        Type::List(&Type::Word(|| words(&propagator_words()))),
        "the formats in which contexts travel in headers, in their order",
    )
    .or_else("`[tracecontext, baggage]`; with `preset: aws` of an exporter also `xray`")
    .overridden_by(&[PROPAGATORS]),
    Key::new(
        "incoming",
        Type::Word(|| words(&Incoming::WORDS)),
        "a caller's trace is continued (`trust`), a new one links to it (`link`), or it is forgotten (`ignore`)",
    )
    .or(|| word_for(&Incoming::WORDS, &Incoming::default())),
    Key::new("resource", Type::Map(&Type::Attribute), "more attributes of whoever reports; those of the variable win")
        .overridden_by(&["OTEL_RESOURCE_ATTRIBUTES"]),
    Key::new(
        "resource_detection",
        Type::List(&Type::Word(|| words(&Detector::WORDS))),
        "who is asked where the process runs: the system, and the clouds that are named, all within a second",
    )
    .or_else("the preset's: `[host, os, process, container]` and its cloud; without a preset nobody"),
    Key::new("limits", Type::Section(LIMITS), "bounds of memory; what does not fit is dropped and counted"),
    Key::new(
        "tracing",
        Type::WordOr(&LEVELS, &Type::Like("directives by target", BY_TARGET)),
        "which spans of other libraries that use `tracing` are recorded: a level, or directives by target",
    )
    .or(|| "info".to_owned()),
    Key::new(
        "opentelemetry",
        Type::Bool,
        "with the feature of that name: the API's global tracer provider and propagator are ours",
    )
    .or(|| true.to_string()),
    Key::new("exporters", Type::Sections(EXPORTER), "where spans and log records go")
        .or_else("the console; also `otlp`, where a variable names an endpoint or asks for it"),
];
const LIMITS: &[Key] = &[
    Key::new("lanes", MEMORY, "spans that have ended, before they are collected, on all threads together")
        .or(|| memory(Limits::default().lanes)),
    Key::new("details", MEMORY, "events and late attributes of spans that still run; the oldest go")
        .or(|| memory(Limits::default().details)),
    Key::new("queue", MEMORY, "batches that wait for one exporter").or(|| memory(Limits::default().queue)),
    Key::new(
        "queue_items",
        COUNT,
        "spans and log records that wait for one exporter; of two variables the larger number counts",
    )
    .or(|| Limits::default().queue_items.to_string())
    .overridden_by(&[NAMES.traces.queue_items, NAMES.logs.queue_items]),
    Key::new(
        "value",
        Type::Size { least: 1, most: Some(limits::LONGEST_VALUE_BYTES as u64) },
        "one attribute value; a longer one is cut at a character",
    )
    .or(|| memory(Limits::default().value))
    .overridden_by(&VALUE_LIMIT),
    Key::new(
        "schedule_delay",
        Type::Time,
        "how long a finished span or a log record waits for company at most",
    )
    .or(|| time(Limits::default().schedule_delay.traces))
    .overridden_by_signal(&[], [NAMES.traces.delay, NAMES.logs.delay]),
];
const LOGGING: &[Key] = &[
    Key::new(
        "level",
        DIRECTIVES,
        "which lines are written, and which log records exporters get: a level, or directives by target",
    )
    .or(|| "info".to_owned())
    .overridden_by(&["RUST_LOG"]),
    Key::new(
        "format",
        Type::Word(|| words(&FORMATS)),
        "JSON for machines, or text for people, or JSON as Google's agents or Elastic's read it",
    )
    .or_else("`json`; with `preset: gcp` of an exporter `gcp`"),
    Key::new("span_events", Type::Bool, "whether what is logged within a span is an event of the span, too")
        .or(|| false.to_string()),
];

const MEMORY: Type = Type::Size { least: limits::LEAST_MEMORY_BYTES as u64, most: None };
const COUNT: Type = Type::Count { of: "items", most: None };
const DIRECTIVES: Type = Type::WordOr(&LEVELS, &Type::Like("directives", BY_ANYTHING));
/// Parts with `=` or a span in brackets, and levels.
const BY_ANYTHING: &str = r"^([^,]*[=\[][^,]*|trace|debug|info|warn|error|off)(,([^,]*[=\[][^,]*|trace|debug|info|warn|error|off))*$";
/// The same without spans.
const BY_TARGET: &str = r"^([^,\[]*=[^,\[]*|trace|debug|info|warn|error|off)(,([^,\[]*=[^,\[]*|trace|debug|info|warn|error|off))*$";
pub(super) const FORMATS: [(&str, Format); 4] =
    [("json", Format::Json), ("text", Format::Text), ("gcp", Format::Gcp), ("ecs", Format::Ecs)];

fn memory(bytes: usize) -> String {
    key::size(bytes as u64)
}

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
    let schedule_delay = reader.typed(fields.get("schedule_delay"), A_TIME, duration).map(|at| at.value);
    limits::Written { lanes, details, queue, queue_items, value, schedule_delay }
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
