//! OTLP JSON lines in files that are rotated by size, or on standard output: what collectors read, and people without one.

mod rotating;
#[cfg(test)]
mod tests;

use super::json::{JsonEncoder, Lines};
use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, PerSignal, Signal};
use rotating::Rotating;
use std::io::{self, Write};
use std::path::PathBuf;

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
    /// and so on; the oldest is removed. With 1, nothing is kept when the next file is begun.
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
/// A new file is readable for its owner only (mode 0600, on Unix). A symbolic link and whatever is no regular file is not written to, nor is
/// a file that another exporter writes to, in this process or another, for as long as it does: rotation would mix them up.
///
/// A disk that is full, a file that is in use and other conditions that pass are retryable errors; a path that cannot be written to is a
/// permanent one.
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
    /// As for [`new`](Self::new).
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
            Destination::File(target) => Output::File(Rotating::new(target)?),
        });
        Ok(self)
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
}

impl Output {
    fn write(&mut self, lines: &[u8]) -> Result<(), ExportError> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout
                    .write_all(lines)
                    .and_then(|()| stdout.flush())
                    .map_err(|error| failed("standard output", error))
            }
            Self::File(file) => {
                file.append(lines).map_err(|error| failed(&file.path().display().to_string(), error))
            }
        }
    }
}

/// Whether it passes is a question of what it is.
fn failed(whereto: &str, error: io::Error) -> ExportError {
    use io::ErrorKind::{BrokenPipe, InvalidInput, IsADirectory, PermissionDenied, ReadOnlyFilesystem};
    let message = format!("{whereto} cannot be written to: {error}");
    match error.kind() {
        BrokenPipe | InvalidInput | IsADirectory | PermissionDenied | ReadOnlyFilesystem => {
            ExportError::permanent(message)
        }
        _ => ExportError::retryable(message, None),
    }
}
