//! OpenTelemetry's environment variables, which override the settings file.

use super::env::Environment;
use super::error::{Mistake, Origin};
use super::exporter::{COMPRESSIONS, Otlp, PROTOCOLS, Tls};
use super::limits;
use super::processors::Processors;
use super::raw::{propagator_words, ratio};
use super::reader::{At, shown};
use crate::export::connection_string::ConnectionString;
use crate::export::destination::{Endpoint, EndpointError, Header, Protocol};
use crate::logging::Filter;
use crate::policy::{Ratio, Sampling};
use crate::propagation::Propagators;
use crate::record::{PerSignal, Secret, Signal};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

/// What the environment says; what is absent leaves the file alone.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    pub(super) disabled: Option<bool>,
    pub(super) service_name: Option<String>,
    pub(super) resource: Vec<(String, String)>,
    pub(super) sampling: Option<Sampling>,
    pub(super) propagators: Option<Propagators>,
    /// The most bytes of an attribute value.
    pub(super) value_limit: Option<usize>,
    pub(super) processors: Processors,
    pub(super) otlp: OtlpOverrides,
    /// Where each signal is to go, which concerns `otlp` exporters and what is there without a list of exporters.
    pub(super) exporters: PerSignal<Option<At<Wanted>>>,
    pub(super) filter: Option<Filter>,
    /// The resource of `azure_monitor` exporters that name none.
    pub(super) azure_monitor: Option<ConnectionString>,
    /// Whether `azure_monitor` exporters send the resource as a metric.
    pub(super) resource_metric: Option<bool>,
}

/// The exporters that OpenTelemetry's variables know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Otlp,
    Console,
    None,
}

/// What the environment says of `otlp` exporters.
#[derive(Debug, Default)]
pub(super) struct OtlpOverrides {
    pub(super) every_signal: Otlp,
    /// What is said of one signal wins.
    pub(super) own: PerSignal<Otlp>,
}

impl OtlpOverrides {
    fn read(variables: &mut Variables<'_>) -> Self {
        let insecure = variables.is_insecure(&EVERY_SIGNAL).unwrap_or(false);
        let none = Unsaid { protocol: None, insecure };
        let every_signal = otlp(&EVERY_SIGNAL, Endpoint::from_base, none, variables);
        let protocol = every_signal.protocol.as_ref().map(|protocol| protocol.value);
        let mut own = |names: &Names| {
            let insecure = variables.is_insecure(names).unwrap_or(insecure);
            otlp(names, Endpoint::from_exact, Unsaid { protocol, insecure }, variables)
        };
        Self { own: PerSignal { traces: own(&TRACES), logs: own(&LOGS) }, every_signal }
    }

    /// What holds for this signal.
    pub(super) fn of(&self, signal: Signal) -> Otlp {
        self.own[signal].clone().or(self.every_signal.clone())
    }
}

/// Reads variables and collects what is wrong with them.
///
/// A number or word that cannot be understood is ignored with a warning, as the specification demands. An endpoint or header that
/// cannot be understood is a mistake: ignoring it would send data to another place than the one named, or without its key.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    pub(super) warnings: Vec<String>,
    pub(super) mistakes: Vec<Mistake>,
    /// Those that were understood, and what they say.
    pub(super) understood: Vec<(&'static str, Secret)>,
}

/// The variables of one signal's exporter, or of every signal's.
pub(super) struct Names {
    pub(super) endpoint: &'static str,
    insecure: &'static str,
    pub(super) protocol: &'static str,
    pub(super) headers: &'static str,
    pub(super) timeout: &'static str,
    pub(super) compression: &'static str,
    pub(super) certificate: &'static str,
    pub(super) client_certificate: &'static str,
    pub(super) client_key: &'static str,
}

/// What an endpoint of gRPC leaves open.
struct Unsaid {
    /// How it is spoken, where the signal's own variable says nothing.
    protocol: Option<Protocol>,
    /// Whether it is `http://`, where the endpoint has no scheme.
    insecure: bool,
}

pub(super) const EVERY_SIGNAL: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
    insecure: "OTEL_EXPORTER_OTLP_INSECURE",
    protocol: "OTEL_EXPORTER_OTLP_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
};
pub(super) const TRACES: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    insecure: "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
};
pub(super) const LOGS: Names = Names {
    endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    insecure: "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
    protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
    headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    timeout: "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    compression: "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
    certificate: "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
    client_certificate: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
    client_key: "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
};
pub(super) const EXPORTER: PerSignal<&str> =
    PerSignal { traces: "OTEL_TRACES_EXPORTER", logs: "OTEL_LOGS_EXPORTER" };
const EXPORTERS: [(&str, Wanted); 3] =
    [("otlp", Wanted::Otlp), ("console", Wanted::Console), ("none", Wanted::None)];
pub(super) const CONNECTION_STRING: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";
pub(super) const RESOURCE_METRIC_DISABLED: &str =
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED";
/// The strongest first.
pub(super) const VALUE_LIMIT: [&str; 2] =
    ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
pub(super) const PROPAGATORS: &str = "OTEL_PROPAGATORS";
pub(super) const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
pub(super) const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

impl Overrides {
    /// Source: OpenTelemetry specification, environment variables; OTLP exporter, configuration options.
    pub(super) fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            disabled: variables.understood(["OTEL_SDK_DISABLED"], "`true` or `false`", bool),
            service_name: variables.text("OTEL_SERVICE_NAME"),
            resource: variables
                .understood(["OTEL_RESOURCE_ATTRIBUTES"], "`key=value,key=value`, percent-encoded", pairs)
                .unwrap_or_default(),
            sampling: sampling(variables),
            propagators: propagators(variables),
            value_limit: variables.understood(VALUE_LIMIT, limits::LENGTH, limits::length),
            processors: Processors::read(variables),
            otlp: OtlpOverrides::read(variables),
            exporters: PerSignal::of(|signal| {
                let name = EXPORTER[signal];
                let parse = |text: &str| word(text, &EXPORTERS);
                let value = variables.understood([name], "`otlp`, `console` or `none`", parse)?;
                Some(At { value, origin: Origin::Variable(name) })
            }),
            filter: variables.understood(["RUST_LOG"], "directives such as `info,my_crate=debug`", |text| {
                Filter::from_directives(text).ok()
            }),
            azure_monitor: variables.demanded(CONNECTION_STRING, ConnectionString::parse).map(|at| at.value),
            resource_metric: variables
                .understood([RESOURCE_METRIC_DISABLED], "`true` or `false`", bool)
                .map(|is_disabled| !is_disabled),
        }
    }
}

impl Variables<'_> {
    /// The first variable that is set and understood; the others that are set are warned about.
    pub(super) fn understood<T, const N: usize>(
        &mut self,
        names: [&'static str; N],
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        names.into_iter().find_map(|name| {
            let text = self.environment.get(name)?;
            let value = parse(text.trim());
            match value {
                Some(_) => self.note(name, &text),
                None => self
                    .warnings
                    .push(format!("{name} is ignored: expected {expected}, found `{}`", shown(&text))),
            }
            value
        })
    }

    fn is_insecure(&mut self, names: &Names) -> Option<bool> {
        self.understood([names.insecure], "`true` or `false`", bool)
    }

    fn note(&mut self, name: &'static str, text: &str) {
        self.understood.push((name, Secret::new(text.trim())));
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.environment.get(name)?;
        self.note(name, &text);
        Some(text)
    }

    fn path(&mut self, name: &'static str) -> Option<At<PathBuf>> {
        let value = PathBuf::from(self.text(name)?.trim());
        Some(At { value, origin: Origin::Variable(name) })
    }

    /// The variable's value; what is wrong with it is a mistake.
    fn demanded<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        let origin = Origin::Variable(name);
        let text = self.environment.get(name)?;
        match parse(text.trim()) {
            Ok(value) => {
                self.note(name, &text);
                Some(At { value, origin })
            }
            Err(error) => {
                self.mistakes.push(Mistake::new(origin, error.to_string()));
                None
            }
        }
    }
}

fn otlp(
    names: &Names,
    endpoint: fn(&str) -> Result<Endpoint, EndpointError>,
    unsaid: Unsaid,
    variables: &mut Variables<'_>,
) -> Otlp {
    let protocol = variables.understood([names.protocol], "`grpc`, `http/protobuf` or `http/json`", |text| {
        word(text, &PROTOCOLS)
    });
    let is_grpc = protocol.or(unsaid.protocol) == Some(Protocol::Grpc);
    let scheme = if unsaid.insecure { "http" } else { "https" };
    let with_scheme = |text: &str| match is_grpc && !text.contains("://") {
        true => endpoint(&format!("{scheme}://{text}")),
        false => endpoint(text),
    };
    Otlp {
        endpoint: variables.demanded(names.endpoint, with_scheme),
        protocol: protocol.map(|value| At { value, origin: Origin::Variable(names.protocol) }),
        headers: headers(names.headers, variables),
        timeout: variables.understood([names.timeout], MILLISECONDS, milliseconds),
        compression: variables
            .understood([names.compression], "`gzip` or `none`", |text| word(text, &COMPRESSIONS)),
        tls: Tls {
            ca_file: variables.path(names.certificate),
            cert_file: variables.path(names.client_certificate),
            key_file: variables.path(names.client_key),
        },
        ..Otlp::default()
    }
}

fn headers(name: &'static str, variables: &mut Variables<'_>) -> Option<Vec<Header>> {
    let parse = |text: &str| -> Result<Vec<Header>, String> {
        let pairs = pairs(text).ok_or("expected `name=value,name=value`, percent-encoded")?;
        pairs
            .iter()
            .map(|(name, value)| Header::new(name, value).map_err(|error| error.to_string()))
            .collect()
    };
    variables.demanded(name, parse).map(|headers| headers.value)
}

/// The formats that are understood; `None` if there is not one.
fn propagators(variables: &mut Variables<'_>) -> Option<Propagators> {
    let words = propagator_words();
    let text = variables.environment.get(PROPAGATORS)?;
    let (mut understood, mut unknown) = (Vec::new(), Vec::new());
    for written in text.split(',').map(str::trim).filter(|written| !written.is_empty()) {
        match word(written, &words) {
            Some(format) => understood.push(format),
            None => unknown.push(written),
        }
    }
    let known = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    variables.warnings.extend(unknown.iter().map(|unknown| {
        format!("a part of {PROPAGATORS} is ignored: expected {known}, found `{}`", shown(unknown))
    }));
    if understood.is_empty() {
        return None;
    }
    variables.note(PROPAGATORS, &text);
    Some(Propagators::new(understood.into_iter().flatten()))
}

fn sampling(variables: &mut Variables<'_>) -> Option<Sampling> {
    let expected = Sampling::WORDS.map(|word| format!("`{word}`")).join(" or ");
    let parse = |text: &str| {
        Sampling::from_word(&text.to_ascii_lowercase(), Ratio::ALWAYS).ok().map(|_| text.to_owned())
    };
    let word = variables.understood([SAMPLER], &expected, parse);
    let Some(word) = word else {
        if variables.environment.get(SAMPLER_ARG).is_some() && variables.environment.get(SAMPLER).is_none() {
            variables.warnings.push(format!("{SAMPLER_ARG} is ignored: {SAMPLER} is not set"));
        }
        return None;
    };
    let ratio = variables.understood([SAMPLER_ARG], "a number from 0 to 1", ratio).unwrap_or(Ratio::ALWAYS);
    Sampling::from_word(&word.to_ascii_lowercase(), ratio).ok()
}

fn bool(text: &str) -> Option<bool> {
    word(text, &[("true", true), ("false", false)])
}

fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Option<T> {
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
}

/// What [`milliseconds`] understands.
pub(super) const MILLISECONDS: &str = "a number of milliseconds, 1 or more";

pub(super) fn milliseconds(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|count: &u64| *count > 0).map(Duration::from_millis)
}

/// `key=value,key=value` with percent-encoded parts; `None` if any of it is wrong.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = percent_decoded(key.trim()).filter(|key| !key.is_empty())?;
            Some((key, percent_decoded(value.trim())?))
        })
        .collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            16 * hex_digit(bytes.next()?)? + hex_digit(bytes.next()?)?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_percent_decoded() {
        let owned = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(pairs("a=1, b = x%20y%2C%3D ,,c=d=e"), owned(&[("a", "1"), ("b", "x y,="), ("c", "d=e")]));
        assert_eq!(pairs("a="), owned(&[("a", "")]));
        for wrong in ["a", "=1", "a=%", "a=%2", "a=%zz", "a=%ff", "a=1,b"] {
            assert_eq!(pairs(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_pairs_or_nothing(text in "[a=,%20é]{0,24}") {
            let _ = pairs(&text);
        }

        #[test]
        fn what_is_encoded_comes_back(text in "\\PC{0,12}") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(percent_decoded(&encoded), Some(text));
        }
    }
}
