//! Asks Google, or the metadata service of its machines, for tokens.

use super::Adc;
use super::file::{AdcFile, Who};
use crate::export::ExportError;
use crate::export::auth::bearer::{Token, token};
use crate::export::auth::cached::{Fetched, Source};
use crate::export::auth::desk::{Desk, no};
use crate::export::auth::jwt;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

/// What a token is good for.
///
/// Source: Google Cloud, "Telemetry (OTLP) API overview", authorization scopes.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long what we sign holds, and the token of another account, unless its file says otherwise: as long as is allowed.
///
/// Source: Google, "Using OAuth 2.0 for Server to Server Applications".
pub(super) const LASTS_S: u64 = 3600;

/// A source of tokens.
pub(in crate::export::auth) struct Google {
    adc: Adc,
    near: Desk,
    far: Desk,
}

impl Google {
    pub(in crate::export::auth) fn new(adc: Adc) -> Self {
        Self { adc, near: Desk::near(), far: Desk::far() }
    }

    /// By a file, which is read each time: somebody may have renewed it.
    fn by_file(&self, file: &AdcFile, now_s: u64) -> Result<Vec<u8>, ExportError> {
        match &file.who {
            Who::ServiceAccount { email, key_id, key } => {
                let assertion = assertion(email, key_id.as_deref(), key, &file.token_url, now_s)?;
                let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                self.far.post(&file.token_url, &[grant, ("assertion", &assertion)])
            }
            Who::User { client_id, client_secret, refresh_token } => self.far.post(
                &file.token_url,
                &[
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ],
            ),
            Who::Federated(federation) => federation.exchange(&self.far, &file.token_url),
        }
    }

    /// By the service account of the machine.
    ///
    /// Source: Compute Engine, "Authenticate workloads to Google Cloud APIs using service accounts".
    fn by_metadata(&self) -> Result<Vec<u8>, ExportError> {
        let url = format!("{}/computeMetadata/v1/instance/service-accounts/default/token", self.adc.metadata);
        self.near.get(&url, &[("metadata-flavor", "Google")])
    }
}

impl Source for Google {
    type Item = Token;

    fn fetch(&mut self, now_s: u64) -> Result<Fetched<Token>, ExportError> {
        let file = self.adc.file.as_deref().map(AdcFile::read).transpose();
        let file = file.map_err(|error| no("no credentials of Google").with_source(error))?;
        let answer = match &file {
            Some(file) => self.by_file(file, now_s)?,
            None => self.by_metadata()?,
        };
        let mut fetched = token(&answer, now_s)?;
        for impersonation in file.iter().flat_map(|file| &file.impersonations) {
            fetched = impersonation.token(&self.far, &fetched.value.text)?;
        }
        fetched.value.quota_project =
            self.adc.quota_project.clone().or_else(|| file.and_then(|file| file.quota_project));
        Ok(fetched)
    }
}

/// What a service account shows instead of a password: who it is and what it wants, signed by its key.
///
/// Source: RFC 7523, section 3.
fn assertion(
    email: &str,
    key_id: Option<&str>,
    key: &RsaKeyPair,
    audience: &str,
    now_s: u64,
) -> Result<String, ExportError> {
    let head = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id });
    let (begin, end) = (now_s, now_s + LASTS_S);
    let claims = json!({ "iss": email, "scope": SCOPE, "aud": audience, "iat": begin, "exp": end });
    jwt::signed(&head, &claims, key, &RSA_PKCS1_SHA256)
}
