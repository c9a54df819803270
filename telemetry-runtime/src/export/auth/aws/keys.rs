//! Looks for an access key in each place where it may be.

use super::{AccessKey, ContainerToken, KeySource, WebIdentity};
use crate::export::ExportError;
use crate::export::auth::cached::{Fetched, Source};
use crate::export::auth::desk::{Desk, element, is_plain, no, read, text};
use crate::record::{Secret, percent, unix_seconds_of};
use serde_json::Value;

/// Places that are looked at in turn.
pub(super) struct Keys {
    pub(super) sources: Vec<KeySource>,
    near: Desk,
    pub(super) far: Desk,
}

impl Keys {
    pub(super) fn new(sources: Vec<KeySource>) -> Self {
        Self { sources, near: Desk::near(), far: Desk::far() }
    }

    /// The key of one place; `None` if it has none and need not have one.
    pub(super) fn key(
        &self,
        source: &KeySource,
        now_s: u64,
    ) -> Result<Option<Fetched<AccessKey>>, ExportError> {
        match source {
            KeySource::Given(key) => Ok(Some(Fetched { value: key.clone(), expires_s: None })),
            KeySource::Profile(profile) => self.of_profile(profile, now_s),
            KeySource::WebIdentity(identity) => self.by_identity(identity).map(Some),
            KeySource::Container { url, token } => self.of_container(url, token.as_ref()).map(Some),
            KeySource::Machine { base } => self.of_machine(base).map(Some),
        }
    }

    /// Source: AWS Security Token Service, API Reference, "AssumeRoleWithWebIdentity".
    pub(super) fn by_identity(&self, identity: &WebIdentity) -> Result<Fetched<AccessKey>, ExportError> {
        let token = read(&identity.token_file)?;
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &identity.role_arn),
            ("RoleSessionName", &identity.session_name),
            ("WebIdentityToken", &token),
        ];
        of_sts(&self.far.post(&identity.sts_url, &form)?)
    }

    /// Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
    fn of_container(
        &self,
        url: &str,
        token: Option<&ContainerToken>,
    ) -> Result<Fetched<AccessKey>, ExportError> {
        let token = match token {
            Some(ContainerToken::Text(token)) => Some(token.clone()),
            Some(ContainerToken::File(path)) => Some(Secret::new(read(path)?)),
            None => None,
        };
        let header = token.as_ref().map(|token| ("authorization", token.expose()));
        of_json(&self.near.get(url, header.as_slice())?)
    }

    /// Source: Amazon EC2 User Guide, "Use the Instance Metadata Service to access instance metadata", "Retrieve security credentials".
    fn of_machine(&self, base: &str) -> Result<Fetched<AccessKey>, ExportError> {
        let session = self
            .near
            .put(&format!("{base}/latest/api/token"), &[("x-aws-ec2-metadata-token-ttl-seconds", "60")])?;
        let session = Secret::new(String::from_utf8_lossy(&session));
        let headers = [("x-aws-ec2-metadata-token", session.expose())];
        let roles = format!("{base}/latest/meta-data/iam/security-credentials/");
        let role = self.near.get(&roles, &headers)?;
        let role = String::from_utf8_lossy(&role);
        let role = percent::encoded(role.lines().next().unwrap_or_default().trim(), is_plain);
        of_json(&self.near.get(&format!("{roles}{role}"), &headers)?)
    }
}

impl Source for Keys {
    type Item = AccessKey;

    fn fetch(&mut self, now_s: u64) -> Result<Fetched<AccessKey>, ExportError> {
        let keys = self.sources.iter().map(|source| self.key(source, now_s).transpose());
        keys.flatten().next().unwrap_or_else(|| Err(no("no access key of AWS was found")))
    }

    fn is_fixed(&self) -> bool {
        matches!(self.sources.first(), Some(KeySource::Given(_)))
    }
}

/// The key in an answer of the Security Token Service.
pub(super) fn of_sts(answer: &[u8]) -> Result<Fetched<AccessKey>, ExportError> {
    let xml = String::from_utf8_lossy(answer);
    let key = (|| {
        Some(AccessKey {
            id: element(&xml, "AccessKeyId")?.to_owned(),
            secret: Secret::new(element(&xml, "SecretAccessKey")?),
            session_token: element(&xml, "SessionToken").map(Secret::new),
        })
    })();
    fetched(key, element(&xml, "Expiration").and_then(unix_seconds_of))
}

fn of_json(answer: &[u8]) -> Result<Fetched<AccessKey>, ExportError> {
    let object: Value = serde_json::from_slice(answer).unwrap_or_default();
    let key = (|| {
        Some(AccessKey {
            id: text(&object, "AccessKeyId")?.to_owned(),
            secret: Secret::new(text(&object, "SecretAccessKey")?),
            session_token: text(&object, "Token").map(Secret::new),
        })
    })();
    fetched(key, text(&object, "Expiration").and_then(unix_seconds_of))
}

/// The key that was handed out, if it was.
pub(super) fn fetched(
    key: Option<AccessKey>,
    expires_s: Option<u64>,
) -> Result<Fetched<AccessKey>, ExportError> {
    let value = key.ok_or_else(|| no("what was to hand out an access key of AWS gave none"))?;
    Ok(Fetched { value, expires_s })
}
