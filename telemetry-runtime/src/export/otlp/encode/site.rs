//! What every span of a callsite has in common, encoded once.

use super::attribute::put_attribute_named;
use super::protobuf::{bytes_field, put_bytes, put_varint, varint_field};
use crate::record::{Callsite, SpanKind, Value};

/// The bytes that every span of a callsite begins with or refers to.
pub(super) struct Site {
    callsite: &'static Callsite,
    /// Field `name`.
    pub(super) name: Vec<u8>,
    /// Field `kind`, then the attributes that say where the code is.
    pub(super) kind_and_code: Vec<u8>,
    /// Field `key` of each of the callsite's keys.
    pub(super) keys: Vec<Vec<u8>>,
    /// Which of the encoder's scopes the callsite belongs to.
    pub(super) scope: usize,
}

impl Site {
    pub(super) fn new(callsite: &'static Callsite, scope: usize) -> Self {
        let mut name = Vec::new();
        put_bytes(bytes_field(5), callsite.name().as_bytes(), &mut name);
        let mut kind_and_code = vec![varint_field(6), kind_number(callsite.kind())];
        put_code(callsite, &mut kind_and_code);
        let keys = callsite.keys().iter().map(|key| {
            let mut field = Vec::new();
            put_bytes(bytes_field(1), key.as_bytes(), &mut field);
            field
        });
        Self { callsite, name, kind_and_code, keys: keys.collect(), scope }
    }

    pub(super) fn is_of(&self, callsite: &'static Callsite) -> bool {
        std::ptr::eq(self.callsite, callsite)
    }
}

/// Source: OpenTelemetry semantic conventions, "code".
fn put_code(callsite: &Callsite, out: &mut Vec<u8>) {
    let mut put = |key, value: Value<'_>| put_attribute_named(bytes_field(9), key, value, out);
    if !callsite.function().is_empty() {
        let function = format!("{}::{}", callsite.module(), callsite.function());
        put("code.function.name", Value::Str(&function));
    }
    put("code.file.path", Value::Str(callsite.file()));
    put("code.line.number", Value::I64(i64::from(callsite.line())));
}

fn kind_number(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

/// The beginning of a `ScopeSpans` message: its scope.
pub(super) fn scope_field(name: &str) -> Vec<u8> {
    let mut scope = Vec::new();
    put_bytes(bytes_field(1), name.as_bytes(), &mut scope);
    let mut field = vec![bytes_field(1)];
    put_varint(scope.len() as u64, &mut field);
    field.extend(scope);
    field
}
