//! What of an exporter is told apart by its kind and by signals.

use super::super::exporter::{PROTOCOLS, Provider};
use super::super::key::{Key, word_for};
use super::super::{ExporterKind, ExporterSettings, secrecy};
use super::text::{HIDDEN, yaml};
use super::{DEFAULT, PRESET, Said};
use crate::export::auth::Auth;
use crate::export::destination::{Destination, Endpoint};
use crate::record::{PerSignal, Signal};

/// What authorizes the requests of an exporter of OTLP.
pub(super) fn auth(exporter: Option<&ExporterSettings>) -> Option<&Auth> {
    let auth = |signal| destination(exporter, Some(signal))?.auth.as_deref();
    Signal::ALL.into_iter().find_map(auth)
}

/// Whether a section is the block of one provider.
pub(super) fn is_block(path: &str) -> bool {
    let key = path.strip_prefix("telemetry.exporters.");
    key.is_some_and(|key| Provider::ALL.iter().any(|(word, _)| *word == key))
}

pub(super) fn provider(exporter: &ExporterSettings) -> &'static str {
    match exporter.kind {
        ExporterKind::Console(_) => Provider::Console.word(),
        ExporterKind::Otlp(_) => Provider::Otlp.word(),
        ExporterKind::AzureMonitor(_) => Provider::AzureMonitor.word(),
        ExporterKind::File(_) => Provider::File.word(),
    }
}

fn takes(exporter: &ExporterSettings) -> PerSignal<bool> {
    match &exporter.kind {
        ExporterKind::Console(_) => PerSignal { traces: true, logs: false },
        ExporterKind::Otlp(to) => PerSignal::of(|signal| to[signal].is_some()),
        ExporterKind::AzureMonitor(to) => to.takes,
        ExporterKind::File(to) => PerSignal::of(|signal| to[signal].is_some()),
    }
}

pub(super) fn taken(exporter: &ExporterSettings) -> impl Iterator<Item = &'static str> {
    let takes = takes(exporter);
    Signal::ALL.into_iter().filter(move |signal| takes[*signal]).map(Signal::as_str)
}

/// For which signals a key is to be looked at apart.
pub(super) fn signals(key: &Key, exporter: Option<&ExporterSettings>) -> Vec<Option<Signal>> {
    // What an exporter takes is itself no question of one signal.
    if key.own.is_none() || key.name == "signals" {
        return vec![None];
    }
    let is_taken = |signal: &Signal| exporter.is_none_or(|exporter| takes(exporter)[*signal]);
    Signal::ALL.into_iter().filter(is_taken).map(Some).collect()
}

pub(super) fn destination(
    exporter: Option<&ExporterSettings>,
    signal: Option<Signal>,
) -> Option<&Destination> {
    match &exporter?.kind {
        ExporterKind::Otlp(destinations) => destinations[signal?].as_ref(),
        _ => None,
    }
}

/// What was said, or else follows from other keys. An endpoint is shown as it is understood, without a query, which may hold a key.
pub(super) fn of_destination(path: &str, destination: &Destination, said: Option<Said>) -> Option<Said> {
    let Destination { endpoint, protocol, .. } = destination;
    let otherwise = |origin: &str| said.clone().map_or(origin.to_owned(), |said| said.origin);
    match path {
        "telemetry.exporters.otlp.endpoint" => {
            let is_default = *endpoint == Endpoint::default_of(*protocol);
            let url = endpoint.as_given().split(['?', '#']).next().unwrap_or_default();
            let url = if endpoint.has_path() { url } else { url.trim_end_matches('/') };
            let origin = otherwise(if is_default { DEFAULT } else { PRESET });
            Some(Said {
                value: if secrecy::is_secret("", url) { HIDDEN.to_owned() } else { yaml(url) },
                origin,
            })
        }
        "telemetry.exporters.otlp.protocol" => {
            Some(Said { value: word_for(&PROTOCOLS, protocol), origin: otherwise(DEFAULT) })
        }
        _ => said,
    }
}
