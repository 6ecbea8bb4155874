//! Predictions of single rows, without building a frame.

use std::sync::Arc;

use luthier_frame::{Column, ColumnType, DataFrame, Field, Schema, parse_date, parse_timestamp};
use ndarray::Array2;

use crate::float_name::named_float;
use crate::params::Value;
use crate::rows::{Batch, BoundStage, Chain, Held, Origin, Places};
use crate::{Error, Result};

/// A fitted pipeline that predicts single rows; as much as possible is checked once, when it is created.
///
/// A row is a list of values in the order of [`inputs`](Self::inputs); the result is a list in the order of
/// [`outputs`](Self::outputs). The row passes through the stages as a batch of one row, so the result is, to the last bit,
/// that of a transformed frame.
///
/// ```
/// use luthier_core::frame::{ColumnType, Field, Schema};
/// # use luthier_core::{PipelineModel, Value};
/// # let model = PipelineModel::new(vec![]);
/// let inputs = Schema::new(vec![Field::new("x", ColumnType::F64)])?;
/// let predictor = model.predictor_for(&inputs, &["x"])?;
/// assert_eq!(predictor.predict_row(&[Value::from(2.5)])?, Some(vec![Value::from(2.5)]));
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Predictor {
    chain: Chain,
    inputs: Schema,
    outputs: Schema,
    /// The positions of the outputs behind the stages.
    places: Vec<usize>,
}

impl Predictor {
    /// `behind` is the schema behind all stages.
    pub(crate) fn new(
        stages: &[BoundStage],
        inputs: &Schema,
        behind: &Schema,
        outputs: &[&str],
    ) -> Result<Self> {
        let fields = outputs.iter().map(|name| Ok(behind.require(name)?.clone()));
        let outputs = Schema::new(fields.collect::<Result<_>>()?)?;
        let mut places = Places::new(inputs.names());
        let chain = Chain::new(stages, &mut places)?;
        let places = places.find_all(outputs.names())?;
        Ok(Self { chain, inputs: inputs.clone(), outputs, places })
    }

    /// The columns of a row, in order.
    pub fn inputs(&self) -> &Schema {
        &self.inputs
    }

    /// The columns of the result, in order.
    pub fn outputs(&self) -> &Schema {
        &self.outputs
    }

    /// Converts a row of named values to a list.
    ///
    /// # Errors
    /// A name that is missing or unknown; a value that is not a map.
    pub fn row(&self, named: &Value) -> Result<Vec<Value>> {
        let Value::Map(named) = named else {
            return Err(Error::invalid(format!(
                "a row must be an object with a value for each column, found {named}"
            )));
        };
        if let Some(unknown) = named.keys().find(|name| self.inputs.field(name).is_none()) {
            self.inputs.require(unknown)?;
        }
        let value = |name: &str| {
            let missing = || {
                Error::invalid(format!(
                    "the row has no value for column `{name}`; use null for a missing value"
                ))
            };
            named.get(name).cloned().ok_or_else(missing)
        };
        self.inputs.names().map(value).collect()
    }

    /// The outputs for one row; `None` if a stage drops it.
    ///
    /// # Errors
    /// Another number of values than columns; a value of the wrong type, or one that a stage cannot use.
    pub fn predict_row(&self, row: &[Value]) -> Result<Option<Vec<Value>>> {
        Ok(self.predict_all(&[row])?.pop().flatten())
    }

    /// The outputs for some rows; `None` for a row that a stage drops.
    ///
    /// # Errors
    /// Those of [`predict_row`](Self::predict_row), with the row's number.
    pub fn predict(&self, rows: &[Vec<Value>]) -> Result<Vec<Option<Vec<Value>>>> {
        self.predict_all(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn predict_all(&self, rows: &[&[Value]]) -> Result<Vec<Option<Vec<Value>>>> {
        rows.iter().enumerate().try_for_each(|(i, row)| self.check_len(i, row))?;
        let columns = self.inputs.fields().iter().enumerate().map(|(j, field)| {
            let values = || rows.iter().filter_map(move |row| row.get(j));
            Ok(Arc::new(held(field, values)?))
        });
        let columns = columns.collect::<Result<_>>()?;
        let mut predictions = vec![None; rows.len()];
        let batch = Batch { columns, rows: rows.len(), origin: Origin::new(0) };
        let Some(out) = self.chain.run(batch)? else { return Ok(predictions) };
        let mut left: Vec<Vec<Value>> = vec![Vec::with_capacity(self.places.len()); out.rows];
        for (field, column) in self
            .outputs
            .fields()
            .iter()
            .zip(&self.places)
            .filter_map(|(field, &place)| Some((field, out.columns.get(place)?)))
        {
            show(field, column, &mut left)?;
        }
        for (i, row) in left.into_iter().enumerate() {
            if let Some(place) = predictions.get_mut(out.origin.number(i)) {
                *place = Some(row);
            }
        }
        Ok(predictions)
    }

    fn check_len(&self, number: usize, row: &[Value]) -> Result<()> {
        if row.len() == self.inputs.len() {
            return Ok(());
        }
        let names: Vec<&str> = self.inputs.names().collect();
        Err(Error::invalid(format!(
            "row {number} has {} values, expected {}: {}",
            row.len(),
            names.len(),
            names.join(", ")
        )))
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(x) => Some(*x),
        Value::Int(x) => Some(*x as f64),
        Value::Str(text) => named_float(text),
        _ => None,
    }
}

/// Writes the numbers of a list; `None` if it is none or has another length.
fn fill(target: &mut [f64], value: &Value) -> Option<()> {
    match value {
        Value::List(items) if items.len() == target.len() => {
            target.iter_mut().zip(items).try_for_each(|(target, item)| {
                *target = number(item)?;
                Some(())
            })
        }
        _ => None,
    }
}

fn bad(field: &Field, row: usize, value: &Value) -> Error {
    let expected = match field.column_type() {
        ColumnType::F64 | ColumnType::I64 => "a number",
        ColumnType::Bool => "true or false",
        ColumnType::Utf8 => "a text",
        ColumnType::Vector { .. } | ColumnType::AnyVector => "a list of numbers as long as the vectors",
        ColumnType::List => "a list of integers",
        ColumnType::Date => "a date, such as \"2024-02-29\"",
        ColumnType::Timestamp => "a date with a time, such as \"2024-02-29T12:30:00\"",
        ColumnType::Opaque(_) => "no value, because values of this type are not supported here",
    };
    Error::bad_value(field.name(), row, value.to_string(), expected)
}

/// The values of a column. A null is a missing value.
fn held<'a, I: Iterator<Item = &'a Value>>(field: &Field, values: impl Fn() -> I) -> Result<Held> {
    match field.column_type() {
        ColumnType::F64 => {
            if let Some(numbers) = values().map(number).collect() {
                return Ok(Held::numbers(numbers));
            }
        }
        ColumnType::Vector { width } => {
            let mut rows = Array2::zeros((values().count(), width));
            for ((row, mut target), value) in rows.outer_iter_mut().enumerate().zip(values()) {
                let target = target.as_slice_mut().unwrap_or_default();
                fill(target, value).ok_or_else(|| bad(field, row, value))?;
            }
            return Ok(Held::vectors(rows));
        }
        // As in a file, a column of numbers that are not all integers is not a column of integers.
        ColumnType::I64 if values().any(|value| number(value).is_some() && whole(value).is_none()) => {
            return held(&Field::new(field.name(), ColumnType::F64), values);
        }
        _ => {}
    }
    Ok(Held::array(Arc::clone(column(field, values)?.array())))
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(x) => Some(*x),
        Value::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(*x as i64),
        _ => None,
    }
}

/// A column of a frame from the values of its rows. A null is a missing value.
fn column<'a, I: Iterator<Item = &'a Value>>(field: &Field, values: impl Fn() -> I) -> Result<Column> {
    fn all<'a, T>(
        field: &Field,
        values: impl Iterator<Item = &'a Value>,
        of: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Vec<Option<T>>> {
        let one = |(row, value): (usize, &'a Value)| match value {
            Value::Null => Ok(None),
            value => of(value).map(Some).ok_or_else(|| bad(field, row, value)),
        };
        values.enumerate().map(one).collect()
    }
    Ok(match field.column_type() {
        ColumnType::F64 => Column::f64_nullable(all(field, values(), number)?),
        ColumnType::I64 => Column::i64_nullable(all(field, values(), whole)?),
        ColumnType::Bool => Column::bool_nullable(all(field, values(), |value| match value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        })?),
        ColumnType::Utf8 => Column::utf8_nullable(all(field, values(), |value| match value {
            Value::Str(text) => Some(text.as_str()),
            _ => None,
        })?),
        ColumnType::Date => Column::date_nullable(all(field, values(), |value| match value {
            Value::Str(text) => parse_date(text),
            _ => None,
        })?),
        ColumnType::Timestamp => Column::timestamp_nullable(all(field, values(), |value| match value {
            Value::Str(text) => parse_timestamp(text).map(|(time, _)| time),
            _ => None,
        })?),
        ColumnType::List => {
            let list = |value: &Value| match value {
                Value::List(items) => items.iter().map(whole).collect::<Option<Vec<i64>>>(),
                _ => None,
            };
            let lists =
                values().enumerate().map(|(row, value)| list(value).ok_or_else(|| bad(field, row, value)));
            Column::lists(lists.collect::<Result<Vec<_>>>()?)
        }
        ColumnType::Vector { .. } | ColumnType::AnyVector => {
            let name = field.name();
            return Err(Error::invalid(format!("column `{name}`: the width of the vectors is not known")));
        }
        ColumnType::Opaque(_) => {
            let (name, found) = (field.name(), field.column_type());
            return Err(Error::invalid(format!(
                "column `{name}` is {found}, and values of this type are not supported here"
            )));
        }
    })
}

/// Puts a column's value behind those of each row.
fn show(field: &Field, column: &Arc<Held>, rows: &mut [Vec<Value>]) -> Result<()> {
    let name = field.name();
    match (field.column_type(), column.numeric()) {
        (ColumnType::F64, Some(numbers)) if column.first_null().is_none() => {
            rows.iter_mut().zip(numbers.iter()).for_each(|(row, x)| row.push(Value::Float(*x)));
            return Ok(());
        }
        (ColumnType::Vector { .. }, Some(vectors)) if column.first_null().is_none() => {
            let lists =
                vectors.outer_iter().map(|list| list.iter().map(|x| Value::Float(*x)).collect::<Vec<_>>());
            rows.iter_mut().zip(lists).for_each(|(row, list)| row.push(list.into()));
            return Ok(());
        }
        _ => {}
    }
    let data = DataFrame::from_columns(vec![(name, Column::from_array(column.to_array())?)])?;
    let values: Vec<Value> = match field.column_type() {
        ColumnType::F64 => data.column_f64(name)?.into_iter().map(Value::Float).collect(),
        ColumnType::I64 => data.column_i64(name)?.into_iter().map(Value::Int).collect(),
        ColumnType::Bool => data.column_bool(name)?.into_iter().map(Value::Bool).collect(),
        ColumnType::Utf8 => data.column_utf8(name)?.into_iter().map(Value::Str).collect(),
        ColumnType::Vector { .. } => {
            return Err(Error::invalid(format!("a vector of column `{name}` is null")));
        }
        _ => {
            return Err(Error::invalid(format!("column `{name}` cannot be shown as a value")));
        }
    };
    rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
    Ok(())
}
