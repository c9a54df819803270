//! What every span of a callsite has in common, encoded once.

use super::attribute::put_attribute_named;
use super::protobuf::{Piece, bytes_field, put_bytes, put_message, varint_field};
use crate::export::numbers;
use crate::record::{Callsite, ScopeDetails, Value};

/// The bytes that every span of a callsite begins with or refers to.
pub(super) struct Site {
    callsite: &'static Callsite,
    /// Field `name`, then field `kind`, then the attributes that say where the code is, if they are wanted.
    name_and_rest: Vec<u8>,
    /// How much of that is the name.
    name_len: usize,
    /// Field `key` of each of the callsite's keys.
    pub(super) keys: Vec<Piece>,
    /// Which of the encoder's scopes the callsite belongs to.
    pub(super) scope: usize,
}

impl Site {
    pub(super) fn new(callsite: &'static Callsite, scope: usize, code_attributes: bool) -> Self {
        let mut name_and_rest = Vec::new();
        put_bytes(bytes_field(5), callsite.name().as_bytes(), &mut name_and_rest);
        let name_len = name_and_rest.len();
        name_and_rest.extend([varint_field(6), numbers::kind(callsite.kind())]);
        if code_attributes {
            put_code(bytes_field(9), callsite, &mut name_and_rest);
        }
        let keys = callsite.keys().iter().map(|key| {
            let mut field = Vec::new();
            put_bytes(bytes_field(1), key.as_bytes(), &mut field);
            Piece::new(&field)
        });
        Self { callsite, name_and_rest, name_len, keys: keys.collect(), scope }
    }

    /// What every span of the callsite has, unless it was given another name.
    #[inline(always)]
    pub(super) fn put(&self, other_name: Option<&str>, out: &mut Vec<u8>) {
        match other_name {
            None => out.extend_from_slice(&self.name_and_rest),
            Some(name) => {
                put_bytes(bytes_field(5), name.as_bytes(), out);
                out.extend_from_slice(&self.name_and_rest[self.name_len..]);
            }
        }
    }

    pub(super) fn is_of(&self, callsite: &'static Callsite) -> bool {
        std::ptr::eq(self.callsite, callsite)
    }
}

/// Where the code is, as far as that is known, as attributes that are field `tag`.
///
/// Source: OpenTelemetry semantic conventions, "code".
pub(super) fn put_code(tag: u8, callsite: &Callsite, out: &mut Vec<u8>) {
    let mut put = |key, value: Value<'_>| put_attribute_named(tag, key, value, out);
    if !callsite.function().is_empty() {
        let function = format!("{}::{}", callsite.module(), callsite.function());
        put("code.function.name", Value::Str(&function));
    }
    if !callsite.file().is_empty() {
        put("code.file.path", Value::Str(callsite.file()));
        put("code.line.number", Value::I64(i64::from(callsite.line())));
    }
}

/// The beginning of a `ScopeSpans` or `ScopeLogs` message: its scope, and whose conventions that keeps to.
pub(super) fn scope_fields(name: &str, details: &ScopeDetails) -> Vec<u8> {
    let mut fields = Vec::new();
    put_message(bytes_field(1), &mut fields, |out| {
        put_bytes(bytes_field(1), name.as_bytes(), out);
        put_text(bytes_field(2), &details.version, out);
        for (key, value) in &details.attributes {
            put_attribute_named(bytes_field(3), key, value.as_value(), out);
        }
    });
    put_text(bytes_field(3), &details.schema_url, &mut fields);
    fields
}

fn put_text(tag: u8, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        put_bytes(tag, text.as_bytes(), out);
    }
}
