//! Names that promise a secret: such a value is recorded only where `expose(..)` says so.

/// Matched against the words of a name, which `_`, `-` and `.` divide.
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

pub(crate) fn smells_of_secret(name: &str) -> bool {
    let padded = format!("_{}_", name.to_lowercase().replace(['-', '.'], "_"));
    SECRETS.iter().any(|secret| padded.contains(&format!("_{secret}_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_a_whole_word() {
        for name in [
            "password",
            "user_password",
            "pin",
            "PIN_code",
            "stripe_api_key",
            "private_key_id",
            "_token",
            "db.password",
            "http.request.header.set-cookie",
        ] {
            assert!(smells_of_secret(name), "{name}");
        }
        for name in ["spin", "pinned", "api", "key", "max_tokens", "secretary", "db.name"] {
            assert!(!smells_of_secret(name), "{name}");
        }
    }

    #[test]
    fn the_documentation_shows_the_list() {
        let documentation = include_str!("lib.rs").replace("\n/// ", " ");
        let listed = SECRETS.iter().map(|secret| format!("`{secret}`")).collect::<Vec<_>>().join(", ");
        assert!(documentation.contains(&listed), "lib.rs lacks this list:\n{listed}");
    }
}
