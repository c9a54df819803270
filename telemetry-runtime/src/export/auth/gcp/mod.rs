//! Tokens of Google's, by Application Default Credentials.
//!
//! Source: Google Cloud, "How Application Default Credentials works".

#[cfg(feature = "gcp")]
mod federation;
#[cfg(feature = "gcp")]
mod file;
#[cfg(feature = "gcp")]
mod google;
#[cfg(feature = "gcp")]
mod impersonation;
#[cfg(all(test, feature = "gcp"))]
mod tests;

#[cfg(feature = "gcp")]
pub(crate) use file::AdcFile;
#[cfg(feature = "gcp")]
pub(super) use google::Google;

use std::path::PathBuf;

/// Where the credentials are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adc {
    /// The file that has them; else the machine's own service account is asked.
    pub(crate) file: Option<PathBuf>,
    /// The metadata service, such as `http://169.254.169.254`.
    pub(crate) metadata: String,
    /// Whose quota requests count against, if it is said; else the file may say it.
    pub(crate) quota_project: Option<String>,
}
