//! The shared files of AWS's tools: sections, and what stands in them.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", "File format".

use super::{AccessKey, Profile};
use crate::record::Secret;

/// What the two files say. One that is not there says nothing.
pub(super) struct Files {
    credentials: String,
    config: String,
}

impl Files {
    pub(super) fn read(profile: &Profile) -> Self {
        let [credentials, config] = [&profile.credentials_file, &profile.config_file]
            .map(|path| std::fs::read_to_string(path).unwrap_or_default());
        Self { credentials, config }
    }

    /// What is set for a profile; the file of credentials goes before the other.
    pub(super) fn setting(&self, profile: &str, key: &str) -> Option<&str> {
        let in_config =
            if profile == "default" { "default".to_owned() } else { format!("profile {profile}") };
        value(&self.credentials, profile, key).or_else(|| value(&self.config, &in_config, key))
    }

    /// What is set for a session of IAM Identity Center.
    pub(super) fn session(&self, name: &str, key: &str) -> Option<&str> {
        value(&self.config, &format!("sso-session {name}"), key)
    }

    /// The key that a profile has itself.
    pub(super) fn key(&self, profile: &str) -> Option<AccessKey> {
        Some(AccessKey {
            id: self.setting(profile, "aws_access_key_id")?.to_owned(),
            secret: Secret::new(self.setting(profile, "aws_secret_access_key")?),
            session_token: self.setting(profile, "aws_session_token").map(Secret::new),
        })
    }
}

/// What a section says last of something: it may come more than once.
fn value<'a>(file: &'a str, section: &str, key: &str) -> Option<&'a str> {
    settings(file, section).filter(|(known, _)| *known == key).last().map(|(_, value)| value)
}

/// Keys and values of a section. What is indented belongs to the line above it, and to nothing that is of use here.
fn settings<'a>(file: &'a str, section: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
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
        let files = Files { credentials: String::new(), config: FILE.to_owned() };
        let shown = |profile| {
            files.key(profile).map(|key| {
                let token = key.session_token.map(|token| token.expose().to_owned());
                (key.id, key.secret.expose().to_owned(), token)
            })
        };
        let key = |id: &str, secret: &str, token: Option<&str>| {
            Some((id.to_owned(), secret.to_owned(), token.map(str::to_owned)))
        };
        assert_eq!(shown("default"), key("AKID", "canary=1", None));
        assert_eq!(shown("orders"), key("OTHER", "canary-2", None));
        assert_eq!(shown("spaced"), key("S", "s", Some("t")));
        assert_eq!([shown("profile orders"), shown("empty"), shown("")], [None, None, None]);
    }
}
