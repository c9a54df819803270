//! One entry of `telemetry.exporters`, as it is written.

mod azure;
mod delivery;
mod file;
mod otlp;
mod spool;

pub(super) use azure::AzureMonitor;
pub(super) use delivery::Delivery;
pub(super) use file::File;
pub(super) use otlp::{COMPRESSIONS, Otlp, PROTOCOLS, Tls};

use super::document::{Kind, Node};
use super::error::Mistake;
use super::key::{Key, Kind as Type, time, words};
use super::limits;
use super::overrides;
use super::processors::NAMES;
use super::reader::{At, Fields, Reader};
use crate::dispatch::Options;
use crate::policy::Ratio;
use crate::record::{PerSignal, Signal};
use std::path::PathBuf;
use std::time::Duration;

/// An exporter that is enabled.
#[derive(Debug)]
pub(super) struct Exporter {
    pub(super) provider: At<Provider>,
    pub(super) name: At<String>,
    /// What it takes, where the settings say so.
    pub(super) signals: Option<PerSignal<bool>>,
    pub(super) otlp: Otlp,
    pub(super) delivery: Delivery,
    pub(super) azure_monitor: AzureMonitor,
    pub(super) file: File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    Console,
    Otlp,
    File,
    AzureMonitor,
}

/// All that an entry may say.
pub(super) const EXPORTER: &[Key] = &[
    Key::new(
        "provider",
        Type::Word(|| words(&Provider::ALL)),
        "which exporter; its own settings stand in the block of that name",
    )
    .required(),
    Key::new("name", Type::Text, "what reports and complaints call it; distinct among all that are enabled")
        .or_else("the provider"),
    Key::new(
        "enabled",
        Type::Bool,
        "whether it is there at all; variables in one that is not need not be set",
    )
    .or(|| true.to_string()),
    Key::new(
        "signals",
        Type::List(&Type::Word(|| words(&SIGNALS))),
        "what it takes; the variables keep `otlp` from it unless they say `otlp`",
    )
    .or_else("both; the console takes traces only")
    .overridden_by_signal(&[], [overrides::EXPORTER.traces, overrides::EXPORTER.logs]),
    Key::new("console", Type::Section(CONSOLE), "nothing can be set for the console so far"),
    Key::new("otlp", Type::Section(otlp::OTLP), "where and how `otlp` sends"),
    Key::new("file", Type::Section(file::FILE), "where `file` writes OTLP JSON lines"),
    Key::new("azure_monitor", Type::Section(azure::AZURE_MONITOR), "where and how `azure_monitor` sends"),
    Key::new(
        "sampling_ratio",
        Type::Ratio,
        "only spans of this share of all traces, whatever share is recorded; log records belong to no share",
    )
    .or(|| Ratio::ALWAYS.share().to_string()),
    Key::new("level", Type::Word(|| words(&delivery::LEVELS)), "nothing less important")
        .or_else("everything"),
    Key::new("include", PATTERNS, "only what has all attributes of one of these, such as `[{tenant: acme}]`")
        .or_else("everything"),
    Key::new(
        "exclude",
        PATTERNS,
        "nothing that has all attributes of one of these, such as `[{http.route: /health}]`",
    )
    .or_else("nothing"),
    Key::new(
        "max_batch_items",
        ITEMS,
        "larger batches are split; of two variables the smaller number counts",
    )
    .or_else("as they come, 8192 at most")
    .overridden_by(&[NAMES.traces.max_batch_items, NAMES.logs.max_batch_items]),
    Key::new(
        "max_batch_bytes",
        Type::Size { least: limits::LEAST_MEMORY_BYTES as u64, most: None },
        "batches that make larger requests are split; for `otlp`, at most 64 MiB",
    )
    .or_else("by the preset and the signal; else 4MiB over gRPC, and 64MiB over HTTP"),
    Key::new(
        "concurrency",
        Type::Count { of: "requests", most: Some(delivery::MOST_AT_A_TIME) },
        "at the same time, each by a thread of its own; the console and files have one",
    )
    .or(|| Options::default().concurrency.to_string()),
    Key::new(
        "export_timeout",
        Type::Time,
        concat!(
            "a call that takes longer is given up; what it had goes to the spool, or is dropped; ",
            "the variables are in milliseconds, of two the larger number counts, and 0 is no limit"
        ),
    )
    .or(|| time(Options::default().export_timeout))
    .overridden_by(&[NAMES.traces.export_timeout, NAMES.logs.export_timeout]),
    Key::new("retry", Type::Section(delivery::RETRY), "how batches that failed are tried again"),
    Key::new(
        "spool",
        Type::Section(spool::SPOOL),
        "keeps on disk what cannot be sent, also for the next process; for `otlp` and `azure_monitor`",
    ),
];
const CONSOLE: &[Key] = &[];
const PATTERNS: Type = Type::List(&Type::Map(&Type::Attribute));
const ITEMS: Type = Type::Count { of: "items", most: None };
const FILE_SIZE: Type = Type::Size { least: limits::LEAST_ON_DISK_BYTES, most: None };

/// The words for what an exporter takes.
const SIGNALS: [(&str, Signal); 2] =
    [(Signal::Traces.as_str(), Signal::Traces), (Signal::Logs.as_str(), Signal::Logs)];

impl Provider {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("console", Self::Console),
        ("otlp", Self::Otlp),
        ("file", Self::File),
        ("azure_monitor", Self::AzureMonitor),
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Otlp => "otlp",
            Self::File => "file",
            Self::AzureMonitor => "azure_monitor",
        }
    }
}

impl Exporter {
    /// What it takes: both signals, unless the settings say less.
    pub(super) fn takes(&self) -> PerSignal<bool> {
        self.signals.unwrap_or(PerSignal { traces: true, logs: true })
    }

    /// The files that one of provider `file` writes to, each once.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let takes = self.takes();
        let signals = Signal::ALL.into_iter().filter(|signal| takes[*signal]);
        let paths = signals.filter_map(|signal| self.file.path_of(signal));
        // However they are written: `logs.jsonl` is `./logs.jsonl`.
        let mut files: Vec<_> = paths.map(|path| std::path::absolute(&path).unwrap_or(path)).collect();
        files.dedup();
        files
    }

    /// Reads and checks the entry; `None` if it is not enabled or cannot be.
    pub(super) fn read(node: &Node, reader: &mut Reader<'_>, telemetry_is_disabled: bool) -> Option<Self> {
        let fields = reader.fields(Some(node), EXPORTER);
        let enabled = reader.bool(fields.get("enabled")).unwrap_or(true) && !telemetry_is_disabled;
        let was_forgiving = std::mem::replace(&mut reader.forgiving, !enabled);
        let exporter = Self::read_fields(node, fields, reader);
        reader.forgiving = was_forgiving;
        exporter.filter(|_| enabled)
    }

    fn read_fields(node: &Node, fields: Fields<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let provider = provider(node, fields, reader);
        let name = reader.checked(fields.get("name"), |name| Ok::<_, String>(name.to_owned()));
        let signals = fields.get("signals").map(|node| signals(node, provider.as_ref(), reader));
        let otlp = Otlp::read(fields.get("otlp"), reader);
        let delivery = Delivery::read(fields, provider.as_ref(), reader);
        let file = File::read(fields.get("file"), reader);
        reader.fields(fields.get("console"), CONSOLE);
        let azure_monitor = AzureMonitor::read(fields.get("azure_monitor"), reader);

        let provider = provider?;
        let name = name.unwrap_or(At { value: provider.value.word().to_owned(), origin: provider.origin });
        Some(Self { provider, name, signals, otlp, azure_monitor, file, delivery })
    }
}

fn provider(node: &Node, fields: Fields<'_>, reader: &mut Reader<'_>) -> Option<At<Provider>> {
    let Some(written) = fields.get("provider") else {
        if node.entries().is_some() {
            let known = Provider::ALL.map(|(word, _)| format!("`{word}`")).join(" or ");
            let mistake = Mistake::new(node.place, "this exporter has no `provider`");
            reader.mistakes.push(mistake.with_help(format!("add `provider:` with {known}")));
        }
        return None;
    };
    let provider = reader.word(Some(written), &Provider::ALL)?;
    let own = provider.value.word();
    for (word, _) in Provider::ALL.iter().filter(|(word, _)| *word != own) {
        if let Some(block) = fields.entry(word) {
            let message = format!("settings for `{word}` in an exporter whose provider is `{own}`");
            let help = format!("write `provider: {word}`, or put what is meant for `{own}` under `{own}:`");
            reader.mistakes.push(Mistake::new(block.key_place, message).with_help(help));
        }
    }
    Some(provider)
}

fn signals(node: &Node, provider: Option<&At<Provider>>, reader: &mut Reader<'_>) -> PerSignal<bool> {
    let items = reader.items(Some(node));
    if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
        let mistake = Mistake::new(node.place, "an exporter takes one signal or more");
        reader.mistakes.push(mistake.with_help("write `enabled: false` instead"));
    }
    let mut takes = PerSignal::default();
    for item in items {
        let Some(signal) = reader.word(Some(item), &SIGNALS) else { continue };
        if signal.value == Signal::Logs && provider.is_some_and(|own| own.value == Provider::Console) {
            let mistake = Mistake::new(signal.origin, "the console takes no log records");
            reader.mistakes.push(mistake.with_help("they are on standard error already: see `logging`"));
        }
        takes[signal.value] = true;
    }
    takes
}

/// What [`duration`] understands.
pub(super) const A_TIME: &str = "a time such as `10s` or `500ms`";

/// `500ms`, `10s`, `1m`, `24h`, or a bare number of milliseconds as in OpenTelemetry's variables; at least 1 ms.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let unit = text.trim_start_matches(|char: char| char.is_ascii_digit());
    let count: u64 = text[..text.len() - unit.len()].parse().ok().filter(|count| *count > 0)?;
    match unit.trim() {
        "" | "ms" => Some(Duration::from_millis(count)),
        "s" => Some(Duration::from_secs(count)),
        "m" => count.checked_mul(60).map(Duration::from_secs),
        "h" => count.checked_mul(60 * 60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_has_a_unit_or_means_milliseconds() {
        assert_eq!(duration("10s"), Some(Duration::from_secs(10)));
        assert_eq!(duration("500 ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(duration("24h"), Some(Duration::from_secs(86400)));
        assert_eq!(duration("2500"), Some(Duration::from_millis(2500)));
        for wrong in [
            "",
            "0",
            "0s",
            "-1s",
            "1.5s",
            "10 seconds",
            "s",
            "99999999999999999999s",
            "18446744073709551615m",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
