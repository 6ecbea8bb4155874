use std::fmt::Debug;

use super::Value;
use crate::float_name::named_float;

/// A type that can be a parameter.
///
/// Implemented for `f64`, the usual integers, `bool`, `String`, `Vec<T>` and `Option<T>`. `#[derive(ParamEnum)]` implements
/// it for an enum of unit variants.
///
/// # Contract
///
/// `from_value(&v.to_value())` returns `v`, with all bits of floats (any NaN may become another NaN).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter",
    label = "not a parameter type",
    note = "parameters are f64, usize, u64, i64, u32, i32, bool, String, Vec<T> and Option<T> of these, and enums with `#[derive(ParamEnum)]`",
    note = "write the field as `Required<T>` for a parameter without default"
)]
pub trait ParamType: Clone + Debug + Send + Sync + 'static {
    /// The type in users' terms: `"number"`, `"list<string>"`.
    fn type_name() -> String;

    /// Converts to a dynamic value.
    fn to_value(&self) -> Value;

    /// Converts from a dynamic value.
    ///
    /// # Errors
    ///
    /// What was expected and what was found: `expected a non-negative integer, found 2.5`.
    fn from_value(value: &Value) -> Result<Self, String>;

    /// The names of all values, if they can be listed (enums); empty otherwise.
    fn choices() -> &'static [&'static str] {
        &[]
    }
}

fn expected<T>(what: &str, found: &Value) -> Result<T, String> {
    Err(format!("expected {what}, found {}", found.quoted()))
}

impl ParamType for f64 {
    fn type_name() -> String {
        "number".to_owned()
    }

    fn to_value(&self) -> Value {
        Value::Float(*self)
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Float(v) => Ok(*v),
            Value::Int(v) => Ok(*v as f64),
            Value::Str(v) => named_float(v).map_or_else(|| expected("a number", value), Ok),
            _ => expected("a number", value),
        }
    }
}

macro_rules! integers {
    ($($t:ty: $name:literal, $expected:literal;)*) => {$(
        impl ParamType for $t {
            fn type_name() -> String {
                $name.to_owned()
            }

            fn to_value(&self) -> Value {
                Value::from(*self)
            }

            fn from_value(value: &Value) -> Result<Self, String> {
                let parsed = match value {
                    Value::Int(v) => <$t>::try_from(*v).ok(),
                    // `Value` represents an integer above `i64::MAX` like this.
                    Value::Str(v) => v.parse().ok().filter(|v: &$t| Value::from(*v) == *value),
                    _ => None,
                };
                parsed.map_or_else(|| expected($expected, value), Ok)
            }
        }
    )*};
}

integers! {
    usize: "non-negative integer", "a non-negative integer";
    u64: "non-negative integer", "a non-negative integer";
    u32: "non-negative integer", "an integer from 0 to 4294967295";
    i64: "integer", "an integer";
    i32: "integer", "an integer from -2147483648 to 2147483647";
}

impl ParamType for bool {
    fn type_name() -> String {
        "boolean".to_owned()
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(v) => Ok(*v),
            _ => expected("true or false", value),
        }
    }
}

impl ParamType for String {
    fn type_name() -> String {
        "string".to_owned()
    }

    fn to_value(&self) -> Value {
        Value::Str(self.clone())
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(v) => Ok(v.clone()),
            _ => expected("a string", value),
        }
    }
}

impl<T: ParamType> ParamType for Vec<T> {
    fn type_name() -> String {
        format!("list<{}>", T::type_name())
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        let Value::List(list) = value else { return expected("a list", value) };
        let element = |(i, v)| T::from_value(v).map_err(|e| format!("element {i}: {e}"));
        list.iter().enumerate().map(element).collect()
    }

    fn choices() -> &'static [&'static str] {
        T::choices()
    }
}

impl<T: ParamType> ParamType for Option<T> {
    fn type_name() -> String {
        T::type_name()
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: &Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn choices() -> &'static [&'static str] {
        T::choices()
    }
}

/// A value that a setter accepts for a parameter of type `T`: a `T`, or something that obviously means one
/// (`"features"` for a `String`, `1` for an `f64`, `["a", "b"]` for a `Vec<String>`).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value for a parameter of type `{T}`",
    label = "expected `{T}`"
)]
pub trait IntoParam<T> {
    /// Converts to the type of the parameter.
    fn into_param(self) -> T;
}

impl<T: ParamType> IntoParam<T> for T {
    fn into_param(self) -> T {
        self
    }
}

impl IntoParam<String> for &str {
    fn into_param(self) -> String {
        self.to_owned()
    }
}

impl IntoParam<String> for &String {
    fn into_param(self) -> String {
        self.clone()
    }
}

// Exactly one integer type, so that the type of the literal `1` is inferred.
impl IntoParam<f64> for i32 {
    fn into_param(self) -> f64 {
        self.into()
    }
}

impl<T, I: IntoParam<T>, const N: usize> IntoParam<Vec<T>> for [I; N] {
    fn into_param(self) -> Vec<T> {
        self.into_iter().map(I::into_param).collect()
    }
}

impl<T, I: IntoParam<T> + Clone> IntoParam<Vec<T>> for &[I] {
    fn into_param(self) -> Vec<T> {
        self.iter().cloned().map(I::into_param).collect()
    }
}

impl IntoParam<Vec<String>> for Vec<&str> {
    fn into_param(self) -> Vec<String> {
        self.into_iter().map(str::to_owned).collect()
    }
}
