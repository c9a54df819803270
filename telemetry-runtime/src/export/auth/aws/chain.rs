//! What a profile leads to: a key of its own, a role that is taken with another's key or token, or what IAM Identity Center hands out.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Assume role credential provider".

use super::keys::{Keys, of_sts};
use super::profile::Files;
use super::sigv4::Scope;
use super::sso::Center;
use super::{AccessKey, KeySource, Profile, WebIdentity};
use crate::export::ExportError;
use crate::export::auth::cached::Fetched;
use crate::export::auth::desk::no;

/// How many profiles may lead to each other, of which each may take as long as a request.
const MOST_STEPS: usize = 5;

/// A profile that is looked at, and those before it.
struct Step<'a> {
    profile: &'a Profile,
    files: Files,
    names: Vec<String>,
    now_s: u64,
}

impl Keys {
    /// The key that the profile leads to; `None` where it says nothing of one, unless somebody has asked for it.
    pub(super) fn of_profile(
        &self,
        profile: &Profile,
        now_s: u64,
    ) -> Result<Option<Fetched<AccessKey>>, ExportError> {
        let mut step = Step { profile, files: Files::read(profile), names: Vec::new(), now_s };
        match self.of_step(&mut step, &profile.name)? {
            None if profile.is_named => Err(no(format!(
                "no access key of AWS: the profile `{}` leads to none in {} or {}",
                profile.name,
                profile.credentials_file.display(),
                profile.config_file.display()
            ))),
            key => Ok(key),
        }
    }

    fn of_step(&self, step: &mut Step<'_>, name: &str) -> Result<Option<Fetched<AccessKey>>, ExportError> {
        let own = step.files.key(name).map(|value| Fetched { value, expires_s: None });
        // The key of a source goes before the role that it may have, too.
        if own.is_some() && !step.names.is_empty() {
            return Ok(own);
        }
        if step.names.iter().any(|known| known == name) {
            let names = step.names.join("`, `");
            return Err(no(format!("no access key of AWS: the profiles `{names}` lead in a circle")));
        }
        if step.names.len() == MOST_STEPS {
            let first = &step.names[0];
            return Err(no(format!(
                "no access key of AWS: the profile `{first}` leads through more than {MOST_STEPS} profiles"
            )));
        }
        step.names.push(name.to_owned());
        if let Some(arn) = step.files.setting(name, "role_arn").map(str::to_owned) {
            return self.of_role(step, name, &arn).map(Some);
        }
        match step.files.setting(name, "sso_role_name") {
            Some(role) if own.is_none() => {
                let Profile { sso_cache, sso_url, .. } = step.profile;
                let center = Center::new(&step.files, name, role)?;
                center.key(&self.far, sso_cache, sso_url.as_deref(), step.now_s).map(Some)
            }
            _ => Ok(own),
        }
    }

    /// The key of a role, for whoever the profile says may take it.
    fn of_role(&self, step: &mut Step<'_>, name: &str, arn: &str) -> Result<Fetched<AccessKey>, ExportError> {
        let said = |step: &Step<'_>, key| step.files.setting(name, key).map(str::to_owned);
        let session_name = said(step, "role_session_name").unwrap_or_else(|| "telemetry".to_owned());
        let sts_url = step.profile.sts_url.clone();
        if let Some(token_file) = said(step, "web_identity_token_file").map(Into::into) {
            let role_arn = arn.to_owned();
            return self.by_identity(&WebIdentity { role_arn, session_name, token_file, sts_url });
        }
        let kind = said(step, "credential_source");
        let missing = || match kind.as_deref() {
            // Where there is one, it is taken as it is, before any profile.
            Some("Environment") => no(format!(
                "no access key of AWS: the environment has none that may take the role of the profile `{name}`"
            )),
            _ => no(format!("no access key of AWS: nothing in the profile `{name}` may take its role")),
        };
        let key = match said(step, "source_profile") {
            Some(source) => self.of_step(step, &source)?,
            None => self.of_kind(kind.as_deref(), step.now_s)?,
        };
        let external_id = said(step, "external_id");
        let form = [
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", arn),
            ("RoleSessionName", &session_name),
        ];
        let external_id = external_id.as_ref().map(|id| ("ExternalId", id.as_str()));
        let form = [&form, external_id.as_slice()].concat();
        let scope = Scope { region: step.profile.region.clone(), service: "sts" };
        let key = key.ok_or_else(missing)?.value;
        let answer = self
            .far
            .post_authorized(&sts_url, &form, |parts, body| scope.sign(&key, parts, body, step.now_s))?;
        of_sts(&answer)
    }

    /// The key of a place of this kind.
    fn of_kind(&self, kind: Option<&str>, now_s: u64) -> Result<Option<Fetched<AccessKey>>, ExportError> {
        let is_meant = |source: &&KeySource| {
            matches!(
                (kind, source),
                (Some("EcsContainer"), KeySource::Container { .. })
                    | (Some("Ec2InstanceMetadata"), KeySource::Machine { .. })
            )
        };
        self.sources.iter().find(is_meant).map_or(Ok(None), |source| self.key(source, now_s))
    }
}
