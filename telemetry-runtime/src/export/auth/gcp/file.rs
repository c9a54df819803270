//! The file of Application Default Credentials: a service account's key, what a user has agreed to, or whose token is taken instead.
//!
//! Source: AIP-4110 and those that it names.

use super::federation::Federation;
use super::impersonation::Impersonation;
use crate::export::auth::desk::text;
use crate::export::auth::jwt;
use crate::export::destination::Endpoint;
use crate::record::Secret;
use ring::signature::RsaKeyPair;
use serde_json::Value;
use std::fmt;
use std::io;
use std::path::Path;

/// What a file of credentials says.
pub(crate) struct AdcFile {
    pub(super) token_url: String,
    pub(super) who: Who,
    /// Whom to become with that token, one after the other.
    pub(super) impersonations: Vec<Impersonation>,
    pub(super) quota_project: Option<String>,
    project: Option<String>,
}

/// Who asks for a token.
pub(super) enum Who {
    ServiceAccount { email: String, key_id: Option<String>, key: Box<RsaKeyPair> },
    User { client_id: String, client_secret: Secret, refresh_token: Secret },
    Federated(Federation),
}

/// Why a file is of no use. Nothing of what is in it is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdcFileError {
    #[error("the file of credentials cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("the file of credentials is no JSON")]
    NoJson,
    #[error(
        "the file of credentials has another `type` than `service_account`, `authorized_user`, `external_account` or \
         `impersonated_service_account`"
    )]
    Type,
    #[error("the file of credentials has no `{0}`")]
    Missing(&'static str),
    #[error("`private_key` in the file of credentials is no RSA key in the form PEM")]
    Key,
    #[error("`{0}` in the file of credentials is neither `https://` nor on this machine")]
    Url(&'static str),
    #[error("`format` in the file of credentials has another `type` than `text` or `json`")]
    Format,
    #[error(
        "`credential_source` in the file of credentials has neither a `file` nor a `url` with a token: executables and AWS are not supported"
    )]
    Source,
}

const IMPERSONATED: &str = "impersonated_service_account";
/// Where accounts of Google's own get their tokens.
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// Where tokens of other issuers are exchanged for them.
const EXCHANGE_URL: &str = "https://sts.googleapis.com/v1/token";

impl AdcFile {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self, AdcFileError> {
        Self::parse(&std::fs::read(path).map_err(AdcFileError::Unreadable)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, AdcFileError> {
        let object: Value = serde_json::from_slice(bytes).map_err(|_| AdcFileError::NoJson)?;
        let source = match text(&object, "type") {
            Some(IMPERSONATED) => {
                object.get("source_credentials").ok_or(AdcFileError::Missing("source_credentials"))?
            }
            _ => &object,
        };
        let member =
            |key: &'static str| text(source, key).map(str::to_owned).ok_or(AdcFileError::Missing(key));
        let who = match text(source, "type") {
            Some("service_account") => Who::ServiceAccount {
                email: member("client_email")?,
                key_id: member("private_key_id").ok(),
                key: Box::new(jwt::key(member("private_key")?.as_bytes()).ok_or(AdcFileError::Key)?),
            },
            Some("authorized_user") => Who::User {
                client_id: member("client_id")?,
                client_secret: Secret::new(member("client_secret")?),
                refresh_token: Secret::new(member("refresh_token")?),
            },
            Some("external_account") => Who::Federated(Federation::parse(source)?),
            _ => return Err(AdcFileError::Type),
        };
        let (key, default) = match who {
            Who::Federated(_) => ("token_url", EXCHANGE_URL),
            Who::ServiceAccount { .. } | Who::User { .. } => ("token_uri", TOKEN_URL),
        };
        let token_url = private(key, text(source, key).unwrap_or(default))?;
        let files = if std::ptr::eq(source, &object) { vec![source] } else { vec![source, &object] };
        let impersonations = files.into_iter().filter_map(|file| Impersonation::parse(file).transpose());
        let impersonations: Vec<_> = impersonations.collect::<Result<_, _>>()?;
        if impersonations.is_empty() && text(&object, "type") == Some(IMPERSONATED) {
            return Err(AdcFileError::Missing("service_account_impersonation_url"));
        }
        let of_either = |key| text(&object, key).or_else(|| text(source, key)).map(str::to_owned);
        Ok(Self {
            token_url,
            who,
            impersonations,
            quota_project: of_either("quota_project_id"),
            project: of_either("project_id"),
        })
    }

    /// The project that the file belongs to.
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref().or(self.quota_project.as_deref())
    }
}

/// The URL, to which what is secret may go.
pub(super) fn private(key: &'static str, url: &str) -> Result<String, AdcFileError> {
    let is_private = Endpoint::from_exact(url).is_ok_and(|endpoint| endpoint.is_private());
    is_private.then(|| url.to_owned()).ok_or(AdcFileError::Url(key))
}

/// Shows nothing that is secret.
impl fmt::Debug for AdcFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdcFile").field("project", &self.project).finish_non_exhaustive()
    }
}
