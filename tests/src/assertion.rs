//! The other side of what is shown instead of a password: checks who has signed it, for whom, and when.
//!
//! Source: RFC 7515, appendix A.2; RFC 7518, sections 3.3 and 3.5; RFC 7523, section 3.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

/// A key as PEM that is good for nothing but these tests.
pub const SERVICE_ACCOUNT_KEY: &str = include_str!("service_account.pem");

/// The claims, as JSON, of an assertion that [`SERVICE_ACCOUNT_KEY`] has signed.
///
/// # Errors
/// It has another form, names another algorithm, or somebody else has signed it, or something else.
///
/// # Panics
/// Never: the key is one.
pub fn check_assertion(assertion: &str) -> Result<String, String> {
    let (text, signature) = assertion.rsplit_once('.').ok_or("no signature")?;
    let (head, claims) = text.split_once('.').ok_or("no claims")?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string());
    let head = String::from_utf8_lossy(&decoded(head)?).into_owned();
    let algorithm = match () {
        () if head.contains(r#""alg":"RS256""#) => &RSA_PKCS1_2048_8192_SHA256,
        () if head.contains(r#""alg":"PS256""#) => &RSA_PSS_2048_8192_SHA256,
        () => return Err(format!("another algorithm: {head}")),
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(SERVICE_ACCOUNT_KEY.as_bytes()).expect("a key as PEM");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("a key");
    let public = UnparsedPublicKey::new(algorithm, key.public_key());
    public.verify(text.as_bytes(), &decoded(signature)?).map_err(|_| "signed by somebody else".to_owned())?;
    Ok(String::from_utf8_lossy(&decoded(claims)?).into_owned())
}
