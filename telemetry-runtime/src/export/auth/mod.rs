//! How requests to a cloud are authorized.

#[cfg(feature = "aws")]
mod sigv4;

#[cfg(feature = "aws")]
pub(crate) use sigv4::SigV4;

use crate::record::{Secret, Signal};

/// Signature Version 4, as AWS asks for. It is checked in every build, also where the signer itself is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsSigV4 {
    /// Such as `eu-west-1`.
    pub(crate) region: String,
    /// By whose key requests are signed.
    pub(crate) key: AccessKey,
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

/// The service of AWS that takes this signal, as its host's name and the signature have it.
pub(crate) fn aws_service(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "xray",
        Signal::Logs => "logs",
    }
}
