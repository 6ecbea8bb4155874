//! Frames from rows of values, and from the batches of any producer.

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::ArrowError;
use chrono::{NaiveDate, NaiveDateTime};
use std::sync::Arc;

use crate::{Column, DataFrame, Error, Result};

/// A value of a row. Numbers, booleans, strings, dates and options of them are converted with `into`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// A missing value.
    Null,
    /// A floating-point number.
    F64(f64),
    /// An integer.
    I64(i64),
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(String),
    /// A date.
    Date(NaiveDate),
    /// A timestamp.
    Timestamp(NaiveDateTime),
}

macro_rules! cells {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Cell {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

cells! {
    f64 => F64, f32 => F64,
    i64 => I64, i32 => I64, i16 => I64, i8 => I64, u32 => I64, u16 => I64, u8 => I64,
    bool => Bool,
    String => Text, &str => Text,
    NaiveDate => Date, NaiveDateTime => Timestamp,
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row for [`DataFrame::from_rows`]: a tuple of up to 12 values, or a list of values of one type.
pub trait IntoRow {
    /// The values, in the order of the columns.
    fn into_row(self) -> Vec<Cell>;
}

impl<T: Into<Cell>> IntoRow for Vec<T> {
    fn into_row(self) -> Vec<Cell> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<Cell>, const N: usize> IntoRow for [T; N] {
    fn into_row(self) -> Vec<Cell> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Into<Cell>),+> IntoRow for ($($name,)+) {
            #[allow(non_snake_case, reason = "a value is named as its type")]
            fn into_row(self) -> Vec<Cell> {
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

impl DataFrame {
    /// A frame of rows, which are tuples or lists of values, with one partition.
    ///
    /// All values of a column must have the same type. Integers among floating-point numbers become floating-point numbers; a
    /// column without any value is `f64`.
    ///
    /// ```
    /// # use luthier_frame::DataFrame;
    /// let frame = DataFrame::from_rows(
    ///     ["name", "age", "height"],
    ///     [("ann", Some(34), 1.68), ("bob", None, 1.82)],
    /// )?;
    /// assert_eq!(frame.schema().to_string(), "name: utf8, age: i64, height: f64");
    /// assert_eq!(frame.column_f64("height")?, [1.68, 1.82]);
    /// # Ok::<(), luthier_frame::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Row`] for a row with more or fewer values than there are names, and for a value of another type than those
    /// in earlier rows; [`Error::DuplicateColumn`].
    pub fn from_rows<R: IntoRow>(
        names: impl IntoIterator<Item = impl AsRef<str>>,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        let mut columns: Vec<Vec<Cell>> = vec![Vec::new(); names.len()];
        for (row, cells) in rows.into_iter().enumerate() {
            let cells = cells.into_row();
            if cells.len() != names.len() {
                let problem =
                    format!("has {} values, expected {}, one for each column", cells.len(), names.len());
                return Err(Error::Row { row, problem });
            }
            columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        }
        let columns =
            names.iter().zip(&columns).map(|(name, cells)| Ok((name.as_str(), column(name, cells)?)));
        Self::from_columns(columns.collect::<Result<_>>()?)
    }

    /// A frame with one partition per batch of a reader, such as that of a database or of another file format.
    ///
    /// ```
    /// # use luthier_frame::{DataFrame, RecordBatch};
    /// use luthier_frame::arrow_array::{Int64Array, RecordBatchIterator};
    /// # use std::sync::Arc;
    ///
    /// let values = Arc::new(Int64Array::from(vec![1, 2, 3]));
    /// let batch = RecordBatch::try_from_iter([("id", values as _)])?;
    /// let reader = RecordBatchIterator::new([Ok(batch.clone()), Ok(batch.clone())], batch.schema());
    /// let frame = DataFrame::from_reader(reader)?;
    /// assert_eq!(frame.column_i64("id")?, [1, 2, 3, 1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of the reader; as [`from_partitions`](Self::from_partitions).
    pub fn from_reader(reader: impl RecordBatchReader) -> Result<Self> {
        let schema = reader.schema();
        let batches = reader.collect::<Result<Vec<RecordBatch>, ArrowError>>()?;
        match batches.is_empty() {
            true => Self::from_batches(vec![RecordBatch::new_empty(schema)]),
            false => Self::from_batches(batches),
        }
    }
}

/// The values of a column, if they have one type.
fn column(name: &str, cells: &[Cell]) -> Result<Column> {
    fn all<'a, T>(
        name: &str,
        cells: &'a [Cell],
        expected: &str,
        of: impl Fn(&'a Cell) -> Option<T>,
    ) -> Result<Vec<Option<T>>> {
        let one = |(row, cell): (usize, &'a Cell)| match cell {
            Cell::Null => Ok(None),
            cell => of(cell).map(Some).ok_or_else(|| {
                let problem =
                    format!("column `{name}` has the value {cell:?}, expected {expected} as in earlier rows");
                Error::Row { row, problem }
            }),
        };
        cells.iter().enumerate().map(one).collect()
    }
    let has_fractions = cells.iter().any(|cell| matches!(cell, Cell::F64(_)));
    Ok(match cells.iter().find(|cell| **cell != Cell::Null) {
        Some(Cell::I64(_)) if !has_fractions => {
            Column::i64_nullable(all(name, cells, "an integer", |cell| match cell {
                Cell::I64(value) => Some(*value),
                _ => None,
            })?)
        }
        None | Some(Cell::Null | Cell::F64(_) | Cell::I64(_)) => {
            Column::f64_nullable(all(name, cells, "a number", |cell| match cell {
                Cell::F64(value) => Some(*value),
                Cell::I64(value) => Some(*value as f64),
                _ => None,
            })?)
        }
        Some(Cell::Bool(_)) => Column::bool_nullable(all(name, cells, "a boolean", |cell| match cell {
            Cell::Bool(value) => Some(*value),
            _ => None,
        })?),
        Some(Cell::Text(_)) => {
            let texts = all(name, cells, "a text", |cell| match cell {
                Cell::Text(value) => Some(value.as_str()),
                _ => None,
            })?;
            let mut builder = StringBuilder::new();
            texts.into_iter().for_each(|text| builder.append_option(text));
            Column::from_array(Arc::new(builder.finish()) as ArrayRef)?
        }
        Some(Cell::Date(_)) => Column::date_nullable(all(name, cells, "a date", |cell| match cell {
            Cell::Date(value) => Some(*value),
            _ => None,
        })?),
        Some(Cell::Timestamp(_)) => {
            Column::timestamp_nullable(all(name, cells, "a timestamp", |cell| match cell {
                Cell::Timestamp(value) => Some(*value),
                _ => None,
            })?)
        }
    })
}
