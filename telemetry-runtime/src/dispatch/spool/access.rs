//! Who may come near a spool's files: folders of mode 0700 and files of mode 0600 of our own, and no links in their place.

use super::error::SpoolError;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::path::Path;
use std::{fs, io};

pub(super) const FOREIGN: &str = "belongs to somebody else";

/// Makes the folder unless it is there, and refuses one that is a link, or that others may enter.
pub(super) fn private_folder(path: &Path) -> Result<(), SpoolError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let found = fs::symlink_metadata(path).or_else(|_| {
        builder.create(path)?;
        fs::symlink_metadata(path)
    });
    let found = found.map_err(|error| SpoolError::io(path, error))?;
    if !found.is_dir() {
        return Err(SpoolError::refused(path, "is a link or no folder: name a folder itself"));
    }
    match is_private(&found) {
        true => Ok(()),
        false => {
            Err(SpoolError::refused(path, "is open to others: give it the mode 0700, or name one in it"))
        }
    }
}

/// Whether a file of this process's making in the folder belongs to the folder's owner.
///
/// That is the question, rather than whose the process is: it has an answer where the file system changes owners, too.
pub(super) fn is_ours(folder: &Path) -> io::Result<bool> {
    let probe = folder.join("probe");
    remove_if_there(&probe)?;
    let made = new_file(&probe)?.metadata();
    fs::remove_file(&probe)?;
    Ok(same_owner(&made?, &fs::symlink_metadata(folder)?))
}

/// Refuses folders that belong to others than one of ours does.
pub(super) fn same_owners<const N: usize>(ours: &Path, folders: [&Path; N]) -> Result<(), SpoolError> {
    let found = |path: &Path| fs::symlink_metadata(path).map_err(|error| SpoolError::io(path, error));
    let own = found(ours)?;
    folders.into_iter().try_for_each(|folder| match same_owner(&found(folder)?, &own) {
        true => Ok(()),
        false => Err(SpoolError::refused(folder, FOREIGN)),
    })
}

/// A file that was not there, for us alone.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// A file that is there, or else a new one.
pub(super) fn lock_file(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(path)
}

/// A file that is there: no link and nothing but a file, with one name, for us alone. Otherwise the data is called invalid.
pub(super) fn own_file(path: &Path) -> io::Result<File> {
    let folder = fs::symlink_metadata(path.parent().unwrap_or(path))?;
    let check = |found: &Metadata| {
        let ours = found.is_file() && is_private(found) && has_one_name(found) && same_owner(found, &folder);
        ours.then_some(())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a file of the spool's own"))
    };
    check(&fs::symlink_metadata(path)?)?;
    let file = options().open(path)?;
    // It may be another one by now.
    check(&file.metadata()?)?;
    Ok(file)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Not to wait is for a pipe in a file's place.
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options
}

#[cfg(unix)]
fn is_private(found: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 == 0
}

#[cfg(unix)]
fn has_one_name(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) == 1
}

#[cfg(unix)]
fn same_owner(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.uid() == other.uid()
}

// Elsewhere the folder's own access list says who may come in.
#[cfg(not(unix))]
fn is_private(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn has_one_name(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn same_owner(_: &Metadata, _: &Metadata) -> bool {
    true
}
