//! What a preset fills in where nothing is written, and who authorizes requests.

mod aws;
mod azure;
mod gcp;
#[cfg(test)]
mod tests;

pub(super) use aws::{REGION, is_region};
pub(super) use gcp::PROJECT;

use super::error::{Mistake, Origin};
use super::exporter::Otlp;
use super::raw::Telemetry;
use super::reader::At;
use super::resolve::Resolver;
use crate::detect::Detector;
use crate::export::auth::Auth;
use crate::export::destination::{Endpoint, Header, Protocol};
use crate::logging::Format;
use crate::propagation::{Propagator, Propagators};
use crate::record::Signal;

/// Where the telemetry goes, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// X-Ray and CloudWatch Logs, signed.
    Aws,
    /// Google Cloud's Telemetry API, with a token.
    Gcp,
    /// Azure Monitor's native OTLP, with a token.
    Azure,
    /// A collector or back-end of one's own: the defaults as they are.
    SelfHosted,
}

/// How requests are authorized beyond fixed headers, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthWord {
    None,
    AwsSigV4,
    GcpAdc,
    AzureEntra,
}

impl Preset {
    pub(super) const WORDS: [(&'static str, Self); 4] =
        [("aws", Self::Aws), ("gcp", Self::Gcp), ("azure", Self::Azure), ("self_hosted", Self::SelfHosted)];

    /// That of the first exporter which has one: what the whole process does, goes by it.
    pub(super) fn of_process(telemetry: &Telemetry) -> Option<Self> {
        let mut exporters = telemetry.exporters.iter().flatten();
        exporters.find_map(|exporter| Some(exporter.otlp.preset.as_ref()?.value))
    }

    /// The formats that are spoken where none are chosen.
    pub(super) fn propagators(self) -> Propagators {
        match self {
            Self::Aws => Propagators::new([Propagator::TraceContext, Propagator::Baggage, Propagator::XRay]),
            Self::Gcp | Self::Azure | Self::SelfHosted => Propagators::default(),
        }
    }

    /// How log lines look where nobody says it.
    pub(super) fn log_format(self) -> Format {
        match self {
            Self::Gcp => Format::Gcp,
            Self::Aws | Self::Azure | Self::SelfHosted => Format::default(),
        }
    }

    /// Who is asked where we run.
    pub(super) fn detectors(self) -> Vec<Detector> {
        let cloud = match self {
            Self::Aws => Some(Detector::Aws),
            Self::Gcp => Some(Detector::Gcp),
            Self::Azure => Some(Detector::Azure),
            Self::SelfHosted => None,
        };
        Detector::LOCAL.into_iter().chain(cloud).collect()
    }

    /// The most bytes of a request of this signal.
    ///
    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints", limits; Azure Monitor service limits, "Logs Ingestion API". Google publishes
    /// none: it gets what gRPC's receivers take by default.
    pub(super) fn max_request_bytes(self, signal: Signal) -> Option<usize> {
        match (self, signal) {
            (Self::Aws, Signal::Traces) => Some(5_000_000),
            (Self::Aws, Signal::Logs) | (Self::Azure, _) => Some(1_000_000),
            (Self::Gcp, _) => Some(4 << 20),
            (Self::SelfHosted, _) => None,
        }
    }

    /// The most bytes of one span: of a larger one the whole request is refused.
    ///
    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints", limits of the traces endpoint.
    pub(super) fn max_item_bytes(self, signal: Signal) -> Option<usize> {
        (self == Self::Aws && signal == Signal::Traces).then_some(200_000)
    }

    fn auth(self) -> AuthWord {
        match self {
            Self::Aws => AuthWord::AwsSigV4,
            Self::Gcp => AuthWord::GcpAdc,
            Self::Azure => AuthWord::AzureEntra,
            Self::SelfHosted => AuthWord::None,
        }
    }
}

impl AuthWord {
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("aws_sigv4", Self::AwsSigV4),
        ("gcp_adc", Self::GcpAdc),
        ("azure_entra", Self::AzureEntra),
    ];
}

impl Resolver<'_> {
    /// What authorizes requests, if they need it.
    pub(super) fn auth(&mut self, otlp: &Otlp, protocol: Protocol) -> Option<Auth> {
        let At { value: word, origin } = auth_word(otlp)?;
        if word == AuthWord::AwsSigV4 && protocol == Protocol::Grpc {
            self.refuse_grpc(origin, "AWS");
            return None;
        }
        if has_authorization(otlp) {
            let (what, setting) = match word {
                AuthWord::AwsSigV4 => ("signature", "aws_sigv4"),
                AuthWord::GcpAdc => ("token", "gcp_adc"),
                AuthWord::AzureEntra | AuthWord::None => ("token", "azure_entra"),
            };
            let message = format!("the header `authorization` is written, where the {what} would go");
            let help = format!("remove the header, or `auth: {setting}`");
            self.mistake_once(Mistake::new(origin, message).with_help(help));
            return None;
        }
        match word {
            AuthWord::None => None,
            AuthWord::AwsSigV4 => self.aws(otlp, origin).map(Auth::Aws),
            AuthWord::GcpAdc => self.adc(origin).map(Auth::Gcp),
            AuthWord::AzureEntra => self.entra(origin, None).map(Auth::Entra),
        }
    }

    /// Where this signal goes by the preset: what is written, made complete, or else a place that the preset knows.
    pub(super) fn endpoint(&mut self, otlp: &Otlp, signal: Signal, protocol: Protocol) -> Endpoint {
        let preset = otlp.preset.as_ref();
        let endpoint = match (preset.map(|preset| preset.value), &otlp.endpoint) {
            (Some(Preset::Azure), written) => {
                let written = written.as_ref().map(|endpoint| &endpoint.value);
                preset.and_then(|preset| self.azure_endpoint(preset.origin, written, signal, protocol))
            }
            (_, Some(written)) => Some(written.value.clone()),
            (Some(Preset::Aws), None) => self.aws_endpoint(otlp, signal, protocol),
            (Some(Preset::Gcp), None) => Some(gcp::endpoint(protocol)),
            (Some(Preset::SelfHosted) | None, None) => None,
        };
        endpoint.unwrap_or_else(|| Endpoint::default_of(protocol))
    }

    /// The headers that the preset adds to those that are written.
    pub(super) fn preset_headers(&mut self, otlp: &Otlp, signal: Signal, headers: &mut Vec<Header>) {
        if let Some(preset) = otlp.preset.as_ref().filter(|preset| preset.value == Preset::Aws) {
            self.aws_headers(preset.origin, otlp, signal, headers);
        }
    }

    fn refuse_grpc(&mut self, origin: Origin, cloud: &str) {
        let mistake = Mistake::new(origin, format!("{cloud} takes no OTLP over gRPC"));
        let help = "write `protocol: http/protobuf`, or `auth: none` and an `endpoint` that takes it";
        self.mistake_once(mistake.with_help(help));
    }

    /// Whether the build has this feature, without which there is no such authorization.
    fn has_feature(&mut self, origin: Origin, has_it: bool, what: &str, feature: &str) -> bool {
        if !has_it {
            let mistake = Mistake::new(origin, format!("{what} are not part of this build"));
            let help = format!("build `telemetry-runtime` with its feature `{feature}`");
            self.mistake_once(mistake.with_help(help));
        }
        has_it
    }

    /// The base URL of a service that hands out credentials, without a slash at its end: the variable's, which must be secure, or on this
    /// machine or next to it. The default, if there is none; nothing, if it is wrong.
    fn desk(&mut self, name: &'static str, default: &str) -> Option<String> {
        let Some(url) = self.environment.get(name) else { return Some(default.to_owned()) };
        let endpoint = Endpoint::from_exact(url.trim());
        if !endpoint.as_ref().is_ok_and(Endpoint::is_private) {
            let message = "expected a URL of `https://`, or of this machine or its metadata service";
            self.mistake_once(Mistake::new(Origin::Variable(name), message));
            return None;
        }
        Some(url.trim().trim_end_matches('/').to_owned())
    }
}

/// How requests are authorized, and where that is written.
fn auth_word(otlp: &Otlp) -> Option<At<AuthWord>> {
    let of_preset = || {
        // What is written wins over what the preset would fill in.
        let preset = otlp.preset.as_ref().filter(|_| !has_authorization(otlp))?;
        Some(At { value: preset.value.auth(), origin: preset.origin })
    };
    otlp.auth.clone().or_else(of_preset).filter(|word| word.value != AuthWord::None)
}

fn has_authorization(otlp: &Otlp) -> bool {
    let mut headers = otlp.headers.iter().flatten();
    headers.any(|header| header.name().eq_ignore_ascii_case("authorization"))
}
