use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use chrono::{Datelike as _, NaiveDate, NaiveDateTime};
use ndarray::Array2;

use crate::normalize::{column_type_of, normalize};
use crate::sparse::sparse_width;
use crate::text::EPOCH;
use crate::{ColumnType, Error, Field, Result, SparseBuilder, vector_array};

/// The values of one column, without a name. Cheap to clone.
///
/// ```
/// # use luthier_frame::{Column, DataFrame};
/// let frame = DataFrame::from_columns(vec![
///     ("age", Column::f64_nullable(vec![Some(34.0), None])),
///     ("name", Column::utf8(["ann", "bob"])),
/// ])?;
/// assert_eq!(frame.schema().to_string(), "age: f64, name: utf8");
/// # Ok::<(), luthier_frame::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Column {
    array: ArrayRef,
    column_type: ColumnType,
}

impl Column {
    /// Floating-point numbers; the buffer is moved.
    pub fn f64(values: Vec<f64>) -> Self {
        Self { array: Arc::new(Float64Array::from(values)), column_type: ColumnType::F64 }
    }

    /// Floating-point numbers with nulls.
    pub fn f64_nullable(values: Vec<Option<f64>>) -> Self {
        Self { array: Arc::new(Float64Array::from(values)), column_type: ColumnType::F64 }
    }

    /// Integers; the buffer is moved.
    pub fn i64(values: Vec<i64>) -> Self {
        Self { array: Arc::new(Int64Array::from(values)), column_type: ColumnType::I64 }
    }

    /// Integers with nulls.
    pub fn i64_nullable(values: Vec<Option<i64>>) -> Self {
        Self { array: Arc::new(Int64Array::from(values)), column_type: ColumnType::I64 }
    }

    /// Booleans.
    pub fn bool(values: Vec<bool>) -> Self {
        Self { array: Arc::new(BooleanArray::from(values)), column_type: ColumnType::Bool }
    }

    /// Booleans with nulls.
    pub fn bool_nullable(values: Vec<Option<bool>>) -> Self {
        Self { array: Arc::new(BooleanArray::from(values)), column_type: ColumnType::Bool }
    }

    /// Text.
    pub fn utf8<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        Self { array: Arc::new(StringArray::from_iter_values(values)), column_type: ColumnType::Utf8 }
    }

    /// Text with nulls.
    pub fn utf8_nullable<S: AsRef<str>>(values: impl IntoIterator<Item = Option<S>>) -> Self {
        Self { array: Arc::new(StringArray::from_iter(values)), column_type: ColumnType::Utf8 }
    }

    /// Dates with nulls.
    pub fn date_nullable(values: Vec<Option<NaiveDate>>) -> Self {
        let days = values.into_iter().map(|date| Some(date?.num_days_from_ce() - EPOCH));
        Self { array: Arc::new(Date32Array::from_iter(days)), column_type: ColumnType::Date }
    }

    /// Points in time without a time zone, to the microsecond, with nulls.
    pub fn timestamp_nullable(values: Vec<Option<NaiveDateTime>>) -> Self {
        let micros = values.into_iter().map(|time| Some(time?.and_utc().timestamp_micros()));
        let array = TimestampMicrosecondArray::from_iter(micros);
        Self { array: Arc::new(array), column_type: ColumnType::Timestamp }
    }

    /// Vectors, one per row of the matrix; a buffer in standard layout is moved.
    ///
    /// # Panics
    /// As [`vector_array`].
    pub fn vector(values: Array2<f64>) -> Self {
        let column_type = ColumnType::Vector { width: values.ncols() };
        Self { array: vector_array(values), column_type }
    }

    /// Sparse vectors, one per finished row of the builder.
    pub fn sparse(rows: SparseBuilder) -> Self {
        let array = rows.finish();
        Self { column_type: ColumnType::vector(sparse_width(array.data_type())), array }
    }

    /// Lists of integers, one per row.
    pub fn lists<L: AsRef<[i64]>>(lists: impl IntoIterator<Item = L>) -> Self {
        let mut builder = ListBuilder::new(Int64Builder::new());
        for list in lists {
            builder.values().append_slice(list.as_ref());
            builder.append(true);
        }
        Self { array: Arc::new(builder.finish()), column_type: ColumnType::List }
    }

    /// Any Arrow array, shared where possible. Lists of floats are vectors if all have the same length.
    ///
    /// # Errors
    /// A damaged sparse vector; the error calls the column `values`.
    pub fn from_array(array: ArrayRef) -> Result<Self> {
        let column_type = column_type_of(&[array.as_ref()]);
        Ok(Self { array: normalize("values", &array, column_type, 0)?, column_type })
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// The type of the values.
    pub fn column_type(&self) -> ColumnType {
        self.column_type
    }

    /// The number of nulls. A vector that contains a null is not null itself.
    pub fn null_count(&self) -> usize {
        self.array.null_count()
    }

    /// The Arrow array behind the column.
    pub fn array(&self) -> &ArrayRef {
        &self.array
    }

    /// A field for this column, nullable if it has nulls.
    pub fn field(&self, name: impl Into<String>) -> Field {
        Field::new(name, self.column_type)
            .with_nullable(self.array.null_count() > 0)
            .with_sparse(sparse_width(self.array.data_type()).is_some())
    }

    /// The field, nullable if it was or if the column has nulls, provided it has the column's type.
    pub(crate) fn check(&self, field: Field) -> Result<Field> {
        if field.column_type() != self.column_type {
            return Err(Error::ColumnType {
                column: field.name().to_owned(),
                expected: field.column_type().to_string(),
                found: self.column_type,
            });
        }
        let nullable = field.nullable() || self.null_count() > 0;
        Ok(field.with_nullable(nullable).with_sparse(sparse_width(self.array.data_type()).is_some()))
    }
}
