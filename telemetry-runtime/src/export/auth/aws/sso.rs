//! What IAM Identity Center hands out to whom has signed in with `aws sso login`.
//!
//! Source: AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider".

use super::AccessKey;
use super::keys::fetched;
use super::profile::Files;
use super::sigv4::hex;
use crate::export::ExportError;
use crate::export::auth::cached::Fetched;
use crate::export::auth::desk::{Desk, encoded, no, text};
use crate::record::{Secret, unix_seconds_of};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::Value;
use std::path::Path;

/// What a profile says of it.
pub(super) struct Center<'a> {
    profile: &'a str,
    /// The session, or where it begins: by this the token is found that signing in has left.
    begun: &'a str,
    region: &'a str,
    account: &'a str,
    role: &'a str,
}

impl<'a> Center<'a> {
    pub(super) fn new(files: &'a Files, profile: &'a str, role: &'a str) -> Result<Self, ExportError> {
        let missing = |key| no(format!("no access key of AWS: the profile `{profile}` has no `{key}`"));
        let session = files.setting(profile, "sso_session");
        let said = |key| match session {
            Some(session) => files.session(session, key),
            None => files.setting(profile, key),
        };
        Ok(Self {
            profile,
            account: files.setting(profile, "sso_account_id").ok_or_else(|| missing("sso_account_id"))?,
            region: said("sso_region").ok_or_else(|| missing("sso_region"))?,
            begun: session.or_else(|| said("sso_start_url")).ok_or_else(|| missing("sso_start_url"))?,
            role,
        })
    }

    /// The key of the role, from this portal, or else the region's.
    pub(super) fn key(
        &self,
        desk: &Desk,
        cache: &Path,
        portal: Option<&str>,
        now_s: u64,
    ) -> Result<Fetched<AccessKey>, ExportError> {
        let Self { profile, account, role, .. } = self;
        let again = || no(format!("no access key of AWS: sign in with `aws sso login --profile {profile}`"));
        let token = self.token(cache, now_s).ok_or_else(again)?;
        let query = encoded(&[("role_name", role), ("account_id", account)]);
        let portal = portal.map_or_else(|| self.portal(), str::to_owned);
        let url = format!("{portal}/federation/credentials?{query}");
        let answer = desk.get(&url, &[("x-amz-sso_bearer_token", token.expose())]).map_err(|error| {
            no(format!(
                "no access key of AWS for the profile `{profile}`; where you are signed out, `aws sso login --profile {profile}` helps"
            ))
            .with_source(error)
        })?;
        of_answer(&answer)
    }

    /// What signing in has left, as long as that is good.
    fn token(&self, cache: &Path, now_s: u64) -> Option<Secret> {
        let name = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, self.begun.as_bytes()).as_ref());
        let file = std::fs::read(cache.join(format!("{name}.json"))).ok()?;
        let object: Value = serde_json::from_slice(&file).ok()?;
        let ends_s = text(&object, "expiresAt").and_then(unix_seconds_of)?;
        text(&object, "accessToken").filter(|_| now_s < ends_s).map(Secret::new)
    }

    fn portal(&self) -> String {
        let country = if self.region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://portal.sso.{}.amazonaws.com{country}", self.region)
    }
}

/// Source: IAM Identity Center Portal API Reference, "GetRoleCredentials".
fn of_answer(answer: &[u8]) -> Result<Fetched<AccessKey>, ExportError> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let object = &answer["roleCredentials"];
    let key = (|| {
        Some(AccessKey {
            id: text(object, "accessKeyId")?.to_owned(),
            secret: Secret::new(text(object, "secretAccessKey")?),
            session_token: text(object, "sessionToken").map(Secret::new),
        })
    })();
    let expires_s = object.get("expiration").and_then(Value::as_u64).map(|milliseconds| milliseconds / 1000);
    fetched(key, expires_s)
}
