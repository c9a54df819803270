//! `KeyValue` and `AnyValue`.

use super::protobuf::{bytes_field, fixed64_field, put_bytes, put_varint, varint_field, varint_len};
use crate::record::Value;

/// A `KeyValue` as field `tag`; `key` is its encoded `key` field.
#[inline]
pub(super) fn put_attribute(tag: u8, key: &[u8], value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::I64(v) => {
            put_head(tag, key, 1 + varint_len(v as u64), out);
            out.push(varint_field(3));
            put_varint(v as u64, out);
        }
        Value::Str(v) => {
            put_head(tag, key, 1 + varint_len(v.len() as u64) + v.len(), out);
            put_bytes(bytes_field(1), v.as_bytes(), out);
        }
        Value::Bool(v) => {
            put_head(tag, key, 2, out);
            out.extend_from_slice(&[varint_field(2), u8::from(v)]);
        }
        Value::F64(v) => {
            put_head(tag, key, 9, out);
            out.push(fixed64_field(4));
            out.extend_from_slice(&v.to_le_bytes());
        }
        Value::Bytes(v) => {
            put_head(tag, key, 1 + varint_len(v.len() as u64) + v.len(), out);
            put_bytes(bytes_field(7), v, out);
        }
        wide => put_attribute(tag, key, wide.to_buf().as_value(), out),
    }
}

/// Everything of a `KeyValue` before what is in its `AnyValue`.
#[inline(always)]
fn put_head(tag: u8, key: &[u8], value_len: usize, out: &mut Vec<u8>) {
    let length = key.len() + 1 + varint_len(value_len as u64) + value_len;
    out.push(tag);
    put_varint(length as u64, out);
    out.extend_from_slice(key);
    out.push(bytes_field(2));
    put_varint(value_len as u64, out);
}

/// A `KeyValue` whose key is not encoded yet.
pub(super) fn put_attribute_named(tag: u8, key: &str, value: Value<'_>, out: &mut Vec<u8>) {
    let mut field = Vec::with_capacity(key.len() + 3);
    put_bytes(bytes_field(1), key.as_bytes(), &mut field);
    put_attribute(tag, &field, value, out);
}
