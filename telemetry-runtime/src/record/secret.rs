//! Text that must not be seen: header values, tokens, connection strings.

use std::fmt;

/// Text that neither `Debug` nor any error shows.
///
/// There is no `Display`: whoever needs the text says so by calling [`expose`](Self::expose).
///
/// # Examples
/// ```
/// use telemetry_runtime::Secret;
///
/// let token = Secret::new("Bearer 1234");
/// assert_eq!(format!("{token:?}"), "Secret(***)");
/// assert_eq!(token.expose(), "Bearer 1234");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
