//! A settings file's text, and the way to show a place in it without showing a secret.

use crate::record::printable::acts_unseen;
use std::fmt;

/// A piece of the file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The file's name and text, and which pieces of it must not be shown.
#[derive(Clone)]
pub(super) struct Source {
    name: String,
    text: String,
    hidden: Vec<Place>,
    left_out: Vec<Place>,
}

/// A line as it may be shown, and where in it the marks go, in characters.
struct Shown {
    line: String,
    marks: std::ops::Range<usize>,
}

/// Instead of what is hidden.
const REDACTED: &str = "[REDACTED]";
/// Lines longer than this many characters are not shown: they help nobody.
const LONGEST_LINE: usize = 200;

impl Place {
    pub(super) fn contains(self, offset: usize) -> bool {
        (self.start..self.end).contains(&offset)
    }
}

impl Source {
    pub(super) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), hidden: Vec::new(), left_out: Vec::new() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// From now on, never show this piece.
    pub(super) fn hide(&mut self, place: Place) {
        self.hidden.push(place);
    }

    /// From now on, show lines without this comment: it may hold yesterday's key.
    pub(super) fn leave_out(&mut self, comment: Place) {
        self.left_out.push(comment);
    }

    pub(super) fn is_hidden(&self, place: Place) -> bool {
        self.hidden.iter().any(|hidden| hidden.contains(place.start))
    }

    /// `name:line:column`.
    pub(super) fn position(&self, place: Place) -> String {
        let start = floor_char_boundary(&self.text, place.start);
        let column = 1 + self.text[self.line_start(start)..start].chars().count();
        format!("{}:{}:{column}", self.name, self.line_number(start))
    }

    fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_number(&self, offset: usize) -> usize {
        1 + self.text[..offset].matches('\n').count()
    }

    /// Writes `name:line:column: message`, then the line with marks under the place.
    pub(super) fn explain(&self, f: &mut fmt::Formatter<'_>, place: Place, message: &str) -> fmt::Result {
        let start = floor_char_boundary(&self.text, place.start);
        let line_start = self.line_start(start);
        let line = self.line_number(start);
        write!(f, "{}: {message}", self.position(place))?;

        let shown = self.show(line_start, Place { start, ..place });
        if shown.line.chars().count() > LONGEST_LINE {
            return Ok(());
        }
        let margin = line.to_string().len();
        let marks = "^".repeat(shown.marks.len().max(1));
        writeln!(f, "\n{:margin$} |\n{line} | {}", "", shown.line)?;
        write!(f, "{:margin$} | {:indent$}{marks}", "", "", indent = shown.marks.start)
    }

    fn show(&self, line_start: usize, place: Place) -> Shown {
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let comment = self
            .left_out
            .iter()
            .map(|comment| comment.start)
            .find(|start| (line_start..line_start + line.len()).contains(start));
        let line = line[..comment.map_or(line.len(), |start| start - line_start)].trim_end();
        let mut shown = Shown { line: String::new(), marks: 0..0 };
        // Where the character or piece that is being written began, and where a hidden piece ends.
        let (mut column, mut width, mut hidden_until) = (0, 0, 0);
        for (index, char) in line.char_indices() {
            let offset = line_start + index;
            if offset >= hidden_until {
                column = width;
                let hidden = self
                    .hidden
                    .iter()
                    .filter(|hidden| hidden.contains(offset))
                    .map(|hidden| hidden.end)
                    .max();
                hidden_until = hidden.unwrap_or(0);
                match hidden {
                    Some(_) => shown.line.push_str(REDACTED),
                    None => shown.line.push(if acts_unseen(char) { ' ' } else { char }),
                }
                width += if hidden.is_some() { REDACTED.len() } else { 1 };
            }
            if offset <= place.start {
                shown.marks.start = column;
            }
            if offset < place.end {
                shown.marks.end = width;
            }
        }
        if line_start + line.len() <= place.start {
            shown.marks.start = width;
        }
        shown
    }
}

/// Shows the name only: the text may hold secrets.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|offset| text.is_char_boundary(*offset)).unwrap_or(0)
}
