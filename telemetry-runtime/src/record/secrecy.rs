//! Names that promise a secret: what others record under one is not looked at.

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// Matched against the words of a name, which `_`, `-` and `.` divide. The list is that of `#[instrument]`.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "private_key",
    "ssn",
    "cvv",
    "cvc",
    "pin",
    "otp",
];

/// Whether a name has one of these words in it.
pub(crate) fn smells_of_secret(name: &str) -> bool {
    let name = name.as_bytes();
    let is_start = |at: usize| at == 0 || is_divider(name[at - 1]);
    (0..name.len())
        .filter(|at| is_start(*at))
        .any(|at| SECRETS.iter().any(|secret| begins(&name[at..], secret)))
}

fn begins(name: &[u8], secret: &str) -> bool {
    let Some((word, rest)) = name.split_at_checked(secret.len()) else { return false };
    let is_same = |(byte, of_secret): (&u8, u8)| {
        byte.to_ascii_lowercase() == of_secret || of_secret == b'_' && is_divider(*byte)
    };
    word.iter().zip(secret.bytes()).all(is_same) && rest.first().is_none_or(|byte| is_divider(*byte))
}

fn is_divider(byte: u8) -> bool {
    b"_-.".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_a_whole_word() {
        for name in [
            "password",
            "user_password",
            "PIN_code",
            "stripe.api-key",
            "private_key_id",
            "_token",
            "db.password",
            "http.request.header.set-cookie",
        ] {
            assert!(smells_of_secret(name), "{name}");
        }
        for name in
            ["", "spin", "pinned", "api", "key", "api_keys", "max_tokens", "secretary", "db.name", "ö.name"]
        {
            assert!(!smells_of_secret(name), "{name}");
        }
    }

    #[test]
    fn the_list_is_that_of_the_macro() {
        let list = |file: &str| {
            file.split_once("SECRETS: ").and_then(|(_, rest)| Some(rest.split_once("];")?.0.to_owned()))
        };
        let of_macro = list(include_str!("../../../telemetry-macros/src/secret.rs")).expect("it has one");
        assert_eq!(list(include_str!("secrecy.rs")), Some(of_macro));
    }
}
