//! Azure: the places where Azure Monitor takes OTLP, and who we are to Microsoft Entra.

use crate::config::error::{Mistake, Origin};
use crate::config::resolve::Resolver;
use crate::export::auth::{Entra, Identity};
use crate::export::destination::{Endpoint, Protocol};
use crate::record::{Secret, Signal};

/// What a token is for, unless a connection string says otherwise.
const MONITOR: &str = "https://monitor.azure.com";
const AUTHORITY: &str = "https://login.microsoftonline.com";
const METADATA: &str = "http://169.254.169.254";
const TENANT_ID: &str = "AZURE_TENANT_ID";
const CLIENT_ID: &str = "AZURE_CLIENT_ID";
const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

impl Resolver<'_> {
    /// A token for Azure Monitor, by the first identity that the environment has: an application with a secret, a certificate, or the token
    /// of another issuer; else a managed identity.
    ///
    /// Source: Azure Identity client library, `EnvironmentCredential`, `WorkloadIdentityCredential` and `ManagedIdentityCredential`.
    pub(in crate::config) fn entra(&mut self, origin: Origin, audience: Option<&str>) -> Option<Entra> {
        if !self.has_feature(
            origin,
            cfg!(feature = "azure-entra"),
            "tokens of Microsoft Entra",
            "azure-entra",
        ) {
            return None;
        }
        let resource = audience.unwrap_or(MONITOR).trim_end_matches('/').to_owned();
        Some(Entra { identity: self.identity()?, resource })
    }

    fn identity(&mut self) -> Option<Identity> {
        let get = |name| self.environment.get(name).map(|value| value.trim().to_owned());
        let client_id = get(CLIENT_ID);
        if let Some(secret) = get(CLIENT_SECRET).map(Secret::new) {
            let (token_url, client_id) = self.application(CLIENT_SECRET, client_id)?;
            return Some(Identity::Secret { token_url, client_id, secret });
        }
        if let Some(file) = get(CERTIFICATE).map(Into::into) {
            let (token_url, client_id) = self.application(CERTIFICATE, client_id)?;
            return Some(Identity::Certificate { token_url, client_id, file });
        }
        if let Some(token_file) = get(TOKEN_FILE).map(Into::into) {
            let (token_url, client_id) = self.application(TOKEN_FILE, client_id)?;
            return Some(Identity::Federated { token_url, client_id, token_file });
        }
        if let Some(header) = get("IDENTITY_HEADER").map(Secret::new)
            && get("IDENTITY_ENDPOINT").is_some()
        {
            return Some(Identity::AppService {
                url: self.desk("IDENTITY_ENDPOINT", "")?,
                header,
                client_id,
            });
        }
        Some(Identity::Machine { base: self.desk("AZURE_POD_IDENTITY_AUTHORITY_HOST", METADATA)?, client_id })
    }

    /// Where an application gets its tokens, and its id.
    fn application(&mut self, by: &'static str, client_id: Option<String>) -> Option<(String, String)> {
        let authority = self.desk("AZURE_AUTHORITY_HOST", AUTHORITY);
        let tenant = self.environment.get(TENANT_ID).map(|tenant| tenant.trim().to_owned());
        for (name, is_missing) in [(TENANT_ID, tenant.is_none()), (CLIENT_ID, client_id.is_none())] {
            if is_missing {
                self.mistake_once(Mistake::new(Origin::Variable(by), format!("it needs {name}, too")));
            }
        }
        let is_tenant = |tenant: &String| {
            tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
        };
        if tenant.as_ref().is_some_and(|tenant| !is_tenant(tenant)) {
            self.mistake_once(Mistake::new(
                Origin::Variable(TENANT_ID),
                "expected letters, digits, `-` and `.`",
            ));
            return None;
        }
        Some((format!("{}/{}/oauth2/v2.0/token", authority?, tenant?), client_id?))
    }

    /// The stream of this signal at the data collection rule that is named; else what is written, as it is.
    ///
    /// Source: Azure Monitor, "Ingest OTLP data into Azure Monitor with OpenTelemetry Collector".
    pub(super) fn azure_endpoint(
        &mut self,
        origin: Origin,
        written: Option<&Endpoint>,
        signal: Signal,
        protocol: Protocol,
    ) -> Option<Endpoint> {
        let Some(endpoint) = written else {
            let mistake =
                Mistake::new(origin, "Azure takes OTLP at a place of your own only, which is not named");
            let help = "write `endpoint:` with the URL of your data collection endpoint and rule: \
                        `https://NAME.REGION-1.ingest.monitor.azure.com/datacollectionRules/DCR-ID`";
            self.mistake_once(mistake.with_help(help));
            return None;
        };
        let url = endpoint.as_given();
        let is_rule =
            url.to_ascii_lowercase().contains("/datacollectionrules/") && !url.contains("/streams/");
        if !is_rule {
            return Some(endpoint.clone());
        }
        if protocol == Protocol::Grpc {
            self.refuse_grpc(origin, "Azure");
            return None;
        }
        let stream = match signal {
            Signal::Traces => "Microsoft-OTLP-Traces",
            Signal::Logs => "Microsoft-OTLP-Logs",
        };
        Endpoint::from_exact(&format!("{}/streams/{stream}/otlp/v1/{signal}", url.trim_end_matches('/'))).ok()
    }
}
