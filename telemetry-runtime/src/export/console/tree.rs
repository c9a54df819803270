//! A trace's spans as lines of text.

use super::{Style, words};
use crate::record::{EventData, SpanData, SpanKind, StatusCode, TraceId, ValueBuf};
use std::fmt::Write;

/// Where durations stand, unless names are longer; beyond the second, long names push them to the right.
const NAME_COLUMNS: std::ops::RangeInclusive<usize> = 40..=64;
const DURATION_COLUMNS: usize = 9;
/// As many levels of branches are drawn.
const MAX_LEVELS: usize = 24;

/// Spans of one trace that are printed together.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) trace_id: TraceId,
    pub(super) standing: Standing,
    /// Each followed by what is below it. There is at least one.
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) depth: usize,
    pub(super) span: SpanData,
}

/// What kind of tree it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Below a local root.
    Whole,
    /// Below a span that has been printed.
    Late,
    /// Below spans that have not come.
    Incomplete,
}

impl Tree {
    pub(super) fn render(&self, style: Style, out: &mut String) {
        self.header(style, out);
        let labels: Vec<Label> = self.labels();
        let widest = labels.iter().map(Label::width).max().unwrap_or(0);
        let columns = widest.clamp(*NAME_COLUMNS.start(), *NAME_COLUMNS.end());
        for (row, label) in self.rows.iter().zip(&labels) {
            span_line(&row.span, label, columns, style, out);
            span_details(&row.span, &label.below, style, out);
        }
        out.push('\n');
    }

    fn header(&self, style: Style, out: &mut String) {
        let spans = || self.rows.iter().map(|row| &row.span);
        let start = spans().map(|span| span.start_unix_ns).min().unwrap_or(0);
        let end = spans().map(|span| span.start_unix_ns.saturating_add(span.duration_ns)).max().unwrap_or(0);
        let errors = spans().filter(|span| span.status == StatusCode::Error).count();
        put(out, style.bold("trace"));
        put(out, format_args!(" {}  {}", self.trace_id, words::duration(end - start)));
        put(out, format_args!("  {}", words::count(self.rows.len(), "span")));
        if errors > 0 {
            put(out, format_args!("  {}", style.red(&words::count(errors, "error"))));
        }
        match self.standing {
            Standing::Whole => {}
            Standing::Late => {
                put(out, format_args!("  {}", style.yellow("late: its root was printed before")))
            }
            Standing::Incomplete => {
                put(out, format_args!("  {}", style.yellow("incomplete: a parent has not come")))
            }
        }
        out.push('\n');
    }

    fn labels(&self) -> Vec<Label> {
        let mut bars: Vec<&str> = Vec::new();
        let is_last = self.lasts();
        let has_children =
            |index: usize| self.rows.get(index + 1).is_some_and(|next| next.depth > self.rows[index].depth);
        let mut labels = Vec::with_capacity(self.rows.len());
        for (index, row) in self.rows.iter().enumerate() {
            bars.truncate(row.depth.saturating_sub(1));
            let mut branches = drawn(&bars);
            if row.depth > 0 {
                branches.push_str(if is_last[index] { "└─ " } else { "├─ " });
                bars.push(if is_last[index] { "   " } else { "│  " });
            }
            let mut below = drawn(&bars);
            if has_children(index) {
                below.push_str("│  ");
            } else if row.depth == 0 {
                below.push_str("   ");
            }
            labels.push(Label::new(&row.span, branches, below));
        }
        labels
    }

    /// For each row, whether no sibling follows.
    fn lasts(&self) -> Vec<bool> {
        let mut followed: Vec<bool> = Vec::new();
        let mut lasts: Vec<bool> = self
            .rows
            .iter()
            .rev()
            .map(|row| {
                followed.resize(row.depth + 1, false);
                !std::mem::replace(&mut followed[row.depth], true)
            })
            .collect();
        lasts.reverse();
        lasts
    }
}

/// What stands in front of a span's duration, and in front of the lines below it.
struct Label {
    branches: String,
    name: String,
    kind: String,
    below: String,
}

impl Label {
    fn new(span: &SpanData, branches: String, below: String) -> Self {
        let kind = match span.kind {
            SpanKind::Internal => String::new(),
            kind => format!(" ‹{}›", kind.as_str()),
        };
        Self { branches, name: words::name(&span.name), kind, below }
    }

    fn width(&self) -> usize {
        [&self.branches, &self.name, &self.kind].map(|text| words::width(text)).iter().sum()
    }
}

/// The innermost levels; a mark stands for the others.
fn drawn(bars: &[&str]) -> String {
    match bars.len().checked_sub(MAX_LEVELS) {
        None | Some(0) => bars.concat(),
        Some(hidden) => format!("⋯  {}", bars[hidden + 1..].concat()),
    }
}

fn span_line(span: &SpanData, label: &Label, columns: usize, style: Style, out: &mut String) {
    let is_error = span.status == StatusCode::Error;
    let in_red = |text: &str| if is_error { style.red(text) } else { text.to_owned() };
    let mark = if is_error {
        style.red("✗")
    } else if span.attribute("cancelled") == Some(&ValueBuf::Bool(true)) {
        style.yellow("⊘")
    } else {
        " ".to_owned()
    };
    let duration = format!("{:>DURATION_COLUMNS$}", words::duration(span.duration_ns));
    let padding = columns.saturating_sub(label.width());
    put(
        out,
        format_args!("{}{}{}", style.dim(&label.branches), in_red(&label.name), style.cyan(&label.kind)),
    );
    put(out, format_args!("{:padding$} {mark} {}", "", in_red(&duration)));
    attributes(&span.attributes, style, out);
    out.push('\n');
}

fn attributes(attributes: &[(String, ValueBuf)], style: Style, out: &mut String) {
    if attributes.is_empty() {
        return;
    }
    let all: Vec<String> = attributes.iter().map(|(key, value)| words::attribute(key, value)).collect();
    put(out, format_args!("  {}", style.dim(&all.join(" "))));
}

/// The lines beneath a span: what went wrong, and its events.
fn span_details(span: &SpanData, below: &str, style: Style, out: &mut String) {
    let told = |event: &EventData| text(event, "exception.message") == span.status_message;
    if !span.status_message.is_empty() && !span.events.iter().any(told) {
        let message = format!("error: {}", words::name(&span.status_message));
        put(out, format_args!("{}{}\n", style.dim(below), style.red(&message)));
    }
    for event in &span.events {
        put(out, style.dim(below));
        if event.name == "exception" {
            exception(event, style, out);
        } else {
            let after_ns = event.unix_ns.saturating_sub(span.start_unix_ns);
            put(out, format_args!("• {} +{}", words::name(&event.name), words::duration(after_ns)));
            attributes(&event.attributes, style, out);
        }
        out.push('\n');
    }
}

/// Type and message; of a stack trace only a lone line, which is where a panic happened.
fn exception(event: &EventData, style: Style, out: &mut String) {
    let kind = text(event, "exception.type");
    let message = text(event, "exception.message");
    let separator = if kind.is_empty() || message.is_empty() { "" } else { ": " };
    put(out, style.red(&format!("exception {}{separator}{}", words::name(kind), words::name(message))));
    let stack = text(event, "exception.stacktrace").trim();
    if !stack.is_empty() && !stack.contains('\n') {
        put(out, format_args!("  {}", style.dim(&format!("at {}", words::name(stack)))));
    }
    let is_shown = |key: &str| matches!(key, "exception.type" | "exception.message" | "exception.stacktrace");
    let others: Vec<_> = event.attributes.iter().filter(|(key, _)| !is_shown(key)).cloned().collect();
    attributes(&others, style, out);
}

fn text<'a>(event: &'a EventData, key: &str) -> &'a str {
    match event.attribute(key) {
        Some(ValueBuf::Str(text)) => text,
        _ => "",
    }
}

/// Writing to a string does not fail.
fn put(out: &mut String, text: impl std::fmt::Display) {
    let _ = write!(out, "{text}");
}

impl Style {
    fn bold(self, text: &str) -> String {
        self.painted("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.painted("2", text)
    }

    fn red(self, text: &str) -> String {
        self.painted("31", text)
    }

    fn yellow(self, text: &str) -> String {
        self.painted("33", text)
    }

    fn cyan(self, text: &str) -> String {
        self.painted("36", text)
    }

    fn painted(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
