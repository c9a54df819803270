//! Why a spool could not be opened.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why a spool could not be opened.
#[derive(Debug)]
pub(crate) struct SpoolError {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The folder is not safe to use.
    Refused(&'static str),
    Io(io::Error),
}

impl SpoolError {
    pub(super) fn refused(path: &Path, why: &'static str) -> Self {
        Self { path: path.to_owned(), kind: Kind::Refused(why) }
    }

    pub(in crate::dispatch) fn io(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), kind: Kind::Io(error) }
    }

    /// Whether the folder is one that must not be used, as against one that cannot be used now.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(_))
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            Kind::Refused(why) => write!(f, "the spool's folder {path} {why}"),
            Kind::Io(error) => write!(f, "the spool's folder {path} cannot be used: {error}"),
        }
    }
}

impl Error for SpoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            Kind::Refused(_) => None,
            // Its own text is shown already: what is beneath it is the cause.
            Kind::Io(error) => error.source(),
        }
    }
}
