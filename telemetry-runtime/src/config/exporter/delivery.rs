//! What an exporter gets and how hard it tries: the keys that all exporters have.

use super::super::document::Node;
use super::super::error::Mistake;
use super::super::key::{Key, Kind as Type, time};
use super::super::limits;
use super::super::raw;
use super::super::reader::{At, Fields, Reader};
use super::{A_TIME, Provider, duration, spool};
use crate::dispatch::{Options, Pattern, RetryOptions, Selection, SpoolPlace};
use crate::policy::Ratio;
use crate::record::Level;
use std::time::Duration;

/// What the file says of it.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Delivery {
    sampling_ratio: Option<Ratio>,
    level: Option<Level>,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    pub(in crate::config) max_batch_items: Option<usize>,
    /// Of one request, before it is packed.
    pub(in crate::config) max_batch_bytes: Option<usize>,
    concurrency: Option<usize>,
    export_timeout: Option<Duration>,
    retry: Retry,
    spool: Option<SpoolPlace>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Retry {
    initial: Option<Duration>,
    max: Option<Duration>,
    budget: Option<Duration>,
}

pub(super) const RETRY: &[Key] = &[
    Key::new("initial", Type::Time, "the longest first pause, which doubles with each failure")
        .or(|| time(RetryOptions::default().initial)),
    Key::new("max", Type::Time, "the longest pause").or(|| time(RetryOptions::default().max)),
    Key::new("budget", Type::Time, "how long a batch is tried").or(|| time(RetryOptions::default().budget)),
];
pub(super) const LEVELS: [(&str, Level); 5] = [
    ("trace", Level::Trace),
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("error", Level::Error),
];
/// Each is a thread.
pub(super) const MOST_AT_A_TIME: usize = 64;

impl Delivery {
    pub(super) fn read(fields: Fields<'_>, provider: Option<&At<Provider>>, reader: &mut Reader<'_>) -> Self {
        let ratio = reader.typed(fields.get("sampling_ratio"), "a number from 0 to 1", raw::ratio);
        let items = reader.typed(fields.get("max_batch_items"), limits::COUNT, limits::count);
        let timeout = reader.typed(fields.get("export_timeout"), A_TIME, duration);
        Self {
            sampling_ratio: ratio.map(|at| at.value),
            level: reader.word(fields.get("level"), &LEVELS).map(|at| at.value),
            include: patterns(fields.get("include"), reader),
            exclude: patterns(fields.get("exclude"), reader),
            max_batch_items: items.map(|at| at.value),
            max_batch_bytes: max_batch_bytes(fields.get("max_batch_bytes"), provider, reader),
            concurrency: concurrency(fields.get("concurrency"), provider, reader),
            export_timeout: timeout.map(|at| at.value),
            retry: Retry::read(fields.get("retry"), reader),
            spool: spool::read(fields.get("spool"), provider, reader),
        }
    }

    pub(in crate::config) fn into_options(self) -> Options {
        let default = Options::default();
        let selection = Selection {
            threshold: self.sampling_ratio.unwrap_or(Ratio::ALWAYS).threshold(),
            level: self.level,
            include: self.include,
            exclude: self.exclude,
        };
        Options {
            max_batch_items: self.max_batch_items.unwrap_or(default.max_batch_items),
            concurrency: self.concurrency.unwrap_or(default.concurrency),
            export_timeout: self.export_timeout.unwrap_or(default.export_timeout),
            retry: self.retry.or_default(),
            selection,
            spool: self.spool,
            ..default
        }
    }
}

impl Retry {
    fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Self {
        let fields = reader.fields(node, RETRY);
        let mut time = |key| Some(reader.typed(fields.get(key), A_TIME, duration)?.value);
        Self { initial: time("initial"), max: time("max"), budget: time("budget") }
    }

    fn or_default(self) -> RetryOptions {
        let default = RetryOptions::default();
        RetryOptions {
            initial: self.initial.unwrap_or(default.initial),
            max: self.max.unwrap_or(default.max),
            budget: self.budget.unwrap_or(default.budget),
        }
    }
}

/// What an exporter of OTLP makes of it: others have bounds of their own.
fn max_batch_bytes(
    node: Option<&Node>,
    provider: Option<&At<Provider>>,
    reader: &mut Reader<'_>,
) -> Option<usize> {
    let bytes = reader.typed(node, limits::SIZE, limits::size)?;
    if let Some(own) = provider.filter(|own| own.value != Provider::Otlp) {
        let message =
            format!("`max_batch_bytes` is for `otlp`: `{}` has a bound of its own", own.value.word());
        reader.mistakes.push(Mistake::new(bytes.origin, message).with_help("remove `max_batch_bytes`"));
    }
    Some(bytes.value)
}

fn concurrency(
    node: Option<&Node>,
    provider: Option<&At<Provider>>,
    reader: &mut Reader<'_>,
) -> Option<usize> {
    let at_a_time = |text: &str| limits::count(text).filter(|count| *count <= MOST_AT_A_TIME);
    let count = reader.typed(node, "a number from 1 to 64", at_a_time)?;
    let alone = [Provider::Console, Provider::File];
    if let Some(own) = provider.filter(|own| count.value > 1 && alone.contains(&own.value)) {
        let message = format!("the {} writes one batch after the other", own.value.word());
        reader.mistakes.push(Mistake::new(count.origin, message).with_help("remove `concurrency`"));
    }
    Some(count.value)
}

/// A list of maps of attributes; what is quoted is text, the rest is what it looks like.
fn patterns(node: Option<&Node>, reader: &mut Reader<'_>) -> Vec<Pattern> {
    let items = reader.items(node);
    let mut patterns = Vec::new();
    for item in items {
        let entries = reader.entries(Some(item));
        let attributes = entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), raw::attribute(&entry.value, reader)?)));
        let pattern = Pattern(attributes.collect());
        if pattern.0.is_empty() {
            let mistake = Mistake::new(item.place, "expected attributes and their values");
            reader.mistakes.push(mistake.with_help("write, for example, `{http.route: /health}`"));
        }
        patterns.push(pattern);
    }
    patterns
}
