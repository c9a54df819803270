//! Typed attribute values, and the trait that turns a parameter into one.

use super::Array;
use super::array::Element;
use super::layout::{self, Reader, tag};
use std::fmt;

/// A borrowed attribute value.
///
/// What reaches an exporter is one of OpenTelemetry's own types: `Bool`, `I64`, `F64`, `Str`, `Bytes` or an `Array` of one of them.
/// The wider integers and `Char` are accepted when recording: they become `I64` where they fit, else decimal (or one character's) text.
///
/// Source: OpenTelemetry specification, common, "attribute".
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer.
    I64(i64),
    /// A double.
    F64(f64),
    /// Text.
    Str(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// An unsigned integer; text from 2^63 on.
    U64(u64),
    /// A wide signed integer; text outside of 64 bits.
    I128(i128),
    /// A wide unsigned integer; text from 2^63 on.
    U128(u128),
    /// A character; text.
    Char(char),
    /// Several values of one kind.
    Array(Array<'a>),
}

/// An owned attribute value, for tests and for whoever keeps values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueBuf {
    /// `true` or `false`.
    Bool(bool),
    /// A signed 64-bit integer.
    I64(i64),
    /// A double.
    F64(f64),
    /// Text.
    Str(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Several values, of one kind wherever a span has them.
    Array(Vec<ValueBuf>),
}

/// How a span ended, as OpenTelemetry's status code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusCode {
    /// Nothing was said: the ordinary end.
    #[default]
    Unset,
    /// Somebody said that it went well, whatever anybody else says.
    Ok,
    /// It failed.
    Error,
}

/// A span's status: a code, and for errors a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanStatus<'a> {
    /// The code.
    pub code: StatusCode,
    /// What went wrong; empty unless the code is [`StatusCode::Error`].
    pub message: &'a str,
}

/// How a type becomes an attribute value.
///
/// Numbers, booleans, chars, text, byte strings, `Option` (absent when `None`) and references to them do; so do slices, arrays and
/// `Vec`s of numbers, booleans and text, as an [`Array`], and of `u8`, as a byte string. Implement it for a newtype to have it captured
/// like what it wraps.
///
/// # Examples
/// ```
/// use telemetry_runtime::{Capture, Value};
///
/// struct OrderId(u32);
/// impl Capture for OrderId {
///     fn capture(&self) -> Option<Value<'_>> {
///         self.0.capture()
///     }
/// }
/// assert_eq!(OrderId(7).capture(), Some(Value::I64(7)));
/// ```
/// Several values are one attribute:
/// ```
/// use telemetry_runtime::{Span, instrument};
///
/// #[instrument(fields(ids, names))]
/// fn notify(ids: &[u64], names: &Vec<String>) {
///     Span::current().set_attribute("retries.after_s", [1, 5, 30]);
/// }
/// # notify(&[7, 8], &vec!["anna".to_owned()]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no typed attribute value",
    label = "not a number, bool, char, text or a type that implements `Capture`",
    note = "record it formatted, as `?name` (Debug) or `%name` (Display), or implement `telemetry_runtime::Capture` for it"
)]
pub trait Capture {
    /// Whether `#[instrument]` captures a parameter of this type without being asked. Text, bytes and arrays are only captured
    /// where `fields` names them.
    const IMPLICIT: bool = true;

    /// The value, or `None` for an attribute that is absent.
    fn capture(&self) -> Option<Value<'_>>;
}

macro_rules! capture {
    ($($type:ty => |$value:ident| $capture:expr;)*) => {$(
        impl Capture for $type {
            const IMPLICIT: bool = !matches!(stringify!($type).as_bytes(), b"str" | b"String");
            #[inline]
            fn capture(&self) -> Option<Value<'_>> {
                let $value = self;
                Some($capture)
            }
        }
    )*};
}

capture! {
    bool => |v| Value::Bool(*v);
    char => |v| Value::Char(*v);
    i8 => |v| Value::I64(i64::from(*v));
    i16 => |v| Value::I64(i64::from(*v));
    i32 => |v| Value::I64(i64::from(*v));
    i64 => |v| Value::I64(*v);
    i128 => |v| Value::I128(*v);
    isize => |v| Value::I64(*v as i64);
    u8 => |v| Value::I64(i64::from(*v));
    u16 => |v| Value::I64(i64::from(*v));
    u32 => |v| Value::I64(i64::from(*v));
    u64 => |v| Value::U64(*v);
    u128 => |v| Value::U128(*v);
    usize => |v| Value::U64(*v as u64);
    f32 => |v| Value::F64(f64::from(*v));
    f64 => |v| Value::F64(*v);
    str => |v| Value::Str(v);
    String => |v| Value::Str(v);
}

macro_rules! capture_through {
    ($($pointer:ty),*) => {$(
        impl<T: Capture + ?Sized> Capture for $pointer {
            const IMPLICIT: bool = T::IMPLICIT;
            #[inline]
            fn capture(&self) -> Option<Value<'_>> {
                (**self).capture()
            }
        }
    )*};
}

capture_through!(&T, &mut T, Box<T>, std::sync::Arc<T>, std::rc::Rc<T>);

impl<T: Capture> Capture for Option<T> {
    const IMPLICIT: bool = T::IMPLICIT;
    #[inline]
    fn capture(&self) -> Option<Value<'_>> {
        self.as_ref().and_then(T::capture)
    }
}

impl<T: Capture + ToOwned + ?Sized> Capture for std::borrow::Cow<'_, T> {
    const IMPLICIT: bool = T::IMPLICIT;
    #[inline]
    fn capture(&self) -> Option<Value<'_>> {
        (**self).capture()
    }
}

impl<T: Capture> Capture for std::num::Wrapping<T> {
    const IMPLICIT: bool = T::IMPLICIT;
    #[inline]
    fn capture(&self) -> Option<Value<'_>> {
        self.0.capture()
    }
}

macro_rules! capture_non_zero {
    ($($int:ty),*) => {$(
        impl Capture for std::num::NonZero<$int> {
            #[inline]
            fn capture(&self) -> Option<Value<'_>> {
                match i64::try_from(self.get()) {
                    Ok(fits) => Some(Value::I64(fits)),
                    Err(_) => Some(Value::U128(self.get() as u128)),
                }
            }
        }
    )*};
}

capture_non_zero!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => v.fmt(f),
            Self::I64(v) => v.fmt(f),
            Self::F64(v) => v.fmt(f),
            Self::Str(v) => v.fmt(f),
            Self::Bytes(v) => v.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::U64(v) => v.fmt(f),
            Self::I128(v) => v.fmt(f),
            Self::U128(v) => v.fmt(f),
            Self::Char(v) => v.fmt(f),
            Self::Array(v) => v.fmt(f),
        }
    }
}

impl<'a> Value<'a> {
    /// The value behind the head word of an attribute or element; `None` if the tag is none of a value's.
    #[inline(always)]
    pub(super) fn read(tag: u8, start: u32, reader: &mut Reader<'a>) -> Option<Self> {
        Some(match tag {
            tag::BOOL => Self::Bool(start != 0),
            tag::I64 => Self::I64(reader.word()? as i64),
            tag::F64 => Self::F64(f64::from_bits(reader.word()?)),
            tag::STR => Self::Str(layout::text(reader.bytes(start as usize)?)),
            tag::BYTES => Self::Bytes(reader.bytes(start as usize)?),
            tag::ARRAY => Self::Array(Array::recorded(reader.bytes(start as usize)?)),
            _ => return None,
        })
    }

    /// The value on its own, with wide integers and chars in the form in which exporters see them.
    pub fn to_buf(&self) -> ValueBuf {
        match *self {
            Self::Bool(v) => ValueBuf::Bool(v),
            Self::I64(v) => ValueBuf::I64(v),
            Self::F64(v) => ValueBuf::F64(v),
            Self::Str(v) => ValueBuf::Str(v.to_owned()),
            Self::Bytes(v) => ValueBuf::Bytes(v.to_owned()),
            Self::U64(v) => narrow(v),
            Self::I128(v) => narrow(v),
            Self::U128(v) => narrow(v),
            Self::Char(v) => ValueBuf::Str(v.to_string()),
            Self::Array(v) => ValueBuf::Array(v.to_bufs()),
        }
    }
}

fn narrow<T: TryInto<i64> + fmt::Display + Copy>(wide: T) -> ValueBuf {
    wide.try_into().map_or_else(|_| ValueBuf::Str(wide.to_string()), ValueBuf::I64)
}

impl ValueBuf {
    /// The value, borrowed.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Self::Bool(v) => Value::Bool(*v),
            Self::I64(v) => Value::I64(*v),
            Self::F64(v) => Value::F64(*v),
            Self::Str(v) => Value::Str(v),
            Self::Bytes(v) => Value::Bytes(v),
            Self::Array(v) => Value::Array(Array::of_bufs(v)),
        }
    }
}

impl fmt::Display for ValueBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_value().fmt(f)
    }
}

macro_rules! from_capture {
    ($($type:ty $(where [$($generics:tt)*])?),*) => {$(
        impl $(<$($generics)*>)? From<$type> for ValueBuf {
            fn from(value: $type) -> Self {
                value.capture().map_or(Self::Bool(false), |value| value.to_buf())
            }
        }
    )*};
}

from_capture!(bool, i32, i64, u32, u64, usize, f64, &str, String);
from_capture!(&[T] where [T: Element], [T; N] where [T: Element, const N: usize], Vec<T> where [T: Element]);
