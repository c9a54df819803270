//! The configurations: libraries with settings, and the tables they belong to.

use crate::libraries::fastrace::{Parent, REPORT_INTERVAL};
use crate::libraries::sdk::Queue;
use crate::libraries::tracing::Detail;
use crate::libraries::{emit, fastrace, floor, project, sdk, tracing};
use crate::library::Subject;
use crate::sink::Sink;
use opentelemetry_sdk::trace::Sampler;
use std::io;
use std::time::Duration;
use telemetry_runtime::policy::Ratio;

/// A library with its settings.
pub(crate) struct Configuration {
    /// As the tables say it.
    pub(crate) name: &'static str,
    /// The settings, in words.
    pub(crate) settings: &'static str,
    /// What becomes of its spans.
    pub(crate) group: Group,
    /// The tables it is in.
    pub(crate) parts: &'static [Part],
    /// Starts it, once in a process.
    pub(crate) start: fn(&Sink) -> Box<dyn Subject>,
}

/// What becomes of a configuration's spans: only those of one group are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// There are none.
    Floor,
    /// Recorded and delivered.
    Sampled,
    /// Decided against.
    Unsampled,
    /// Nobody wants them.
    Off,
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What one span costs the thread that makes it.
    Spans,
    /// As many spans as possible, counted in the process.
    Sustained,
    /// Spans over OTLP/HTTP to another process.
    Delivery,
}

impl Group {
    /// The configurations that the others of the group are compared with.
    pub(crate) fn baselines(self) -> &'static [&'static str] {
        match self {
            Self::Floor => &[],
            Self::Sampled => &["fastrace", "tracing-opentelemetry"],
            Self::Unsampled => &["fastrace, unsampled parent", "tracing-opentelemetry, AlwaysOff"],
            Self::Off => &["fastrace, no parent", "tracing, no subscriber"],
        }
    }
}

/// The configuration of this name.
pub(crate) fn by_name(name: &str) -> io::Result<&'static Configuration> {
    let found = ALL.iter().find(|configuration| configuration.name == name);
    found.ok_or_else(|| io::Error::other(format!("there is no configuration `{name}`")))
}

/// All configurations, in the tables' order.
pub(crate) const ALL: &[Configuration] = &[
    Configuration {
        name: "floor: empty call",
        settings: "a call of an empty function in the same loops, with the same futures",
        group: Group::Floor,
        parts: &[Part::Spans],
        start: |_| floor::empty(),
    },
    Configuration {
        name: "floor: two reads of the time-stamp counter",
        settings: "the same, with two reads of the counter (fastant) in each call",
        group: Group::Floor,
        parts: &[Part::Spans],
        start: |_| floor::clock(),
    },
    Configuration {
        name: "this project",
        settings: "`#[instrument]`, defaults",
        group: Group::Sampled,
        parts: &[Part::Spans, Part::Sustained, Part::Delivery],
        start: |sink| project::start(Ratio::ALWAYS, true, sink),
    },
    Configuration {
        name: "this project, no code attributes",
        settings: "the same with `code_attributes: false`: of the others, only tracing-opentelemetry sends any, unless it is lean",
        group: Group::Sampled,
        parts: &[Part::Delivery],
        start: |sink| project::start(Ratio::ALWAYS, false, sink),
    },
    Configuration {
        name: "fastrace",
        settings: "`#[trace(short_name = true)]` below a root, defaults; `Err` as properties and events by hand",
        group: Group::Sampled,
        parts: &[Part::Spans, Part::Sustained, Part::Delivery],
        start: |sink| fastrace::start(Parent::Sampled, REPORT_INTERVAL, sink),
    },
    Configuration {
        name: "fastrace, 100 ms",
        settings: "the same, reporting every 100 ms instead of every second",
        group: Group::Sampled,
        parts: &[Part::Delivery],
        start: |sink| fastrace::start(Parent::Sampled, Duration::from_millis(100), sink),
    },
    Configuration {
        name: "OpenTelemetry SDK",
        settings: "the API directly, contexts attached by hand, `BatchSpanProcessor` with its defaults",
        group: Group::Sampled,
        parts: &[Part::Spans, Part::Sustained, Part::Delivery],
        start: |sink| sdk::start(Sampler::AlwaysOn, Queue::Default, sink),
    },
    Configuration {
        name: "OpenTelemetry SDK, big queue",
        settings: "the same with a queue of 131072 spans and batches of 4096",
        group: Group::Sampled,
        parts: &[Part::Sustained, Part::Delivery],
        start: |sink| sdk::start(Sampler::AlwaysOn, Queue::Big, sink),
    },
    Configuration {
        name: "tracing-opentelemetry",
        settings: "`#[instrument]`, registry at INFO, the layer and `BatchSpanProcessor` with their defaults",
        group: Group::Sampled,
        parts: &[Part::Spans, Part::Sustained, Part::Delivery],
        start: |sink| tracing::opentelemetry(Detail::Default, Sampler::AlwaysOn, Queue::Default, sink),
    },
    Configuration {
        name: "tracing-opentelemetry, lean",
        settings: "the same without location, threads, target, level, and idle and busy time",
        group: Group::Sampled,
        parts: &[Part::Spans],
        start: |sink| tracing::opentelemetry(Detail::Lean, Sampler::AlwaysOn, Queue::Default, sink),
    },
    Configuration {
        name: "tracing-opentelemetry, lean, big queue",
        settings: "lean, with a queue of 131072 spans and batches of 4096",
        group: Group::Sampled,
        parts: &[Part::Sustained, Part::Delivery],
        start: |sink| tracing::opentelemetry(Detail::Lean, Sampler::AlwaysOn, Queue::Big, sink),
    },
    Configuration {
        name: "tracing, this project's subscriber",
        settings: "`#[tracing::instrument]`, this project's settings with INFO and no log lines",
        group: Group::Sampled,
        parts: &[Part::Spans],
        start: |sink| tracing::project_by_settings(Ratio::ALWAYS, sink),
    },
    Configuration {
        name: "tracing, this project's layer",
        settings: "`#[tracing::instrument]`, registry at INFO, this project's layers",
        group: Group::Sampled,
        parts: &[Part::Spans],
        start: |sink| tracing::project(Ratio::ALWAYS, sink),
    },
    Configuration {
        name: "OpenTelemetry API, this project",
        settings: "the API directly, contexts attached by hand, this project's `TracerProvider`",
        group: Group::Sampled,
        parts: &[Part::Spans],
        start: |sink| sdk::project(Ratio::ALWAYS, sink),
    },
    Configuration {
        name: "emit",
        settings: "`#[emit::span]`, defaults, no compression",
        group: Group::Sampled,
        parts: &[Part::Spans, Part::Sustained, Part::Delivery],
        start: emit::start,
    },
    Configuration {
        name: "this project, unsampled",
        settings: "a policy that samples nothing",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| project::start(Ratio::NEVER, true, sink),
    },
    Configuration {
        name: "tracing, this project's subscriber, unsampled",
        settings: "a policy that samples nothing",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| tracing::project_by_settings(Ratio::NEVER, sink),
    },
    Configuration {
        name: "tracing, this project's layer, unsampled",
        settings: "a policy that samples nothing",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| tracing::project(Ratio::NEVER, sink),
    },
    Configuration {
        name: "OpenTelemetry API, this project, unsampled",
        settings: "a policy that samples nothing",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| sdk::project(Ratio::NEVER, sink),
    },
    Configuration {
        name: "fastrace, unsampled parent",
        settings: "below roots that are not sampled",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| fastrace::start(Parent::Unsampled, REPORT_INTERVAL, sink),
    },
    Configuration {
        name: "OpenTelemetry SDK, AlwaysOff",
        settings: "the sampler `AlwaysOff`",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| sdk::start(Sampler::AlwaysOff, Queue::Default, sink),
    },
    Configuration {
        name: "tracing-opentelemetry, AlwaysOff",
        settings: "the sampler `AlwaysOff`",
        group: Group::Unsampled,
        parts: &[Part::Spans],
        start: |sink| tracing::opentelemetry(Detail::Default, Sampler::AlwaysOff, Queue::Default, sink),
    },
    Configuration {
        name: "this project, no init",
        settings: "never started",
        group: Group::Off,
        parts: &[Part::Spans],
        start: |_| project::without_init(),
    },
    Configuration {
        name: "fastrace, no parent",
        settings: "a reporter, but no root",
        group: Group::Off,
        parts: &[Part::Spans],
        start: |sink| fastrace::start(Parent::None, REPORT_INTERVAL, sink),
    },
    Configuration {
        name: "tracing, no subscriber",
        settings: "nothing is installed",
        group: Group::Off,
        parts: &[Part::Spans],
        start: |_| tracing::without_subscriber(),
    },
    Configuration {
        name: "tracing, registry only",
        settings: "a registry with a layer that does nothing",
        group: Group::Off,
        parts: &[Part::Spans],
        start: |_| tracing::registry_only(),
    },
];
