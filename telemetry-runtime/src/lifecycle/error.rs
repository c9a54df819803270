//! Why telemetry could not be started.

use crate::config::SettingsError;
use std::error::Error;
use std::{fmt, io};

/// Why telemetry could not be started. The application may go on without it: its functions then run uninstrumented.
#[derive(Debug)]
pub struct InitError(Kind);

#[derive(Debug)]
enum Kind {
    AlreadyInstalled,
    Settings(SettingsError),
    Exporter { name: String, source: Box<dyn Error + Send + Sync> },
    Thread { name: String, source: io::Error },
}

impl InitError {
    pub(super) fn already_installed() -> Self {
        Self(Kind::AlreadyInstalled)
    }

    pub(super) fn exporter(name: &str, source: Box<dyn Error + Send + Sync>) -> Self {
        Self(Kind::Exporter { name: name.to_owned(), source })
    }

    pub(super) fn thread(name: &str, source: io::Error) -> Self {
        Self(Kind::Thread { name: name.to_owned(), source })
    }

    /// Whether telemetry is running already, started by somebody else in this process.
    pub fn is_already_installed(&self) -> bool {
        matches!(self.0, Kind::AlreadyInstalled)
    }

    /// Whether the settings are at fault.
    pub fn is_settings(&self) -> bool {
        matches!(self.0, Kind::Settings(_) | Kind::Exporter { .. })
    }
}

impl From<SettingsError> for InitError {
    fn from(error: SettingsError) -> Self {
        Self(Kind::Settings(error))
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AlreadyInstalled => {
                write!(
                    f,
                    "telemetry is already running in this process: shut the first guard down before starting again"
                )
            }
            Kind::Settings(error) => error.fmt(f),
            Kind::Exporter { name, source } => write!(f, "the exporter `{name}` cannot work: {source}"),
            Kind::Thread { name, .. } => write!(f, "the thread `{name}` could not be started"),
        }
    }
}

impl Error for InitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::AlreadyInstalled => None,
            // Its own text is shown already: what is beneath it is the cause.
            Kind::Settings(error) => error.source(),
            Kind::Exporter { source, .. } => source.source(),
            Kind::Thread { source, .. } => Some(source),
        }
    }
}
