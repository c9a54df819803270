//! What is known about an instrumented place before it runs, and the register that gives each place a number.

use super::ScopeDetails;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

/// How important a span or event is. The order is `Trace < Debug < Info < Warn < Error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Very fine detail.
    Trace,
    /// Detail for whoever debugs.
    Debug,
    /// The ordinary level, and the default.
    #[default]
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// [`Self::Trace`], as `tracing` spells it; so the others.
    pub const TRACE: Self = Self::Trace;
    /// [`Self::Debug`].
    pub const DEBUG: Self = Self::Debug;
    /// [`Self::Info`].
    pub const INFO: Self = Self::Info;
    /// [`Self::Warn`].
    pub const WARN: Self = Self::Warn;
    /// [`Self::Error`].
    pub const ERROR: Self = Self::Error;

    /// The level of that name in `tracing`.
    #[doc(hidden)]
    #[cfg(feature = "tracing")]
    pub const fn of_tracing(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warn,
            _ => Self::Error,
        }
    }

    #[cfg(feature = "tracing")]
    pub(crate) const fn to_tracing(self) -> tracing::Level {
        match self {
            Self::Trace => tracing::Level::TRACE,
            Self::Debug => tracing::Level::DEBUG,
            Self::Info => tracing::Level::INFO,
            Self::Warn => tracing::Level::WARN,
            Self::Error => tracing::Level::ERROR,
        }
    }

    /// The level's number among log records: 1 for `Trace`, 5 for `Debug`, 9 for `Info`, 13 for `Warn`, 17 for `Error`.
    ///
    /// Source: OpenTelemetry specification, logs data model, "SeverityNumber".
    pub const fn severity_number(self) -> u8 {
        match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Warn => 13,
            Self::Error => 17,
        }
    }

    /// The level's name in upper case, as logs show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The role of a span in a trace.
///
/// Source: OpenTelemetry specification, trace API, "SpanKind".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// Work inside the process; the default.
    #[default]
    Internal,
    /// Answers a remote caller who waits.
    Server,
    /// Calls a remote service and waits.
    Client,
    /// Starts remote work and does not wait.
    Producer,
    /// Does work that a producer started.
    Consumer,
}

impl SpanKind {
    /// The kind's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// What an instrumented place says itself about the traces that begin there. It goes before any policy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Sampling {
    /// Nothing: the policy decides. The default.
    #[default]
    ByPolicy,
    /// All of them are recorded.
    Always,
    /// None is, nor is what a recorded trace does there and below.
    Never,
    /// This share of them is, by the trace's id.
    Ratio(f64),
}

/// An instrumented place in the program: a `static` that `#[instrument]` and `span!` write.
#[derive(Debug)]
pub struct Callsite {
    name: &'static str,
    function: &'static str,
    module: &'static str,
    target: &'static str,
    scope: Option<&'static str>,
    scope_details: &'static ScopeDetails,
    file: &'static str,
    line: u32,
    level: Level,
    kind: SpanKind,
    sampling: Sampling,
    keep_if_slower_ns: u64,
    has_metrics: bool,
    has_own_tracing: bool,
    keys: &'static [&'static str],
    number: AtomicU32,
}

static REGISTER: RwLock<Vec<&'static Callsite>> = RwLock::new(Vec::new());

impl Callsite {
    /// A place with the default name (the function's), target (the module's path), level and kind.
    pub const fn new(
        function: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        keys: &'static [&'static str],
    ) -> Self {
        Self {
            name: function,
            function,
            module,
            target: module,
            scope: None,
            scope_details: ScopeDetails::NONE,
            file,
            line,
            level: Level::Info,
            kind: SpanKind::Internal,
            sampling: Sampling::ByPolicy,
            keep_if_slower_ns: 0,
            has_metrics: false,
            has_own_tracing: false,
            keys,
            number: AtomicU32::new(0),
        }
    }

    /// The same place under another span name.
    #[must_use]
    pub const fn with_name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The same place under another target.
    #[must_use]
    pub const fn with_target(mut self, target: &'static str) -> Self {
        self.target = target;
        self
    }

    /// The same place in a scope of its own.
    #[cfg(any(test, feature = "opentelemetry"))]
    #[must_use]
    pub(crate) const fn with_scope(mut self, name: &'static str, details: &'static ScopeDetails) -> Self {
        (self.scope, self.scope_details) = (Some(name), details);
        self
    }

    /// The same place at another level.
    #[must_use]
    pub const fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The same place with another span kind.
    #[must_use]
    pub const fn with_kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same place with its own word on sampling.
    #[must_use]
    pub const fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// The same place with the time from which a tail policy shall keep the trace, in nanoseconds.
    #[must_use]
    pub const fn with_keep_if_slower_ns(mut self, keep_if_slower_ns: u64) -> Self {
        self.keep_if_slower_ns = keep_if_slower_ns;
        self
    }

    /// The same place, with its calls counted.
    #[must_use]
    pub const fn with_metrics(mut self) -> Self {
        self.has_metrics = true;
        self
    }

    /// The same place, with a span of `tracing` that its code makes itself.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_own_tracing(mut self) -> Self {
        self.has_own_tracing = true;
        self
    }

    #[cfg(feature = "tracing-spans")]
    pub(crate) fn has_own_tracing(&self) -> bool {
        self.has_own_tracing
    }

    /// The span's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The function's name without its module, of a method in an instrumented block with its type; empty for a block of code.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The path of the module.
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The instrumentation scope: the crate, which is the module path's first segment; of spans that a library makes with the
    /// OpenTelemetry API, what it calls itself there.
    pub fn scope(&self) -> &'static str {
        self.scope.or_else(|| self.module.split("::").next()).unwrap_or(self.module)
    }

    /// What else is known of the instrumentation scope.
    pub fn scope_details(&self) -> &'static ScopeDetails {
        self.scope_details
    }

    /// The target, by which filters select.
    pub fn target(&self) -> &'static str {
        self.target
    }

    /// The source file, as the compiler was given it; empty where it is not known.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line in that file, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The span kind.
    pub fn kind(&self) -> SpanKind {
        self.kind
    }

    /// The place's own word on sampling.
    pub fn sampling(&self) -> Sampling {
        self.sampling
    }

    /// What the place says about a trace that begins there: whether it is recorded, or nothing.
    ///
    /// A share is kept as policies keep theirs: by the low 56 bits of the trace's id.
    #[inline]
    pub(crate) fn samples(&self, trace_low: u64) -> Option<bool> {
        const ALL: u64 = 1 << 56;
        match self.sampling {
            Sampling::ByPolicy => None,
            Sampling::Always => Some(true),
            Sampling::Never => Some(false),
            Sampling::Ratio(ratio) => {
                let left_out = ((1.0 - ratio) * ALL as f64) as u64;
                Some(trace_low & (ALL - 1) >= left_out)
            }
        }
    }

    /// The time from which a tail policy shall keep the trace, in nanoseconds, if the place says so.
    pub fn keep_if_slower_ns(&self) -> Option<u64> {
        (self.keep_if_slower_ns > 0).then_some(self.keep_if_slower_ns)
    }

    /// Whether its calls are counted.
    pub fn has_metrics(&self) -> bool {
        self.has_metrics
    }

    /// The names of the attributes that the place itself records.
    pub fn keys(&self) -> &'static [&'static str] {
        self.keys
    }

    /// The place's number, if it has been used before.
    #[inline(always)]
    pub(crate) fn known_number(&self) -> Option<u32> {
        Some(self.number.load(Ordering::Relaxed)).filter(|number| *number != 0)
    }

    /// The place's number, from 1 in the order of first use.
    #[inline]
    pub(crate) fn number(&'static self) -> u32 {
        self.known_number().unwrap_or_else(|| self.register())
    }

    #[cold]
    fn register(&'static self) -> u32 {
        let mut register = lock();
        let known = self.number.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        register.push(self);
        let number = u32::try_from(register.len()).expect("there are fewer than 2^32 places in a program");
        self.number.store(number, Ordering::Relaxed);
        number
    }
}

/// Extends `known`, a copy of the register's beginning, by what has been registered since; whether that was anything.
pub(crate) fn snapshot(known: &mut Vec<&'static Callsite>) -> bool {
    let register = REGISTER.read().unwrap_or_else(PoisonError::into_inner);
    let new = &register[known.len()..];
    known.extend_from_slice(new);
    !new.is_empty()
}

/// Keeps everybody else from the register.
pub(crate) fn lock() -> RwLockWriteGuard<'static, Vec<&'static Callsite>> {
    REGISTER.write().unwrap_or_else(PoisonError::into_inner)
}
