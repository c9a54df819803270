//! Values of a settings file as serde reads them, with errors that know their place.

use super::document::{Entry, Kind, Node, is_null};
use super::reader::unknown_key;
use super::section::File;
use super::source::Place;
use super::substitute::{Substituted, substitute};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use std::str::FromStr;

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Value<'de> {
    node: &'de Node,
    file: &'de File,
}

/// Why a value does not fit, and where as soon as that is known.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) place: Option<Place>,
    /// What must not be shown: the value of an unknown key may be a misspelt secret.
    pub(super) hidden: Option<Place>,
    /// Whether the message is the application's, and may repeat the value.
    is_foreign: bool,
}

impl Misfit {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, place: None, hidden: None, is_foreign: false }
    }

    /// The same, at this place unless a more exact one is known.
    fn or_at(self, place: Place) -> Self {
        Self { place: self.place.or(Some(place)), ..self }
    }
}

/// The messages say what was expected, never what stands there: the line of the file shows that, unless it is a secret.
impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { is_foreign: true, ..Self::new(message.to_string()) }
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let choices: Vec<_> = expected.iter().map(|choice| format!("`{choice}`")).collect();
        Self::new(format!("expected {}", choices.join(" or ")))
    }

    fn unknown_field(key: &str, expected: &'static [&'static str]) -> Self {
        let (message, help) = unknown_key(key, expected);
        Self { help: Some(help), ..Self::new(message) }
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(format!("the key `{key}` is missing"))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl<'de> Value<'de> {
    pub(super) fn new(node: &'de Node, file: &'de File) -> Self {
        Self { node, file }
    }

    /// The value as the wanted type, whose own errors are given their place, too.
    pub(super) fn read<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        self.locate(seed.deserialize(self))
    }

    /// The text of a single value after substitution.
    fn scalar(self) -> Result<Substituted<'de>, Misfit> {
        match &self.node.kind {
            Kind::Scalar { text, .. } => {
                substitute(text, &self.file.environment).map_err(|error| Misfit::new(error.to_string()))
            }
            _ => self.wrong_shape("a single value"),
        }
    }

    fn parsed<T: FromStr>(self, expected: &str) -> Result<T, Misfit> {
        self.scalar()?.text.parse().map_err(|_| Misfit::new(format!("expected {expected}")))
    }

    fn wrong_shape<T>(self, expected: &str) -> Result<T, Misfit> {
        Err(Misfit::new(format!("expected {expected}, found {}", self.node.describe())))
    }

    /// Whether nothing stands here, before or after substitution.
    fn is_nothing(self) -> Result<bool, Misfit> {
        match &self.node.kind {
            Kind::Scalar { quoted: false, .. } => Ok(is_null(&self.scalar()?.text)),
            _ => Ok(false),
        }
    }

    /// Says where an error is that does not know it yet.
    fn locate<T>(self, result: Result<T, Misfit>) -> Result<T, Misfit> {
        result.map_err(|misfit| match &self.node.kind {
            Kind::Scalar { text, .. }
                if misfit.is_foreign && misfit.place.is_none() && self.is_delicate(text) =>
            {
                Misfit::new("this value does not fit").or_at(self.node.place)
            }
            _ => misfit.or_at(self.node.place),
        })
    }

    fn is_delicate(self, text: &str) -> bool {
        text.contains("${") || self.file.source.is_hidden(self.node.place)
    }

    /// What a value is that no type is wanted for: quoted text stays text, the rest is what it looks like.
    fn visit_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let quoted = match &self.node.kind {
            Kind::Scalar { quoted, .. } => *quoted,
            Kind::List(items) => return visitor.visit_seq(Items { items: items.iter(), file: self.file }),
            Kind::Map(entries) => {
                return visitor.visit_map(Entries {
                    entries: entries.iter(),
                    current: None,
                    file: self.file,
                });
            }
        };
        let text = self.scalar()?.text;
        match &*text {
            _ if quoted => visitor.visit_str(&text),
            nothing if is_null(nothing) => visitor.visit_unit(),
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            text => match (text.parse(), text.parse(), text.parse::<f64>()) {
                (Ok(number), _, _) => visitor.visit_u64(number),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (_, _, Ok(number)) if number.is_finite() => visitor.visit_f64(number),
                _ => visitor.visit_str(text),
            },
        }
    }
}

macro_rules! deserialize_number {
    ($($deserialize:ident $visit:ident $number:ty;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let expected = format!("a whole number from {} to {}", <$number>::MIN, <$number>::MAX);
            self.locate(self.parsed(&expected).and_then(|number| visitor.$visit(number)))
        }
    )*};
}

macro_rules! deserialize_text {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.locate(self.scalar().and_then(|scalar| visitor.visit_str(&scalar.text)))
        }
    )*};
}

/// The wanted type decides how a value is read: `port: "8000"` is a number where a number is wanted, and `version: 1.0` a text where a
/// text is.
impl<'de> de::Deserializer<'de> for Value<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.locate(self.visit_any(visitor))
    }

    deserialize_number! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    deserialize_text! { deserialize_str deserialize_string deserialize_identifier deserialize_char }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.locate(self.parsed("`true` or `false`").and_then(|value| visitor.visit_bool(value)))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.locate(self.parsed("a number").and_then(|value| visitor.visit_f64(value)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.locate(self.is_nothing())? {
            true => self.locate(visitor.visit_none()),
            false => self.locate(visitor.visit_some(self)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let is_list = matches!(self.node.kind, Kind::List(_));
        self.locate(if is_list { self.visit_any(visitor) } else { self.wrong_shape("a list") })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let is_map = self.node.entries().is_some();
        self.locate(if is_map {
            self.visit_any(visitor)
        } else {
            self.wrong_shape("a map of keys and values")
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.locate(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.locate(match &self.node.kind {
            Kind::Scalar { .. } => self
                .scalar()
                .and_then(|scalar| visitor.visit_enum(scalar.text.into_owned().into_deserializer())),
            Kind::Map(entries) if entries.len() == 1 => {
                let entries = Entries { entries: entries.iter(), current: None, file: self.file };
                visitor.visit_enum(de::value::MapAccessDeserializer::new(entries))
            }
            _ => self.wrong_shape("a word, or a map with one key"),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    file: &'de File,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        self.items.next().map(|node| Value::new(node, self.file).read(seed)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
    file: &'de File,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.current = self.entries.next();
        let Some(entry) = self.current else { return Ok(None) };
        seed.deserialize(entry.key.as_str().into_deserializer()).map(Some).map_err(|misfit: Misfit| {
            Misfit { hidden: Some(entry.value.place), ..misfit }.or_at(entry.key_place)
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        match self.current.take() {
            Some(entry) => Value::new(&entry.value, self.file).read(seed),
            None => Err(Misfit::new("a value was asked for before its key")),
        }
    }
}
