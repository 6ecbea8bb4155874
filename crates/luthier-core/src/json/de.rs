//! Deserialises a document.

use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value, map};

use super::failure::{Failure, quote};
use crate::float_name::named_float;

#[derive(Debug, Clone, Copy)]
pub(super) struct ValueDeserializer<'de>(pub(super) &'de Value);

type Outcome<T> = Result<T, Failure>;

fn found(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => scalar.to_string(),
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Outcome<V::Value> {
    if let Some(unsigned) = number.as_u64() {
        visitor.visit_u64(unsigned)
    } else if let Some(signed) = number.as_i64() {
        visitor.visit_i64(signed)
    } else {
        visitor.visit_f64(to_float(number)?)
    }
}

fn to_float(number: &Number) -> Outcome<f64> {
    number
        .as_f64()
        .ok_or_else(|| Failure::new(format_args!("expected a number in the range of f64, found {number}")))
}

/// A number that fits in an `f32`; rounding is allowed, overflow is not.
fn to_f32(value: f64) -> Outcome<f32> {
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() {
        return Err(Failure::new(format_args!("expected a number in the range of f32, found {value:?}")));
    }
    Ok(narrow)
}

impl<'de> ValueDeserializer<'de> {
    fn float(self) -> Outcome<f64> {
        let float = match self.0 {
            Value::Number(number) => Some(to_float(number)?),
            Value::String(text) => named_float(text),
            _ => None,
        };
        float.ok_or_else(|| Failure::new(format_args!("expected a number, found {}", found(self.0))))
    }
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => visit_number(number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visit_array(items, visitor),
            Value::Object(entries) => visit_object(entries, visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_f32(to_f32(self.float()?)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        match self.0 {
            Value::String(variant) => visitor.visit_enum(Variant { name: variant, content: None }),
            Value::Object(entries) => {
                let mut entries = entries.iter();
                match (entries.next(), entries.next()) {
                    (Some((variant, content)), None) => {
                        visitor.visit_enum(Variant { name: variant, content: Some(content) })
                    }
                    (first, _) => {
                        let keys = if first.is_none() { "none" } else { "more" };
                        Err(Failure::new(format_args!(
                            "expected a variant: an object with one key, found one with {keys}"
                        )))
                    }
                }
            }
            other => Err(Failure::new(format_args!(
                "expected a variant: a string or an object with one key, found {}",
                found(other)
            ))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_unit()
    }

    // A visitor rejects what its type does not accept, so these need no code.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

fn visit_array<'de, V: Visitor<'de>>(items: &'de [Value], visitor: V) -> Outcome<V::Value> {
    let mut elements = Elements { items: items.iter(), next: 0 };
    let value = visitor.visit_seq(&mut elements)?;
    if elements.items.len() == 0 {
        return Ok(value);
    }
    Err(Failure::invalid_length(items.len(), &format!("an array of {} elements", elements.next).as_str()))
}

fn visit_object<'de, V: Visitor<'de>>(entries: &'de Map<String, Value>, visitor: V) -> Outcome<V::Value> {
    let mut fields = Fields { entries: entries.iter(), current: None };
    let value = visitor.visit_map(&mut fields)?;
    match fields.entries.next() {
        None => Ok(value),
        Some((key, _)) => Err(Failure::new(format_args!("unexpected key {}", quote(key)))),
    }
}

struct Elements<'de> {
    items: slice::Iter<'de, Value>,
    /// Index of the next element.
    next: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(ValueDeserializer(item)).map(Some).map_err(|failure| failure.at_index(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Fields<'de> {
    entries: map::Iter<'de>,
    /// The entry whose key has been read and whose value is next.
    current: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Outcome<Option<K::Value>> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.current = Some((key, value));
        seed.deserialize(KeyDeserializer(key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<T::Value> {
        let (key, value) =
            self.current.take().ok_or_else(|| Failure::new("a map's value was asked for before its key"))?;
        seed.deserialize(ValueDeserializer(value)).map_err(|failure| failure.at_key(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant of an externally tagged enum: `"Name"` or `{"Name": content}`.
struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> Variant<'de> {
    fn read<T>(self, read: impl FnOnce(&'de Value) -> Outcome<T>) -> Outcome<T> {
        let Self { name, content } = self;
        let content = content.ok_or_else(|| {
            Failure::new(format_args!(
                "expected an object with the key {name:?} and the variant's content, found {name:?}"
            ))
        })?;
        read(content).map_err(|failure| failure.at_key(name))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Outcome<(V::Value, Self)> {
        let tag: BorrowedStrDeserializer<'de, Failure> = BorrowedStrDeserializer::new(self.name);
        Ok((seed.deserialize(tag)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Failure;

    fn unit_variant(self) -> Outcome<()> {
        match self.content {
            None | Some(Value::Null) => Ok(()),
            Some(other) => {
                Err(Failure::new(format_args!("expected null, found {}", found(other))).at_key(self.name))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Outcome<T::Value> {
        self.read(|content| seed.deserialize(ValueDeserializer(content)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Outcome<V::Value> {
        self.read(|content| match content {
            Value::Array(items) => visit_array(items, visitor),
            other => Err(Failure::new(format_args!("expected an array, found {}", found(other)))),
        })
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Outcome<V::Value> {
        self.read(|content| match content {
            Value::Object(entries) => visit_object(entries, visitor),
            other => Err(Failure::new(format_args!("expected an object, found {}", found(other)))),
        })
    }
}

/// A key is a string; a type that needs a number or a bool gets the parsed string.
struct KeyDeserializer<'de>(&'de str);

impl KeyDeserializer<'_> {
    fn number(&self) -> Outcome<Number> {
        // The parser allows white space around a number, a key does not.
        let bare = self.0.trim().len() == self.0.len();
        match serde_json::from_str(self.0) {
            Ok(number) if bare => Ok(number),
            _ => Err(Failure::new(format_args!("expected a number as key, found {}", quote(self.0)))),
        }
    }

    fn float(&self) -> Outcome<f64> {
        named_float(self.0).map_or_else(|| to_float(&self.number()?), Ok)
    }
}

macro_rules! integer_keys {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            visit_number(&self.number()?, visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for KeyDeserializer<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_borrowed_str(self.0)
    }

    integer_keys! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_f32(to_f32(self.float()?)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Failure::new(format_args!("expected true or false as key, found {}", quote(other)))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Outcome<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        let key: serde::de::value::StrDeserializer<'de, Failure> = self.0.into_deserializer();
        key.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
