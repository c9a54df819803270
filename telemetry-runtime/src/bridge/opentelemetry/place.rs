//! The places that make spans of the API, as far as they can be told apart, each a callsite of ours: a scope, a name and a kind.

use crate::record::opentelemetry::Seen;
use crate::record::{Callsite, ScopeDetails, SpanKind};
use arc_swap::ArcSwapOption;
use opentelemetry::{InstrumentationScope, KeyValue};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ptr::from_ref;
use std::sync::Arc;

/// A library that makes spans.
#[derive(Debug)]
pub(super) struct Scope {
    name: &'static str,
    details: &'static ScopeDetails,
}

/// By the addresses of their texts, which stay where they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    scope: usize,
    name: usize,
    name_length: usize,
    kind: usize,
}

type Places = HashMap<Key, &'static Callsite, BuildHasherDefault<KeyHasher>>;

type Scopes = HashMap<InstrumentationScope, &'static Scope>;

/// Read without a lock: threads meet here at each span.
static PLACES: ArcSwapOption<Places> = ArcSwapOption::const_empty();
static SCOPES: ArcSwapOption<Scopes> = ArcSwapOption::const_empty();

/// Names that are in the program's text are few; whoever makes them up gets no more than so many places and scopes.
const MOST_PLACES: usize = 4096;
const MOST_SCOPES: usize = 256;

/// The scope of everything that exceeds the bounds.
static OTHER: Scope = Scope { name: "opentelemetry", details: ScopeDetails::NONE };

/// The scope, kept for good.
pub(super) fn scope(scope: InstrumentationScope) -> &'static Scope {
    let known = SCOPES.load().as_ref().and_then(|scopes| scopes.get(&scope).copied());
    known.unwrap_or_else(|| register_scope(scope))
}

#[cold]
fn register_scope(scope: InstrumentationScope) -> &'static Scope {
    let count = SCOPES.load().as_ref().map_or(0, |scopes| scopes.len());
    if count >= MOST_SCOPES {
        return &OTHER;
    }
    let new: &'static Scope = Box::leak(Box::new(describe(&scope)));
    SCOPES.rcu(|scopes| {
        let mut scopes = scopes.as_deref().cloned().unwrap_or_default();
        scopes.entry(scope.clone()).or_insert(new);
        Some(Arc::new(scopes))
    });
    // Another thread may have been first.
    SCOPES.load().as_ref().and_then(|scopes| scopes.get(&scope).copied()).unwrap_or(new)
}

fn describe(scope: &InstrumentationScope) -> Scope {
    let attributes = scope
        .attributes()
        .map(|KeyValue { key, value, .. }| (key.as_str().to_owned(), Seen::new(value).as_value().to_buf()));
    let details = ScopeDetails {
        version: scope.version().unwrap_or_default().to_owned(),
        schema_url: scope.schema_url().unwrap_or_default().to_owned(),
        attributes: attributes.collect(),
    };
    let details =
        if details == *ScopeDetails::NONE { ScopeDetails::NONE } else { Box::leak(Box::new(details)) };
    Scope { name: scope.name().to_owned().leak(), details }
}

/// The place of spans of that scope and kind, under their name if that is in the program's text, else under the scope's.
pub(super) fn of(scope: &'static Scope, name: Option<&'static str>, kind: SpanKind) -> &'static Callsite {
    let name = name.unwrap_or(scope.name);
    let key = Key {
        scope: from_ref(scope).addr(),
        name: name.as_ptr().addr(),
        name_length: name.len(),
        kind: kind as usize,
    };
    let known = PLACES.load().as_ref().and_then(|places| places.get(&key).copied());
    known.unwrap_or_else(|| register(key, scope, name, kind))
}

#[cold]
fn register(key: Key, scope: &'static Scope, name: &'static str, kind: SpanKind) -> &'static Callsite {
    let count = PLACES.load().as_ref().map_or(0, |places| places.len());
    if count >= MOST_PLACES && !std::ptr::eq(scope, &OTHER) {
        return of(&OTHER, None, kind);
    }
    let callsite = Callsite::new("", scope.name, "", 0, &[])
        .with_scope(scope.name, scope.details)
        .with_name(name)
        .with_kind(kind);
    let new: &'static Callsite = Box::leak(Box::new(callsite));
    PLACES.rcu(|places| {
        let mut places: Places = places.as_deref().cloned().unwrap_or_default();
        places.entry(key).or_insert(new);
        Some(Arc::new(places))
    });
    // Another thread may have been first.
    PLACES.load().as_ref().and_then(|places| places.get(&key).copied()).unwrap_or(new)
}

/// Addresses, well enough spread by one multiplication.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, key: usize) {
        self.0 = (self.0 ^ key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
