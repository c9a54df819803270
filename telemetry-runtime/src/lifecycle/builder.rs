//! Puts an installation together: from settings, in code, or both.

use super::guard::Guard;
#[cfg(feature = "logging")]
use super::subscriber;
use super::threads::Threads;
use super::{INSTALLED, InitError};
use crate::clock::Clock;
use crate::collect::{self, Collector, Control};
use crate::config::{ExporterKind, ExporterSettings, Limits, Settings};
use crate::dispatch::{self, Queue, Report, Worker};
use crate::export::Exporter;
#[cfg(feature = "aws")]
use crate::export::auth::SigV4;
use crate::export::console::Console;
#[cfg(feature = "otlp")]
use crate::export::destination::Destination;
#[cfg(feature = "otlp")]
use crate::export::otlp::{InvalidTarget, Otlp, Target};
use crate::policy::{ParentBased, Ratio, SamplingPolicy};
use crate::propagation;
use crate::record::{PerSignal, Resource, Signal};
use crate::span::lanes::LANES;
use crate::span::{fork, head, limit_values, panic, tick};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Starts telemetry from the settings that are found: `SETTINGS_FILE`, else `./settings.yaml`, else the environment and defaults.
///
/// Besides, unless the program has a `tracing` subscriber of its own, it installs log lines (see [`logging`](crate::logging)), and records
/// the events of `tracing` as log records (see [`bridge::events`](crate::bridge::events)), and the spans that other libraries make with it
/// (see [`bridge::spans`](crate::bridge::spans)), from the level `info` on unless the setting `telemetry.tracing` says otherwise. With the feature
/// `opentelemetry`, the spans that other libraries make with that API are recorded, too, unless the setting `telemetry.opentelemetry` is
/// `false`.
///
/// # Examples
/// ```no_run
/// use telemetry_runtime::instrument;
///
/// #[instrument]
/// fn work(n: u32) {}
///
/// fn main() -> Result<(), telemetry_runtime::InitError> {
///     let _guard = telemetry_runtime::init()?;
///     work(7);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// If the settings are wrong ([`InitError::is_settings`]), telemetry is already running, or a thread cannot be started. That a back-end
/// cannot be reached is no error.
///
/// # Forked processes
/// After `fork` the child has the calling thread only, and telemetry is off until the child calls `init` itself. What the parent has
/// recorded is the parent's to deliver, and the child's ids are its own; the span that was current becomes a remote parent for what the
/// child records. This needs `fork` as the C library has it: a child made by a bare system call must not use telemetry.
pub fn init() -> Result<Guard, InitError> {
    builder().settings(Settings::find(None)?).install()
}

/// Puts an installation together.
///
/// # Examples
/// ```
/// use telemetry_runtime::Settings;
/// use telemetry_runtime::export::memory::Memory;
///
/// # fn main() -> Result<(), telemetry_runtime::InitError> {
/// let memory = Memory::new();
/// let guard = telemetry_runtime::builder()
///     .settings(Settings::from_text("telemetry: {exporters: []}", "settings.yaml")?)
///     .exporter("memory", memory.clone())
///     .install()?;
/// # drop(guard);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing runs before `install`"]
pub struct Builder {
    settings: Option<Settings>,
    resource: Option<Resource>,
    policy: Option<Box<dyn SamplingPolicy>>,
    exporters: Vec<(String, Box<dyn Exporter>)>,
    limits: Limits,
    propagation: propagation::Options,
}

/// Starts with no exporters, everything sampled unless a remote parent says otherwise, no resource attributes, and no log lines.
pub fn builder() -> Builder {
    Builder {
        settings: None,
        resource: None,
        policy: None,
        exporters: Vec::new(),
        limits: Limits::default(),
        propagation: propagation::Options::default(),
    }
}

impl Builder {
    /// Does what the settings say; what is given in code besides adds to them (exporters) or replaces them (policy, resource).
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Adds an exporter under a name that reports and complaints use.
    pub fn exporter(mut self, name: impl Into<String>, exporter: impl Exporter) -> Self {
        self.exporters.push((name.into(), Box::new(exporter)));
        self
    }

    /// Decides which traces are recorded.
    pub fn policy(mut self, policy: impl SamplingPolicy) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Says who reports.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Starts recording. With settings that disable telemetry (`OTEL_SDK_DISABLED`) it starts nothing but log lines.
    ///
    /// # Errors
    /// If an exporter's settings cannot work, telemetry is already running in this process, or a thread cannot be started.
    pub fn install(self) -> Result<Guard, InitError> {
        let process = fork::this_process();
        if INSTALLED.swap(process, Ordering::AcqRel) == process {
            return Err(InitError::already_installed());
        }
        fork::watch();
        self.start().inspect_err(|_| INSTALLED.store(0, Ordering::Release))
    }

    fn start(mut self) -> Result<Guard, InitError> {
        let mut guard = Guard {
            process: fork::this_process(),
            control: Arc::default(),
            queues: Vec::new(),
            collector: Threads::default(),
            workers: Threads::default(),
            before: LANES.collected(),
            is_on: AtomicBool::new(true),
            last_report: Mutex::new(Report::default()),
        };
        let mut disabled = false;
        if let Some(settings) = self.settings.take() {
            disabled = settings.disabled;
            self.apply(settings)?;
        }
        propagation::install(self.propagation);
        if !disabled {
            tick::choose();
            panic::install_hook();
            LANES.limit(self.limits.lanes);
            limit_values(self.limits.value);
            start_threads(&mut guard, self.exporters, self.resource.unwrap_or_default(), self.limits)?;
            let policy = self.policy.unwrap_or_else(|| Box::new(ParentBased::new(Ratio::ALWAYS)));
            head::install(policy, guard.queues.iter().any(|queue| queue.takes(Signal::Logs)));
        }
        Ok(guard)
    }

    /// Puts what the settings say in front of, or beneath, what was given in code.
    fn apply(&mut self, settings: Settings) -> Result<(), InitError> {
        let from_settings = settings.exporters.iter().cloned().map(|exporter| {
            let ExporterSettings { name, kind } = exporter;
            build(kind).map(|built| (name.clone(), built)).map_err(|error| InitError::exporter(&name, error))
        });
        let mut exporters = from_settings.collect::<Result<Vec<_>, _>>()?;
        exporters.append(&mut self.exporters);
        self.exporters = exporters;
        #[cfg(feature = "logging")]
        {
            subscriber::install(&settings);
            settings.warnings().iter().for_each(|warning| tracing::warn!(target: "telemetry", "{warning}"));
        }
        #[cfg(feature = "opentelemetry")]
        if settings.opentelemetry && !settings.disabled {
            crate::bridge::opentelemetry::install();
        }
        self.limits = settings.limits;
        self.propagation = settings.propagation;
        self.resource.get_or_insert(settings.resource);
        self.policy.get_or_insert_with(|| settings.policy.into_policy());
        Ok(())
    }
}

type BuildError = Box<dyn std::error::Error + Send + Sync>;

fn build(kind: ExporterKind) -> Result<Box<dyn Exporter>, BuildError> {
    match kind {
        ExporterKind::Console(style) => Ok(Box::new(Console::new(style))),
        #[cfg(feature = "otlp")]
        ExporterKind::Otlp(destinations) => Ok(Box::new(otlp(destinations)?)),
        #[cfg(not(feature = "otlp"))]
        ExporterKind::Otlp(_) => {
            Err("this program was built without the feature `otlp` of `telemetry-runtime`".into())
        }
    }
}

#[cfg(feature = "otlp")]
fn otlp(destinations: PerSignal<Option<Destination>>) -> Result<Otlp, InvalidTarget> {
    #[cfg(feature = "aws")]
    let auth = PerSignal::of(|signal| destinations[signal].as_ref()?.auth.clone());
    let PerSignal { traces, logs } = destinations;
    let exporter =
        traces.map_or_else(|| Ok(Otlp::nowhere()), |to| Otlp::new(Target::of(to, Signal::Traces)))?;
    let exporter = match logs {
        Some(to) => exporter.with_logs(Target::of(to, Signal::Logs))?,
        None => exporter,
    };
    #[cfg(feature = "aws")]
    let exporter = Signal::ALL.into_iter().fold(exporter, |exporter, signal| match auth[signal].clone() {
        Some(auth) => exporter.authorized_by(signal, Box::new(SigV4::new(*auth, signal))),
        None => exporter,
    });
    Ok(exporter)
}

/// Starts a worker for each exporter, then the collector.
fn start_threads(
    guard: &mut Guard,
    exporters: Vec<(String, Box<dyn Exporter>)>,
    resource: Resource,
    limits: Limits,
) -> Result<(), InitError> {
    let options = dispatch::Options { max_queue_bytes: limits.queue, ..dispatch::Options::default() };
    for (name, exporter) in exporters {
        let takes = PerSignal::of(|signal| exporter.takes(signal));
        let queue = Arc::new(Queue::new(name, options, takes));
        let worker = Worker::new(queue.clone(), exporter);
        spawn(&guard.workers, format!("telemetry-export-{}", queue.name()), || worker.run())?;
        guard.queues.push(queue);
    }
    let control: Arc<Control> = guard.control.clone();
    let clock = Clock::new(tick::now);
    let options = collect::Options { max_waiting_bytes: limits.details, ..collect::Options::default() };
    let collector = Collector::new(options, clock, Arc::new(resource), guard.queues.clone(), control);
    spawn(&guard.collector, "telemetry-collect".to_owned(), || collector.run())
}

fn spawn(threads: &Threads, name: String, body: impl FnOnce() + Send + 'static) -> Result<(), InitError> {
    threads.spawn(name.clone(), body).map_err(|error| InitError::thread(&name, error))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exporters: Vec<_> = self.exporters.iter().map(|(name, _)| name).collect();
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("resource", &self.resource)
            .field("exporters", &exporters)
            .finish_non_exhaustive()
    }
}
