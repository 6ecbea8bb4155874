//! Serialises a value to a document.

use serde::Serialize;
use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Map, Number, Value};

use super::failure::Failure;
use crate::float_name::float_name;

#[derive(Debug)]
pub(super) struct ValueSerializer;

type Outcome<T> = Result<T, Failure>;

/// An externally tagged variant is an object with one entry.
fn tagged(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(name) => Value::Object(Map::from_iter([(name.to_owned(), value)])),
        None => value,
    }
}

pub(super) fn at_variant(failure: Failure, variant: Option<&'static str>) -> Failure {
    match variant {
        Some(name) => failure.at_key(name),
        None => failure,
    }
}

/// A 128-bit integer as one of the 64-bit ones that a JSON number holds here.
pub(super) fn narrow<T: TryInto<i64> + TryInto<u64> + Copy + std::fmt::Display>(value: T) -> Outcome<Number> {
    if let Ok(signed) = TryInto::<i64>::try_into(value) {
        Ok(signed.into())
    } else if let Ok(unsigned) = TryInto::<u64>::try_into(value) {
        Ok(unsigned.into())
    } else {
        Err(Failure::new(format_args!(
            "the integer {value} is outside the ranges of i64 and u64; save it as a string"
        )))
    }
}

/// Wrappers that are serialised as the value inside them, in a document and as a key.
macro_rules! transparent {
    ($ok:ty) => {
        fn serialize_f32(self, value: f32) -> Outcome<$ok> {
            self.serialize_f64(value.into())
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome<$ok> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Outcome<$ok> {
            value.serialize(self)
        }
    };
}

macro_rules! integers {
    ($($method:ident $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Outcome<Value> {
            Ok(Value::Number(value.into()))
        }
    )*};
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = Failure;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    integers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
    }

    transparent!(Value);

    fn serialize_i128(self, value: i128) -> Outcome<Value> {
        narrow(value).map(Value::Number)
    }

    fn serialize_u128(self, value: u128) -> Outcome<Value> {
        narrow(value).map(Value::Number)
    }

    fn serialize_f64(self, value: f64) -> Outcome<Value> {
        Ok(float_name(value).map_or_else(|| Value::from(value), Value::from))
    }

    fn serialize_bool(self, value: bool) -> Outcome<Value> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Outcome<Value> {
        Ok(value.to_string().into())
    }

    fn serialize_str(self, value: &str) -> Outcome<Value> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Outcome<Value> {
        Ok(value.into())
    }

    fn serialize_none(self) -> Outcome<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit(self) -> Outcome<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Outcome<Value> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome<Value> {
        Ok(variant.into())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Outcome<Value> {
        let value = value.serialize(self).map_err(|failure| failure.at_key(variant))?;
        Ok(tagged(Some(variant), value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Outcome<Elements> {
        Ok(Elements { variant: None, items: Vec::with_capacity(len.unwrap_or(0)) })
    }

    fn serialize_tuple(self, len: usize) -> Outcome<Elements> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Outcome<Elements> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Outcome<Elements> {
        Ok(Elements { variant: Some(variant), items: Vec::with_capacity(len) })
    }

    fn serialize_map(self, _: Option<usize>) -> Outcome<Entries> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Outcome<Entries> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Outcome<Entries> {
        Ok(Entries { variant: Some(variant), ..Entries::default() })
    }
}

/// An array that is being built.
#[derive(Debug)]
pub(super) struct Elements {
    variant: Option<&'static str>,
    items: Vec<Value>,
}

impl Elements {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
        let item = value
            .serialize(ValueSerializer)
            .map_err(|failure| at_variant(failure.at_index(self.items.len()), self.variant))?;
        self.items.push(item);
        Ok(())
    }

    fn finish(self) -> Outcome<Value> {
        Ok(tagged(self.variant, Value::Array(self.items)))
    }
}

/// An object that is being built.
#[derive(Debug, Default)]
pub(super) struct Entries {
    variant: Option<&'static str>,
    entries: Map<String, Value>,
    /// The key whose value is next.
    key: Option<String>,
}

impl Entries {
    fn insert<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Outcome<()> {
        if self.entries.contains_key(&key) {
            let failure = Failure::new(format_args!("two entries have the key {key:?}"));
            return Err(at_variant(failure, self.variant));
        }
        match value.serialize(ValueSerializer) {
            Ok(value) => {
                self.entries.insert(key, value);
                Ok(())
            }
            Err(failure) => Err(at_variant(failure.at_key(&key), self.variant)),
        }
    }

    fn finish(self) -> Outcome<Value> {
        Ok(tagged(self.variant, Value::Object(self.entries)))
    }
}

macro_rules! array {
    ($($trait:ident $method:ident),* $(,)?) => {$(
        impl $trait for Elements {
            type Ok = Value;
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
                self.push(value)
            }

            fn end(self) -> Outcome<Value> {
                self.finish()
            }
        }
    )*};
}

array! {
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field,
}

macro_rules! object {
    ($($trait:ident),*) => {$(
        impl $trait for Entries {
            type Ok = Value;
            type Error = Failure;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Outcome<()> {
                self.insert(key.to_owned(), value)
            }

            fn end(self) -> Outcome<Value> {
                self.finish()
            }
        }
    )*};
}

object! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Outcome<()> {
        self.key = Some(key.serialize(KeySerializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
        let key = self.key.take().ok_or_else(|| Failure::new("a map's value came before its key"))?;
        self.insert(key, value)
    }

    fn end(self) -> Outcome<Value> {
        self.finish()
    }
}

/// Keys of an object are strings; numbers and bools are converted to strings.
pub(super) struct KeySerializer;

fn bad_key<T>(found: &str) -> Outcome<T> {
    Err(Failure::new(format_args!(
        "a map key must be a string, a number, a bool or a unit variant, found {found}"
    )))
}

macro_rules! keys_by_display {
    ($($method:ident $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Outcome<String> {
            Ok(value.to_string())
        }
    )*};
}

impl Serializer for KeySerializer {
    type Ok = String;
    type Error = Failure;
    type SerializeSeq = Impossible<String, Failure>;
    type SerializeTuple = Impossible<String, Failure>;
    type SerializeTupleStruct = Impossible<String, Failure>;
    type SerializeTupleVariant = Impossible<String, Failure>;
    type SerializeMap = Impossible<String, Failure>;
    type SerializeStruct = Impossible<String, Failure>;
    type SerializeStructVariant = Impossible<String, Failure>;

    keys_by_display! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
        serialize_bool bool, serialize_char char, serialize_str &str,
    }

    transparent!(String);

    fn serialize_i128(self, value: i128) -> Outcome<String> {
        narrow(value).map(|number| number.to_string())
    }

    fn serialize_u128(self, value: u128) -> Outcome<String> {
        narrow(value).map(|number| number.to_string())
    }

    fn serialize_f64(self, value: f64) -> Outcome<String> {
        Ok(float_name(value).map_or_else(|| Value::from(value).to_string(), str::to_owned))
    }

    fn serialize_bytes(self, _: &[u8]) -> Outcome<String> {
        bad_key("bytes")
    }

    fn serialize_none(self) -> Outcome<String> {
        bad_key("none")
    }

    fn serialize_unit(self) -> Outcome<String> {
        bad_key("a unit")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Outcome<String> {
        bad_key(name)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome<String> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Outcome<String> {
        bad_key(&format!("the variant `{variant}` with a value"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Outcome<Self::SerializeSeq> {
        bad_key("a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Outcome<Self::SerializeTuple> {
        bad_key("a tuple")
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Outcome<Self::SerializeTupleStruct> {
        bad_key(name)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Outcome<Self::SerializeTupleVariant> {
        bad_key(&format!("the variant `{variant}` with values"))
    }

    fn serialize_map(self, _: Option<usize>) -> Outcome<Self::SerializeMap> {
        bad_key("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Outcome<Self::SerializeStruct> {
        bad_key(name)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Outcome<Self::SerializeStructVariant> {
        bad_key(&format!("the variant `{variant}` with fields"))
    }
}
