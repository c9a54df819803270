//! What a preset fills in where nothing is written, and by which keys requests to its cloud are signed.

use super::error::{Mistake, Origin};
use super::exporter::Otlp;
use super::resolve::Resolver;
use crate::export::auth::{AccessKey, AwsSigV4, aws_service};
use crate::export::destination::{Endpoint, Header, Protocol};
use crate::propagation::{Propagator, Propagators};
use crate::record::{Secret, Signal};

/// Where the telemetry goes, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// X-Ray and CloudWatch Logs, signed.
    Aws,
    /// A collector or back-end of one's own: the defaults as they are.
    SelfHosted,
}

/// How requests are authorized beyond fixed headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    None,
    AwsSigV4,
}

pub(super) const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const KEY_SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

impl Preset {
    pub(super) const WORDS: [(&'static str, Self); 2] =
        [("aws", Self::Aws), ("self_hosted", Self::SelfHosted)];

    /// The formats that are spoken where none are chosen.
    pub(super) fn propagators(self) -> Propagators {
        match self {
            Self::Aws => Propagators::new([Propagator::TraceContext, Propagator::Baggage, Propagator::XRay]),
            Self::SelfHosted => Propagators::default(),
        }
    }
}

impl Auth {
    pub(super) const WORDS: [(&'static str, Self); 2] = [("none", Self::None), ("aws_sigv4", Self::AwsSigV4)];
}

impl Resolver<'_> {
    /// The signature of AWS, if requests need it.
    pub(super) fn signature(&mut self, otlp: &Otlp, protocol: Protocol) -> Option<AwsSigV4> {
        let origin = signing(otlp)?;
        if protocol == Protocol::Grpc {
            self.refuse_grpc(origin);
            return None;
        }
        if has_authorization(otlp) {
            self.mistake_once(
                Mistake::new(origin, "the header `authorization` is written, where the signature would go")
                    .with_help("remove the header, or `auth: aws_sigv4`"),
            );
            return None;
        }
        if !cfg!(feature = "aws") {
            self.mistake_once(
                Mistake::new(origin, "AWS's signatures are not part of this build")
                    .with_help("build `telemetry-runtime` with its feature `aws`"),
            );
            return None;
        }
        let (region, key) = (self.region(otlp, origin), self.access_key(origin));
        Some(AwsSigV4 { region: region?, key: key? })
    }

    /// Where the preset sends this signal; `None` if it names no place.
    ///
    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints".
    pub(super) fn preset_endpoint(
        &mut self,
        otlp: &Otlp,
        signal: Signal,
        protocol: Protocol,
    ) -> Option<Endpoint> {
        let preset = otlp.preset.as_ref().filter(|preset| preset.value == Preset::Aws)?;
        if protocol == Protocol::Grpc {
            self.refuse_grpc(signing(otlp).unwrap_or(preset.origin));
            return None;
        }
        let region = self.region(otlp, preset.origin)?;
        let service = aws_service(signal);
        let country = if region.starts_with("cn-") { ".cn" } else { "" };
        Endpoint::from_exact(&format!("https://{service}.{region}.amazonaws.com{country}/v1/{signal}")).ok()
    }

    /// The headers that say where CloudWatch keeps log records, unless they are written already.
    ///
    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints", logs endpoint.
    pub(super) fn preset_headers(&mut self, otlp: &Otlp, signal: Signal, headers: &mut Vec<Header>) {
        let Some(preset) = otlp.preset.as_ref().filter(|preset| preset.value == Preset::Aws) else { return };
        if signal != Signal::Logs {
            return;
        }
        for (name, header) in
            [("x-aws-log-group", &otlp.aws.log_group), ("x-aws-log-stream", &otlp.aws.log_stream)]
        {
            match header {
                _ if headers.iter().any(|known| known.name().eq_ignore_ascii_case(name)) => {}
                Some(header) => headers.push(header.clone()),
                None => self.mistake_once(
                    Mistake::new(preset.origin, "AWS takes log records into a group and a stream that exist")
                        .with_help("name both under `aws:` as `log_group` and `log_stream`, or write `signals: [traces]`"),
                ),
            }
        }
    }

    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints": they speak HTTP/1.1.
    fn refuse_grpc(&mut self, origin: Origin) {
        let mistake = Mistake::new(origin, "AWS takes no OTLP over gRPC");
        let help = "write `protocol: http/protobuf`, or `auth: none` and an `endpoint` that takes it";
        self.mistake_once(mistake.with_help(help));
    }

    fn region(&mut self, otlp: &Otlp, origin: Origin) -> Option<String> {
        if let Some(region) = &otlp.aws.region {
            return Some(region.clone());
        }
        let Some((name, region)) =
            REGION.into_iter().find_map(|name| Some((name, self.environment.get(name)?)))
        else {
            self.mistake_once(
                Mistake::new(origin, "no region of AWS is known")
                    .with_help("write `aws: {region: eu-west-1}` here, or set the variable AWS_REGION"),
            );
            return None;
        };
        if !is_region(&region) {
            self.mistake_once(Mistake::new(Origin::Variable(name), "expected a region such as `eu-west-1`"));
        }
        Some(region).filter(|region| is_region(region))
    }

    fn access_key(&mut self, origin: Origin) -> Option<AccessKey> {
        let (id, secret) = (self.key_part(KEY_ID), self.key_part(KEY_SECRET));
        let session_token = self.key_part(SESSION_TOKEN).map(Secret::new);
        let (Some(id), Some(secret)) = (id, secret) else {
            self.mistake_once(Mistake::new(origin, "no access key of AWS is known").with_help(format!(
                "set the variables {KEY_ID} and {KEY_SECRET}: other ways are not supported yet"
            )));
            return None;
        };
        Some(AccessKey { id, secret: Secret::new(secret), session_token })
    }

    /// A part of the key without blanks around it, which is what a file leaves that it was read from.
    fn key_part(&mut self, name: &'static str) -> Option<String> {
        let part = self.environment.get(name)?.trim().to_owned();
        if !part.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "a key of AWS is printable ASCII characters without blanks";
            self.mistake_once(Mistake::new(Origin::Variable(name), message));
        }
        Some(part).filter(|part| !part.is_empty())
    }
}

/// Where it is written that requests are signed, if they are.
fn signing(otlp: &Otlp) -> Option<Origin> {
    let preset = otlp.preset.as_ref().filter(|preset| preset.value == Preset::Aws);
    match &otlp.auth {
        Some(auth) => (auth.value == Auth::AwsSigV4).then_some(auth.origin),
        // What is written wins over what the preset would fill in.
        None => preset.filter(|_| !has_authorization(otlp)).map(|preset| preset.origin),
    }
}

fn has_authorization(otlp: &Otlp) -> bool {
    let mut headers = otlp.headers.iter().flatten();
    headers.any(|header| header.name().eq_ignore_ascii_case("authorization"))
}

/// Whether the text can be a part of a host's name.
pub(super) fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
