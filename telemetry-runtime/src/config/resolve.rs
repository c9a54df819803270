//! The file and the environment together, checked across each other, become the stages' own options.

use super::env::Environment;
use super::error::{Mistake, Origin};
use super::exporter::{AzureMonitor, Delivery, Exporter, Otlp, Provider, Tls};
use super::overrides::{Overrides, Wanted};
use super::preset::{AuthWord, Preset};
use super::processors::Processors;
use super::raw::{Raw, Service, Telemetry};
use super::reader::At;
use super::{ExporterKind, ExporterSettings, Ingestion, Limits};
use crate::detect;
use crate::dispatch;
use crate::export::connection_string::ConnectionString;
use crate::export::destination::{Compression, DEFAULT_TIMEOUT, Destination, Endpoint, Protocol};
#[cfg(feature = "otlp")]
use crate::export::http;
use crate::logging;
use crate::policy::{Options, Ratio, Sampling};
use crate::propagation;
use crate::record::{PerSignal, Resource, Signal, ValueBuf};
use std::io;
use std::path::PathBuf;

/// The deprecated variable for Azure Monitor.
pub(super) const INSTRUMENTATION_KEY: &str = "APPINSIGHTS_INSTRUMENTATIONKEY";

/// What the file and the environment say together.
pub(super) struct Resolver<'a> {
    pub(super) environment: &'a Environment,
    pub(super) overrides: Overrides,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<String>,
}

impl Resolver<'_> {
    /// Whether nothing is to be recorded.
    pub(super) fn disabled(&self, raw: &Raw) -> bool {
        self.overrides.disabled.unwrap_or(raw.telemetry.enabled == Some(false))
    }

    pub(super) fn resource(&self, raw: &Raw) -> Resource {
        let sdk = Resource::new()
            .with("telemetry.sdk.name", "telemetry")
            .with("telemetry.sdk.language", "rust")
            .with("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
        let project = self.gcp_project(&raw.telemetry);
        let sdk = project.into_iter().fold(sdk, |sdk, project| sdk.with("gcp.project_id", project));
        let file = raw.telemetry.resource.iter().cloned().chain(service_attributes(&raw.service));
        let variables =
            self.overrides.resource.iter().map(|(key, value)| (key.clone(), ValueBuf::Str(value.clone())));
        let resource = file.chain(variables).fold(sdk, |resource, (key, value)| resource.with(key, value));
        match &self.overrides.service_name {
            Some(name) => resource.with("service.name", name.clone()),
            None if resource.get("service.name").is_none() => {
                resource.with("service.name", unknown_service(self.environment.executable()))
            }
            None => resource,
        }
    }

    pub(super) fn policy(&mut self, telemetry: &mut Telemetry) -> Options {
        let file = self.sampling(telemetry);
        Options {
            sampling: self.overrides.sampling.unwrap_or(file),
            exclude: std::mem::take(&mut telemetry.exclude_endpoints),
        }
    }

    fn sampling(&mut self, telemetry: &Telemetry) -> Sampling {
        let ratio = telemetry.sampling_ratio.as_ref();
        let share = ratio.map_or(Ratio::ALWAYS, |ratio| ratio.value);
        let Some(word) = &telemetry.sampler else {
            return Sampling { ratio: share, ..Sampling::default() };
        };
        if let Some(ratio) = ratio.filter(|_| !Sampling::takes_ratio(&word.value)) {
            let message = format!("`sampling_ratio` means nothing to the sampler `{}`", word.value);
            let help = "remove one of the two, or write `sampler: parentbased_traceidratio`";
            self.mistakes.push(Mistake::new(ratio.origin, message).with_help(help));
        }
        // The word was checked when it was read.
        Sampling::from_word(&word.value, share).unwrap_or_default()
    }

    pub(super) fn propagation(&self, telemetry: &Telemetry) -> propagation::Options {
        propagation::Options {
            propagators: self
                .overrides
                .propagators
                .or(telemetry.propagators)
                .or_else(|| Preset::of_process(telemetry).map(Preset::propagators))
                .unwrap_or_default(),
            incoming: telemetry.incoming.unwrap_or_default(),
        }
    }

    pub(super) fn limits(&self, telemetry: &Telemetry) -> Limits {
        let limits = telemetry.limits.or_default();
        let Processors { delay, queue_items, .. } = self.overrides.processors;
        Limits {
            value: self.overrides.value_limit.unwrap_or(limits.value),
            queue_items: queue_items.unwrap_or(limits.queue_items),
            schedule_delay: PerSignal::of(|signal| delay[signal].unwrap_or(limits.schedule_delay[signal])),
            ..limits
        }
    }

    /// What the file says of one exporter, or what holds where it says nothing.
    fn delivery(&self, written: Delivery) -> dispatch::Options {
        let Processors { export_timeout, max_batch_items, .. } = self.overrides.processors;
        let options = written.into_options();
        dispatch::Options {
            export_timeout: export_timeout.unwrap_or(options.export_timeout),
            max_batch_items: max_batch_items.unwrap_or(options.max_batch_items),
            ..options
        }
    }

    /// Who is asked where we run: whom the file names, or whom the preset does.
    pub(super) fn detection(&self, telemetry: &Telemetry, preset: Option<Preset>) -> detect::Options {
        let detectors = telemetry.resource_detection.clone();
        detect::Options {
            detectors: detectors.or(preset.map(Preset::detectors)).unwrap_or_default(),
            variables: detect::Variables::read(|name| self.environment.get(name)),
        }
    }

    /// How lines are written; `preset` is the one that the process goes by.
    pub(super) fn logging(&self, raw: super::raw::Logging, preset: Option<Preset>) -> logging::Options {
        let filter = self.overrides.filter.clone().or(raw.level).unwrap_or_default();
        let format = raw.format.or(preset.map(Preset::log_format)).unwrap_or_default();
        let colour = self.environment.style(&io::stderr()).colour;
        logging::Options { filter, format, colour, resource: Resource::default() }
    }

    pub(super) fn exporters(&mut self, written: Option<Vec<Exporter>>) -> Vec<ExporterSettings> {
        let Some(written) = written else { return self.default_exporters() };
        self.warn_of_endpoints(&written);
        self.refuse_equal_names(&written);
        self.refuse_equal_files(&written);
        written.into_iter().filter_map(|exporter| self.exporter(exporter)).collect()
    }

    fn warn_of_endpoints(&mut self, written: &[Exporter]) {
        let otlp = &self.overrides.otlp;
        let endpoints = [&otlp.every_signal, &otlp.own.traces, &otlp.own.logs].map(|otlp| &otlp.endpoint);
        let count = written.iter().filter(|exporter| exporter.provider.value == Provider::Otlp).count();
        for endpoint in endpoints.into_iter().flatten() {
            let Origin::Variable(name) = endpoint.origin else { continue };
            match count {
                0 => self
                    .warnings
                    .push(format!("{name} is ignored: the settings enable no exporter of provider `otlp`")),
                1 => {}
                many => self
                    .warnings
                    .push(format!("{name} overrides the endpoint of all {many} `otlp` exporters")),
            }
        }
    }

    /// The console; and OTLP for the signals of which a variable says where to, or that it is wanted.
    fn default_exporters(&mut self) -> Vec<ExporterSettings> {
        let traces = self.overrides.exporters.traces.as_ref();
        let console = traces.is_none_or(|traces| traces.value != Wanted::None).then(|| ExporterSettings {
            name: Provider::Console.word().to_owned(),
            kind: self.console(),
            delivery: self.delivery(Delivery::default()),
        });
        let asked = PerSignal::of(|signal| self.asked_by_variable(signal));
        let takes = PerSignal::of(|signal| asked[signal].is_some());
        let otlp = asked.traces.or(asked.logs).and_then(|origin| {
            let kind = self.otlp(&Otlp::default(), None, takes, origin)?;
            let delivery = self.delivery(Delivery::default());
            Some(ExporterSettings { name: Provider::Otlp.word().to_owned(), kind, delivery })
        });
        [console, otlp].into_iter().flatten().collect()
    }

    /// The variable that asks for this signal to go out by OTLP.
    fn asked_by_variable(&self, signal: Signal) -> Option<Origin> {
        let endpoint = || self.overrides.otlp.of(signal).endpoint.map(|endpoint| endpoint.origin);
        let wanted = self.overrides.exporters[signal].as_ref();
        wanted.filter(|wanted| wanted.value == Wanted::Otlp).map(|wanted| wanted.origin).or_else(endpoint)
    }

    fn refuse_equal_names(&mut self, exporters: &[Exporter]) {
        for (index, exporter) in exporters.iter().enumerate() {
            let name = &exporter.name;
            if exporters[..index].iter().any(|earlier| earlier.name.value == name.value) {
                let mistake =
                    Mistake::new(name.origin, format!("another exporter is called `{}`, too", name.value));
                self.mistakes.push(mistake.with_help("give this one a `name` of its own"));
            }
        }
    }

    /// Two that write to one file would each rotate what the other has open.
    fn refuse_equal_files(&mut self, exporters: &[Exporter]) {
        let mut taken: Vec<PathBuf> = Vec::new();
        for exporter in exporters.iter().filter(|exporter| exporter.provider.value == Provider::File) {
            let files = exporter.files();
            if files.iter().any(|file| taken.contains(file)) {
                let origin = exporter.file.path.as_ref().map_or(exporter.provider.origin, |path| path.origin);
                let mistake = Mistake::new(origin, "another exporter writes to this file");
                self.mistakes.push(mistake.with_help("give this one a `path` of its own"));
            }
            taken.extend(files);
        }
    }

    fn exporter(&mut self, exporter: Exporter) -> Option<ExporterSettings> {
        let origin = exporter.provider.origin;
        let kind = match exporter.provider.value {
            Provider::Console => self.console(),
            Provider::Otlp => {
                self.otlp(&exporter.otlp, exporter.delivery.max_batch_bytes, exporter.takes(), origin)?
            }
            Provider::File => self.file(&exporter),
            Provider::AzureMonitor => {
                let takes = exporter.takes();
                self.azure_monitor(exporter.azure_monitor, takes, origin)?
            }
        };
        let delivery = self.delivery(exporter.delivery);
        Some(ExporterSettings { name: exporter.name.value, kind, delivery })
    }

    fn console(&self) -> ExporterKind {
        ExporterKind::Console(self.environment.style(&io::stdout()))
    }

    fn file(&mut self, exporter: &Exporter) -> ExporterKind {
        let takes = exporter.takes();
        if let Some(path) = exporter.file.path.as_ref()
            && takes.traces
            && takes.logs
            && exporter.file.mixes_signals()
        {
            let mistake = Mistake::new(path.origin, "spans and log records cannot share a file");
            self.mistakes
                .push(mistake.with_help("write `{signal}` into the path, or add `signals: [traces]`"));
        }
        ExporterKind::File(PerSignal::of(|signal| takes[signal].then(|| exporter.file.destination(signal))))
    }

    /// An exporter of these signals, if it is left any.
    fn otlp(
        &mut self,
        written: &Otlp,
        max_bytes: Option<usize>,
        mut takes: PerSignal<bool>,
        origin: Origin,
    ) -> Option<ExporterKind> {
        if !cfg!(feature = "otlp") {
            let mistake = Mistake::new(origin, "provider `otlp` is not part of this build");
            self.mistakes.push(mistake.with_help("build `telemetry-runtime` with its feature `otlp`"));
            return None;
        }
        for signal in Signal::ALL {
            let wanted = self.overrides.exporters[signal].as_ref();
            takes[signal] &= wanted.is_none_or(|wanted| wanted.value == Wanted::Otlp);
        }
        let preset = written.preset.as_ref().map(|preset| preset.value);
        let destinations = PerSignal::of(|signal| {
            takes[signal].then(|| Destination {
                max_request_bytes: max_bytes.or(preset.and_then(|preset| preset.max_request_bytes(signal))),
                max_item_bytes: preset.and_then(|preset| preset.max_item_bytes(signal)),
                ..self.destination(written, signal)
            })
        });
        (takes.traces || takes.logs).then_some(ExporterKind::Otlp(destinations))
    }

    fn azure_monitor(
        &mut self,
        written: AzureMonitor,
        takes: PerSignal<bool>,
        origin: Origin,
    ) -> Option<ExporterKind> {
        let by_variable = self.overrides.azure_monitor.clone();
        let named = written.connection_string.or(by_variable).or_else(|| self.by_instrumentation_key());
        let mistake = |message| Some(Mistake::new(origin, message));
        let (mistake, help) = match &named {
            _ if !cfg!(feature = "azure") => (
                mistake("provider `azure_monitor` is not part of this build"),
                "build `telemetry-runtime` with its feature `azure`",
            ),
            None if self.environment.get(INSTRUMENTATION_KEY).is_some() => (
                mistake("APPINSIGHTS_INSTRUMENTATIONKEY, for want of a `connection_string`, is no UUID"),
                "set APPLICATIONINSIGHTS_CONNECTION_STRING instead: that variable is deprecated",
            ),
            None => (
                mistake("this exporter has no `connection_string`"),
                "add it under `azure_monitor:`, or set APPLICATIONINSIGHTS_CONNECTION_STRING",
            ),
            Some(_) => (None, ""),
        };
        self.mistakes.extend(mistake.map(|mistake| mistake.with_help(help)));
        let connection_string = named?;
        let auth = written.auth.filter(|auth| auth.value == AuthWord::AzureEntra);
        let auth = auth.and_then(|auth| self.entra(auth.origin, connection_string.audience()));
        Some(ExporterKind::AzureMonitor(Ingestion {
            connection_string,
            auth,
            takes,
            timeout: written.timeout.unwrap_or(DEFAULT_TIMEOUT),
            compression: written.compression.unwrap_or(Compression::Gzip),
            resource_metric: self.overrides.resource_metric.unwrap_or(true),
        }))
    }

    /// The resource of the variable that was there before connection strings. Platforms set it: it is looked at where it is wanted only.
    fn by_instrumentation_key(&mut self) -> Option<ConnectionString> {
        let key = self.environment.get(INSTRUMENTATION_KEY)?;
        let connection_string = ConnectionString::of_instrumentation_key(key.trim()).ok()?;
        self.warn_once(format!(
            "{INSTRUMENTATION_KEY} is deprecated: set APPLICATIONINSIGHTS_CONNECTION_STRING instead"
        ));
        Some(connection_string)
    }

    fn destination(&mut self, written: &Otlp, signal: Signal) -> Destination {
        let merged = self.overrides.otlp.of(signal).or(written.clone());
        let protocol = self.protocol(&merged);
        self.check_tls(&merged);
        let defaults = Destination::default();
        let auth = self.auth(&merged, protocol).map(Box::new);
        let mut headers = merged.headers.clone().unwrap_or_default();
        self.preset_headers(&merged, signal, &mut headers);
        let endpoint = self.endpoint(&merged, signal, protocol);
        let auth_word = auth.as_ref().map(|auth| auth.word());
        self.warn_of_plain_secrets(&merged, &endpoint, auth_word);
        Destination {
            endpoint,
            headers,
            auth,
            timeout: merged.timeout.unwrap_or(defaults.timeout),
            compression: merged.compression.unwrap_or(defaults.compression),
            protocol,
            tls: merged.tls.into_files(),
            code_attributes: merged.code_attributes.unwrap_or(defaults.code_attributes),
            ..defaults
        }
    }

    /// What is said, or else what receivers speak on the endpoint's port; what cannot be spoken is a mistake.
    fn protocol(&mut self, merged: &Otlp) -> Protocol {
        const INSTEAD: &str = "use `http/protobuf`, for which receivers listen on port 4318";
        let by_port = merged.endpoint.as_ref().filter(|endpoint| endpoint.value.is_grpc_port());
        let by_port = by_port.map(|endpoint| At { value: Protocol::Grpc, origin: endpoint.origin });
        let Some(At { value: protocol, origin }) = merged.protocol.clone().or(by_port) else {
            return Protocol::default();
        };
        match protocol {
            Protocol::Grpc if !cfg!(feature = "grpc") => {
                let mistake = Mistake::new(origin, "OTLP over gRPC is not part of this build");
                let help = format!("build `telemetry-runtime` with its feature `grpc`, or {INSTEAD}");
                self.mistake_once(mistake.with_help(help));
            }
            Protocol::Grpc => self.refuse_path(merged),
            Protocol::HttpProtobuf | Protocol::HttpJson => {}
        }
        protocol
    }

    fn refuse_path(&mut self, merged: &Otlp) {
        let Some(endpoint) = merged.endpoint.as_ref().filter(|endpoint| endpoint.value.has_path()) else {
            return;
        };
        let mistake = Mistake::new(endpoint.origin, "an endpoint for gRPC has no path");
        self.mistake_once(mistake.with_help("remove the path, or write `protocol: http/protobuf`"));
    }

    fn check_tls(&mut self, merged: &Otlp) {
        let Some(origin) = idle_tls(merged) else { return self.check_files(&merged.tls) };
        let mistake = Mistake::new(origin, "an endpoint of `http://` has no use for files of TLS");
        self.mistake_once(mistake.with_help("write `https://`, or remove `tls`"));
    }

    /// What a receiver is trusted with, everybody on the way can read.
    fn warn_of_plain_secrets(&mut self, merged: &Otlp, endpoint: &Endpoint, auth: Option<&str>) {
        if !endpoint.is_readable_on_the_way() {
            return;
        }
        let has_headers = merged.headers.as_ref().is_some_and(|headers| !headers.is_empty());
        let headers = has_headers.then(|| "headers".to_owned());
        let auth = auth.map(|word| format!("auth: {word}"));
        for setting in headers.into_iter().chain(auth) {
            let origin = endpoint.origin();
            let warning =
                format!("an `otlp` exporter sends `{setting}` to {origin} in plain text: write `https://`");
            self.warn_once(warning);
        }
    }

    #[cfg(feature = "otlp")]
    fn check_files(&mut self, tls: &Tls) {
        let Err(error) = http::Tls::read(&tls.clone().into_files()) else { return };
        let reason = std::error::Error::source(&error).map(|source| format!(": {source}"));
        let message = format!("{error}{}", reason.unwrap_or_default());
        if let Some(origin) = tls.origin(error.setting()) {
            self.mistake_once(Mistake::new(origin, message));
        }
    }

    #[cfg(not(feature = "otlp"))]
    fn check_files(&self, _tls: &Tls) {}

    /// Several exporters may have it from the same place.
    fn warn_once(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Both signals may have it from the same place.
    pub(super) fn mistake_once(&mut self, mistake: Mistake) {
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }
}

/// Where the file names files of TLS beside an endpoint that is not encrypted: most likely the `s` of `https` is missing.
fn idle_tls(merged: &Otlp) -> Option<Origin> {
    let in_file = |origin: &Origin| matches!(origin, Origin::File(_));
    let endpoint = merged.endpoint.as_ref().filter(|endpoint| in_file(&endpoint.origin))?;
    merged.tls.first_origin().filter(|origin| in_file(origin) && !endpoint.value.is_secure())
}

/// Source: OpenTelemetry semantic conventions, service and deployment resources.
fn service_attributes(service: &Service) -> impl Iterator<Item = (String, ValueBuf)> {
    let Service { name, version, namespace, environment } = service;
    let attributes = [
        ("service.name", name),
        ("service.version", version),
        ("service.namespace", namespace),
        ("deployment.environment.name", environment),
    ];
    attributes.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?.into())))
}

/// Source: OpenTelemetry semantic conventions, service resource, `service.name`.
fn unknown_service(executable: Option<String>) -> String {
    executable
        .map_or_else(|| "unknown_service".to_owned(), |executable| format!("unknown_service:{executable}"))
}
