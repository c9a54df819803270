//! What is known about an instrumented place before it runs, and the register that gives each place a number.

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

/// An instrumented place in the program: a `static` that `#[instrument]` and `span!` write.
#[derive(Debug)]
pub struct Callsite {
    name: &'static str,
    function: &'static str,
    module: &'static str,
    target: &'static str,
    file: &'static str,
    line: u32,
    level: Level,
    kind: SpanKind,
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
            file,
            line,
            level: Level::Info,
            kind: SpanKind::Internal,
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

    /// The span's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The function's name without its path; empty for a block that has none.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The path of the module.
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The instrumentation scope: the crate, which is the module path's first segment.
    pub fn scope(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }

    /// The target, by which filters select.
    pub fn target(&self) -> &'static str {
        self.target
    }

    /// The source file, as the compiler was given it.
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
