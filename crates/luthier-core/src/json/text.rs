//! Serialises a value to text, without a document in between.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::failure::Failure;
use super::ser::{KeySerializer, at_variant, narrow};
use crate::float_name::float_name;
use crate::{Error, Result};

type Outcome<T> = std::result::Result<T, Failure>;

/// The document of a value as text, indented by two spaces; an array of scalars stays on one line.
///
/// # Errors
/// Those of [`to_value`](super::to_value).
pub fn to_string_pretty<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    let mut writer = Writer::default();
    value.serialize(&mut writer).map_err(|failure| Error::Invalid(failure.to_string()))?;
    String::from_utf8(writer.text).map_err(|error| Error::Invalid(error.to_string()))
}

/// Text that is being written.
#[derive(Debug, Default)]
struct Writer {
    text: Vec<u8>,
    indent: usize,
}

impl Writer {
    /// Writes a bool, a finite number or a string.
    fn scalar<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
        serde_json::to_writer(&mut self.text, value).map_err(Failure::new)
    }

    fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn new_line(&mut self) {
        self.push("\n");
        self.text.resize(self.text.len() + 2 * self.indent, b' ');
    }

    fn key(&mut self, key: &str) -> Outcome<()> {
        self.scalar(key)?;
        self.push(": ");
        Ok(())
    }

    /// Opens the object of an externally tagged variant.
    fn open_variant(&mut self, variant: &'static str) -> Outcome<()> {
        self.push("{");
        self.indent += 1;
        self.new_line();
        self.key(variant)
    }

    fn close_variant(&mut self) {
        self.indent -= 1;
        self.new_line();
        self.push("}");
    }

    fn array(&mut self, variant: Option<&'static str>) -> Outcome<Elements<'_>> {
        variant.map_or(Ok(()), |variant| self.open_variant(variant))?;
        self.push("[");
        self.indent += 1;
        Ok(Elements { writer: self, variant, count: 0, scalars: Some(Vec::new()) })
    }

    fn object(&mut self, variant: Option<&'static str>) -> Outcome<Entries<'_>> {
        variant.map_or(Ok(()), |variant| self.open_variant(variant))?;
        self.push("{");
        self.indent += 1;
        Ok(Entries { writer: self, variant, count: 0, key: None, seen: BTreeSet::new() })
    }
}

macro_rules! scalars {
    ($($method:ident $type:ty),* $(,)?) => {$(
        fn $method(self, value: $type) -> Outcome<()> {
            self.scalar(&value)
        }
    )*};
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Elements<'w>;
    type SerializeTuple = Elements<'w>;
    type SerializeTupleStruct = Elements<'w>;
    type SerializeTupleVariant = Elements<'w>;
    type SerializeMap = Entries<'w>;
    type SerializeStruct = Entries<'w>;
    type SerializeStructVariant = Entries<'w>;

    scalars! {
        serialize_bool bool, serialize_char char, serialize_str &str,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
    }

    fn serialize_i128(self, value: i128) -> Outcome<()> {
        self.scalar(&narrow(value)?)
    }

    fn serialize_u128(self, value: u128) -> Outcome<()> {
        self.scalar(&narrow(value)?)
    }

    fn serialize_f32(self, value: f32) -> Outcome<()> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Outcome<()> {
        match float_name(value) {
            Some(name) => self.scalar(name),
            None => self.scalar(&value),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Outcome<()> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Outcome<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Outcome<()> {
        self.push("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Outcome<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome<()> {
        self.scalar(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Outcome<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Outcome<()> {
        self.open_variant(variant)?;
        value.serialize(&mut *self).map_err(|failure| failure.at_key(variant))?;
        self.close_variant();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Outcome<Elements<'w>> {
        self.array(None)
    }

    fn serialize_tuple(self, _: usize) -> Outcome<Elements<'w>> {
        self.array(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Outcome<Elements<'w>> {
        self.array(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Outcome<Elements<'w>> {
        self.array(Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Outcome<Entries<'w>> {
        self.object(None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Outcome<Entries<'w>> {
        self.object(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Outcome<Entries<'w>> {
        self.object(Some(variant))
    }
}

/// An array that is being written.
#[derive(Debug)]
struct Elements<'w> {
    writer: &'w mut Writer,
    variant: Option<&'static str>,
    count: usize,
    /// Where the elements begin, as long as all are scalars.
    scalars: Option<Vec<usize>>,
}

impl Elements<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
        match self.scalars {
            Some(_) if self.count > 0 => self.writer.push(", "),
            Some(_) => {}
            None => {
                self.writer.push(",");
                self.writer.new_line();
            }
        }
        let start = self.writer.text.len();
        value
            .serialize(&mut *self.writer)
            .map_err(|failure| at_variant(failure.at_index(self.count), self.variant))?;
        self.count += 1;
        let is_scalar = !matches!(self.writer.text.get(start), Some(b'[' | b'{'));
        match &mut self.scalars {
            Some(starts) if is_scalar => starts.push(start),
            Some(starts) => {
                let starts = std::mem::take(starts);
                self.scalars = None;
                self.break_lines(&starts, start);
            }
            None => {}
        }
        Ok(())
    }

    /// Puts each of the elements so far on a line of its own: scalars, which begin at `scalars`, and the last one.
    fn break_lines(&mut self, scalars: &[usize], last: usize) {
        let first = scalars.first().copied().unwrap_or(last);
        let tail = self.writer.text.split_off(first);
        let ends = scalars.iter().skip(1).chain(scalars.first().map(|_| &last));
        for (start, end) in scalars.iter().zip(ends) {
            self.writer.new_line();
            // Without the comma and the space before the next one.
            self.writer.text.extend_from_slice(tail.get(start - first..end - first - 2).unwrap_or_default());
            self.writer.push(",");
        }
        self.writer.new_line();
        self.writer.text.extend_from_slice(tail.get(last - first..).unwrap_or_default());
    }

    fn finish(self) -> Outcome<()> {
        self.writer.indent -= 1;
        if self.scalars.is_none() {
            self.writer.new_line();
        }
        self.writer.push("]");
        if self.variant.is_some() {
            self.writer.close_variant();
        }
        Ok(())
    }
}

/// An object that is being written.
#[derive(Debug)]
struct Entries<'w> {
    writer: &'w mut Writer,
    variant: Option<&'static str>,
    count: usize,
    /// The key whose value is next.
    key: Option<String>,
    /// The keys of a map so far; those of a struct differ.
    seen: BTreeSet<String>,
}

impl Entries<'_> {
    fn entry<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Outcome<()> {
        if self.count > 0 {
            self.writer.push(",");
        }
        self.count += 1;
        self.writer.new_line();
        self.writer.key(key)?;
        let written = value.serialize(&mut *self.writer);
        written.map_err(|failure| at_variant(failure.at_key(key), self.variant))
    }

    fn finish(self) -> Outcome<()> {
        self.writer.indent -= 1;
        if self.count > 0 {
            self.writer.new_line();
        }
        self.writer.push("}");
        if self.variant.is_some() {
            self.writer.close_variant();
        }
        Ok(())
    }
}

macro_rules! array {
    ($($trait:ident $method:ident),* $(,)?) => {$(
        impl $trait for Elements<'_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
                self.element(value)
            }

            fn end(self) -> Outcome<()> {
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
        impl $trait for Entries<'_> {
            type Ok = ();
            type Error = Failure;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Outcome<()> {
                self.entry(key, value)
            }

            fn end(self) -> Outcome<()> {
                self.finish()
            }
        }
    )*};
}

object! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Outcome<()> {
        self.key = Some(key.serialize(KeySerializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome<()> {
        let key = self.key.take().ok_or_else(|| Failure::new("a map's value came before its key"))?;
        if self.seen.contains(&key) {
            return Err(Failure::new(format_args!("two entries have the key {key:?}")));
        }
        self.entry(&key, value)?;
        self.seen.insert(key);
        Ok(())
    }

    fn end(self) -> Outcome<()> {
        self.finish()
    }
}
