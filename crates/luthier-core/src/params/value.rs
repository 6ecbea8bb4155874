use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::float_name::float_name;

/// The value of a parameter whose type is not known statically, as in configuration files and grids by name.
///
/// Integers and floats are distinct (`1` is not `1.0`). In serialised form, a float that is not finite is the string
/// `"NaN"`, `"Inf"` or `"-Inf"`; it is read back as [`Value::Str`], which an `f64` parameter accepts. An unsigned integer
/// above `i64::MAX` is represented as the string of its digits, which `u64` and `usize` parameters accept.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value of an optional parameter.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A string.
    Str(String),
    /// An ordered list.
    List(Vec<Value>),
    /// Values by name.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Whether both are the same parameter value. Unlike `==`, NaN is the same as NaN, and `0.0` differs from `-0.0`.
    ///
    /// ```
    /// # use luthier_core::params::Value;
    /// assert!(Value::from(f64::NAN).same(&Value::from(f64::NAN)));
    /// assert!(!Value::from(0.0).same(&Value::from(-0.0)));
    /// assert!(!Value::from(1.0).same(&Value::from(1)));
    /// ```
    #[must_use]
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((j, a), (k, b))| j == k && a.same(b))
            }
            _ => self == other,
        }
    }

    /// Whether this is [`Value::Null`].
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The value as JSON; a float that is not finite becomes a string.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(v) => (*v).into(),
            Value::Int(v) => (*v).into(),
            Value::Float(v) => match float_name(*v) {
                Some(name) => name.into(),
                None => (*v).into(),
            },
            Value::Str(v) => v.as_str().into(),
            Value::List(v) => v.iter().map(Value::to_json).collect(),
            Value::Map(v) => v.iter().map(|(k, v)| (k.clone(), v.to_json())).collect(),
        }
    }

    /// The value of a JSON document.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(v) => Value::Bool(*v),
            serde_json::Value::Number(v) => match (v.as_i64(), v.as_u64(), v.as_f64()) {
                (Some(v), _, _) => Value::Int(v),
                (_, Some(v), _) => Value::from(v),
                (_, _, Some(v)) => Value::Float(v),
                _ => Value::Str(v.to_string()),
            },
            serde_json::Value::String(v) => Value::Str(v.clone()),
            serde_json::Value::Array(v) => Value::List(v.iter().map(Value::from_json).collect()),
            serde_json::Value::Object(v) => {
                Value::Map(v.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect())
            }
        }
    }

    /// The value as shown in error messages: strings are in quotes.
    pub(crate) fn quoted(&self) -> String {
        match self {
            Value::Str(v) => format!("{v:?}"),
            Value::Null => "nothing (null)".to_owned(),
            other => other.to_string(),
        }
    }
}

/// Floats are written with the fewest digits that are read back to the same bits; strings are written without quotes.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => match float_name(*v) {
                Some(name) => f.write_str(name),
                None => write!(f, "{v:?}"),
            },
            Value::Str(v) => f.write_str(v),
            Value::List(v) => {
                f.write_str("[")?;
                for (i, v) in v.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{v}")?;
                }
                f.write_str("]")
            }
            Value::Map(v) => {
                f.write_str("{")?;
                for (i, (k, v)) in v.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{k}: {v}")?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(v) => serializer.serialize_bool(*v),
            Value::Int(v) => serializer.serialize_i64(*v),
            Value::Float(v) => match float_name(*v) {
                Some(name) => serializer.serialize_str(name),
                None => serializer.serialize_f64(*v),
            },
            Value::Str(v) => serializer.serialize_str(v),
            Value::List(v) => v.serialize(serializer),
            Value::Map(v) => v.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a parameter value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Int(v))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Value, E> {
        Ok(Value::from(v))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<Value, E> {
        Ok(Value::from(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(v) = seq.next_element()? {
            list.push(v);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((k, v)) = access.next_entry::<String, Value>()? {
            if map.contains_key(&k) {
                return Err(de::Error::custom(format_args!("`{k}` is given twice")));
            }
            map.insert(k, v);
        }
        Ok(Value::Map(map))
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Value::Bool(v)
    }
}

impl From<f64> for Value {
    fn from(v: f64) -> Self {
        Value::Float(v)
    }
}

impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Value::Int(v)
    }
}

impl From<i32> for Value {
    fn from(v: i32) -> Self {
        Value::Int(v.into())
    }
}

impl From<u32> for Value {
    fn from(v: u32) -> Self {
        Value::Int(v.into())
    }
}

impl From<u64> for Value {
    fn from(v: u64) -> Self {
        i64::try_from(v).map_or_else(|_| Value::Str(v.to_string()), Value::Int)
    }
}

impl From<usize> for Value {
    fn from(v: usize) -> Self {
        Value::from(v as u64)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Value::Str(v.to_owned())
    }
}

impl From<String> for Value {
    fn from(v: String) -> Self {
        Value::Str(v)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(v: Vec<T>) -> Self {
        Value::List(v.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(v: [T; N]) -> Self {
        Value::List(v.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}
