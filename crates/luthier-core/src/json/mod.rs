//! JSON for saved models and results, in which floats survive.
//!
//! Plain JSON has no NaN and no infinity, and `serde_json` writes both as `null`. Here they are the strings
//! `"NaN"`, `"Inf"` and `"-Inf"`, and these are read back wherever a type asks for a float. Every other float
//! keeps its bits, the sign of zero included; of a NaN, the sign and the payload are lost. In all else the
//! documents are those of `serde_json`.
//!
//! A type that serde buffers before it knows what it is (`#[serde(flatten)]`, `untagged`, or an enum with an
//! internal `tag`) does not ask for floats: below it, the three strings stay strings, and reading a non-finite
//! float fails with an error. Give such types a plain representation.

mod de;
mod failure;
mod file;
mod ser;
#[cfg(test)]
mod tests;

pub use file::{read_file, to_string_pretty, write_file};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result};

/// The document of a value.
///
/// # Errors
/// [`Error::Invalid`] with the path inside the document: a map key that is no string, number, bool or unit
/// variant; two entries with one key; a 128-bit integer outside of the ranges of `i64` and `u64`; whatever the
/// type's own `Serialize` reports.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    value.serialize(ser::ValueSerializer).map_err(|failure| Error::Invalid(failure.to_string()))
}

/// The value that a document holds.
///
/// # Errors
/// [`Error::Load`] with the path inside the document, as in
/// `stages[1].state.coefficients[3]: expected a number, found "x"`.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(de::ValueDeserializer(value))
        .map_err(|failure| Error::Load { what: "the document".to_owned(), reason: failure.to_string() })
}
