//! OTLP JSON lines in files that are rotated by size, or on standard output: what collectors read, and people without one.

mod rotating;
#[cfg(test)]
mod tests;

use super::json::{JsonEncoder, Lines};
use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, PerSignal, Signal};
use rotating::Rotating;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file grows no further than this, unless told otherwise, before the next one is begun: 64 MiB.
pub const DEFAULT_MAX_SIZE_BYTES: u64 = 64 << 20;
/// How many files there are at most, unless told otherwise, that at hand included: 5.
pub const DEFAULT_MAX_FILES: usize = 5;
/// The longest line, as long as the collector's receiver reads one unless told otherwise: 1 MiB. An item that does not fit is rejected.
const MAX_LINE_BYTES: usize = 1 << 20;

/// The file of one signal, and how many of its kind there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file. Its folder must exist. The preferred extension is `jsonl`.
    pub path: PathBuf,
    /// Where the next batch would make the file larger than so many bytes, the next file is begun. A batch is never divided: one that is
    /// larger has a file to itself.
    pub max_size_bytes: u64,
    /// How many files there may be, that at hand included. The one before it is called as it is, with `.1` behind, the one before that `.2`,
    /// and so on; the oldest is removed. With 1, nothing is kept when the next file is begun. Where it was larger before, the files with
    /// higher numbers stay as they are.
    pub max_files: usize,
}

impl Target {
    /// This file, with [`DEFAULT_MAX_SIZE_BYTES`] and [`DEFAULT_MAX_FILES`].
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_size_bytes: DEFAULT_MAX_SIZE_BYTES, max_files: DEFAULT_MAX_FILES }
    }
}

/// Writes spans, log records or both as lines of OTLP JSON, each signal to a file of its own.
///
/// A line is a `TracesData` or `LogsData` object of at most 1 MiB; a batch takes one or more, and is written in one piece. What cannot
/// be written whole is taken back, so that a file holds whole lines only; a line that a crash has torn is ended before the next one. Lines
/// are added to a file that is there already. Nothing is synced: a crash of the system, other than one of the program, may lose
/// the last lines.
///
/// A symbolic link and whatever is no regular file is not written to, nor is a file that another exporter writes to, in this process or
/// another, for as long as it does: rotation would mix them up.
///
/// On Unix, a new file is readable for its owner only (mode 0600), and one that was removed or renamed, as by `logrotate`, is made again
/// with the next batch. Elsewhere, a new file is as readable as the folder has it, lines follow a file that was renamed, a link that takes
/// the file's place at the moment it is opened is followed, and a file that is being written to may be locked for readers, too.
///
/// [`check`](Exporter::check) opens each file as if to write to it, which makes one that is not there. It may be in use by another process.
///
/// A disk that is full, a file that is in use and other conditions that pass are retryable errors; a path that cannot be written to is a
/// permanent one. So is every error of standard output, from which nothing can be taken back: a second attempt would repeat lines, and
/// tear one.
///
/// Source: OpenTelemetry specification, "OpenTelemetry Protocol File Exporter".
///
/// # Examples
/// ```
/// use telemetry_runtime::export::file::{File, Target};
///
/// # let folder = std::env::temp_dir().join(format!("telemetry-file-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let spans = Target { max_files: 2, ..Target::new(folder.join("traces.jsonl")) };
/// let exporter = File::new(spans)?.with_logs(Target::new(folder.join("logs.jsonl")))?;
/// // builder().exporter("file", exporter)
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct File {
    encoder: JsonEncoder,
    outputs: PerSignal<Option<Output>>,
}

/// Where lines of one signal go.
#[derive(Debug)]
enum Output {
    Stdout,
    File(Rotating),
}

/// The same, as settings say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Stdout,
    File(Target),
}

impl File {
    /// An exporter of spans to this file, which is made now if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or written to; the message names the path.
    pub fn new(target: Target) -> io::Result<Self> {
        Self::nowhere().with(Signal::Traces, Destination::File(target))
    }

    /// An exporter of log records to this file, and of nothing else.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn of_logs(target: Target) -> io::Result<Self> {
        Self::nowhere().with_logs(target)
    }

    /// The same exporter, which writes log records to this file as well.
    ///
    /// # Errors
    /// As for [`new`](Self::new), and if it is the file of the spans.
    pub fn with_logs(self, target: Target) -> io::Result<Self> {
        self.with(Signal::Logs, Destination::File(target))
    }

    /// An exporter of spans and log records to standard output, from which whoever runs the program may collect them.
    pub fn stdout() -> Self {
        Self { outputs: PerSignal::of(|_| Some(Output::Stdout)), ..Self::nowhere() }
    }

    /// An exporter of nothing so far.
    pub(crate) fn nowhere() -> Self {
        Self { encoder: JsonEncoder::new(true), outputs: PerSignal::default() }
    }

    /// The same exporter, which writes this signal there as well.
    pub(crate) fn with(mut self, signal: Signal, destination: Destination) -> io::Result<Self> {
        self.outputs[signal] = Some(match destination {
            Destination::Stdout => Output::Stdout,
            Destination::File(target) => Output::File(self.apart(signal, Rotating::new(target)?)?),
        });
        Ok(self)
    }

    /// This file of a signal, unless it is another's: neither would let the other write.
    fn apart(&self, signal: Signal, file: Rotating) -> io::Result<Rotating> {
        let others = Signal::ALL.into_iter().filter(|other| *other != signal);
        if others.filter_map(|other| self.outputs[other].as_ref()).any(|output| output.is_at(file.path())) {
            let message = format!("{}: it is another signal's file already", file.path().display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(file)
    }
}

impl Exporter for File {
    fn takes(&self, signal: Signal) -> bool {
        self.outputs[signal].is_some()
    }

    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        let Some(output) = &mut self.outputs[batch.signal()] else {
            return Ok(Exported::with_rejected(batch.item_count()));
        };
        let Lines { text, left_out } = self.encoder.lines(batch, MAX_LINE_BYTES);
        output.write(text)?;
        Ok(Exported::with_rejected(left_out))
    }

    fn check(&mut self) -> Result<(), ExportError> {
        let mut outputs = Signal::ALL.into_iter().filter_map(|signal| self.outputs[signal].as_ref());
        outputs.try_for_each(Output::check)
    }
}

impl Output {
    /// Whether this is the file, by whatever way the path leads to it.
    fn is_at(&self, path: &Path) -> bool {
        match self {
            Self::Stdout => false,
            Self::File(file) => {
                matches!((file.path().canonicalize(), path.canonicalize()), (Ok(own), Ok(path)) if own == path)
            }
        }
    }

    fn check(&self) -> Result<(), ExportError> {
        match self {
            Self::Stdout => Ok(()),
            Self::File(file) => file.check().map_err(|error| failed(file.path(), error)),
        }
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), ExportError> {
        match self {
            Self::Stdout => print(io::stdout().lock(), lines),
            Self::File(file) => file.append(lines).map_err(|error| failed(file.path(), error)),
        }
    }
}

/// What was written before an error cannot be taken back, and must not be repeated.
fn print(mut stdout: impl Write, lines: &[u8]) -> Result<(), ExportError> {
    let written = stdout.write_all(lines).and_then(|()| stdout.flush());
    written.map_err(|error| ExportError::permanent(format!("standard output cannot be written to: {error}")))
}

/// Whether it passes is a question of what it is.
fn failed(path: &Path, error: io::Error) -> ExportError {
    use io::ErrorKind::{BrokenPipe, InvalidInput, IsADirectory, PermissionDenied, ReadOnlyFilesystem};
    let message = format!("{} cannot be written to: {error}", path.display());
    match error.kind() {
        BrokenPipe | InvalidInput | IsADirectory | PermissionDenied | ReadOnlyFilesystem => {
            ExportError::permanent(message)
        }
        _ => ExportError::retryable(message, None),
    }
}
