//! Predictions of single rows, without a frame made by hand.

use std::ops::Range;

use luthier_frame::{Column, ColumnType, DataFrame, Field, Schema, parse_date, parse_timestamp};
use ndarray::Array2;

use crate::params::Value;
use crate::pipeline_model::PipelineModel;
use crate::stage::{DynModel, RowFunction, catch_panic};
use crate::{Error, Result};

/// Numbers the rows, to see which are left out.
const ROW: &str = "\u{0}row";

/// A fitted pipeline, ready for rows: what can be checked once was checked when it was made.
///
/// A row is a list of values in the order of [`inputs`](Self::inputs); so is what comes out, in the order of
/// [`outputs`](Self::outputs). Where every stage is a function of numbers ([`RowFunction`]), a row costs little more than
/// its arithmetic; else it goes through as a frame of one row. Both give the same up to rounding.
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
    model: PipelineModel,
    inputs: Schema,
    outputs: Schema,
    steps: Option<Steps>,
}

/// The way of one row through the stages, as places in one run of numbers.
#[derive(Debug, Clone)]
struct Steps {
    inputs: Vec<Range<usize>>,
    functions: Vec<Step>,
    outputs: Vec<Range<usize>>,
    numbers: usize,
}

#[derive(Debug, Clone)]
struct Step {
    function: RowFunction,
    from: Vec<Range<usize>>,
    to: Range<usize>,
    name: &'static str,
}

impl Predictor {
    pub(crate) fn new(model: &PipelineModel, inputs: &Schema, outputs: &[&str]) -> Result<Self> {
        let behind = model.transform_schema(inputs)?;
        let fields = outputs.iter().map(|name| Ok(behind.require(name)?.clone()));
        let outputs = Schema::new(fields.collect::<Result<_>>()?)?;
        let steps = Steps::of(model, inputs, &outputs);
        Ok(Self { model: model.clone(), inputs: inputs.clone(), outputs, steps })
    }

    /// The columns that a row gives, in order.
    pub fn inputs(&self) -> &Schema {
        &self.inputs
    }

    /// The columns that come out, in order.
    pub fn outputs(&self) -> &Schema {
        &self.outputs
    }

    /// Whether rows go through as numbers, without a frame.
    pub fn is_direct(&self) -> bool {
        self.steps.is_some()
    }

    /// The values of a row that gives them by name.
    ///
    /// # Errors
    /// A name that is missing or unknown; a value that is no map.
    pub fn row(&self, named: &Value) -> Result<Vec<Value>> {
        let Value::Map(named) = named else {
            return Err(Error::invalid(format!(
                "a row is an object with a value for each column, found {named}"
            )));
        };
        if let Some(unknown) = named.keys().find(|name| self.inputs.field(name).is_none()) {
            self.inputs.require(unknown)?;
        }
        let value = |name: &str| {
            let missing =
                || Error::invalid(format!("the row has no value for column `{name}`; null is a value"));
            named.get(name).cloned().ok_or_else(missing)
        };
        self.inputs.names().map(value).collect()
    }

    /// The outputs of one row; `None` if a stage leaves it out.
    ///
    /// # Errors
    /// Another number of values than columns; a value of the wrong type, or one that a stage cannot use.
    pub fn predict_row(&self, row: &[Value]) -> Result<Option<Vec<Value>>> {
        match &self.steps {
            Some(steps) => self.direct(steps, 0, row).map(Some),
            None => Ok(self.predict(std::slice::from_ref(&row.to_vec()))?.pop().flatten()),
        }
    }

    /// The outputs of some rows; `None` for one that a stage leaves out.
    ///
    /// # Errors
    /// Those of [`predict_row`](Self::predict_row), with the row's number.
    pub fn predict(&self, rows: &[Vec<Value>]) -> Result<Vec<Option<Vec<Value>>>> {
        if let Some(steps) = &self.steps {
            return rows.iter().enumerate().map(|(i, row)| self.direct(steps, i, row).map(Some)).collect();
        }
        let out = self.model.transform(&self.frame(rows)?)?;
        let numbers = out.column_i64(ROW)?;
        let columns: Vec<Vec<Value>> =
            self.outputs.fields().iter().map(|field| values(&out, field)).collect::<Result<_>>()?;
        let mut predictions = vec![None; rows.len()];
        for (i, row) in numbers.into_iter().enumerate() {
            if let Some(place) = predictions.get_mut(row as usize) {
                *place = Some(columns.iter().filter_map(|column| column.get(i).cloned()).collect());
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

    fn direct(&self, steps: &Steps, number: usize, row: &[Value]) -> Result<Vec<Value>> {
        self.check_len(number, row)?;
        let mut numbers = vec![0.0; steps.numbers];
        for ((field, place), value) in self.inputs.fields().iter().zip(&steps.inputs).zip(row) {
            fill(&mut numbers[place.clone()], field, value).ok_or_else(|| bad(field, number, value))?;
        }
        let mut gathered = Vec::new();
        for step in &steps.functions {
            // What a stage writes lies behind all that it reads.
            let (before, after) = numbers.split_at_mut(step.to.start);
            let out = &mut after[..step.to.len()];
            let input = match step.from.as_slice() {
                [one] => &before[one.clone()],
                several => {
                    gathered.clear();
                    several.iter().for_each(|place| gathered.extend_from_slice(&before[place.clone()]));
                    &gathered
                }
            };
            catch_panic(step.name, || {
                step.function.apply(input, out);
                Ok(())
            })?;
        }
        let outputs = self.outputs.fields().iter().zip(&steps.outputs);
        Ok(outputs.map(|(field, place)| show(field, &numbers[place.clone()])).collect())
    }

    fn frame(&self, rows: &[Vec<Value>]) -> Result<DataFrame> {
        rows.iter().enumerate().try_for_each(|(i, row)| self.check_len(i, row))?;
        let columns = self.inputs.fields().iter().enumerate().map(|(j, field)| {
            let values = || rows.iter().filter_map(move |row| row.get(j));
            let field = as_given(field.clone(), values()).with_nullable(true);
            let column = column(&field, values)?;
            Ok((field, column))
        });
        let mut columns = columns.collect::<Result<Vec<_>>>()?;
        let numbers = Column::i64((0..rows.len() as i64).collect());
        columns.push((Field::new(ROW, ColumnType::I64), numbers));
        Ok(DataFrame::from_fields(columns)?)
    }
}

impl Steps {
    /// `None` where a stage is no function of numbers.
    fn of(model: &PipelineModel, inputs: &Schema, outputs: &Schema) -> Option<Self> {
        let mut way = Way { schema: inputs.clone(), places: Vec::new(), functions: Vec::new(), numbers: 0 };
        inputs.fields().iter().try_for_each(|field| way.place(field).map(drop))?;
        let no_function = || Error::invalid("a stage that is no function of numbers");
        let step = |way: Way, model: &dyn DynModel| way.through(model).ok_or_else(no_function);
        let way = model.try_fold(way, |way| &way.schema, step).ok()?;
        let find = |field: &Field| way.find(field.name());
        Some(Self {
            inputs: inputs.fields().iter().map(find).collect::<Option<_>>()?,
            outputs: outputs.fields().iter().map(find).collect::<Option<_>>()?,
            functions: way.functions,
            numbers: way.numbers,
        })
    }
}

/// Steps while they are put together.
struct Way {
    schema: Schema,
    places: Vec<(String, Range<usize>)>,
    functions: Vec<Step>,
    numbers: usize,
}

impl Way {
    /// A place for a column behind all others; `None` if it does not hold numbers.
    fn place(&mut self, field: &Field) -> Option<Range<usize>> {
        let width = match field.column_type() {
            ColumnType::F64 => 1,
            ColumnType::Vector { width } => width,
            _ => return None,
        };
        let place = self.numbers..self.numbers + width;
        self.numbers = place.end;
        self.places.push((field.name().to_owned(), place.clone()));
        Some(place)
    }

    fn find(&self, name: &str) -> Option<Range<usize>> {
        self.places.iter().find(|(of, _)| of == name).map(|(_, place)| place.clone())
    }

    fn through(mut self, model: &dyn DynModel) -> Option<Self> {
        let behind = model.transform_schema(&self.schema).ok()?;
        let function = model.row_function()?;
        let from: Option<Vec<_>> = function.inputs().iter().map(|name| self.find(name)).collect();
        let new = behind.fields().get(self.schema.len()..)?;
        if !new.iter().map(Field::name).eq(function.outputs().iter().map(String::as_str)) {
            return None;
        }
        let mut to: Option<Range<usize>> = None;
        for field in new {
            let at = self.place(field)?;
            to = Some(to.map_or(at.start, |to| to.start)..at.end);
        }
        self.functions.push(Step { function, from: from?, to: to?, name: model.type_name() });
        self.schema = behind;
        Some(self)
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(x) => Some(*x),
        Value::Int(x) => Some(*x as f64),
        Value::Str(text) if ["NaN", "Inf", "-Inf"].contains(&text.as_str()) => text.parse().ok(),
        _ => None,
    }
}

/// Writes the numbers of a value; `None` if it is none of the column's type.
fn fill(target: &mut [f64], field: &Field, value: &Value) -> Option<()> {
    match (field.column_type(), value) {
        (ColumnType::Vector { width }, Value::List(items)) if items.len() == width => {
            target.iter_mut().zip(items).try_for_each(|(target, item)| {
                *target = number(item)?;
                Some(())
            })
        }
        (ColumnType::F64, value) => {
            *target.first_mut()? = number(value)?;
            Some(())
        }
        _ => None,
    }
}

fn show(field: &Field, numbers: &[f64]) -> Value {
    match (field.column_type(), numbers) {
        (ColumnType::F64, [x]) => Value::Float(*x),
        _ => Value::List(numbers.iter().map(|x| Value::Float(*x)).collect()),
    }
}

fn bad(field: &Field, row: usize, value: &Value) -> Error {
    let expected = match field.column_type() {
        ColumnType::F64 | ColumnType::I64 => "a number",
        ColumnType::Bool => "true or false",
        ColumnType::Utf8 => "a text",
        ColumnType::Vector { .. } | ColumnType::AnyVector => "a list of numbers as long as the vectors",
        ColumnType::List => "a list of whole numbers",
        ColumnType::Date => "a date, such as \"2024-02-29\"",
        ColumnType::Timestamp => "a date with a time, such as \"2024-02-29T12:30:00\"",
        ColumnType::Opaque(_) => "nothing: such values cannot be given",
    };
    Error::BadValue { column: field.name().to_owned(), row, found: value.to_string(), expected }
}

/// As in a file, numbers that are not all whole are no integers.
fn as_given<'a>(field: Field, mut values: impl Iterator<Item = &'a Value>) -> Field {
    match field.column_type() {
        ColumnType::I64 if values.any(|value| number(value).is_some() && whole(value).is_none()) => {
            Field::new(field.name(), ColumnType::F64).with_metadata(field.metadata().clone())
        }
        _ => field,
    }
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
        ColumnType::Vector { width } => {
            let mut rows = Array2::zeros((values().count(), width));
            for ((row, mut target), value) in rows.outer_iter_mut().enumerate().zip(values()) {
                let target = target.as_slice_mut().unwrap_or_default();
                fill(target, field, value).ok_or_else(|| bad(field, row, value))?;
            }
            Column::vector(rows)
        }
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
        ColumnType::AnyVector => {
            let name = field.name();
            return Err(Error::invalid(format!("column `{name}`: the width of the vectors is not known")));
        }
        ColumnType::Opaque(_) => {
            let (name, found) = (field.name(), field.column_type());
            return Err(Error::invalid(format!(
                "column `{name}` is {found}, which cannot be given as a value"
            )));
        }
    })
}

/// The values of a column.
fn values(data: &DataFrame, field: &Field) -> Result<Vec<Value>> {
    let name = field.name();
    Ok(match field.column_type() {
        ColumnType::F64 => data.column_f64(name)?.into_iter().map(Value::Float).collect(),
        ColumnType::I64 => data.column_i64(name)?.into_iter().map(Value::Int).collect(),
        ColumnType::Bool => data.column_bool(name)?.into_iter().map(Value::Bool).collect(),
        ColumnType::Utf8 => data.column_utf8(name)?.into_iter().map(Value::Str).collect(),
        ColumnType::Vector { .. } => {
            let rows = data.vectors(name)?;
            rows.outer_iter()
                .map(|row| row.iter().map(|x| Value::Float(*x)).collect::<Vec<_>>().into())
                .collect()
        }
        _ => {
            return Err(Error::invalid(format!("column `{name}` cannot be shown as a value")));
        }
    })
}
