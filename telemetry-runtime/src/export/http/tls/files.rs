//! The files of certificates and keys that the settings name, read and checked.

use super::{Identity, Tls, certificate, provider};
use crate::export::destination::TlsFiles;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io;
use std::path::Path;
use ureq::tls::{ClientCert, PrivateKey};

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
    let certificates: Vec<_> = chain.iter().map(certificate).collect();
    let for_ureq =
        ClientCert::new_with_certs(&certificates, PrivateKey::from_pem(&pem).map_err(|_| TlsError::NoKey)?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use telemetry_tests::Authority;

    /// A certificate and a key in files of their own, and what is wrong with them.
    fn error(name: &str, cert: &str, key: &str) -> Option<String> {
        let folder = std::env::temp_dir().join(format!("telemetry-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = |name: &str, pem: &str| -> Option<PathBuf> {
            let path = folder.join(name);
            std::fs::write(&path, pem).expect("a file");
            Some(path)
        };
        let files = TlsFiles {
            cert_file: file("cert.pem", cert),
            key_file: file("key.pem", key),
            ..TlsFiles::default()
        };
        let error = Tls::read(&files).err();
        std::fs::remove_dir_all(&folder).expect("the folder");
        error.map(|error| format!("{}: {error}", error.setting()))
    }

    #[test]
    fn a_key_must_be_one_and_that_of_its_certificate() {
        let authority = Authority::default();
        let (cert, key) = authority.identity();
        let (_, other_key) = authority.identity();
        assert_eq!(error("match", &cert, &key), None);
        let no_key = "key_file: `key_file` holds no private key in the form PEM, or one of an unknown kind";
        let broken = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n";
        for (name, key) in [("empty", ""), ("certificate", &*cert), ("broken", broken)] {
            assert_eq!(error(name, &cert, key).as_deref(), Some(no_key), "{name}");
        }
        let other = "key_file: `key_file` holds another key than that of the certificate in `cert_file`";
        assert_eq!(error("other", &cert, &other_key).as_deref(), Some(other));
    }
}
