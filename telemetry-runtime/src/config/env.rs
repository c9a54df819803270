//! The one door to the process's environment: nothing else in this crate reads variables.

use crate::export::console::Style;
use std::collections::HashMap;
use std::io::IsTerminal;

/// Where variables come from.
#[derive(Clone, Debug)]
pub(crate) enum Environment {
    /// The process's own.
    Process,
    /// A fixed set.
    Fixed(HashMap<String, String>),
}

impl Environment {
    /// The variable's value. Empty means unset, as OpenTelemetry demands; so does a value that is not UTF-8.
    #[expect(clippy::disallowed_methods, reason = "this is the door to the environment that the lint guards")]
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.insert(name.to_owned()));
        let value = match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// How an output is to look, by `NO_COLOR`, `CLICOLOR_FORCE` and whether it is a terminal.
    pub(crate) fn style(&self, output: &impl IsTerminal) -> Style {
        Style::choose(
            output.is_terminal(),
            self.get("NO_COLOR").as_deref(),
            self.get("CLICOLOR_FORCE").as_deref(),
        )
    }

    /// The name of the running program, for `unknown_service:<name>`.
    pub(crate) fn executable(&self) -> Option<String> {
        match self {
            Self::Process => Some(std::env::current_exe().ok()?.file_name()?.to_string_lossy().into_owned()),
            Self::Fixed(_) => None,
        }
    }
}

#[cfg(test)]
thread_local! {
    /// The variables that were asked for.
    pub(super) static ASKED: std::cell::RefCell<std::collections::BTreeSet<String>> = const { std::cell::RefCell::new(std::collections::BTreeSet::new()) };
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self::Fixed(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset() {
        let environment = Environment::from([("A", "1"), ("B", "")]);
        assert_eq!(environment.get("A").as_deref(), Some("1"));
        assert_eq!(environment.get("B"), None);
        assert_eq!(environment.get("C"), None);
    }
}
