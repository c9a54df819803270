//! Puts an installation together in code.

use super::guard::Guard;
use super::threads::Threads;
use super::{INSTALLED, InitError};
use crate::clock::Clock;
use crate::collect::{self, Collector, Control};
use crate::dispatch::{self, Queue, Report, Worker};
use crate::export::Exporter;
use crate::policy::{ParentBased, Ratio, SamplingPolicy};
use crate::record::Resource;
use crate::span::lanes::LANES;
use crate::span::{head, panic, tick};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Puts an installation together in code.
///
/// # Examples
/// ```
/// use telemetry_runtime::export::memory::Memory;
///
/// # fn main() -> Result<(), telemetry_runtime::InitError> {
/// let memory = Memory::new();
/// let guard = telemetry_runtime::builder().exporter("memory", memory.clone()).install()?;
/// # drop(guard);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing runs before `install`"]
pub struct Builder {
    resource: Resource,
    policy: Box<dyn SamplingPolicy>,
    exporters: Vec<(String, Box<dyn Exporter>)>,
}

/// Starts an installation with no exporters, everything sampled unless a remote parent says otherwise, and no resource attributes.
pub fn builder() -> Builder {
    Builder {
        resource: Resource::new(),
        policy: Box::new(ParentBased::new(Ratio::ALWAYS)),
        exporters: Vec::new(),
    }
}

impl Builder {
    /// Adds an exporter under a name that reports and complaints use.
    pub fn exporter(mut self, name: impl Into<String>, exporter: impl Exporter) -> Self {
        self.exporters.push((name.into(), Box::new(exporter)));
        self
    }

    /// Decides which traces are recorded. Default: everything, unless a remote parent says otherwise.
    pub fn policy(mut self, policy: impl SamplingPolicy) -> Self {
        self.policy = Box::new(policy);
        self
    }

    /// Says who reports.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// Starts recording.
    ///
    /// # Errors
    /// If telemetry is already running in this process, or a thread cannot be started.
    pub fn install(self) -> Result<Guard, InitError> {
        if INSTALLED.swap(true, Ordering::AcqRel) {
            return Err(InitError::already_installed());
        }
        self.start().inspect_err(|_| INSTALLED.store(false, Ordering::Release))
    }

    fn start(self) -> Result<Guard, InitError> {
        tick::choose();
        panic::install_hook();
        let guard = Guard {
            control: Arc::default(),
            queues: Vec::new(),
            threads: Threads::default(),
            before: LANES.collected(),
            is_on: AtomicBool::new(true),
            last_report: std::sync::Mutex::new(Report::default()),
        };
        let guard = start_threads(guard, self.exporters, Arc::new(self.resource))?;
        head::install(self.policy);
        Ok(guard)
    }
}

/// Starts a worker per exporter and the collector. On an error the guard is dropped, which ends those that run.
fn start_threads(
    mut guard: Guard,
    exporters: Vec<(String, Box<dyn Exporter>)>,
    resource: Arc<Resource>,
) -> Result<Guard, InitError> {
    for (name, exporter) in exporters {
        let queue = Arc::new(Queue::new(name, dispatch::Options::default()));
        let worker = Worker::new(queue.clone(), exporter);
        spawn(&guard.threads, format!("telemetry-export-{}", queue.name()), || worker.run())?;
        guard.queues.push(queue);
    }
    let control: Arc<Control> = guard.control.clone();
    let collector = Collector::new(
        collect::Options::default(),
        Clock::new(tick::now),
        resource,
        guard.queues.clone(),
        control,
    );
    spawn(&guard.threads, "telemetry-collect".to_owned(), || collector.run())?;
    Ok(guard)
}

fn spawn(threads: &Threads, name: String, body: impl FnOnce() + Send + 'static) -> Result<(), InitError> {
    threads.spawn(name.clone(), body).map_err(|error| InitError::thread(&name, error))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exporters: Vec<_> = self.exporters.iter().map(|(name, _)| name).collect();
        f.debug_struct("Builder")
            .field("resource", &self.resource)
            .field("exporters", &exporters)
            .finish_non_exhaustive()
    }
}
