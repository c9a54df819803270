//! The directory of the data: a named one that stays, or a temporary one that goes.

use super::StoreError;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A directory for the data; a temporary one is removed on drop.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    temporary: bool,
}

impl Directory {
    /// The named directory, made if need be, or a new temporary one. What is made here only its owner may enter.
    pub(super) fn create(named: Option<&Path>) -> Result<Self, StoreError> {
        match named {
            Some(path) => Self::named(path),
            None => Self::temporary(&std::env::temp_dir()),
        }
    }

    fn named(path: &Path) -> Result<Self, StoreError> {
        private().recursive(true).create(path).map_err(|error| cannot_make(path, error))?;
        Ok(Self { path: path.to_owned(), temporary: false })
    }

    fn temporary(parent: &Path) -> Result<Self, StoreError> {
        let process = std::process::id();
        for attempt in 0_u32.. {
            let path = parent.join(format!("telemetry-demo-{process}-{attempt}"));
            match private().create(&path) {
                Ok(()) => return Ok(Self { path, temporary: true }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot_make(&path, error)),
            }
        }
        unreachable!("there are fewer than 2^32 such directories")
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

fn cannot_make(path: &Path, error: io::Error) -> StoreError {
    StoreError::new(format!("cannot make {}", path.display()), error)
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = if self.temporary { " (removed at the end)" } else { "" };
        write!(f, "{}{fate}", self.path.display())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is the system's to clean up, like everything else in its temporary directory.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_temporary_directory_is_private_and_goes() {
        let directory = Directory::create(None).expect("a temporary directory");
        let path = directory.path().to_owned();
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        drop(directory);

        assert!(!path.exists());
    }

    #[test]
    fn a_named_directory_stays() {
        let parent = Directory::create(None).expect("a temporary directory");
        let named = parent.path().join("data");

        drop(Directory::create(Some(&named)).expect("a directory"));

        assert!(named.is_dir());
    }
}
