//! The file of Application Default Credentials: a service account's key, or what a user has agreed to.

use crate::export::auth::desk::text;
use crate::record::Secret;
use ring::signature::RsaKeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use std::fmt;
use std::io;
use std::path::Path;

/// What a file of credentials says.
pub(crate) struct AdcFile {
    pub(super) token_url: String,
    pub(super) who: Who,
    pub(super) quota_project: Option<String>,
    project: Option<String>,
}

/// Who asks for a token.
pub(super) enum Who {
    ServiceAccount { email: String, key_id: Option<String>, key: Box<RsaKeyPair> },
    User { client_id: String, client_secret: Secret, refresh_token: Secret },
}

/// Why a file is of no use. Nothing of what is in it is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdcFileError {
    #[error("the file of credentials cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("the file of credentials is no JSON")]
    NoJson,
    #[error("the file of credentials has another `type` than `service_account` or `authorized_user`")]
    Type,
    #[error("the file of credentials has no `{0}`")]
    Missing(&'static str),
    #[error("`private_key` in the file of credentials is no RSA key in the form PEM")]
    Key,
    #[error("`token_uri` in the file of credentials is neither `https://` nor on this machine")]
    TokenUri,
}

const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";

impl AdcFile {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self, AdcFileError> {
        Self::parse(&std::fs::read(path).map_err(AdcFileError::Unreadable)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, AdcFileError> {
        let object: Value = serde_json::from_slice(bytes).map_err(|_| AdcFileError::NoJson)?;
        let member =
            |key: &'static str| text(&object, key).map(str::to_owned).ok_or(AdcFileError::Missing(key));
        let who = match text(&object, "type") {
            Some("service_account") => Who::ServiceAccount {
                email: member("client_email")?,
                key_id: member("private_key_id").ok(),
                key: Box::new(key(&member("private_key")?)?),
            },
            Some("authorized_user") => Who::User {
                client_id: member("client_id")?,
                client_secret: Secret::new(member("client_secret")?),
                refresh_token: Secret::new(member("refresh_token")?),
            },
            _ => return Err(AdcFileError::Type),
        };
        let token_url = member("token_uri").unwrap_or_else(|_| TOKEN_URL.to_owned());
        if !crate::export::destination::Endpoint::from_exact(&token_url)
            .is_ok_and(|url| !url.is_readable_on_the_way())
        {
            return Err(AdcFileError::TokenUri);
        }
        Ok(Self {
            token_url,
            who,
            quota_project: member("quota_project_id").ok(),
            project: member("project_id").ok(),
        })
    }

    /// The project that the file belongs to.
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref().or(self.quota_project.as_deref())
    }
}

fn key(pem: &str) -> Result<RsaKeyPair, AdcFileError> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| AdcFileError::Key)?;
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| AdcFileError::Key)
}

/// Shows nothing that is secret.
impl fmt::Debug for AdcFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdcFile").field("project", &self.project).finish_non_exhaustive()
    }
}
