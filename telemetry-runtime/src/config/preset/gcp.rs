//! Google Cloud: its endpoint, and where its credentials are.

use super::Preset;
use crate::config::error::Origin;
use crate::config::exporter::Otlp;
use crate::config::raw::Telemetry;
use crate::config::resolve::Resolver;
use crate::export::auth::Adc;
use crate::export::destination::{Endpoint, Protocol};
use std::path::PathBuf;

pub(in crate::config) const PROJECT: [&str; 2] = ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"];
const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
const METADATA_HOST: &str = "GCE_METADATA_HOST";
/// The metadata service by its address, which needs nobody to look it up.
const METADATA: &str = "169.254.169.254";

/// The Telemetry API, which speaks all of OTLP's protocols.
///
/// Source: Google Cloud Observability, "Telemetry (OTLP) API overview".
pub(super) fn endpoint(protocol: Protocol) -> Endpoint {
    Endpoint::from_base("https://telemetry.googleapis.com").unwrap_or_else(|_| Endpoint::default_of(protocol))
}

impl Resolver<'_> {
    /// Application Default Credentials: the file that a variable names, else the one that `gcloud` has written, else the machine's own.
    pub(super) fn adc(&mut self, origin: Origin) -> Option<Adc> {
        if !self.has_feature(origin, cfg!(feature = "gcp"), "Google's tokens", "gcp") {
            return None;
        }
        let file = self.adc_file();
        if let Some(path) = &file {
            self.check_adc(path, origin);
        }
        Some(Adc {
            file,
            metadata: self.gcp_metadata()?,
            quota_project: self.environment.get("GOOGLE_CLOUD_QUOTA_PROJECT"),
        })
    }

    /// The project that an exporter with the preset belongs to, as far as it is known without asking anybody.
    pub(in crate::config) fn gcp_project(&self, telemetry: &Telemetry) -> Option<String> {
        let mut exporters = telemetry.exporters.iter().flatten().map(|exporter| &exporter.otlp);
        let is_preset = |otlp: &&Otlp| otlp.preset.as_ref().is_some_and(|at| at.value == Preset::Gcp);
        let written = exporters.find(is_preset)?.gcp_project.clone();
        let variable = || PROJECT.into_iter().find_map(|name| self.environment.get(name));
        written.or_else(variable).or_else(|| self.project_of_file())
    }

    #[cfg(feature = "gcp")]
    fn project_of_file(&self) -> Option<String> {
        crate::export::auth::AdcFile::read(&self.adc_file()?).ok()?.project().map(str::to_owned)
    }

    #[cfg(not(feature = "gcp"))]
    fn project_of_file(&self) -> Option<String> {
        None
    }

    fn adc_file(&self) -> Option<PathBuf> {
        if let Some(path) = self.environment.get(FILE) {
            return Some(path.into());
        }
        let folder = self
            .environment
            .get("CLOUDSDK_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(self.environment.get("HOME")?).join(".config/gcloud")))?;
        Some(folder.join("application_default_credentials.json")).filter(|path| path.is_file())
    }

    /// What is wrong with the file shows now, rather than with the first batch.
    #[cfg(feature = "gcp")]
    fn check_adc(&mut self, path: &std::path::Path, origin: Origin) {
        use crate::config::error::Mistake;
        let Err(error) = crate::export::auth::AdcFile::read(path) else { return };
        let reason = std::error::Error::source(&error).map(|source| format!(": {source}"));
        let origin = if self.environment.get(FILE).is_some() { Origin::Variable(FILE) } else { origin };
        let help = "`gcloud auth application-default login` writes one, and so does a service account's page, under keys";
        let mistake = Mistake::new(origin, format!("{error}{}", reason.unwrap_or_default()));
        self.mistake_once(mistake.with_help(help));
    }

    #[cfg(not(feature = "gcp"))]
    fn check_adc(&self, _: &std::path::Path, _: Origin) {}

    fn gcp_metadata(&mut self) -> Option<String> {
        let host = self.environment.get(METADATA_HOST).unwrap_or_else(|| METADATA.to_owned());
        let url = format!("http://{}", host.trim().trim_end_matches('/'));
        if Endpoint::from_exact(&url).is_err() {
            let message = "expected a host, perhaps with a port, such as `169.254.169.254`";
            self.mistake_once(crate::config::error::Mistake::new(Origin::Variable(METADATA_HOST), message));
            return None;
        }
        Some(url)
    }
}
