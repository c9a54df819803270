//! Certificates for tests: an authority, and what it vouches for.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;

/// Where servers are.
const HOST: &str = "127.0.0.1";

/// Somebody who vouches for others.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        // A name of its own, so that it is told from every other.
        let name: String = key.public_key_raw().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }
}

impl Authority {
    /// Its own certificate as PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its private key as PEM.
    pub fn identity(&self) -> (String, String) {
        let (certificate, key) = self.issue(params_for(HOST));
        (certificate.pem(), key.serialize_pem())
    }

    /// A server at `127.0.0.1` that it vouches for. It speaks HTTP/2, and wants to know its clients if it is told who vouches for them.
    pub fn server(&self, clients: Option<&Self>) -> Arc<ServerConfig> {
        self.server_with(params_for(HOST), clients)
    }

    /// A server that shows a certificate for this name, wherever it is.
    pub fn server_named(&self, name: &str) -> Arc<ServerConfig> {
        self.server_with(params_for(name), None)
    }

    /// A server at `127.0.0.1` whose certificate has expired.
    pub fn expired_server(&self) -> Arc<ServerConfig> {
        let mut params = params_for(HOST);
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        self.server_with(params, None)
    }

    fn server_with(&self, params: CertificateParams, clients: Option<&Self>) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).expect("a certificate");
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let (certificate, key) = self.issue(params);
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let chain = vec![certificate.der().clone()];
        let mut config = builder.with_single_cert(chain, key.into()).expect("a key that matches");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.into()
    }

    fn issue(&self, params: CertificateParams) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.0).expect("a certificate"), key)
    }
}

fn params_for(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).expect("a name")
}
