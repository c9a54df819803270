//! Why settings cannot be used, in words and places that help to mend them.

use super::source::{Place, Source};
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Settings cannot be used.
///
/// `Display` writes several lines for people: for each mistake the file, line and column, what was expected and what stands there, the
/// line itself with marks under the place, and often a proposal. All mistakes of a file are reported together. Values of secrets
/// (headers, connection strings, and whatever comes from a `${VARIABLE}`) are never part of it.
pub struct SettingsError(Box<Kind>);

enum Kind {
    Unreadable { path: PathBuf, source: io::Error },
    Mistakes { source: Source, mistakes: Vec<Mistake> },
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) origin: Origin,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Where a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    File(Place),
    Variable(&'static str),
}

/// No file has more mistakes worth reading.
const MOST_MISTAKES: usize = 20;

impl SettingsError {
    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self(Box::new(Kind::Unreadable { path: path.to_owned(), source }))
    }

    /// In the order of the file; what came from the environment goes last.
    pub(super) fn mistakes(source: Source, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| match mistake.origin {
            Origin::File(place) => place.start,
            Origin::Variable(_) => usize::MAX,
        });
        mistakes.dedup();
        Self(Box::new(Kind::Mistakes { source, mistakes }))
    }

    /// Whether a settings file was named that does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(&*self.0, Kind::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Mistake {
    pub(super) fn new(origin: impl Into<Origin>, message: impl Into<String>) -> Self {
        Self { origin: origin.into(), message: message.into(), help: None }
    }

    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl From<Place> for Origin {
    fn from(place: Place) -> Self {
        Self::File(place)
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Unreadable { path, .. } => write!(f, "cannot read settings from {}", path.display()),
            Kind::Mistakes { source, mistakes } => {
                if mistakes.len() > 1 {
                    writeln!(f, "{} mistakes in the settings", mistakes.len())?;
                }
                for (index, mistake) in mistakes.iter().take(MOST_MISTAKES).enumerate() {
                    f.write_str(if index > 0 { "\n" } else { "" })?;
                    mistake.explain(f, source)?;
                }
                Ok(())
            }
        }
    }
}

impl Mistake {
    fn explain(&self, f: &mut fmt::Formatter<'_>, source: &Source) -> fmt::Result {
        match self.origin {
            Origin::File(place) => source.explain(f, place, &self.message)?,
            Origin::Variable(name) => write!(f, "environment variable {name}: {}", self.message)?,
        }
        match &self.help {
            Some(help) => write!(f, "\n  = {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Unreadable { path, source } => {
                f.debug_struct("SettingsError").field("path", path).field("source", source).finish()
            }
            Kind::Mistakes { source, mistakes } => f
                .debug_struct("SettingsError")
                .field("file", &source.name())
                .field("mistakes", mistakes)
                .finish(),
        }
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.0 {
            Kind::Unreadable { source, .. } => Some(source),
            Kind::Mistakes { .. } => None,
        }
    }
}
