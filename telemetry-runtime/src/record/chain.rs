//! What an error says: its own message, then those of its sources.

use std::error::Error;
use std::fmt;

/// `cannot load: no such file`: the one form in which errors become messages, whoever records them.
pub(crate) struct Chain<'a, E: ?Sized>(pub(crate) &'a E);

impl<E: Error + ?Sized> fmt::Display for Chain<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
