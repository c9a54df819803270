//! Whom a client trusts, and who it says it is: certificates and a key, from files or from the system.

#[cfg(feature = "otlp")]
mod files;

#[cfg(feature = "otlp")]
pub(crate) use files::TlsError;

#[cfg(feature = "otlp")]
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
#[cfg(feature = "grpc")]
use rustls::pki_types::PrivateKeyDer;
#[cfg(feature = "grpc")]
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
#[cfg(feature = "otlp")]
use std::sync::Arc;
use std::sync::OnceLock;
use ureq::tls::{Certificate, ClientCert, RootCerts, TlsConfig};

/// What the files hold; nothing, if there are none.
#[derive(Default)]
pub(crate) struct Tls {
    /// Instead of the system's.
    roots: Option<Vec<CertificateDer<'static>>>,
    identity: Option<Identity>,
}

/// A certificate with what vouches for it, and its key; `ureq` takes keys as PEM only.
struct Identity {
    #[cfg(feature = "grpc")]
    chain: Vec<CertificateDer<'static>>,
    #[cfg(feature = "grpc")]
    key: PrivateKeyDer<'static>,
    for_ureq: ClientCert,
}

impl Tls {
    fn roots(&self) -> &[CertificateDer<'static>] {
        match &self.roots {
            Some(roots) => roots,
            None => system_roots(),
        }
    }

    pub(super) fn for_ureq(&self) -> TlsConfig {
        let roots = match self.roots() {
            [] => RootCerts::WebPki,
            roots => roots.iter().map(certificate).collect::<Vec<_>>().into(),
        };
        let identity = self.identity.as_ref().map(|identity| identity.for_ureq.clone());
        TlsConfig::builder().root_certs(roots).client_cert(identity).build()
    }

    /// For a connection that speaks one of these protocols.
    #[cfg(feature = "grpc")]
    pub(crate) fn for_rustls(&self, protocols: &[&[u8]]) -> Result<ClientConfig, rustls::Error> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.roots().iter().cloned());
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store);
        let mut config = match &self.identity {
            Some(Identity { chain, key, .. }) => {
                builder.with_client_auth_cert(chain.clone(), key.clone_key())?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }
}

fn certificate(der: &CertificateDer<'static>) -> Certificate<'static> {
    Certificate::from_der(der).to_owned()
}

/// What the system trusts; nothing where it says nothing, for which Mozilla's list stands in. Read once, since that takes a while.
fn system_roots() -> &'static [CertificateDer<'static>] {
    static ROOTS: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    ROOTS.get_or_init(|| rustls_native_certs::load_native_certs().certs)
}

/// The process's own choice of cryptography, as `ureq` has it.
#[cfg(feature = "otlp")]
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

/// Shows neither certificates nor the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("has_own_roots", &self.roots.is_some())
            .field("has_identity", &self.identity.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_asked_once_whom_it_trusts() {
        let roots = || Tls::default().roots().as_ptr();
        assert_eq!(roots(), roots());
    }
}
