//! The shared files of AWS's tools: sections, and what stands in them.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", "File format".

use super::{AccessKey, Profile};
use crate::export::ExportError;
use crate::export::auth::desk::no;
use crate::record::Secret;

impl Profile {
    /// The key of the section, of either file; none where there is no file, no section or no key in it, unless it was asked for.
    pub(super) fn key(&self) -> Result<Option<AccessKey>, ExportError> {
        let in_config =
            if self.name == "default" { "default".to_owned() } else { format!("profile {}", self.name) };
        let key = [(&self.credentials_file, self.name.as_str()), (&self.config_file, &in_config)]
            .into_iter()
            .filter_map(|(file, section)| key(&std::fs::read_to_string(file).ok()?, section))
            .next();
        match key {
            None if self.is_named => Err(no(format!(
                "no access key of AWS: the profile `{}` has none in {} or {}",
                self.name,
                self.credentials_file.display(),
                self.config_file.display()
            ))),
            key => Ok(key),
        }
    }
}

/// The key in a section. A section may come more than once; the last word on something counts.
fn key(file: &str, section: &str) -> Option<AccessKey> {
    let value =
        |name| settings(file, section).filter(|(known, _)| *known == name).last().map(|(_, value)| value);
    Some(AccessKey {
        id: value("aws_access_key_id")?.to_owned(),
        secret: Secret::new(value("aws_secret_access_key")?),
        session_token: value("aws_session_token").map(Secret::new),
    })
}

/// Keys and values of a section. What is indented belongs to the line above it, and to nothing that is of use here.
fn settings<'a>(file: &'a str, section: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut is_within = false;
    file.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[') {
            is_within = name
                .split(']')
                .next()
                .is_some_and(|name| name.split_whitespace().eq(section.split_whitespace()));
        }
        let is_setting = is_within && !line.starts_with(['[', '#', ';', ' ', '\t']);
        let (key, value) = line.split_once('=').filter(|_| is_setting)?;
        Some((key.trim(), value.trim())).filter(|(_, value)| !value.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# [orders]\n[default]\naws_access_key_id = AKID\n aws_secret_access_key = indented\naws_secret_access_key=canary=1\n\
                        ; aws_session_token = old\n[profile orders]\naws_access_key_id=OTHER\naws_secret_access_key = canary-2\n\
                        aws_session_token =\n[ profile   spaced ] # a note\naws_access_key_id=S\naws_secret_access_key=s\naws_session_token=t\n[empty]\n";

    #[test]
    fn a_section_has_its_own_key_and_no_other() {
        let shown = |section| {
            key(FILE, section).map(|key| {
                let token = key.session_token.map(|token| token.expose().to_owned());
                (key.id, key.secret.expose().to_owned(), token)
            })
        };
        let key = |id: &str, secret: &str, token: Option<&str>| {
            Some((id.to_owned(), secret.to_owned(), token.map(str::to_owned)))
        };
        assert_eq!(shown("default"), key("AKID", "canary=1", None));
        assert_eq!(shown("profile orders"), key("OTHER", "canary-2", None));
        assert_eq!(shown("profile spaced"), key("S", "s", Some("t")));
        assert_eq!([shown("orders"), shown("empty"), shown("")], [None, None, None]);
    }
}
