//! Google Cloud: its endpoint, and where its credentials are.

use crate::config::error::Origin;
use crate::config::resolve::Resolver;
use crate::export::auth::Adc;
use crate::export::destination::{Endpoint, Protocol};
use std::path::PathBuf;

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
