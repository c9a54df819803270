//! Settings: a file, the environment and defaults, checked and turned into the stages' own options.

mod deserialize;
mod document;
mod env;
mod error;
mod exporter;
mod key;
mod limits;
mod overrides;
mod preset;
mod processors;
mod raw;
mod reader;
#[cfg(test)]
mod reference;
mod resolve;
mod resolved;
mod secrecy;
mod section;
mod source;
pub(crate) mod substitute;
mod suggest;
#[cfg(test)]
mod tests;

pub(crate) use env::Environment;
pub use error::SettingsError;
pub(crate) use limits::Limits;

use crate::detect;
use crate::dispatch;
use crate::export::auth::Entra;
use crate::export::connection_string::ConnectionString;
use crate::export::console::Style;
use crate::export::destination::{Compression, Destination};
use crate::export::file;
use crate::logging;
use crate::policy::{self, Ratio, Sampling};
use crate::propagation;
use crate::record::{PerSignal, Resource};
use overrides::{Overrides, Variables};
use preset::Preset;
use raw::Raw;
use reader::Reader;
use resolve::Resolver;
use resolved::Elsewhere;
use section::Sections;
use serde::de::DeserializeOwned;
use source::Source;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// What to record and where to send it.
///
/// Settings come from a `settings.yaml`, from OpenTelemetry's environment variables, which override it, and from defaults: everything
/// is recorded (unless a caller has decided otherwise) and written to the console.
///
/// # The file
/// ```yaml
/// service:
///   name: orders                        # default: unknown_service:<program>
///   version: 1.2.0
///   namespace: shop
///   environment: production
/// telemetry:
///   enabled: true
///   sampling_ratio: 0.1                 # of the traces that begin here; default 1
///   sampler: parentbased_traceidratio   # any word of OTEL_TRACES_SAMPLER
///   exclude_endpoints: ["/health", "/internal/*"]
///   propagators: [tracecontext, baggage]    # or b3, b3multi, jaeger, xray, none: how contexts travel in headers
///   incoming: trust                     # a caller's trace is continued; or link: a new one links to it; or ignore
///   resource: {cloud.region: eu-west-1}
///   resource_detection: [host, os, process, container]    # or aws, gcp, azure, too: who is asked where we run; default: the preset's, or nobody
///   limits:                             # of memory; what does not fit is dropped and counted
///     lanes: 64MiB                      # spans that have ended, before they are collected, on all threads
///     details: 16MiB                    # events and late attributes of spans that still run
///     queue: 16MiB                      # batches that wait for one exporter
///     queue_items: 262144               # the same, as a number of spans and log records
///     value: 4KiB                       # one attribute value; a longer one is cut at a character
///     schedule_delay: 200ms             # how long what has ended waits for company at most
///   tracing: info                       # spans that other libraries make with `tracing`: a level, or directives by target; off
///   opentelemetry: true                 # with the feature of that name: the API's global tracer provider and propagator are ours
///   exporters:                          # default: console
///     - provider: otlp                  # console, otlp, file, azure_monitor
///       name: collector                 # default: the provider; distinct
///       enabled: ${OTLP_ENABLED:-true}
///       signals: [traces, logs]         # default: both; the console takes traces only
///       otlp:
///         preset: self_hosted           # or aws, gcp, azure: what is not written is as that cloud wants it (see below)
///         endpoint: http://localhost:4318   # v1/traces and v1/logs are appended
///         protocol: http/protobuf       # or http/json; or grpc, the default where the port is 4317
///         headers: {api-key: "${API_KEY}"}
///         timeout: 10s                  # or ms, m, h
///         compression: gzip             # default none
///         tls:                          # behind https, whom to trust and who to be; files in the form PEM
///           ca_file: ca.pem             # default: whom the system trusts
///           cert_file: client.pem       # with key_file, for receivers that ask for it; default: none
///           key_file: client.key
///         auth: none                    # or aws_sigv4, gcp_adc, azure_entra: the defaults of the presets
///         aws:
///           region: eu-west-1           # default: AWS_REGION, AWS_DEFAULT_REGION
///           log_group: /orders          # where log records go; group and stream must exist
///           log_stream: main
///         gcp:
///           project: orders             # default: GOOGLE_CLOUD_PROJECT, or that of the credentials or of the machine
///         code_attributes: false        # spans and log records do not say where their code is; default true
///       sampling_ratio: 0.05            # only spans of this share of all traces, whatever share is recorded; default 1
///       level: info                     # nothing less important; default: everything
///       exclude: [{http.route: /health}]    # nothing with all attributes of one of these; default: none
///       include: [{tenant: acme}]       # only what has all attributes of one of these; default: everything
///       max_batch_items: 512            # larger batches are split; default: as they come
///       max_batch_bytes: 4MiB           # so are those that make larger requests of otlp; default: the preset's, else 64MiB, over gRPC 4MiB
///       concurrency: 1                  # requests at the same time, to 64; the console and files have one
///       export_timeout: 30s             # a call that takes longer is given up; what it had goes to the spool, or is dropped
///       retry: {initial: 1s, max: 30s, budget: 5m}    # the first pause, the longest, and how long a batch is tried
///       spool:                          # where what cannot be sent is kept on disk; default: nowhere
///         path: /var/spool/orders       # a folder of ours (mode 0700), made if it is not there
///         max_size: 256MiB              # beyond that the oldest go
///         max_age: 24h                  # what is older goes
///         fsync: 1s                     # what a power failure may cost; or always, or never
///         mode: on_failure              # or always: everything is on disk before it is sent
///     - provider: azure_monitor
///       azure_monitor:
///         connection_string: "${AZURE_MONITOR_CONNECTION_STRING}"   # default: APPLICATIONINSIGHTS_CONNECTION_STRING
///         auth: none                    # or azure_entra: a token of Microsoft Entra with each request
///         timeout: 10s                  # of one batch, with all its requests; the default
///         compression: gzip             # the default; or none
///     - provider: file                  # OTLP JSON lines
///       file:
///         path: logs/{signal}.jsonl     # {signal} is traces or logs; or stdout; default {signal}.jsonl
///         max_size: 64MiB               # the next file is begun before one grows beyond this; 1MiB or more
///         max_files: 5                  # of each signal, from 1 to 1000; the oldest is removed
/// logging:
///   level: info                         # or directives: info,my_crate=debug; of lines and of log records
///   format: json                        # or text, gcp, ecs; the default of the preset gcp is gcp
///   span_events: false                  # whether what is logged within a span is an event of the span, too
/// server:                               # the application's own: see `section`
///   port: 8000
/// ```
/// `docs/settings.md` of the repository has every key with its type, default and variables, and `settings.schema.json` has editors complete and
/// check the file, where its first line is `# yaml-language-server: $schema=settings.schema.json`.
///
/// Unknown keys, wrong types and contradictions are errors. Empty and `null` mean absent. In values, `${VAR}`, `${env:VAR}` and
/// `${VAR:-default}` are replaced by environment variables, and `$$` is a dollar sign; a variable that is neither set nor has a default
/// is an error, except within an exporter that is not enabled.
///
/// # Clouds
/// A `preset` fills in what is not written; what is written wins, one by one. Propagators, detection and log format go by the first exporter
/// that has a preset.
///
/// | | `aws` | `gcp` | `azure` | `self_hosted` |
/// |---|---|---|---|---|
/// | endpoint | X-Ray and CloudWatch Logs of the region | `telemetry.googleapis.com` | none: to an `endpoint` that names a data collection rule (`https://NAME.REGION-1.ingest.monitor.azure.com/datacollectionRules/ID`) the stream of each signal is appended | port 4318 or 4317 here |
/// | `auth` | `aws_sigv4` | `gcp_adc` | `azure_entra` | `none` |
/// | propagators | `tracecontext`, `baggage`, `xray` | `tracecontext`, `baggage` | the same | the same |
/// | `resource_detection` | `host`, `os`, `process`, `container`, `aws` | the same with `gcp` | the same with `azure` | the same without a cloud |
/// | log format | `json` | `gcp` | `json` | `json` |
/// | request, at most | 5 MB of spans, 1 MB of log records, 200 KB a span | 4 MiB | 1 MB | 64 MiB, over gRPC 4 MiB |
///
/// Credentials are looked for where the cloud's own tools do, and fetched when they are needed, on the exporter's own thread: new ones before
/// the old expire, and once where a receiver does not accept them. While there are none, batches wait as if the receiver were away.
///
/// - `aws_sigv4` (feature `aws`): `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; else, in this order, the profile
///   `AWS_PROFILE` or `default` of the shared files (`AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`): its key, a role that it takes (`role_arn`
///   with `source_profile`, `credential_source` or `web_identity_token_file`; five profiles at most), or what `aws sso login` has signed in for
///   (`AWS_ENDPOINT_URL_SSO`), but no `credential_process`, since nothing here starts programs; a web
///   identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`; `AWS_ROLE_SESSION_NAME`, `AWS_ENDPOINT_URL_STS`), a container's agent
///   (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `_FULL_URI`, `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `AWS_CONTAINER_AUTHORIZATION_TOKEN`), and
///   the instance metadata service, version 2 only (`AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`,
///   `AWS_EC2_METADATA_DISABLED`).
/// - `gcp_adc` (feature `gcp`): Application Default Credentials, which are the file that `GOOGLE_APPLICATION_CREDENTIALS` names, else the one
///   that `gcloud` has written (`CLOUDSDK_CONFIG`), of a service account, of a user, of
///   another issuer's account (from a file or a URL, not by an executable or AWS's environment), or of who acts for a service account; else the metadata service (`GCE_METADATA_HOST`).
///   `GOOGLE_CLOUD_QUOTA_PROJECT` names whose quota is used.
/// - `azure_entra` (feature `azure-entra`): an application (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`) with `AZURE_CLIENT_SECRET`,
///   `AZURE_CLIENT_CERTIFICATE_PATH` (PEM without a password), or a workload's `AZURE_FEDERATED_TOKEN_FILE` (`AZURE_AUTHORITY_HOST`); else the managed identity of an App Service (`IDENTITY_ENDPOINT`,
///   `IDENTITY_HEADER`) or of a machine (`AZURE_POD_IDENTITY_AUTHORITY_HOST`), that of `AZURE_CLIENT_ID` if it is set. The token is for
///   `https://monitor.azure.com`, or the `AADAudience` of a connection string.
///
/// Services that hand out credentials are `https`, on this machine, or at the link-local addresses of metadata services; proxies are not used.
/// Detection asks the metadata services of the clouds that are named, all at once and for a second at most; what it finds stands beneath
/// `resource` and `OTEL_RESOURCE_ATTRIBUTES`.
///
/// # The environment
/// These override the file: `OTEL_SDK_DISABLED`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`,
/// `OTEL_TRACES_SAMPLER_ARG`, `OTEL_PROPAGATORS`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` (here in bytes; `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` wins), and `OTEL_EXPORTER_OTLP_ENDPOINT`, `_HEADERS`, `_TIMEOUT`, `_PROTOCOL`, `_COMPRESSION`,
/// `_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY`, each also as
/// `OTEL_EXPORTER_OTLP_TRACES_...` and `OTEL_EXPORTER_OTLP_LOGS_...`, which win (their endpoints are used as they are).
/// An endpoint for gRPC may lack its scheme there: it is `https`, or `http` where `OTEL_EXPORTER_OTLP_INSECURE` (also `..._TRACES_INSECURE`
/// and `..._LOGS_INSECURE`) is `true`.
/// `OTEL_TRACES_EXPORTER` and `OTEL_LOGS_EXPORTER` say whether `otlp` exporters get spans and log records: not if it is `none` or `console`.
/// `OTEL_BSP_SCHEDULE_DELAY` (of spans) and `OTEL_BLRP_SCHEDULE_DELAY` (of log records), in milliseconds, override
/// `limits.schedule_delay`; `..._MAX_QUEUE_SIZE` overrides `limits.queue_items`, and for every exporter `..._MAX_EXPORT_BATCH_SIZE`
/// overrides `max_batch_items`, `..._EXPORT_TIMEOUT` (in milliseconds, 0 for no limit) `export_timeout`. An exporter has one queue for both
/// signals: of two variables the larger queue and timeout count, and the smaller batch.
/// `RUST_LOG` overrides `logging.level`; `NO_COLOR` forbids colours. The `OTEL_EXPORTER_OTLP_...` variables override what the file says for every enabled `otlp` exporter; they add none to a list
/// of exporters in a file (a warning says so). Where no list is given, the console is joined by an `otlp` exporter of the signals for which
/// a variable names an endpoint or asks for `otlp`; without the console if `OTEL_TRACES_EXPORTER` is `none`.
///
/// `APPLICATIONINSIGHTS_CONNECTION_STRING` is for `azure_monitor` exporters that name no `connection_string`: unlike the others it does not
/// override the file, as it does not in the vendor's libraries. Where it is not set either, `APPINSIGHTS_INSTRUMENTATIONKEY` is taken, with a
/// warning: the vendor has deprecated it. `APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED=true` keeps these exporters from sending
/// the resource's attributes. Nor do `AWS_REGION`, else `AWS_DEFAULT_REGION`, and the variables for credentials above: they are read where the
/// preset or `auth` of that cloud is written only.
///
/// A number or word in a variable that cannot be understood is ignored, with a [warning](Self::warnings). Another is given where headers or
/// signatures would go to another machine in plain text.
///
/// # Examples
/// ```
/// use telemetry_runtime::Settings;
///
/// let settings = Settings::from_text("service: {name: orders}", "settings.yaml")?;
/// let error = Settings::from_text("servce: {name: orders}", "settings.yaml").unwrap_err();
/// assert!(error.to_string().contains("settings.yaml:1:1: unknown key `servce`"));
/// assert!(error.to_string().contains("did you mean `service`?"));
/// # Ok::<(), telemetry_runtime::SettingsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who reports.
    pub(crate) resource: Resource,
    /// Who is asked where we run, beneath what the resource says already.
    pub(crate) detection: detect::Options,
    /// Which traces are recorded.
    pub(crate) policy: policy::Options,
    /// How contexts come from and go to other processes.
    pub(crate) propagation: propagation::Options,
    /// Where spans and log records go: those that are enabled, with distinct names.
    pub(crate) exporters: Vec<ExporterSettings>,
    /// How much memory may be taken.
    pub(crate) limits: Limits,
    /// How log lines are written.
    pub(crate) logging: logging::Options,
    /// Whether what is logged within a span is an event of the span, too.
    #[cfg_attr(
        not(any(test, feature = "logging")),
        expect(dead_code, reason = "only the feature `logging` sees events")
    )]
    pub(crate) span_events: bool,
    /// Which spans of other libraries are recorded.
    #[cfg_attr(
        not(any(test, feature = "logging")),
        expect(dead_code, reason = "only the feature `logging` sees spans of `tracing`")
    )]
    pub(crate) tracing: logging::Filter,
    /// Whether the global tracer provider and propagator of the OpenTelemetry API are to be ours.
    #[cfg_attr(
        not(any(test, feature = "opentelemetry")),
        expect(dead_code, reason = "only the feature `opentelemetry` has them")
    )]
    pub(crate) opentelemetry: bool,
    /// Whether nothing at all is to be recorded.
    pub(crate) disabled: bool,
    warnings: Vec<String>,
    sections: Sections,
    elsewhere: Elsewhere,
}

/// One enabled exporter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExporterSettings {
    /// Distinct among all.
    pub(crate) name: String,
    /// Which exporter, and its options.
    pub(crate) kind: ExporterKind,
    /// What it gets, and how hard it tries; the bounds of its queue are [`Limits`].
    pub(crate) delivery: dispatch::Options,
}

/// The exporters that settings can name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExporterKind {
    /// For people's eyes.
    Console(Style),
    /// To a collector or a back-end.
    Otlp(PerSignal<Option<Destination>>),
    /// To an Application Insights resource.
    AzureMonitor(Ingestion),
    /// As lines of JSON.
    File(PerSignal<Option<file::Destination>>),
}

/// Where an `azure_monitor` exporter sends, checked in every build.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ingestion {
    pub(crate) connection_string: ConnectionString,
    pub(crate) takes: PerSignal<bool>,
    /// Who asks for a token; nobody by default.
    pub(crate) auth: Option<Entra>,
    /// How long one batch may take, with all its requests.
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    /// Whether the resource is sent as a metric.
    pub(crate) resource_metric: bool,
}

/// Found where no settings file is named.
const DEFAULT_PATH: &str = "settings.yaml";
/// Names the settings file.
const PATH_VARIABLE: &str = "SETTINGS_FILE";
/// The largest settings file that is read, in bytes.
const LARGEST_FILE_BYTES: u64 = 1 << 20;

impl Settings {
    /// The settings to start with: from the file that is named (`--config`), else by the variable `SETTINGS_FILE`, else from
    /// `./settings.yaml` if there is one, else the environment and defaults.
    ///
    /// # Errors
    /// If a named file does not exist ([`SettingsError::is_not_found`]), or whatever [`from_path`](Self::from_path) refuses.
    pub fn find(named: Option<&Path>) -> Result<Self, SettingsError> {
        let environment = Environment::Process;
        if let Some(path) = named {
            return Self::load(path, &environment);
        }
        if let Some(path) = environment.get(PATH_VARIABLE) {
            return Self::load(Path::new(&path), &environment);
        }
        match Self::load(Path::new(DEFAULT_PATH), &environment) {
            Err(error) if error.is_not_found() => Self::read(Source::new(DEFAULT_PATH, ""), &environment),
            found => found,
        }
    }

    /// The settings of a file, overridden by the environment.
    ///
    /// # Errors
    /// If the file cannot be read, is not UTF-8 or larger than 1 MiB, or if anything in it is wrong; all mistakes are reported together.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, SettingsError> {
        Self::load(path.as_ref(), &Environment::Process)
    }

    /// The settings of a text, overridden by the environment; error messages call it by `name`.
    ///
    /// # Errors
    /// If anything in it is wrong; all mistakes are reported together.
    pub fn from_text(text: &str, name: &str) -> Result<Self, SettingsError> {
        Self::read(Source::new(name, text), &Environment::Process)
    }

    fn load(path: &Path, environment: &Environment) -> Result<Self, SettingsError> {
        let text = read_file(path).map_err(|error| SettingsError::unreadable(path, error))?;
        Self::read(Source::new(path.display().to_string(), text), environment)
    }

    fn read(mut source: Source, environment: &Environment) -> Result<Self, SettingsError> {
        let mut mistakes = Vec::new();
        let root = document::parse(&mut source, &mut mistakes);
        let mut variables = Variables { environment, warnings: Vec::new(), mistakes, understood: Vec::new() };
        let overrides = Overrides::read(&mut variables);

        let Variables { warnings, mistakes, understood, .. } = variables;
        let mut reader = Reader { environment, source: &mut source, mistakes, forgiving: false };
        let raw = Raw::read(root.as_ref(), &mut reader, overrides.disabled);

        let mut resolver = Resolver { environment, overrides, mistakes: reader.mistakes, warnings };
        let settings = Self::resolve(raw, &mut resolver);
        let Resolver { mistakes, warnings, .. } = resolver;
        if !mistakes.is_empty() {
            return Err(SettingsError::mistakes(source, mistakes));
        }
        let sections = Sections::new(source, root, environment.clone());
        let elsewhere = Elsewhere { variables: understood, in_code: Vec::new() };
        Ok(Self { warnings, sections, elsewhere, ..settings })
    }

    fn resolve(mut raw: Raw, resolver: &mut Resolver<'_>) -> Self {
        let disabled = resolver.disabled(&raw);
        let preset = Preset::of_process(&raw.telemetry);
        Self {
            resource: resolver.resource(&raw),
            detection: resolver.detection(&raw.telemetry, preset),
            policy: resolver.policy(&mut raw.telemetry),
            propagation: resolver.propagation(&raw.telemetry),
            limits: resolver.limits(&raw.telemetry),
            exporters: if disabled { Vec::new() } else { resolver.exporters(raw.telemetry.exporters.take()) },
            span_events: raw.logging.span_events.unwrap_or(false),
            tracing: raw.telemetry.tracing.take().unwrap_or_default(),
            opentelemetry: raw.telemetry.opentelemetry.unwrap_or(true),
            logging: resolver.logging(raw.logging, preset),
            disabled,
            warnings: Vec::new(),
            sections: Sections::default(),
            elsewhere: Elsewhere::default(),
        }
    }

    /// What is odd but no reason not to start, such as a variable that is not understood. For a log, once the program has one.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The application's own section, which is called `server`, as a type of the application; `None` if it is absent.
    ///
    /// Values go through the same substitution as all others. Unknown keys are refused if the type refuses them
    /// (`#[serde(deny_unknown_fields)]`). Enums are read externally tagged.
    ///
    /// # Errors
    /// If the section does not fit the type; the message shows where.
    ///
    /// # Examples
    /// ```
    /// use telemetry_runtime::Settings;
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Server {
    ///     port: u16,
    /// }
    ///
    /// let settings = Settings::from_text("server: {port: 8000}", "settings.yaml")?;
    /// assert_eq!(settings.section::<Server>("server")?.map(|server| server.port), Some(8000));
    /// # Ok::<(), telemetry_runtime::SettingsError>(())
    /// ```
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SettingsError> {
        self.sections.read(name)
    }

    /// The same settings with this `service.name`.
    #[must_use]
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.resource = self.resource.with("service.name", name.into());
        self.elsewhere.in_code.push("service.name");
        self
    }

    /// The same settings, recording this share of the traces that begin here, from 0 to 1; a number outside of that counts as 1.
    #[must_use]
    pub fn with_sampling_ratio(mut self, ratio: f64) -> Self {
        let ratio = Ratio::new(ratio).unwrap_or(Ratio::ALWAYS);
        self.policy.sampling = Sampling { ratio, ..Sampling::default() };
        self.elsewhere.in_code.extend(["telemetry.sampling_ratio", "telemetry.sampler"]);
        self
    }

    /// The same settings with no exporters but those that are added in code.
    #[must_use]
    pub fn without_exporters(mut self) -> Self {
        self.exporters.clear();
        self.elsewhere.in_code.push("telemetry.exporters");
        self
    }
}

/// Defaults alone: no file and none of OpenTelemetry's variables are read.
impl Default for Settings {
    fn default() -> Self {
        let environment = Environment::Process;
        let overrides = Overrides::default();
        let mut resolver =
            Resolver { environment: &environment, overrides, mistakes: Vec::new(), warnings: Vec::new() };
        Self::resolve(Raw::default(), &mut resolver)
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(LARGEST_FILE_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > LARGEST_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than 1 MiB"));
    }
    Ok(text)
}
