//! The places that make spans and events of `tracing`, each a callsite of ours, made at its first one and kept for good.

use crate::record::{Callsite, Level, SpanKind, smells_of_secret};
use std::ptr::from_ref;
use std::sync::OnceLock;
use tracing::Metadata;
use tracing::field::Field;

/// A place as its metadata describe it, once for each span kind that its spans say they have.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) callsite: &'static Callsite,
    /// Whether its spans have a field that says their kind.
    pub(super) tells_kind: bool,
    pub(super) secrets: Secrets,
}

/// Which fields are named like a secret: a bit each.
#[derive(Clone, Copy, Default)]
pub(super) struct Secrets(u64);

impl Secrets {
    fn of(metadata: &Metadata<'_>) -> Self {
        let secret = |field: &Field| smells_of_secret(key(field.name()));
        let bits = metadata.fields().iter().filter(secret).filter_map(|field| Self::bit(&field));
        Self(bits.fold(0, |bits, bit| bits | bit))
    }

    /// Whether the field's value is not to be looked at.
    pub(super) fn has(self, field: &Field) -> bool {
        Self::bit(field).map_or_else(|| smells_of_secret(key(field.name())), |bit| self.0 & bit != 0)
    }

    fn bit(field: &Field) -> Option<u64> {
        1_u64.checked_shl(u32::try_from(field.index()).ok()?)
    }
}

/// A list of places whose keys fall together, to which only is appended.
type List = OnceLock<&'static Known>;

struct Known {
    key: usize,
    place: Place,
    next: List,
}

/// There are as many as places in the program's text. Read without a lock: threads meet here at each span.
static PLACES: [List; BUCKETS] = [const { OnceLock::new() }; BUCKETS];

const BUCKETS: usize = 512;

/// The place of these metadata, for spans of this kind.
pub(super) fn of(metadata: &'static Metadata<'static>, kind: SpanKind) -> Place {
    // Metadata are aligned: the lowest bits of their address are free.
    let key = from_ref(metadata).addr() | kind as usize;
    let mut list = &PLACES[bucket(key)];
    loop {
        let known = list.get().unwrap_or_else(|| list.get_or_init(|| know(key, metadata, kind)));
        if known.key == key {
            return known.place;
        }
        list = &known.next;
    }
}

/// Addresses are well enough spread by one multiplication.
fn bucket(key: usize) -> usize {
    ((key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BUCKETS.ilog2())) as usize
}

#[cold]
fn know(key: usize, metadata: &'static Metadata<'static>, kind: SpanKind) -> &'static Known {
    Box::leak(Box::new(Known { key, place: describe(metadata, kind), next: OnceLock::new() }))
}

fn describe(metadata: &'static Metadata<'static>, kind: SpanKind) -> Place {
    let keys: Vec<&str> = metadata.fields().iter().map(|field| key(field.name())).collect();
    let module = metadata.module_path().unwrap_or(metadata.target());
    let (file, line) = (metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default());
    let callsite = Callsite::new("", module, file, line, keys.leak())
        .with_name(name(metadata))
        .with_target(metadata.target())
        .with_level(Level::of_tracing(*metadata.level()))
        .with_kind(kind);
    Place {
        callsite: Box::leak(Box::new(callsite)),
        tells_kind: metadata.fields().field(super::otel::KIND).is_some(),
        secrets: Secrets::of(metadata),
    }
}

/// The name; of an event only the one that it was given, which `tracing` has not made up from the place.
fn name(metadata: &Metadata<'static>) -> &'static str {
    match (metadata.file(), metadata.line()) {
        _ if !metadata.is_event() => metadata.name(),
        (Some(file), Some(line)) if metadata.name() != format!("event {file}:{line}") => metadata.name(),
        _ => "",
    }
}

/// A field's name as it was meant: without the `r#` of a keyword.
pub(super) fn key(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}
