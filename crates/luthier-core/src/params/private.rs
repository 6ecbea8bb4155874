//! Functions that the generated code of the derives calls. Not part of the public interface.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

pub use serde;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::error::DidYouMean;
use super::{Param, ParamError, ParamType, Params, Value, closest};

/// The error for a name that `P` does not have.
#[must_use]
pub fn unknown<P: Params>(owner: &str, name: &str) -> ParamError {
    ParamError::unknown(owner, name, P::param_infos().iter().map(|info| info.name))
}

/// Checks the range; NaN is never in range.
pub fn check_range<T: ParamType + PartialOrd>(
    name: &str,
    value: &T,
    bounds: (Bound<T>, Bound<T>),
    range: &str,
) -> Result<(), ParamError> {
    if bounds.contains(value) {
        return Ok(());
    }
    Err(ParamError::OutOfRange {
        name: name.to_owned(),
        value: value.to_value().to_string(),
        range: range.to_owned(),
    })
}

/// Sets a parameter from a dynamic value, given in its original and its converted form. (Without a bound on `T`, the derive
/// reports only once that a type cannot be a parameter.)
pub fn set_read<P, T>(
    owner: &mut P,
    param: Param<P, T>,
    value: &Value,
    read: Result<T, String>,
    type_name: fn() -> String,
) -> Result<(), ParamError> {
    let wrong_type = |reason| ParamError::WrongType {
        name: param.name().to_owned(),
        expected: type_name(),
        found: value.to_string(),
        reason,
    };
    param.set(owner, read.map_err(wrong_type)?)
}

/// Checks a parameter's value, if it has one.
pub fn check<P, T>(owner: &P, param: Param<P, T>) -> Result<(), ParamError> {
    param.get(owner).map_or(Ok(()), |value| param.check(value))
}

/// Writes all values as a map.
pub fn serialize<P: Params, S: Serializer>(params: &P, serializer: S) -> Result<S::Ok, S::Error> {
    let values = params.values();
    let mut map = serializer.serialize_map(Some(values.len()))?;
    for (name, value) in &values {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// Reads a map of values over the defaults.
pub fn deserialize<'de, P: Params + Default, D: Deserializer<'de>>(deserializer: D) -> Result<P, D::Error> {
    deserializer.deserialize_map(ParamsVisitor(PhantomData))
}

struct ParamsVisitor<P>(PhantomData<P>);

impl<'de, P: Params + Default> Visitor<'de> for ParamsVisitor<P> {
    type Value = P;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from parameter names to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<P, A::Error> {
        let mut params = P::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            params.set_value(&name, &value).map_err(A::Error::custom)?;
            if seen.contains(&name) {
                return Err(A::Error::custom(format_args!("parameter `{name}` is given twice")));
            }
            seen.push(name);
        }
        Ok(params)
    }
}

/// Reads the name of an enum's value.
pub fn deserialize_enum<'de, T: ParamType, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value: Value = serde::Deserialize::deserialize(deserializer)?;
    T::from_value(&value).map_err(D::Error::custom)
}

/// The position of an enum's value among the choices, ignoring case.
pub fn choice(value: &Value, choices: &[&str]) -> Result<usize, String> {
    let position = match value {
        Value::Str(name) => {
            let in_any_case = || choices.iter().position(|choice| choice.eq_ignore_ascii_case(name));
            choices.iter().position(|choice| choice == name).or_else(in_any_case)
        }
        _ => None,
    };
    position.ok_or_else(|| {
        let suggestion = match value {
            Value::Str(name) => closest(name, choices.iter().copied()).map(str::to_owned),
            _ => None,
        };
        format!("expected one of {}, found {}{}", choices.join(", "), value.quoted(), DidYouMean(&suggestion))
    })
}
