//! Evaluates a condition on the rows of a batch. The result is true, false, or neither if a value is missing.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use chrono::{NaiveDateTime, NaiveTime};

use super::{Condition, Literal, Operator, Predicate, Test};
use crate::text::instants;
use crate::{ColumnType, DataFrame, Error, Result, Schema, date_times, numbers, parse_date, parse_timestamp};

type Truths = Vec<Option<bool>>;

impl DataFrame {
    /// The rows at which a condition is true, such as `age >= 18 and state in ('CA', 'NY')`; see [`Predicate`].
    ///
    /// For a scanned frame, the columns of the condition are read, and the result is still a scan.
    ///
    /// # Errors
    /// A text that is not a condition; an unknown column; a value that cannot be compared with its column.
    pub fn filter_where(&self, condition: &str) -> Result<Self> {
        self.filter_by(&condition.parse()?)
    }

    /// As [`filter_where`](Self::filter_where), with a parsed condition.
    ///
    /// # Errors
    /// As `filter_where`, except those of parsing.
    pub fn filter_by(&self, predicate: &Predicate) -> Result<Self> {
        predicate.check(self.schema())?;
        let names = predicate.columns();
        let positions: Vec<usize> =
            names.iter().map(|name| self.schema().require_index(name)).collect::<Result<_>>()?;
        let mut mask = Vec::with_capacity(self.num_rows());
        for partition in self.partitions() {
            for batch in partition.batches(Some(&positions))? {
                let batch = batch?;
                let column = |name: &str| names.iter().position(|of| *of == name).map(|at| batch.column(at));
                let truths = predicate.condition.truths(&column, batch.num_rows())?;
                mask.extend(truths.into_iter().map(|truth| truth == Some(true)));
            }
        }
        self.filter(&mask)
    }
}

impl Predicate {
    /// Checks that each column exists and can be compared with its values.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::Predicate`] for a value of another type.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        self.condition.check(schema).map_err(|problem| match problem {
            Problem::Column(error) => error,
            Problem::Value(problem) => Error::Predicate { condition: self.text.clone(), problem },
        })
    }
}

enum Problem {
    Column(Error),
    Value(String),
}

impl Condition {
    fn check(&self, schema: &Schema) -> Result<(), Problem> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().try_for_each(|part| part.check(schema)),
            Self::Not(part) => part.check(schema),
            Self::Compare { column, test } => {
                let found = schema.require(column).map_err(Problem::Column)?.column_type();
                let wrong = |expected: &str| {
                    Err(Problem::Value(format!("column `{column}` is {found}, expected {expected}")))
                };
                match test {
                    Test::Null => Ok(()),
                    Test::True if found == ColumnType::Bool => Ok(()),
                    Test::True => wrong("a comparison, such as `>` and a value"),
                    Test::Is(_, value) => check_value(column, found, value),
                    Test::OneOf(values) => {
                        values.iter().try_for_each(|value| check_value(column, found, value))
                    }
                }
            }
        }
    }

    fn truths<'a>(&self, column: &impl Fn(&str) -> Option<&'a ArrayRef>, rows: usize) -> Result<Truths> {
        let join = |parts: &[Self], with: fn(Option<bool>, Option<bool>) -> Option<bool>| {
            let mut joined: Option<Truths> = None;
            for part in parts {
                let truths = part.truths(column, rows)?;
                joined = Some(match joined {
                    None => truths,
                    Some(joined) => joined.into_iter().zip(truths).map(|(a, b)| with(a, b)).collect(),
                });
            }
            Ok(joined.unwrap_or_default())
        };
        match self {
            Self::And(parts) => join(parts, and),
            Self::Or(parts) => join(parts, |a, b| Some(!and(a.map(|a| !a), b.map(|b| !b))?)),
            Self::Not(part) => {
                Ok(part.truths(column, rows)?.into_iter().map(|truth| Some(!truth?)).collect())
            }
            Self::Compare { column: name, test } => match column(name) {
                Some(array) => self::test(array, test),
                None => Ok(vec![None; rows]),
            },
        }
    }
}

/// False if one is false, true if both are true, otherwise neither.
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn check_value(column: &str, found: ColumnType, value: &Literal) -> Result<(), Problem> {
    let fits = match (found, value) {
        (ColumnType::F64 | ColumnType::I64, Literal::Number(_)) => true,
        (ColumnType::Bool, Literal::Bool(_)) => true,
        (ColumnType::Bool, Literal::Number(digits)) => ["0", "1"].contains(&digits.as_str()),
        (ColumnType::Utf8, Literal::Text(_)) => true,
        (ColumnType::Date | ColumnType::Timestamp, Literal::Text(text)) => {
            parse_date(text).is_some() || parse_timestamp(text).is_some()
        }
        _ => false,
    };
    let expected = match found {
        ColumnType::F64 | ColumnType::I64 => "a number",
        ColumnType::Bool => "true or false",
        ColumnType::Utf8 => "a string in quotes",
        ColumnType::Date => "a date such as '2024-02-29'",
        ColumnType::Timestamp => "a date or a time such as '2024-02-29T12:30:00'",
        _ => "`is null` or `is not null`, which are the only comparisons for this type",
    };
    match fits {
        true => Ok(()),
        false => Err(Problem::Value(format!(
            "column `{column}` is {found} and cannot be compared with {value}, expected {expected}"
        ))),
    }
}

fn test(array: &ArrayRef, test: &Test) -> Result<Truths> {
    match test {
        Test::Null => Ok(is_missing(array).into_iter().map(Some).collect()),
        Test::True => Ok(array.as_boolean().iter().collect()),
        Test::Is(operator, value) => {
            let holds = |ordering: Option<Ordering>| Some(operator.holds(ordering?));
            Ok(compare(array, value)?.into_iter().map(holds).collect())
        }
        Test::OneOf(values) => {
            let mut found: Truths = vec![Some(false); array.len()];
            for value in values {
                for (found, ordering) in found.iter_mut().zip(compare(array, value)?) {
                    *found = ordering.map(|ordering| *found == Some(true) || ordering == Ordering::Equal);
                }
            }
            Ok(found)
        }
    }
}

impl Operator {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

/// For each value, whether it is null, NaN, or a vector that contains one of these.
pub(crate) fn is_missing(array: &ArrayRef) -> Vec<bool> {
    let nan: Box<dyn Fn(usize) -> bool> = match (array.data_type(), crate::vectors(array.as_ref())) {
        (_, Some(vectors)) => {
            let missing: Vec<bool> = vectors.outer_iter().map(|row| row.iter().any(|x| x.is_nan())).collect();
            Box::new(move |row| missing.get(row) == Some(&true))
        }
        (data_type, _) if data_type.is_floating() => {
            let values = numbers(array.as_ref()).unwrap_or_default();
            Box::new(move |row| values.get(row).is_some_and(|x| x.is_nan()))
        }
        _ => Box::new(|_| false),
    };
    (0..array.len()).map(|row| array.is_null(row) || nan(row)).collect()
}

/// Compares each value with a checked literal; `None` where the value is missing.
fn compare(array: &ArrayRef, literal: &Literal) -> Result<Vec<Option<Ordering>>> {
    let valid = |row: usize| array.is_valid(row);
    match literal {
        Literal::Bool(truth) => Ok(array.as_boolean().iter().map(|value| Some(value?.cmp(truth))).collect()),
        Literal::Number(digits) => match (digits.parse::<i128>(), array.data_type()) {
            // Integers are compared exactly.
            (Ok(wanted), DataType::UInt64) => {
                let values = array.as_primitive::<UInt64Type>().iter();
                Ok(values.map(|value| Some(i128::from(value?).cmp(&wanted))).collect())
            }
            (Ok(wanted), data_type) if data_type.is_integer() => {
                let whole = arrow_cast::cast(array, &DataType::Int64)?;
                let values = whole.as_primitive::<Int64Type>().iter();
                Ok(values.map(|value| Some(i128::from(value?).cmp(&wanted))).collect())
            }
            _ => {
                let wanted: f64 = digits.parse().unwrap_or(f64::NAN);
                let values = numbers(array.as_ref()).unwrap_or_default();
                let compare = |(row, value): (usize, &f64)| value.partial_cmp(&wanted).filter(|_| valid(row));
                Ok(values.iter().enumerate().map(compare).collect())
            }
        },
        Literal::Text(text) => match array.data_type() {
            DataType::Date32 | DataType::Timestamp(..) => {
                let midnight = || Some((parse_date(text)?.and_time(NaiveTime::MIN), None));
                let Some((wanted, offset)) = parse_timestamp(text).or_else(midnight) else {
                    return Ok(vec![None; array.len()]);
                };
                let is_date = *array.data_type() == DataType::Date32;
                let (values, wanted): (Vec<Option<NaiveDateTime>>, _) = match offset.filter(|_| !is_date) {
                    Some(offset) => (instants(array.as_ref()), wanted.checked_sub_offset(offset)),
                    None => (date_times(array.as_ref())?, Some(wanted)),
                };
                Ok(values.into_iter().map(|value| Some(value?.cmp(&wanted?))).collect())
            }
            _ => {
                let texts = arrow_cast::cast(array, &DataType::LargeUtf8)?;
                let values = texts.as_string::<i64>().iter();
                Ok(values.map(|value| Some(value?.cmp(text.as_str()))).collect())
            }
        },
    }
}
