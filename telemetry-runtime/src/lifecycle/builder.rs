//! Puts an installation together: from settings, in code, or both.

use super::guard::Guard;
#[cfg(feature = "logging")]
use super::subscriber;
use super::threads::Threads;
use super::{INSTALLED, InitError};
use crate::clock::Clock;
use crate::collect::{self, Collector, Control};
#[cfg(feature = "azure")]
use crate::config::Ingestion;
use crate::config::{ExporterKind, ExporterSettings, Limits, Settings};
use crate::detect;
use crate::dispatch::{self, Keeper, Make, Post, Queue, Report, Watch, Worker};
use crate::export::Exporter;
#[cfg(feature = "azure")]
use crate::export::azure::{self, AzureMonitor};
use crate::export::console::Console;
#[cfg(feature = "azure")]
use crate::export::destination::Compression;
#[cfg(feature = "otlp")]
use crate::export::destination::Destination;
use crate::export::file::{self, File};
#[cfg(feature = "otlp")]
use crate::export::otlp::{InvalidTarget, Otlp, Target};
use crate::policy::{ParentBased, Ratio, SamplingPolicy};
use crate::propagation;
use crate::record::{PerSignal, Resource, Signal};
use crate::span::lanes::LANES;
use crate::span::{fork, head, limit_values, panic, tick};
use std::fmt;
use std::io;
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
///
/// A child that outlives its parent without another program in its place (`exec`) keeps the parent's folders of a `spool` locked: what the
/// parent has left there is sent by a process that runs, or starts, after the child has ended.
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
    pub(super) settings: Option<Settings>,
    resource: Option<Resource>,
    policy: Option<Box<dyn SamplingPolicy>>,
    pub(super) exporters: Vec<Planned>,
    limits: Limits,
    propagation: propagation::Options,
}

/// An exporter that is to be started.
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) options: dispatch::Options,
    /// As many as are to work at the same time.
    pub(super) exporters: Vec<Box<dyn Exporter>>,
    /// Makes another one, where that is possible.
    pub(super) make: Option<Make>,
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
        let exporters: Vec<Box<dyn Exporter>> = vec![Box::new(exporter)];
        let options = dispatch::Options::default();
        self.exporters.push(Planned { name: name.into(), options, exporters, make: None });
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
            watch: Arc::default(),
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
    fn apply(&mut self, mut settings: Settings) -> Result<(), InitError> {
        if self.resource.is_none() && !settings.disabled {
            let threads = Threads::default();
            let detected = detect::detect(&settings.detection, &|name, ask| threads.spawn(name, ask));
            settings.resource = settings.resource.over(&detected);
        }
        let recorded = settings.policy.sampling.ratio;
        let planned = settings.exporters.iter().cloned().map(|exporter| {
            let name = exporter.name.clone();
            Planned::of(exporter, recorded).map_err(|error| InitError::exporter(&name, error))
        });
        let mut exporters = planned.collect::<Result<Vec<_>, _>>()?;
        exporters.append(&mut self.exporters);
        self.exporters = exporters;
        #[cfg(feature = "logging")]
        {
            settings.logging.resource = settings.resource.clone();
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

impl Planned {
    /// What the settings say. Exporters that send requests are made as often as they are needed; the console is one, and so is a file.
    pub(super) fn of(settings: ExporterSettings, recorded: Ratio) -> Result<Self, BuildError> {
        let ExporterSettings { name, kind, delivery: options } = settings;
        let exported = Ratio::ALWAYS.but_from(options.selection.threshold);
        let shares = Shares { recorded: recorded.share(), exported: exported.share() };
        let exporters: Result<_, _> = (0..options.concurrency).map(|_| build(kind.clone(), shares)).collect();
        let make: Option<Make> = match kind {
            ExporterKind::Console(_) | ExporterKind::File(_) => None,
            ExporterKind::Otlp(_) | ExporterKind::AzureMonitor(_) => {
                Some(Box::new(move || build(kind.clone(), shares)))
            }
        };
        Ok(Self { name, options, exporters: exporters?, make })
    }
}

pub(super) type BuildError = Box<dyn std::error::Error + Send + Sync>;

/// Which shares of all traces, from 0 to 1, are recorded, and of those that are, go to one exporter.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "azure"), expect(dead_code, reason = "only Azure Monitor is told"))]
struct Shares {
    recorded: f64,
    exported: f64,
}

/// Builds an exporter of traces of which these shares are recorded and exported.
#[cfg_attr(not(feature = "azure"), expect(unused_variables, reason = "only Azure Monitor is told"))]
fn build(kind: ExporterKind, shares: Shares) -> Result<Box<dyn Exporter>, BuildError> {
    match kind {
        ExporterKind::Console(style) => Ok(Box::new(Console::new(style))),
        ExporterKind::File(destinations) => Ok(Box::new(file(destinations)?)),
        #[cfg(feature = "otlp")]
        ExporterKind::Otlp(destinations) => Ok(Box::new(otlp(destinations)?)),
        #[cfg(feature = "azure")]
        ExporterKind::AzureMonitor(ingestion) => Ok(Box::new(azure_monitor(ingestion, shares))),
        #[cfg(not(feature = "azure"))]
        ExporterKind::AzureMonitor(_) => {
            Err("this program was built without the feature `azure` of `telemetry-runtime`".into())
        }
        #[cfg(not(feature = "otlp"))]
        ExporterKind::Otlp(_) => {
            Err("this program was built without the feature `otlp` of `telemetry-runtime`".into())
        }
    }
}

#[cfg(feature = "azure")]
fn azure_monitor(ingestion: Ingestion, shares: Shares) -> AzureMonitor {
    let Ingestion { connection_string, takes, auth, timeout, compression, resource_metric } = ingestion;
    let mut target = azure::Target::of(connection_string);
    (target.traces, target.logs) = (takes.traces, takes.logs);
    target.timeout = timeout;
    target.auth = auth;
    target.gzip = compression == Compression::Gzip;
    target.resource_metric = resource_metric;
    (target.sampling_ratio, target.exported_ratio) = (shares.recorded, shares.exported);
    AzureMonitor::new(target)
}

fn file(destinations: PerSignal<Option<file::Destination>>) -> io::Result<File> {
    let PerSignal { traces, logs } = destinations;
    let given = [(Signal::Traces, traces), (Signal::Logs, logs)];
    given.into_iter().try_fold(File::nowhere(), |exporter, (signal, to)| match to {
        Some(to) => exporter.with(signal, to),
        None => Ok(exporter),
    })
}

#[cfg(feature = "otlp")]
fn otlp(destinations: PerSignal<Option<Destination>>) -> Result<Otlp, InvalidTarget> {
    let auth = PerSignal::of(|signal| destinations[signal].as_ref()?.auth.clone());
    let PerSignal { traces, logs } = destinations;
    let exporter =
        traces.map_or_else(|| Ok(Otlp::nowhere()), |to| Otlp::new(Target::of(to, Signal::Traces)))?;
    let exporter = match logs {
        Some(to) => exporter.with_logs(Target::of(to, Signal::Logs))?,
        None => exporter,
    };
    Ok(Signal::ALL.into_iter().fold(exporter, |exporter, signal| {
        match auth[signal].clone().and_then(|auth| auth.authorizer(signal)) {
            Some(authorize) => exporter.authorized_by(signal, authorize),
            None => exporter,
        }
    }))
}

/// Starts the workers of each exporter and the watch over them, then the collector.
fn start_threads(
    guard: &mut Guard,
    exporters: Vec<Planned>,
    resource: Resource,
    limits: Limits,
) -> Result<(), InitError> {
    // Nobody waits for these threads: the queues say when the work is done, and a call that does not return stops nobody.
    let background = Threads::default();
    let mut posts = Vec::new();
    for Planned { name, options, exporters, make } in exporters {
        let takes = PerSignal::of(|signal| exporters.iter().any(|exporter| exporter.takes(signal)));
        let bounds = dispatch::Options {
            max_queue_bytes: limits.queue,
            max_queue_items: limits.queue_items,
            ..options
        };
        let packer = packer(&bounds, make.as_ref()).map_err(|error| InitError::exporter(&name, error))?;
        let mut queue = Queue::new(name.clone(), bounds, takes);
        if packer.is_some() {
            queue = queue.with_spool().map_err(|error| InitError::exporter(&name, error.into()))?;
        }
        let queue = Arc::new(queue);
        guard.queues.push(queue.clone());
        if let Some(exporter) = packer.filter(|_| queue.has_spool()) {
            let keeper = Keeper { queue: queue.clone(), exporter };
            spawn(&background, format!("telemetry-spool-{}", queue.name()), || keeper.run())?;
        }
        for worker in exporters.into_iter().filter_map(|exporter| Worker::new(queue.clone(), exporter)) {
            spawn(&background, worker_name(&queue), || worker.run())?;
        }
        posts.push(Post { queue, make });
    }
    let watch = Watch { posts, stop: guard.watch.clone() };
    let others = background.clone();
    let start = move |worker: Worker| others.spawn(worker_name(worker.queue()), || worker.run());
    spawn(&background, "telemetry-watch".to_owned(), || watch.run(start))?;
    let control: Arc<Control> = guard.control.clone();
    let clock = Clock::new(tick::now);
    let default = collect::Options::default();
    let options = collect::Options {
        delay: limits.schedule_delay,
        // Half of a queue: as much is free when a round begins.
        max_batch_items: default.max_batch_items.min((limits.queue_items / 2).max(1)),
        max_waiting_bytes: limits.details,
        ..default
    };
    let collector = Collector::new(options, clock, Arc::new(resource), guard.queues.clone(), control);
    spawn(&guard.collector, "telemetry-collect".to_owned(), || collector.run())
}

/// An exporter that packs what goes to disk, if there is to be a spool.
fn packer(options: &dispatch::Options, make: Option<&Make>) -> Result<Option<Box<dyn Exporter>>, BuildError> {
    make.filter(|_| options.spool.is_some()).map(|make| make()).transpose()
}

fn worker_name(queue: &Queue) -> String {
    format!("telemetry-export-{}", queue.name())
}

fn spawn(threads: &Threads, name: String, body: impl FnOnce() + Send + 'static) -> Result<(), InitError> {
    threads.spawn(name.clone(), body).map_err(|error| InitError::thread(&name, error))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exporters: Vec<_> = self.exporters.iter().map(|planned| &planned.name).collect();
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("resource", &self.resource)
            .field("exporters", &exporters)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exporter_that_cannot_pack_for_its_spool_is_told_of() {
        let place = dispatch::SpoolPlace {
            path: "spool".into(),
            mode: dispatch::Mode::default(),
            options: dispatch::SpoolOptions::default(),
        };
        let options = dispatch::Options { spool: Some(place), ..dispatch::Options::default() };
        let make: Make = Box::new(|| Err("no certificate".into()));
        let error = packer(&options, Some(&make)).err().expect("it was asked");
        assert_eq!(error.to_string(), "no certificate");
        assert!(packer(&dispatch::Options::default(), Some(&make)).is_ok_and(|packer| packer.is_none()));
    }
}
