//! AWS: its endpoints, the headers for log records, the region, and where access keys may be.

use super::{AuthWord, auth_word};
use crate::config::error::{Mistake, Origin};
use crate::config::exporter::Otlp;
use crate::config::resolve::Resolver;
use crate::export::auth::{
    AccessKey, AwsSigV4, ContainerToken, KeySource, Profile, WebIdentity, aws_service,
};
use crate::export::destination::{Endpoint, Header, Protocol};
use crate::record::{Secret, Signal};
use std::path::PathBuf;

pub(in crate::config) const REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const KEY_SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const CONTAINER_PATH: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const CONTAINER_URL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const CONTAINER_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const SSO: &str = "AWS_ENDPOINT_URL_SSO";
/// The agent of ECS.
const CONTAINER: &str = "http://169.254.170.2";
const MACHINE: &str = "http://169.254.169.254";
const MACHINE_6: &str = "http://[fd00:ec2::254]";

impl Resolver<'_> {
    /// The signature, as far as it is known.
    pub(super) fn aws(&mut self, otlp: &Otlp, origin: Origin) -> Option<AwsSigV4> {
        if !self.has_feature(origin, cfg!(feature = "aws"), "AWS's signatures", "aws") {
            return None;
        }
        let region = self.region(otlp, origin);
        let keys = self.key_sources(origin, region.as_deref().unwrap_or_default());
        Some(AwsSigV4 { region: region?, keys: keys? })
    }

    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints".
    pub(super) fn aws_endpoint(
        &mut self,
        otlp: &Otlp,
        signal: Signal,
        protocol: Protocol,
    ) -> Option<Endpoint> {
        let preset = otlp.preset.as_ref()?;
        if protocol == Protocol::Grpc {
            let signing = auth_word(otlp).filter(|word| word.value == AuthWord::AwsSigV4);
            self.refuse_grpc(signing.map_or(preset.origin, |word| word.origin), "AWS");
            return None;
        }
        let region = self.region(otlp, preset.origin)?;
        let host = host(aws_service(signal), &region);
        Endpoint::from_exact(&format!("https://{host}/v1/{signal}")).ok()
    }

    /// The headers that say where CloudWatch keeps log records, unless they are written already.
    ///
    /// Source: Amazon CloudWatch User Guide, "OTLP Endpoints", logs endpoint.
    pub(super) fn aws_headers(
        &mut self,
        origin: Origin,
        otlp: &Otlp,
        signal: Signal,
        headers: &mut Vec<Header>,
    ) {
        if signal != Signal::Logs {
            return;
        }
        for (name, header) in
            [("x-aws-log-group", &otlp.aws.log_group), ("x-aws-log-stream", &otlp.aws.log_stream)]
        {
            match header {
                _ if headers.iter().any(|known| known.name().eq_ignore_ascii_case(name)) => {}
                Some(header) => headers.push(header.clone()),
                None => self.mistake_once(
                    Mistake::new(origin, "AWS takes log records into a group and a stream that exist")
                        .with_help("name both under `aws:` as `log_group` and `log_stream`, or write `signals: [traces]`"),
                ),
            }
        }
    }

    fn region(&mut self, otlp: &Otlp, origin: Origin) -> Option<String> {
        if let Some(region) = &otlp.aws.region {
            return Some(region.clone());
        }
        let Some((name, region)) =
            REGION.into_iter().find_map(|name| Some((name, self.environment.get(name)?)))
        else {
            self.mistake_once(
                Mistake::new(origin, "no region of AWS is known")
                    .with_help("write `aws: {region: eu-west-1}` here, or set the variable AWS_REGION"),
            );
            return None;
        };
        if !is_region(&region) {
            self.mistake_once(Mistake::new(Origin::Variable(name), "expected a region such as `eu-west-1`"));
        }
        Some(region).filter(|region| is_region(region))
    }

    /// Where keys may be: in the environment; or else in the shared files, behind a web identity, with the container's agent, or with the
    /// machine's metadata service.
    ///
    /// Source: AWS SDK for Rust, "Credential providers", default chain.
    fn key_sources(&mut self, origin: Origin, region: &str) -> Option<Vec<KeySource>> {
        if self.environment.get(KEY_ID).is_some() || self.environment.get(KEY_SECRET).is_some() {
            return self.given_key().map(|key| vec![KeySource::Given(key)]);
        }
        let mistakes = self.mistakes.len();
        let sources = [self.profile(region), self.web_identity(region), self.container(), self.machine()];
        let sources: Vec<_> = sources.into_iter().flatten().collect();
        if sources.is_empty() && self.mistakes.len() == mistakes {
            self.mistake_once(Mistake::new(origin, "no access key of AWS is known").with_help(format!(
                "set the variables {KEY_ID} and {KEY_SECRET}, or those of another of AWS's credential providers"
            )));
        }
        Some(sources).filter(|sources| !sources.is_empty())
    }

    fn given_key(&mut self) -> Option<AccessKey> {
        let (id, secret) = (self.key_part(KEY_ID), self.key_part(KEY_SECRET));
        let session_token = self.key_part(SESSION_TOKEN).map(Secret::new);
        for (name, other) in [(KEY_ID, KEY_SECRET), (KEY_SECRET, KEY_ID)] {
            if self.environment.get(other).is_none() {
                let message = format!("an access key of AWS needs {other}, too");
                self.mistake_once(Mistake::new(Origin::Variable(name), message));
            }
        }
        Some(AccessKey { id: id?, secret: Secret::new(secret?), session_token })
    }

    /// A part of the key without blanks around it, which is what a file leaves that it was read from.
    fn key_part(&mut self, name: &'static str) -> Option<String> {
        let part = self.environment.get(name)?.trim().to_owned();
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "a key of AWS is printable ASCII characters without blanks";
            self.mistake_once(Mistake::new(Origin::Variable(name), message));
            return None;
        }
        Some(part)
    }

    fn profile(&mut self, region: &str) -> Option<KeySource> {
        let sts_url = self.sts(region)?;
        let sso_url = self.desk(SSO, "").filter(|url| !url.is_empty());
        let home = self.environment.get("HOME").or_else(|| self.environment.get("USERPROFILE"));
        let folder = home.map(|home| PathBuf::from(home).join(".aws"));
        let file = |variable, name: &str| {
            let named = self.environment.get(variable).map(PathBuf::from);
            named.or_else(|| Some(folder.as_ref()?.join(name)))
        };
        let name = self.environment.get("AWS_PROFILE");
        Some(KeySource::Profile(Profile {
            is_named: name.is_some(),
            name: name.unwrap_or_else(|| "default".to_owned()),
            credentials_file: file("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
            config_file: file("AWS_CONFIG_FILE", "config")?,
            sso_cache: folder.as_ref().map(|folder| folder.join("sso/cache")).unwrap_or_default(),
            sso_url,
            sts_url,
            region: region.to_owned(),
        }))
    }

    fn web_identity(&mut self, region: &str) -> Option<KeySource> {
        let token_file = self.environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")?.into();
        let role_arn = self.environment.get("AWS_ROLE_ARN")?;
        let sts_url = self.sts(region)?;
        let session_name = self.environment.get("AWS_ROLE_SESSION_NAME");
        let session_name = session_name.unwrap_or_else(|| "telemetry".to_owned());
        Some(KeySource::WebIdentity(WebIdentity { role_arn, session_name, token_file, sts_url }))
    }

    /// The Security Token Service.
    fn sts(&mut self, region: &str) -> Option<String> {
        self.desk("AWS_ENDPOINT_URL_STS", &format!("https://{}", host("sts", region)))
    }

    fn container(&mut self) -> Option<KeySource> {
        let url = match self.environment.get(CONTAINER_PATH) {
            Some(path) => format!("{CONTAINER}/{}", path.trim_start_matches('/')),
            None => {
                self.environment.get(CONTAINER_URL)?;
                self.desk(CONTAINER_URL, "")?
            }
        };
        let file = self.environment.get(CONTAINER_TOKEN_FILE).map(|path| ContainerToken::File(path.into()));
        let text = || Some(ContainerToken::Text(Secret::new(self.environment.get(CONTAINER_TOKEN)?)));
        Some(KeySource::Container { url, token: file.or_else(text) })
    }

    fn machine(&mut self) -> Option<KeySource> {
        let is = |name, word: &str| {
            self.environment.get(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        if is("AWS_EC2_METADATA_DISABLED", "true") {
            return None;
        }
        let default = if is("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6") { MACHINE_6 } else { MACHINE };
        Some(KeySource::Machine { base: self.desk("AWS_EC2_METADATA_SERVICE_ENDPOINT", default)? })
    }
}

/// The host of a service in a region.
fn host(service: &str, region: &str) -> String {
    let country = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("{service}.{region}.amazonaws.com{country}")
}

/// Whether the text can be a part of a host's name.
pub(in crate::config) fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
