//! The block `otlp` of an exporter: where to send, and how.

use super::super::document::Node;
use super::super::error::{Mistake, Origin};
use super::super::key::{Key, Kind as Type, time, word_for, words};
use super::super::overrides::{EVERY_SIGNAL, LOGS, TRACES};
use super::super::preset::{AuthWord, PROJECT, Preset, REGION, is_region};
use super::super::reader::{At, Reader};
use super::{A_TIME, duration};
use crate::export::destination::{Compression, DEFAULT_TIMEOUT, Endpoint, Header, Protocol, TlsFiles};
use std::path::PathBuf;
use std::time::Duration;

/// OTLP's options, of the file or of the environment.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Otlp {
    pub(in crate::config) endpoint: Option<At<Endpoint>>,
    pub(in crate::config) protocol: Option<At<Protocol>>,
    pub(in crate::config) headers: Option<Vec<Header>>,
    pub(in crate::config) timeout: Option<Duration>,
    pub(in crate::config) compression: Option<Compression>,
    pub(in crate::config) tls: Tls,
    pub(in crate::config) code_attributes: Option<bool>,
    /// What fills in the rest.
    pub(in crate::config) preset: Option<At<Preset>>,
    pub(in crate::config) auth: Option<At<AuthWord>>,
    pub(in crate::config) aws: Aws,
    /// The project of Google Cloud that telemetry belongs to.
    pub(in crate::config) gcp_project: Option<String>,
}

/// What AWS needs to know.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Aws {
    pub(in crate::config) region: Option<String>,
    /// The headers that name them.
    pub(in crate::config) log_group: Option<Header>,
    pub(in crate::config) log_stream: Option<Header>,
}

/// Files that say whom to trust behind `https`, and who to be there.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Tls {
    pub(in crate::config) ca_file: Option<At<PathBuf>>,
    pub(in crate::config) cert_file: Option<At<PathBuf>>,
    pub(in crate::config) key_file: Option<At<PathBuf>>,
}

pub(super) const OTLP: &[Key] = &[
    Key::new(
        "preset",
        Type::Word(|| words(&Preset::WORDS)),
        concat!(
            "fills in what is not written: endpoint, `auth`, the largest request, propagators, ",
            "resource detection and the format of log lines, as this cloud wants them"
        ),
    )
    .or_else("`self_hosted`, which fills in nothing"),
    Key::new(
        "endpoint",
        Type::Like("URL", r"^[hH][tT][tT][pP][sS]?://[^\s/@?#]+(/[^\s?#]*)?$"),
        concat!(
            "the receiver's URL, to which `v1/traces` and `v1/logs` are appended; ",
            "the variables of one signal are used as they are"
        ),
    )
    .or_else("`http://localhost:4318`; for gRPC `http://localhost:4317`; with `preset: aws` and `gcp` their own; none with `azure`")
    .overridden_by_signal(&[EVERY_SIGNAL.endpoint], [TRACES.endpoint, LOGS.endpoint]),
    Key::new("protocol", Type::Word(|| words(&PROTOCOLS)), "how it is spoken")
        .or_else("`grpc` where the endpoint's port is 4317, else `http/protobuf`")
        .overridden_by_signal(&[EVERY_SIGNAL.protocol], [TRACES.protocol, LOGS.protocol]),
    Key::new(
        "headers",
        Type::Map(&Type::Secret),
        "sent with every request, such as an API key; their values are never shown",
    )
    .overridden_by_signal(&[EVERY_SIGNAL.headers], [TRACES.headers, LOGS.headers]),
    Key::new(
        "timeout",
        Type::Time,
        concat!(
            "how long one request may take, from looking up the host to the answer's last byte; ",
            "the variables are in milliseconds"
        ),
    )
    .or(|| time(DEFAULT_TIMEOUT))
    .overridden_by_signal(&[EVERY_SIGNAL.timeout], [TRACES.timeout, LOGS.timeout]),
    Key::new("compression", Type::Word(|| words(&COMPRESSIONS)), "how bodies are packed")
        .or(|| word_for(&COMPRESSIONS, &Compression::default()))
        .overridden_by_signal(&[EVERY_SIGNAL.compression], [TRACES.compression, LOGS.compression]),
    Key::new("tls", Type::Section(TLS), "behind `https`, whom to trust and who to be; files in the form PEM"),
    Key::new("code_attributes", Type::Bool, "whether spans and log records say where their code is")
        .or(|| true.to_string()),
    Key::new(
        "auth",
        Type::Word(|| words(&AuthWord::WORDS)),
        concat!(
            "how requests are authorized: signed by a key of AWS's credential providers, ",
            "or with a token by Google's Application Default Credentials or of Microsoft Entra"
        ),
    )
    .or_else("the preset's, unless `headers` has `authorization`; else `none`"),
    Key::new("aws", Type::Section(AWS), "what AWS needs to know"),
    Key::new("gcp", Type::Section(GCP), "what Google Cloud needs to know"),
];
const GCP: &[Key] =
    &[Key::new("project", Type::Text, "whose the telemetry is: the attribute `gcp.project_id`")
        .else_by(&PROJECT)
        .or_else("that of the credentials, or of the machine")];
const AWS: &[Key] = &[
    Key::new("region", Type::Like("region", "^[a-z0-9-]+$"), "such as `eu-west-1`").else_by(&REGION),
    Key::new("log_group", Type::Text, "the group of CloudWatch Logs where log records go, which must exist"),
    Key::new("log_stream", Type::Text, "the stream in that group, which must exist"),
];
const TLS: &[Key] = &[
    Key::new("ca_file", Type::Text, "certificates to trust")
        .or_else("those that the system trusts")
        .overridden_by_signal(&[EVERY_SIGNAL.certificate], [TRACES.certificate, LOGS.certificate]),
    Key::new(
        "cert_file",
        Type::Text,
        "the certificate to show to receivers that ask for one; with `key_file`",
    )
    .overridden_by_signal(
        &[EVERY_SIGNAL.client_certificate],
        [TRACES.client_certificate, LOGS.client_certificate],
    ),
    Key::new("key_file", Type::Text, "the private key of that certificate")
        .overridden_by_signal(&[EVERY_SIGNAL.client_key], [TRACES.client_key, LOGS.client_key]),
];

/// The words for transports.
pub(in crate::config) const PROTOCOLS: [(&str, Protocol); 3] =
    [("http/protobuf", Protocol::HttpProtobuf), ("http/json", Protocol::HttpJson), ("grpc", Protocol::Grpc)];
/// The words for packing.
pub(in crate::config) const COMPRESSIONS: [(&str, Compression); 2] =
    [("none", Compression::None), ("gzip", Compression::Gzip)];

impl Otlp {
    pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Self {
        let fields = reader.fields(node, OTLP);
        Self {
            endpoint: reader.checked(fields.get("endpoint"), Endpoint::from_base),
            protocol: reader.word(fields.get("protocol"), &PROTOCOLS),
            headers: fields.get("headers").map(|node| headers(node, reader)),
            timeout: reader.typed(fields.get("timeout"), A_TIME, duration).map(|timeout| timeout.value),
            compression: reader
                .word(fields.get("compression"), &COMPRESSIONS)
                .map(|compression| compression.value),
            tls: Tls::read(fields.get("tls"), reader),
            code_attributes: reader.bool(fields.get("code_attributes")),
            preset: reader.word(fields.get("preset"), &Preset::WORDS),
            auth: reader.word(fields.get("auth"), &AuthWord::WORDS),
            aws: aws(fields.get("aws"), reader),
            gcp_project: gcp_project(fields.get("gcp"), reader),
        }
    }

    /// These options, and the others where these say nothing.
    pub(in crate::config) fn or(self, other: Self) -> Self {
        Self {
            endpoint: self.endpoint.or(other.endpoint),
            protocol: self.protocol.or(other.protocol),
            headers: self.headers.or(other.headers),
            timeout: self.timeout.or(other.timeout),
            compression: self.compression.or(other.compression),
            tls: self.tls.or(other.tls),
            code_attributes: self.code_attributes.or(other.code_attributes),
            // Only the file has these.
            preset: other.preset,
            auth: other.auth,
            aws: other.aws,
            gcp_project: other.gcp_project,
        }
    }
}

fn gcp_project(node: Option<&Node>, reader: &mut Reader<'_>) -> Option<String> {
    let fields = reader.fields(node, GCP);
    reader.text(fields.get("project"))
}

fn aws(node: Option<&Node>, reader: &mut Reader<'_>) -> Aws {
    let fields = reader.fields(node, AWS);
    let region = |text: &str| is_region(text).then(|| text.to_owned());
    let mut header = |key, name| Some(reader.checked(fields.get(key), |text| Header::new(name, text))?.value);
    Aws {
        log_group: header("log_group", "x-aws-log-group"),
        log_stream: header("log_stream", "x-aws-log-stream"),
        region: reader
            .typed(fields.get("region"), "a region such as `eu-west-1`", region)
            .map(|region| region.value),
    }
}

impl Tls {
    fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Self {
        let fields = reader.fields(node, TLS);
        let mut file = |key| reader.checked(fields.get(key), |path| Ok::<_, String>(PathBuf::from(path)));
        Self { ca_file: file("ca_file"), cert_file: file("cert_file"), key_file: file("key_file") }
    }

    fn or(self, other: Self) -> Self {
        Self {
            ca_file: self.ca_file.or(other.ca_file),
            cert_file: self.cert_file.or(other.cert_file),
            key_file: self.key_file.or(other.key_file),
        }
    }

    /// Where the first of the files is named, if one is.
    pub(in crate::config) fn first_origin(&self) -> Option<Origin> {
        let files = [&self.ca_file, &self.cert_file, &self.key_file];
        files.into_iter().flatten().map(|file| file.origin).next()
    }

    /// Where the setting of this name was made.
    #[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only the exporter reads the files"))]
    pub(in crate::config) fn origin(&self, setting: &str) -> Option<Origin> {
        let file = match setting {
            "ca_file" => &self.ca_file,
            "cert_file" => &self.cert_file,
            _ => &self.key_file,
        };
        file.as_ref().map(|file| file.origin)
    }

    pub(in crate::config) fn into_files(self) -> TlsFiles {
        let path = |file: Option<At<PathBuf>>| file.map(|file| file.value);
        TlsFiles {
            ca_file: path(self.ca_file),
            cert_file: path(self.cert_file),
            key_file: path(self.key_file),
        }
    }
}

fn headers(node: &Node, reader: &mut Reader<'_>) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for entry in reader.entries(Some(node)) {
        let Some(value) = reader.text(Some(&entry.value)) else { continue };
        match Header::new(&entry.key, &value) {
            Ok(header) if headers.iter().any(|other| other.name().eq_ignore_ascii_case(header.name())) => {
                let message = "this header is already there: upper and lower case are the same";
                reader.mistakes.push(Mistake::new(entry.key_place, message));
            }
            Ok(header) => headers.push(header),
            Err(error) => reader.mistakes.push(Mistake::new(entry.key_place, error.to_string())),
        }
    }
    headers
}
