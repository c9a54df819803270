//! Signatures of AWS, and where the access keys for them come from.

#[cfg(feature = "aws")]
mod chain;
#[cfg(feature = "aws")]
mod keys;
#[cfg(feature = "aws")]
mod profile;
#[cfg(feature = "aws")]
mod sigv4;
#[cfg(feature = "aws")]
mod sso;
#[cfg(all(test, feature = "aws"))]
mod tests;

#[cfg(feature = "aws")]
pub(super) use sigv4::SigV4;

use crate::record::{Secret, Signal};
use std::path::PathBuf;

/// Signature Version 4, as AWS asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsSigV4 {
    /// Such as `eu-west-1`.
    pub(crate) region: String,
    /// Where a key may be, in the order in which they are looked at. The first that has one is taken.
    pub(crate) keys: Vec<KeySource>,
}

/// An access key of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessKey {
    /// Its name, which requests show.
    pub(crate) id: String,
    /// What signs.
    pub(crate) secret: Secret,
    /// Sent along where the key is a temporary one.
    pub(crate) session_token: Option<Secret>,
}

/// A place where a key may be.
///
/// Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// The key itself, which the environment holds.
    Given(AccessKey),
    Profile(Profile),
    WebIdentity(WebIdentity),
    /// What a container's agent hands out at this URL, on ECS and EKS.
    Container {
        url: String,
        token: Option<ContainerToken>,
    },
    /// The role of the virtual machine, from its metadata service (version 2) at this base URL.
    Machine {
        base: String,
    },
}

/// A section of the shared files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Whether somebody has asked for it, so that it must be there.
    pub(crate) is_named: bool,
    pub(crate) credentials_file: PathBuf,
    pub(crate) config_file: PathBuf,
    /// Where `aws sso login` leaves its tokens.
    pub(crate) sso_cache: PathBuf,
    /// What hands out keys to whom has such a token, if it is not the region's.
    pub(crate) sso_url: Option<String>,
    /// The Security Token Service, and its region.
    pub(crate) sts_url: String,
    pub(crate) region: String,
}

/// A role that is taken with a token of another issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebIdentity {
    pub(crate) role_arn: String,
    pub(crate) session_name: String,
    pub(crate) token_file: PathBuf,
    /// The Security Token Service.
    pub(crate) sts_url: String,
}

/// What a container shows to its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ContainerToken {
    Text(Secret),
    File(PathBuf),
}

/// The service of AWS that takes this signal, as its host's name and the signature have it.
pub(crate) fn aws_service(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "xray",
        Signal::Logs => "logs",
    }
}
