//! What an application shows that has a certificate instead of a secret.
//!
//! Source: Microsoft identity platform, "Application authentication certificate credentials".

use crate::export::ExportError;
use crate::export::auth::desk::{no, read};
use crate::export::auth::jwt;
use ring::digest::{SHA256, digest};
use ring::signature::RSA_PSS_SHA256;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use std::path::Path;

/// How long what we sign holds, which is to be no more than ten minutes.
const LASTS_S: u64 = 600;

/// Who we are, signed by the key in the file, which has the certificate, too.
pub(super) fn assertion(
    path: &Path,
    token_url: &str,
    client_id: &str,
    now_s: u64,
) -> Result<String, ExportError> {
    let pem = read(path)?;
    let missing = |what| no(format!("no credentials: {} has no {what} in the form PEM", path.display()));
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| missing("certificate"))?;
    let key = jwt::key(pem.as_bytes()).ok_or_else(|| missing("RSA key"))?;
    let print = jwt::encoded(digest(&SHA256, &certificate).as_ref());
    let head = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": print });
    let claims = json!({
        "aud": token_url, "iss": client_id, "sub": client_id, "jti": number(), "nbf": now_s, "exp": now_s + LASTS_S,
    });
    jwt::signed(&head, &claims, &key, &RSA_PSS_SHA256)
}

/// A number that no other assertion has.
fn number() -> String {
    let half = || getrandom::u64().unwrap_or_default();
    format!("{:016x}{:016x}", half(), half())
}
