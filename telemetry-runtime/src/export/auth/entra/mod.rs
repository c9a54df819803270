//! Tokens of Microsoft Entra, by which Azure Monitor lets in.
//!
//! Source: Microsoft identity platform, "OAuth 2.0 client credentials flow"; Azure, "How to use managed identities to acquire an access token";
//! App Service, "Connect to Azure services in app code".

#[cfg(feature = "azure-entra")]
mod certificate;
#[cfg(all(test, feature = "azure-entra"))]
mod tests;
#[cfg(feature = "azure-entra")]
mod tokens;

#[cfg(feature = "_http-client")]
use crate::export::http::Authorize;
use crate::record::Secret;
use std::path::PathBuf;

/// Who asks for a token, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entra {
    pub(crate) identity: Identity,
    /// What the token is for, such as `https://monitor.azure.com`.
    pub(crate) resource: String,
}

/// Who we are to Entra.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// An application with a secret.
    Secret { token_url: String, client_id: String, secret: Secret },
    /// An application with a certificate, in a file of the form PEM that has its key, too.
    Certificate { token_url: String, client_id: String, file: PathBuf },
    /// An application with a token of another issuer, in a file that somebody renews: workload identity.
    Federated { token_url: String, client_id: String, token_file: PathBuf },
    /// The managed identity of an App Service or a function; `header` shows that we run there.
    AppService { url: String, header: Secret, client_id: Option<String> },
    /// The managed identity of a virtual machine, from its metadata service at this base URL.
    Machine { base: String, client_id: Option<String> },
}

impl Entra {
    /// What authorizes requests; `None` where this build cannot, which the settings have refused.
    #[cfg(feature = "_http-client")]
    pub(crate) fn authorizer(self) -> Option<Box<dyn Authorize>> {
        #[cfg(feature = "azure-entra")]
        return Some(Box::new(super::bearer::Bearer::new(tokens::Tokens::new(self))));
        #[cfg(not(feature = "azure-entra"))]
        None
    }
}
