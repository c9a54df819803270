//! The receiver's side of AWS's Signature Version 4: works out from a request, and the key that both know, what its signature must be.
//!
//! Written from the published algorithm, not from the signer.
//!
//! Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".

use crate::request::Request;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Why a request is not let in; `Ok` if it is signed by this key for this service.
///
/// # Errors
/// A part is missing, a header that must be signed is not, or the signature is of another request, key, region or service.
pub fn check_signature(request: &Request, secret: &str, region: &str, service: &str) -> Result<(), String> {
    let header = |name: &str| request.header(name).ok_or_else(|| format!("no header `{name}`"));
    let authorization = header("authorization")?;
    let part = |name: &str| {
        let found = authorization.split([' ', ',']).find_map(|part| part.strip_prefix(name));
        found.ok_or_else(|| format!("no `{name}` in {authorization}"))
    };
    let (names, signature) = (part("SignedHeaders=")?, part("Signature=")?);
    let is_unsigned = |name: &&str| !names.split(';').any(|signed| signed == *name);
    let token = request.header("x-amz-security-token").map(|_| "x-amz-security-token");
    if let Some(name) = ["host", "x-amz-date"].into_iter().chain(token).find(is_unsigned) {
        return Err(format!("`{name}` is not signed: {names}"));
    }
    let time = header("x-amz-date")?;
    let day = time.get(..8).ok_or("a short date")?;
    let scope = format!("{day}/{region}/{service}/aws4_request");
    if !part("Credential=")?.ends_with(&format!("/{scope}")) {
        return Err(format!("not for {scope}: {authorization}"));
    }
    let (method, path) = request.line.split_once(' ').ok_or("no path")?;
    let mut canonical = vec![method.to_owned(), path.to_owned(), String::new()];
    for name in names.split(';') {
        canonical.push(format!("{name}:{}", header(name)?.trim()));
    }
    canonical.extend([String::new(), names.to_owned(), hex(&Sha256::digest(&request.body))]);
    let hash = hex(&Sha256::digest(canonical.join("\n")));
    let day_key = keyed(format!("AWS4{secret}").as_bytes(), day);
    let service_key = keyed(&keyed(&day_key, region), service);
    let text = ["AWS4-HMAC-SHA256", time, &scope, &hash].join("\n");
    let expected = hex(&keyed(&keyed(&service_key, "aws4_request"), &text));
    if expected == signature { Ok(()) } else { Err(format!("signed {signature}, expected {expected}")) }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
