//! `KeyValue` and `AnyValue`.

use super::protobuf::{Piece, bytes_field, fixed64_field, put_bytes, put_varint, varint_field, varint_len};
use crate::record::{Array, RawValue, Value};

/// A `KeyValue` as field `tag`; `key` is its encoded `key` field.
#[inline]
pub(super) fn put_attribute(tag: u8, key: &[u8], value: Value<'_>, out: &mut Vec<u8>) {
    put_head(tag, key, value_len(value), out);
    put_value(value, out);
}

/// How long an `AnyValue` is.
#[inline]
fn value_len(value: Value<'_>) -> usize {
    match value {
        Value::I64(v) => 1 + varint_len(v as u64),
        Value::Str(v) => field_len(v.len()),
        Value::Bool(_) => 2,
        Value::F64(_) => 9,
        Value::Bytes(v) => field_len(v.len()),
        Value::Array(v) => field_len(array_len(v)),
        wide => value_len(wide.to_buf().as_value()),
    }
}

/// An `AnyValue`, without its own tag and length.
#[inline]
fn put_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::I64(v) => {
            out.push(varint_field(3));
            put_varint(v as u64, out);
        }
        Value::Str(v) => put_bytes(bytes_field(1), v.as_bytes(), out),
        Value::Bool(v) => out.extend_from_slice(&[varint_field(2), u8::from(v)]),
        Value::F64(v) => {
            out.push(fixed64_field(4));
            out.extend_from_slice(&v.to_le_bytes());
        }
        Value::Bytes(v) => put_bytes(bytes_field(7), v, out),
        Value::Array(v) => put_array(v, out),
        wide => put_value(wide.to_buf().as_value(), out),
    }
}

/// How long an `ArrayValue` is.
#[cold]
fn array_len(array: Array<'_>) -> usize {
    array.iter().map(|value| field_len(value_len(value))).sum()
}

/// Field `array_value`: an `ArrayValue`, whose field `values` is the elements.
#[cold]
fn put_array(array: Array<'_>, out: &mut Vec<u8>) {
    out.push(bytes_field(5));
    put_varint(array_len(array) as u64, out);
    for value in array.iter() {
        out.push(bytes_field(1));
        put_varint(value_len(value) as u64, out);
        put_value(value, out);
    }
}

/// How long a field is whose content is so long.
#[inline(always)]
fn field_len(content_len: usize) -> usize {
    1 + varint_len(content_len as u64) + content_len
}

/// The same for a value as it lies in a record.
#[inline(always)]
pub(super) fn put_raw_attribute(tag: u8, key: &Piece, value: RawValue<'_>, out: &mut Vec<u8>) {
    match value {
        RawValue::I64(v) => {
            put_short_head(tag, key, 1 + varint_len(v as u64), out);
            out.push(varint_field(3));
            put_varint(v as u64, out);
        }
        RawValue::Str(padded, length) => put_raw_bytes(tag, key, bytes_field(1), padded, length, out),
        RawValue::Bytes(padded, length) => put_raw_bytes(tag, key, bytes_field(7), padded, length, out),
        RawValue::Bool(v) => {
            put_short_head(tag, key, 2, out);
            out.extend_from_slice(&[varint_field(2), u8::from(v)]);
        }
        RawValue::F64(v) => {
            let mut field = [fixed64_field(4); 9];
            field[1..].copy_from_slice(&v.to_le_bytes());
            put_short_head(tag, key, field.len(), out);
            out.extend_from_slice(&field);
        }
        RawValue::Array(v) => put_raw_array(tag, key, v, out),
    }
}

#[cold]
#[inline(never)]
fn put_raw_array(tag: u8, key: &Piece, array: Array<'_>, out: &mut Vec<u8>) {
    put_attribute(tag, key.as_slice(), Value::Array(array), out);
}

#[inline(always)]
fn put_raw_bytes(tag: u8, key: &Piece, value_tag: u8, padded: &[u8], length: usize, out: &mut Vec<u8>) {
    // With one byte for each length, and texts of a few words, as most are.
    if key.len() + length < 0x70 {
        put_short_head(tag, key, 2 + length, out);
        out.extend_from_slice(&[value_tag, length as u8]);
        let end = out.len() + length;
        padded.as_chunks::<8>().0.iter().for_each(|word| out.extend_from_slice(word));
        out.truncate(end);
    } else {
        put_head(tag, key.as_slice(), field_len(length), out);
        put_bytes(value_tag, &padded[..length], out);
    }
}

/// Everything of a `KeyValue` before what is in its `AnyValue`, which is short.
#[inline(always)]
fn put_short_head(tag: u8, key: &Piece, value_len: usize, out: &mut Vec<u8>) {
    let length = key.len() + 2 + value_len;
    if length < 0x80 {
        out.extend_from_slice(&[tag, length as u8]);
        key.put(out);
        out.extend_from_slice(&[bytes_field(2), value_len as u8]);
    } else {
        put_head(tag, key.as_slice(), value_len, out);
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
    let value_len = value_len(value);
    out.push(tag);
    put_varint((field_len(key.len()) + field_len(value_len)) as u64, out);
    put_bytes(bytes_field(1), key.as_bytes(), out);
    out.push(bytes_field(2));
    put_varint(value_len as u64, out);
    put_value(value, out);
}
