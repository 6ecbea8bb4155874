//! Floats in any format, for `#[serde(with = "luthier_core::json::float")]`.
//!
//! A float that is not finite is its name, as in the documents of this module, so that plain `serde_json` writes and reads it
//! as well.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use crate::float_name::{float_name, named_float};

/// Writes a float, or its name.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match float_name(*value) {
        Some(name) => serializer.serialize_str(name),
        None => serializer.serialize_f64(*value),
    }
}

/// Reads a float, or its name.
///
/// # Errors
/// Another value.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(Float)
}

struct Float;

impl Visitor<'_> for Float {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Inf\" or \"-Inf\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<f64, E> {
        named_float(name).ok_or_else(|| E::custom(format!("found {name:?}, expected a number")))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Serialize, Deserialize)]
    struct One(#[serde(with = "super")] f64);

    #[test]
    fn plain_json_keeps_every_float() {
        for value in [0.1, -0.0, 3.0, 1e300, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&One(value)).unwrap();
            assert_eq!(serde_json::from_str::<One>(&text).unwrap().0.to_bits(), value.to_bits(), "{text}");
        }
        let nan = serde_json::to_string(&One(f64::NAN)).unwrap();
        assert_eq!(nan, "\"NaN\"");
        assert!(serde_json::from_str::<One>(&nan).unwrap().0.is_nan());
        assert!(serde_json::from_str::<One>("\"much\"").is_err());
    }
}
