//! The places in the program that `tracing` knows, as callsites of ours: one is made where an event is seen for the first time.

use crate::record::{Callsite, Level};
use arc_swap::ArcSwapOption;
use std::collections::HashMap;
use std::ptr::from_ref;
use std::sync::Arc;
use tracing::Metadata;

/// By the address of the metadata, which are static, so that there are no more than the program has places.
type Places = HashMap<usize, &'static Callsite>;

/// Read without a lock: another thread may hold one for ever, in a forked child.
static PLACES: ArcSwapOption<Places> = ArcSwapOption::const_empty();

/// The callsite of an event. Its name is the one that the event was given, or empty.
pub(super) fn callsite(metadata: &'static Metadata<'static>) -> &'static Callsite {
    known(metadata).unwrap_or_else(|| register(metadata))
}

fn known(metadata: &'static Metadata<'static>) -> Option<&'static Callsite> {
    PLACES.load().as_ref()?.get(&address(metadata)).copied()
}

/// The field's name as it was meant: without the `r#` of a keyword.
pub(super) fn key(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

fn address(metadata: &'static Metadata<'static>) -> usize {
    from_ref(metadata).addr()
}

#[cold]
fn register(metadata: &'static Metadata<'static>) -> &'static Callsite {
    let new: &'static Callsite = Box::leak(Box::new(describe(metadata)));
    PLACES.rcu(|places| {
        let mut places = places.as_deref().cloned().unwrap_or_default();
        // Another thread may have been faster.
        places.entry(address(metadata)).or_insert(new);
        Some(Arc::new(places))
    });
    known(metadata).unwrap_or(new)
}

fn describe(metadata: &'static Metadata<'static>) -> Callsite {
    let keys: Vec<&'static str> = metadata.fields().iter().map(|field| key(field.name())).collect();
    let module = metadata.module_path().unwrap_or(metadata.target());
    let (file, line) = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
    Callsite::new("", module, file, line, keys.leak())
        .with_name(given_name(metadata))
        .with_target(metadata.target())
        .with_level(Level::of_tracing(*metadata.level()))
}

/// The name, unless it is one that `tracing` made up from the place, or whoever knows no place.
fn given_name(metadata: &Metadata<'static>) -> &'static str {
    let (Some(file), Some(line)) = (metadata.file(), metadata.line()) else { return "" };
    if metadata.name() == format!("event {file}:{line}") { "" } else { metadata.name() }
}
