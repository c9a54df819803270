//! How requests to a cloud are authorized: which credentials there are, where they come from, and how long they are kept.
//!
//! What the settings say of it is checked in every build, also where the feature that does it is left out.

mod aws;
#[cfg(any(feature = "gcp", feature = "azure-entra"))]
mod bearer;
#[cfg(feature = "_credentials")]
mod cached;
#[cfg(feature = "_credentials")]
mod desk;
mod entra;
mod gcp;
#[cfg(any(feature = "gcp", feature = "azure-entra"))]
mod jwt;

pub(crate) use aws::{AccessKey, AwsSigV4, ContainerToken, KeySource, Profile, WebIdentity, aws_service};
pub(crate) use entra::{Entra, Identity};
pub(crate) use gcp::Adc;
#[cfg(feature = "gcp")]
pub(crate) use gcp::AdcFile;

#[cfg(feature = "otlp")]
use super::http::Authorize;
#[cfg(feature = "otlp")]
use crate::record::Signal;

/// What a cloud asks of each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// A signature by an access key of AWS.
    Aws(AwsSigV4),
    /// A token of Google's, by Application Default Credentials.
    Gcp(Adc),
    /// A token of Microsoft Entra.
    Entra(Entra),
}

impl Auth {
    /// What authorizes requests of this signal; `None` where this build cannot, which the settings have refused.
    #[cfg(feature = "otlp")]
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, reason = "only AWS has a service for each signal")
    )]
    pub(crate) fn authorizer(self, signal: Signal) -> Option<Box<dyn Authorize>> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(options) => Some(Box::new(aws::SigV4::new(options, signal))),
            #[cfg(not(feature = "aws"))]
            Self::Aws(_) => None,
            #[cfg(feature = "gcp")]
            Self::Gcp(adc) => Some(Box::new(bearer::Bearer::new(gcp::Google::new(adc)))),
            #[cfg(not(feature = "gcp"))]
            Self::Gcp(_) => None,
            Self::Entra(entra) => entra.authorizer(),
        }
    }

    /// The word for it in the settings.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Aws(_) => "aws_sigv4",
            Self::Gcp(_) => "gcp_adc",
            Self::Entra(_) => "azure_entra",
        }
    }
}
