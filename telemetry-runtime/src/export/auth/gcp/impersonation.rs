//! Another service account's token, for whom the one that is there may act.
//!
//! Source: IAM Service Account Credentials API, `generateAccessToken`; AIP-4117, "Service Account Impersonation".

use super::file::{AdcFileError, private};
use super::google::{LASTS_S, SCOPE};
use crate::export::ExportError;
use crate::export::auth::bearer::Token;
use crate::export::auth::cached::Fetched;
use crate::export::auth::desk::{Desk, no, text};
use crate::record::{Secret, unix_seconds_of};
use serde_json::{Value, json};

/// Who is asked for the token, and through whom.
pub(super) struct Impersonation {
    url: String,
    delegates: Value,
    lasts_s: u64,
}

impl Impersonation {
    /// What the file says of it, if it does.
    pub(super) fn parse(object: &Value) -> Result<Option<Self>, AdcFileError> {
        let Some(url) = text(object, "service_account_impersonation_url") else { return Ok(None) };
        let delegates = object.get("delegates").cloned().unwrap_or_else(|| json!([]));
        let lasts_s = object.pointer("/service_account_impersonation/token_lifetime_seconds");
        let lasts_s = lasts_s.and_then(Value::as_u64).unwrap_or(LASTS_S);
        Ok(Some(Self { url: private("service_account_impersonation_url", url)?, delegates, lasts_s }))
    }

    /// The other account's token, for somebody who has this one.
    pub(super) fn token(&self, desk: &Desk, by: &Secret) -> Result<Fetched<Token>, ExportError> {
        let Self { url, delegates, lasts_s } = self;
        let wish = json!({ "scope": [SCOPE], "delegates": delegates, "lifetime": format!("{lasts_s}s") });
        let bearer = Secret::new(format!("Bearer {}", by.expose()));
        let answer = desk.post_json(url, &[("authorization", bearer.expose())], &wish)?;
        let object: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let token = text(&object, "accessToken").map(Secret::new);
        let text = token.ok_or_else(|| {
            no("no credentials of Google: who was to impersonate a service account gave no token")
        })?;
        let expires_s = self::text(&object, "expireTime").and_then(unix_seconds_of);
        Ok(Fetched { value: Token { text, quota_project: None }, expires_s })
    }
}
