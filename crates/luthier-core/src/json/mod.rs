//! JSON for saved models and results that preserves floats.
//!
//! Plain JSON has no NaN and no infinity, and `serde_json` writes both as `null`. Here they are the strings
//! `"NaN"`, `"Inf"` and `"-Inf"`, and these are read back wherever a type needs a float. Every other float
//! keeps its bits, including the sign of zero; a NaN loses its sign and payload. Otherwise the
//! documents are those of `serde_json`.
//!
//! A type that serde buffers before its type is known (`#[serde(flatten)]`, `untagged`, or an enum with an
//! internal `tag`) does not request floats: inside it, the three strings stay strings, and reading a non-finite
//! float fails with an error. Give such types a plain representation.

mod de;
mod failure;
mod file;
pub mod float;
mod ser;
#[cfg(test)]
mod tests;
mod text;

pub use file::{read_file, write_file};
pub use text::to_string_pretty;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result};

/// The document of a value.
///
/// # Errors
/// [`Error::Invalid`] with the path inside the document: a map key that is not a string, number, bool or unit
/// variant; a duplicate key; a 128-bit integer outside the ranges of `i64` and `u64`; an error of the
/// type's own `Serialize`.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    value.serialize(ser::ValueSerializer).map_err(|failure| Error::Invalid(failure.to_string()))
}

/// Deserialises a document.
///
/// # Errors
/// [`Error::Load`] with the path inside the document, as in
/// `stages[1].state.coefficients[3]: expected a number, found "x"`.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(de::ValueDeserializer(value))
        .map_err(|failure| Error::Load { what: "the document".to_owned(), reason: failure.to_string() })
}
