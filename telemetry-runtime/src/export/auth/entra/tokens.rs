//! Asks Entra, or what stands for it on Azure's own machines, for tokens.

use super::certificate::assertion;
use super::{Entra, Identity};
use crate::export::ExportError;
use crate::export::auth::bearer::{Token, token};
use crate::export::auth::cached::{Fetched, Source};
use crate::export::auth::desk::{Desk, encoded, read};

/// A source of tokens for one identity.
pub(super) struct Tokens {
    entra: Entra,
    near: Desk,
    far: Desk,
}

impl Tokens {
    pub(super) fn new(entra: Entra) -> Self {
        Self { entra, near: Desk::near(), far: Desk::far() }
    }

    /// The answer to whoever asks in the way of its identity.
    fn answer(&self, now_s: u64) -> Result<Vec<u8>, ExportError> {
        let Entra { identity, resource } = &self.entra;
        let scope = format!("{resource}/.default");
        let application =
            |client_id| [("grant_type", "client_credentials"), ("client_id", client_id), ("scope", &scope)];
        match identity {
            Identity::Secret { token_url, client_id, secret } => {
                let [grant, id, scope] = application(client_id);
                self.far.post(token_url, &[grant, id, scope, ("client_secret", secret.expose())])
            }
            Identity::Certificate { token_url, client_id, file } => {
                let assertion = assertion(file, token_url, client_id, now_s)?;
                self.by_assertion(token_url, application(client_id), &assertion)
            }
            Identity::Federated { token_url, client_id, token_file } => {
                self.by_assertion(token_url, application(client_id), &read(token_file)?)
            }
            Identity::AppService { url, header, client_id } => {
                let url = managed(url, "2019-08-01", resource, client_id.as_deref());
                self.near.get(&url, &[("x-identity-header", header.expose())])
            }
            Identity::Machine { base, client_id } => {
                let url = format!("{base}/metadata/identity/oauth2/token");
                let url = managed(&url, "2018-02-01", resource, client_id.as_deref());
                self.near.get(&url, &[("metadata", "true")])
            }
        }
    }

    /// The answer to an application that shows what somebody has signed.
    fn by_assertion(
        &self,
        token_url: &str,
        [grant, id, scope]: [Field<'_>; 3],
        assertion: &str,
    ) -> Result<Vec<u8>, ExportError> {
        const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let shown = [("client_assertion_type", KIND), ("client_assertion", assertion)];
        self.far.post(token_url, &[&[grant, id, scope], &shown[..]].concat())
    }
}

/// What a form is made of.
type Field<'a> = (&'a str, &'a str);

/// The request for a managed identity's token, by this version of the interface.
fn managed(url: &str, version: &str, resource: &str, client_id: Option<&str>) -> String {
    let client_id = client_id.map(|client_id| ("client_id", client_id));
    let query: Vec<_> =
        [("api-version", version), ("resource", resource)].into_iter().chain(client_id).collect();
    format!("{url}?{}", encoded(&query))
}

impl Source for Tokens {
    type Item = Token;

    fn fetch(&mut self, now_s: u64) -> Result<Fetched<Token>, ExportError> {
        token(&self.answer(now_s)?, now_s)
    }
}
