//! What people read: a tree for each trace, on standard output.

mod held;
mod tree;
mod words;

use super::{ExportError, Exported, Exporter};
use crate::record::{Batch, SpanData};
use held::{Held, Limits};
use std::io::{self, Stdout, Write};
use tree::Tree;

/// How the console looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to use ANSI colours. They repeat what words and signs say already.
    pub colour: bool,
}

impl Style {
    /// The style that the user's terminal and environment ask for.
    ///
    /// `NO_COLOR`, present and not empty, forbids colour; else `CLICOLOR_FORCE`, present and neither empty nor `0`, demands it; else
    /// there is colour on a terminal.
    ///
    /// Source: <https://no-color.org>, <https://bixense.com/clicolors>.
    ///
    /// # Examples
    /// ```
    /// use telemetry_runtime::export::console::Style;
    ///
    /// assert!(Style::choose(true, None, None).colour);
    /// assert!(!Style::choose(true, Some("1"), Some("1")).colour);
    /// ```
    pub fn choose(is_terminal: bool, no_color: Option<&str>, clicolor_force: Option<&str>) -> Self {
        let forbidden = no_color.is_some_and(|value| !value.is_empty());
        let demanded = clicolor_force.is_some_and(|value| !matches!(value, "" | "0"));
        Self { colour: !forbidden && (demanded || is_terminal) }
    }
}

/// Prints each trace as a tree as soon as its local root has ended: the span without a parent in this process.
///
/// ```text
/// trace 0af7651916cd43dd8448eb211c80319c  12.4 ms  3 spans  1 error
/// POST /orders ‹server›                        12.4 ms  http.response.status_code=201
/// ├─ INSERT orders ‹client›                    9.12 ms  db.system.name=sqlite
/// └─ notify                                ✗    312 µs
///    exception MailError: mailbox full
/// ```
/// Spans that wait for their root are held: at most 10,000 of them, 16 MiB, and 60 s by the spans' own clock. Beyond that, and at shutdown,
/// the oldest traces are printed as they are and marked `incomplete`. Spans that end after their root has been printed follow
/// in a tree of their own, marked `late`.
///
/// Control characters and whatever else steers a terminal or hides text come out as escapes; long values are cut.
#[derive(Debug)]
pub struct Console<W = Stdout> {
    writer: W,
    style: Style,
    held: Held,
}

impl Console {
    /// A console on standard output.
    pub fn new(style: Style) -> Self {
        Self::to_writer(io::stdout(), style)
    }
}

impl<W: Write> Console<W> {
    /// A console on something else.
    pub fn to_writer(writer: W, style: Style) -> Self {
        Self { writer, style, held: Held::new(LIMITS) }
    }

    fn print(&mut self, trees: &[Tree]) -> io::Result<()> {
        let mut text = String::new();
        for tree in trees {
            tree.render(self.style, &mut text);
        }
        if text.is_empty() {
            return Ok(());
        }
        self.writer.write_all(text.as_bytes())?;
        self.writer.flush()
    }
}

const LIMITS: Limits = Limits { spans: 10_000, bytes: 16 << 20, age_ns: 60_000_000_000 };

impl<W: Write + Send + 'static> Exporter for Console<W> {
    fn export(&mut self, batch: &Batch) -> Result<Exported, ExportError> {
        for span in batch.spans() {
            self.held.add(SpanData::from(span));
        }
        let trees = self.held.take_complete();
        self.print(&trees)
            .map_err(|error| ExportError::permanent("the console cannot be written to").with_source(error))?;
        Ok(Exported::all())
    }

    fn shutdown(&mut self) {
        let trees = self.held.take_all();
        // Nobody is left to be told that standard output is closed.
        let _ = self.print(&trees);
    }
}

#[cfg(test)]
mod tests;
