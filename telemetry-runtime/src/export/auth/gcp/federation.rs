//! Workload identity federation: the token of another issuer, which a file or a service has, in exchange for one of Google's.
//!
//! Source: AIP-4117, "External Account Credentials"; RFC 8693, section 2.1.

use super::file::{AdcFileError, private};
use super::google::SCOPE;
use crate::export::ExportError;
use crate::export::auth::desk::{Desk, no, read, text};
use crate::record::Secret;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Whose token is shown to whom.
pub(super) struct Federation {
    audience: String,
    token_type: String,
    place: Place,
    /// The member that has the token, where it is in an object of JSON.
    field: Option<String>,
    /// Whom a workforce's use is charged to.
    user_project: Option<String>,
}

/// Where the other issuer's token is.
enum Place {
    File(PathBuf),
    Service { url: String, headers: Vec<(String, Secret)> },
}

impl Federation {
    pub(super) fn parse(object: &Value) -> Result<Self, AdcFileError> {
        let member =
            |key: &'static str| text(object, key).map(str::to_owned).ok_or(AdcFileError::Missing(key));
        let source = object.get("credential_source").ok_or(AdcFileError::Missing("credential_source"))?;
        Ok(Self {
            audience: member("audience")?,
            token_type: member("subject_token_type")?,
            place: Place::parse(source)?,
            field: field(source)?,
            user_project: member("workforce_pool_user_project").ok(),
        })
    }

    /// What Google answers to whoever shows the other token.
    pub(super) fn exchange(&self, desk: &Desk, token_url: &str) -> Result<Vec<u8>, ExportError> {
        let subject = self.subject(desk)?;
        let options = self.user_project.as_ref().map(|project| json!({ "userProject": project }).to_string());
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("audience", &self.audience),
            ("scope", SCOPE),
            ("subject_token_type", &self.token_type),
            ("subject_token", subject.expose()),
        ];
        let options = options.as_ref().map(|options| ("options", options.as_str()));
        desk.post(token_url, &[&form, options.as_slice()].concat())
    }

    /// The other issuer's token, as it is now.
    fn subject(&self, desk: &Desk) -> Result<Secret, ExportError> {
        let text = match &self.place {
            Place::File(path) => read(path)?,
            Place::Service { url, headers } => {
                let headers: Vec<_> =
                    headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
                String::from_utf8_lossy(&desk.get(url, &headers)?).trim().to_owned()
            }
        };
        let Some(field) = &self.field else {
            let token = Some(text).filter(|text| !text.is_empty()).map(Secret::new);
            return token
                .ok_or_else(|| no("no credentials of Google: what has the other issuer's token is empty"));
        };
        let object: Value = serde_json::from_str(&text).unwrap_or_default();
        let token = self::text(&object, field).map(Secret::new);
        token.ok_or_else(|| {
            no(format!("no credentials of Google: what has the other issuer's token has no `{field}`"))
        })
    }
}

impl Place {
    fn parse(source: &Value) -> Result<Self, AdcFileError> {
        if let Some(path) = text(source, "file") {
            return Ok(Self::File(path.into()));
        }
        // AWS's has a URL, too, but not of a token.
        let url = text(source, "url").filter(|_| source.get("environment_id").is_none());
        let url = private("url", url.ok_or(AdcFileError::Source)?)?;
        let headers = source.get("headers").and_then(Value::as_object).into_iter().flatten();
        let headers = headers.filter_map(|(name, value)| Some((name.clone(), Secret::new(value.as_str()?))));
        Ok(Self::Service { url, headers: headers.collect() })
    }
}

/// The member that has the token, if the format is not the token itself.
fn field(source: &Value) -> Result<Option<String>, AdcFileError> {
    let said = |key| text(source.get("format")?, key);
    match said("type") {
        None | Some("text") => Ok(None),
        Some("json") => {
            let field = said("subject_token_field_name").map(str::to_owned);
            field.map(Some).ok_or(AdcFileError::Missing("subject_token_field_name"))
        }
        Some(_) => Err(AdcFileError::Format),
    }
}
