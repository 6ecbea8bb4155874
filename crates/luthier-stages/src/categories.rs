//! Converts values of any type to categories, which are strings.

use std::borrow::Cow;
use std::fmt::LowerExp;

use luthier_core::frame::arrow_array::Array;
use luthier_core::frame::arrow_array::cast::AsArray;
use luthier_core::frame::arrow_array::types as arrow;
use luthier_core::frame::{ColumnType, Schema, arrow_schema::DataType, texts};
use luthier_core::{Error, Result};

/// The category of invalid values.
pub(crate) const UNKNOWN: &str = "__unknown";

/// How a remark calls a category that was not seen when fitting.
pub(crate) const UNSEEN_CATEGORY: &str = "a category that was not seen when fitting";

/// Checks that a column holds single values.
pub(crate) fn require_categories(schema: &Schema, column: &str) -> Result<()> {
    match schema.require(column)?.column_type() {
        found @ (ColumnType::Vector { .. }
        | ColumnType::AnyVector
        | ColumnType::List
        | ColumnType::Opaque(_)) => Err(Error::ColumnType {
            column: column.to_owned(),
            found: found.to_string(),
            expected: "a column of text, numbers, booleans or dates".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Calls `f` with each row's category; `None` for null and NaN.
///
/// Floats are written as in Java, so that labels are the same as in Spark: `2.0`, `1.0E10`.
pub(crate) fn for_each_text<E>(
    array: &dyn Array,
    mut f: impl FnMut(usize, Option<Cow<'_, str>>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    macro_rules! each {
        ($values:expr, $text:expr) => {{
            let values = $values;
            (0..array.len()).try_for_each(|i| match array.is_null(i) {
                true => f(i, None),
                false => f(i, $text(values.value(i))),
            })
        }};
    }
    macro_rules! integers {
        ($type:ty) => {
            each!(array.as_primitive::<$type>(), |x| Some(Cow::Owned(ToString::to_string(&x))))
        };
    }
    match array.data_type() {
        DataType::Utf8 => each!(array.as_string::<i32>(), |x| Some(Cow::Borrowed(x))),
        DataType::LargeUtf8 => each!(array.as_string::<i64>(), |x| Some(Cow::Borrowed(x))),
        DataType::Boolean => {
            each!(array.as_boolean(), |x| Some(Cow::Borrowed(if x { "true" } else { "false" })))
        }
        DataType::Float64 => each!(array.as_primitive::<arrow::Float64Type>(), |x: f64| {
            (!x.is_nan()).then(|| Cow::Owned(float_text(x + 0.0)))
        }),
        DataType::Float32 => each!(array.as_primitive::<arrow::Float32Type>(), |x: f32| {
            (!x.is_nan()).then(|| Cow::Owned(float_text(x + 0.0)))
        }),
        DataType::Int8 => integers!(arrow::Int8Type),
        DataType::Int16 => integers!(arrow::Int16Type),
        DataType::Int32 => integers!(arrow::Int32Type),
        DataType::Int64 => integers!(arrow::Int64Type),
        DataType::UInt8 => integers!(arrow::UInt8Type),
        DataType::UInt16 => integers!(arrow::UInt16Type),
        DataType::UInt32 => integers!(arrow::UInt32Type),
        DataType::UInt64 => integers!(arrow::UInt64Type),
        // Dates, decimals and the like.
        _ => {
            let texts = texts(array).unwrap_or_else(|_| vec![None; array.len()]);
            texts.into_iter().enumerate().try_for_each(|(i, text)| f(i, text.map(Cow::Owned)))
        }
    }
}

/// The fewest digits that are read back to the same number, as a decimal from 10⁻³ up to 10⁷, otherwise with an exponent.
fn float_text(x: impl LowerExp) -> String {
    let scientific = format!("{x:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return match scientific.as_str() {
            "inf" => "Infinity".to_owned(),
            "-inf" => "-Infinity".to_owned(),
            _ => scientific,
        };
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if first == "0" {
        return format!("{sign}0.0");
    }
    let or_zero = |digits: &str| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    if !(-3..7).contains(&exponent) {
        return format!("{sign}{first}.{}E{exponent}", or_zero(rest));
    }
    let digits = format!("{first}{rest}");
    match usize::try_from(exponent) {
        Ok(point) if digits.len() > point + 1 => {
            format!("{sign}{}.{}", &digits[..=point], &digits[point + 1..])
        }
        Ok(point) => format!("{sign}{digits:0<width$}.0", width = point + 1),
        Err(_) => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
    }
}

/// An integer as written in a column of the other kind: `2` for the `2.0` of a float, and vice versa. A single row may
/// decide whether a column of a file has integers or floats.
pub(crate) fn of_other_kind(number: &str) -> Option<String> {
    // Beyond this, several integers are the same float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let x: f64 = number.parse().ok().filter(|x: &f64| x.fract() == 0.0 && x.abs() < EXACT)?;
    let is_integer = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    Some(if is_integer { float_text(x) } else { (x as i64).to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `Double.toString` gives from Java 19 on.
    #[test]
    fn numbers_are_written_as_java_does() {
        let cases = [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (100.0, "100.0"),
            (123.456, "123.456"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.5e10, "1.5E10"),
            (0.001, "0.001"),
            (0.000_999, "9.99E-4"),
            (-0.05, "-0.05"),
            (2e-323, "2.0E-323"),
            (f64::INFINITY, "Infinity"),
            (f64::MAX, "1.7976931348623157E308"),
        ];
        for (x, text) in cases {
            assert_eq!(float_text(x), text);
        }
        assert_eq!(float_text(0.1f32), "0.1");
    }

    #[test]
    fn whole_numbers_have_two_texts() {
        let pairs = [
            ("0", "0.0"),
            ("2", "2.0"),
            ("-13", "-13.0"),
            ("10000000", "1.0E7"),
            ("123456789", "1.23456789E8"),
        ];
        for (integer, float) in pairs {
            assert_eq!(of_other_kind(integer).as_deref(), Some(float));
            assert_eq!(of_other_kind(float).as_deref(), Some(integer));
        }
        for text in ["2.5", "Infinity", "9007199254740992", "9.007199254740992E15", "x", ""] {
            assert_eq!(of_other_kind(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(x in any::<f64>().prop_filter("a number", |x| x.is_finite())) {
            prop_assert_eq!(float_text(x).parse::<f64>().unwrap(), x);
        }
    }
}
