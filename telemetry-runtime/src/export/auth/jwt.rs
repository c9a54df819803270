//! What shows by a private key who we are: claims as JSON, and a signature over them.
//!
//! Source: RFC 7515, appendix A.2; RFC 7518, sections 3.3 and 3.5.

use super::desk::no;
use crate::export::ExportError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

/// The RSA key in this text of the form PEM, which may hold more.
pub(super) fn key(pem: &[u8]) -> Option<RsaKeyPair> {
    match PrivateKeyDer::from_pem_slice(pem).ok()? {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        _ => None,
    }
}

/// The claims, signed; `head` names the way in which `encoding` is.
pub(super) fn signed(
    head: &Value,
    claims: &Value,
    key: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
) -> Result<String, ExportError> {
    let part = |value: &Value| encoded(value.to_string().as_bytes());
    let text = format!("{}.{}", part(head), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| no("no credentials: the private key cannot sign"))?;
    Ok(format!("{text}.{}", encoded(&signature)))
}

/// Bytes as such tokens have them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
