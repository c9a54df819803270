//! Whom a client trusts, and who it says it is: certificates and a key, read from files or from the system.

use crate::export::destination::TlsFiles;
#[cfg(feature = "grpc")]
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// What the files hold.
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

/// Which file is wrong, and how. The text repeats nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("`{0}` cannot be read")]
    Unreadable(&'static str, #[source] io::Error),
    #[error("`{0}` holds no certificate in the form PEM")]
    NoCertificate(&'static str),
    #[error("`key_file` holds no private key in the form PEM, or one of an unknown kind")]
    NoKey,
    #[error("`key_file` holds another key than that of the certificate in `cert_file`")]
    OtherKey,
    #[error("`{0}` is of no use without `{1}`")]
    Alone(&'static str, &'static str),
}

impl TlsError {
    /// The name of the setting that is wrong.
    pub(crate) fn setting(&self) -> &'static str {
        match self {
            Self::Unreadable(setting, _) | Self::NoCertificate(setting) | Self::Alone(setting, _) => setting,
            Self::NoKey | Self::OtherKey => KEY,
        }
    }
}

const CA: &str = "ca_file";
const CERT: &str = "cert_file";
const KEY: &str = "key_file";

impl Tls {
    /// Reads the files, and finds out now what would fail with each connection.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { roots: roots(files.ca_file.as_deref())?, identity: identity(files)? })
    }

    pub(super) fn for_ureq(&self) -> TlsConfig {
        let roots = self.roots.clone().unwrap_or_else(system_roots);
        let roots = match &*roots {
            [] => RootCerts::WebPki,
            roots => roots.iter().map(certificate).collect::<Vec<_>>().into(),
        };
        let identity = self.identity.as_ref().map(|identity| identity.for_ureq.clone());
        TlsConfig::builder().root_certs(roots).client_cert(identity).build()
    }

    /// For a connection that speaks one of these protocols.
    #[cfg(feature = "grpc")]
    pub(crate) fn for_rustls(&self, protocols: &[&[u8]]) -> Result<ClientConfig, rustls::Error> {
        let roots = self.roots.clone().unwrap_or_else(system_roots);
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots);
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

/// What the system trusts; nothing where it says nothing, for which Mozilla's list stands in.
fn system_roots() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// The process's own choice of cryptography, as `ureq` has it.
fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()))
}

fn roots(ca_file: Option<&Path>) -> Result<Option<Vec<CertificateDer<'static>>>, TlsError> {
    let Some(roots) = ca_file.map(|file| certificates(CA, file)).transpose()? else { return Ok(None) };
    let mut store = RootCertStore::empty();
    for root in &roots {
        store.add(root.clone()).map_err(|_| TlsError::NoCertificate(CA))?;
    }
    Ok(Some(roots))
}

fn identity(files: &TlsFiles) -> Result<Option<Identity>, TlsError> {
    let (cert_file, key_file) = match (&files.cert_file, &files.key_file) {
        (Some(cert_file), Some(key_file)) => (cert_file, key_file),
        (Some(_), None) => return Err(TlsError::Alone(CERT, KEY)),
        (None, Some(_)) => return Err(TlsError::Alone(KEY, CERT)),
        (None, None) => return Ok(None),
    };
    let chain = certificates(CERT, cert_file)?;
    let pem = read(KEY, key_file)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::NoKey)?;
    match CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider()) {
        Ok(_) => {}
        Err(rustls::Error::InconsistentKeys(_)) => return Err(TlsError::OtherKey),
        Err(rustls::Error::InvalidCertificate(_)) => return Err(TlsError::NoCertificate(CERT)),
        Err(_) => return Err(TlsError::NoKey),
    }
    let for_ureq: Vec<_> = chain.iter().map(certificate).collect();
    let for_ureq =
        ClientCert::new_with_certs(&for_ureq, PrivateKey::from_pem(&pem).map_err(|_| TlsError::NoKey)?);
    Ok(Some(Identity {
        #[cfg(feature = "grpc")]
        chain,
        #[cfg(feature = "grpc")]
        key,
        for_ureq,
    }))
}

fn certificates(setting: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(setting, file)?;
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsError::NoCertificate(setting)),
    }
}

fn read(setting: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|error| TlsError::Unreadable(setting, error))
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
