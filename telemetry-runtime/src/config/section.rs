//! The application's own section of the file, read into a type of the application.

use super::deserialize::Value;
use super::document::Node;
use super::env::Environment;
use super::error::{Mistake, SettingsError};
use super::source::Source;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;

/// What is needed to read a section later.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections(Option<File>);

/// A settings file that is valid as far as this crate knows it.
#[derive(Clone)]
pub(super) struct File {
    pub(super) source: Source,
    pub(super) environment: Environment,
    pub(super) root: Node,
}

impl Sections {
    pub(super) fn new(source: Source, root: Option<Node>, environment: Environment) -> Self {
        Self(root.map(|root| File { source, environment, root }))
    }

    pub(super) fn file(&self) -> Option<&File> {
        self.0.as_ref()
    }

    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SettingsError> {
        let Some(file) = &self.0 else { return Ok(None) };
        let entry = file.root.entries().unwrap_or_default().iter().find(|entry| entry.key == name);
        let Some(node) = entry.map(|entry| &entry.value).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        Value::new(node, file).read(PhantomData::<T>).map(Some).map_err(|misfit| {
            let mut source = file.source.clone();
            misfit.hidden.into_iter().for_each(|place| source.hide(place));
            let mistake = Mistake::new(misfit.place.unwrap_or(node.place), misfit.message);
            SettingsError::mistakes(source, vec![Mistake { help: misfit.help, ..mistake }])
        })
    }
}

/// Shows no values: some are secrets.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
