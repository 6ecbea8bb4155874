use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use ndarray::Array2;

use crate::normalize::{Intake, column_type_of, first_unequal, intake, list_width, normalize};
use crate::partition::{Part, record_batch};
use crate::sparse::sparse_width;
use crate::{Column, ColumnType, Error, Field, Opaque, Partition, Result, Schema, lists, numbers, vectors};

/// An immutable table: a schema and a list of partitions, each of which holds consecutive rows. Cheap to clone.
///
/// The rows have one global order, partition by partition. No operation changes it, however the rows are
/// partitioned. Columns are Arrow arrays and are shared between frames.
///
/// ```
/// use luthier_frame::{Column, CsvOptions, DataFrame};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("people.csv");
/// std::fs::write(&path, "name,age\nann,34\nbob,\ncid,12\n")?;
/// let people = DataFrame::read_csv(&path, &CsvOptions::new())?;
/// assert_eq!(people.schema().to_string(), "name: utf8, age: i64");
///
/// let adults = people.filter_where("age >= 18")?.with_column("height", Column::f64(vec![1.68]))?;
/// assert_eq!(adults.column_utf8("name")?, ["ann"]);
/// println!("{adults}"); // shows the first rows
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DataFrame {
    schema: Schema,
    partitions: Arc<[Partition]>,
    rows: usize,
}

impl DataFrame {
    /// A frame with one partition per batch.
    ///
    /// # Errors
    /// As [`from_partitions`](Self::from_partitions).
    pub fn from_batches(batches: Vec<RecordBatch>) -> Result<Self> {
        Self::from_partitions(batches.into_iter().map(|batch| vec![batch]).collect())
    }

    /// A frame with one partition per list of batches. Arrays are shared where possible.
    ///
    /// # Errors
    /// No batch at all; batches whose columns differ in name, order or type.
    pub fn from_partitions(partitions: Vec<Vec<RecordBatch>>) -> Result<Self> {
        let batches: Vec<&RecordBatch> = partitions.iter().flatten().collect();
        let Some(first) = batches.first() else {
            return Err(Error::Argument {
                argument: "the list of batches",
                found: "empty".to_owned(),
                expected: "at least one batch, which determines the columns",
            });
        };
        let names = |batch: &RecordBatch| -> Vec<String> {
            batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
        };
        let expected = names(first);
        if let Some(other) = batches.iter().find(|batch| names(batch) != expected) {
            return Err(Error::SchemaMismatch {
                expected: expected.join(", "),
                found: names(other).join(", "),
            });
        }
        let fields: Vec<Field> = expected
            .iter()
            .enumerate()
            .map(|(index, name)| common_field(name, index, &batches))
            .collect::<Result<_>>()?;
        let schema = Schema::new(fields)?;
        let mut row = 0;
        let mut taken = Vec::with_capacity(partitions.len());
        for batches in &partitions {
            let mut parts = Vec::with_capacity(batches.len());
            for batch in batches {
                parts.push(Part::from(take_in(batch, &schema, row)?));
                row += batch.num_rows();
            }
            taken.push(Partition::new(parts));
        }
        Ok(Self::from_parts(schema, taken))
    }

    /// A frame of named columns, with one partition.
    ///
    /// ```
    /// # use luthier_frame::{Column, DataFrame};
    /// let frame = DataFrame::from_columns(vec![
    ///     ("x", Column::f64(vec![1.0, 2.0])),
    ///     ("name", Column::utf8(["a", "b"])),
    /// ])?;
    /// assert_eq!(frame.num_rows(), 2);
    /// # Ok::<(), luthier_frame::Error>(())
    /// ```
    ///
    /// # Errors
    /// A duplicate name; columns of different lengths.
    pub fn from_columns(columns: Vec<(&str, Column)>) -> Result<Self> {
        Self::from_fields(columns.into_iter().map(|(name, column)| (column.field(name), column)).collect())
    }

    /// A frame of columns with their fields, including metadata, with one partition. A field becomes nullable if its column has
    /// nulls.
    ///
    /// # Errors
    /// As [`from_columns`](Self::from_columns); [`Error::ColumnType`] if the types of field and column differ.
    pub fn from_fields(columns: Vec<(Field, Column)>) -> Result<Self> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (field, column) in columns {
            if column.len() != rows {
                let what = field.name().to_owned();
                return Err(Error::Length { what, expected: rows, found: column.len() });
            }
            fields.push(column.check(field)?);
            arrays.push(Arc::clone(column.array()));
        }
        let schema = Schema::new(fields)?;
        let batch = record_batch(schema.fields(), arrays, rows)?;
        Ok(Self::from_parts(schema, vec![Partition::new([Part::from(batch)])]))
    }

    /// A frame with a vector column `features`, one row of the matrix per row, and an `f64` column `label`.
    ///
    /// # Errors
    /// A number of labels other than the number of rows.
    pub fn from_ndarray(features: Array2<f64>, label: Vec<f64>) -> Result<Self> {
        Self::from_columns(vec![("features", Column::vector(features)), ("label", Column::f64(label))])
    }

    /// A frame without rows, with one partition.
    pub fn empty(schema: Schema) -> Self {
        Self::from_parts(schema, vec![Partition::new([])])
    }

    /// Ensures that there is at least one partition, which may be empty.
    pub(crate) fn from_parts(schema: Schema, mut partitions: Vec<Partition>) -> Self {
        if partitions.is_empty() {
            partitions.push(Partition::new([]));
        }
        let rows = partitions.iter().map(Partition::num_rows).sum();
        Self { schema, partitions: partitions.into(), rows }
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The number of rows; known without reading anything.
    pub fn num_rows(&self) -> usize {
        self.rows
    }

    /// The number of partitions, at least 1.
    pub fn num_partitions(&self) -> usize {
        self.partitions.len()
    }

    /// The partitions, in row order.
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// Whether no partition has to be read from a file.
    pub fn is_in_memory(&self) -> bool {
        self.partitions.iter().all(Partition::is_in_memory)
    }

    /// A numeric column as `f64`, in row order; integers beyond 2⁵³ are rounded, booleans become 0 and 1.
    ///
    /// # Errors
    /// An unknown column, one that is not numeric, or [`Error::Null`] at the first null.
    pub fn column_f64(&self, name: &str) -> Result<Vec<f64>> {
        self.expect(name, "f64, i64 or bool", ColumnType::is_numeric)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_array(name, |array, _| {
            values.extend_from_slice(&numbers(array.as_ref()).unwrap_or_default());
            Ok(())
        })?;
        Ok(values)
    }

    /// A numeric column in row order, where a row without a value is `None`.
    ///
    /// # Errors
    /// An unknown column, or one that is not numeric.
    pub fn optional_numbers(&self, name: &str) -> Result<Vec<Option<f64>>> {
        self.expect(name, "f64, i64 or bool", ColumnType::is_numeric)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_chunk_of(name, |array| {
            let numbers = numbers(array.as_ref()).unwrap_or_default();
            let value = |row: usize| numbers.get(row).copied().filter(|_| array.is_valid(row));
            values.extend((0..array.len()).map(value));
            Ok(())
        })?;
        Ok(values)
    }

    /// A column of texts, dates or timestamps in row order, as it is displayed; a row without a value is `None`.
    ///
    /// # Errors
    /// An unknown column, or one that cannot be shown as text, such as a vector.
    pub fn optional_texts(&self, name: &str) -> Result<Vec<Option<String>>> {
        let is_text = |found: ColumnType| found == ColumnType::Utf8 || found.is_temporal();
        self.expect(name, "text, date or timestamp", is_text)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_chunk_of(name, |array| {
            let array = arrow_cast::cast(array, &DataType::LargeUtf8)?;
            values.extend(array.as_string::<i64>().iter().map(|text| text.map(str::to_owned)));
            Ok(())
        })?;
        Ok(values)
    }

    /// An integer column, in row order.
    ///
    /// # Errors
    /// An unknown column, one that is not of integers, [`Error::Null`] at the first null, or
    /// [`Error::IntegerRange`] at an unsigned integer that is too large.
    pub fn column_i64(&self, name: &str) -> Result<Vec<i64>> {
        self.expect(name, "i64", |found| found == ColumnType::I64)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_array(name, |array, first_row| {
            let array = to_i64(name, array, first_row)?;
            values.extend_from_slice(array.as_primitive::<arrow_array::types::Int64Type>().values());
            Ok(())
        })?;
        Ok(values)
    }

    /// A boolean column, in row order.
    ///
    /// # Errors
    /// An unknown column, one that is not boolean, or [`Error::Null`] at the first null.
    pub fn column_bool(&self, name: &str) -> Result<Vec<bool>> {
        self.expect(name, "bool", |found| found == ColumnType::Bool)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_array(name, |array, _| {
            values.extend(array.as_boolean().values());
            Ok(())
        })?;
        Ok(values)
    }

    /// A text column, in row order.
    ///
    /// # Errors
    /// An unknown column, one that is not text, or [`Error::Null`] at the first null.
    pub fn column_utf8(&self, name: &str) -> Result<Vec<String>> {
        self.expect(name, "utf8", |found| found == ColumnType::Utf8)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_array(name, |array, _| {
            let array = arrow_cast::cast(array, &DataType::LargeUtf8)?;
            values.extend(array.as_string::<i64>().iter().flatten().map(str::to_owned));
            Ok(())
        })?;
        Ok(values)
    }

    /// A column of lists, in row order.
    ///
    /// # Errors
    /// An unknown column, one that is not of lists, or [`Error::Null`] at the first null.
    pub fn column_lists(&self, name: &str) -> Result<Vec<Vec<i64>>> {
        self.expect(name, "list", |found| found == ColumnType::List)?;
        let mut values = Vec::with_capacity(self.rows);
        self.for_each_array(name, |array, first_row| {
            for (row, list) in (first_row..).zip(lists(array.as_ref()).unwrap_or_default()) {
                let list = list.ok_or_else(|| Error::Null { column: name.to_owned(), row })?;
                values.push(list.to_vec());
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// A vector column as one matrix, with one row per row of the frame.
    ///
    /// # Errors
    /// An unknown column, one that is not of vectors, or [`Error::Null`] at the first null vector or number.
    /// [`Error::Ragged`] for lists of numbers of different lengths.
    pub fn vectors(&self, name: &str) -> Result<Array2<f64>> {
        self.check_lists(name)?;
        let found = self.expect(name, "a vector", ColumnType::is_vector)?;
        let ColumnType::Vector { width } = found else {
            return Err(Error::ColumnType {
                column: name.to_owned(),
                expected: "a vector".to_owned(),
                found,
            });
        };
        let mut matrix = Array2::zeros((self.rows, width));
        self.for_each_array(name, |array, first_row| {
            let inside = array.as_fixed_size_list_opt().and_then(|lists| first_null(lists.values().as_ref()));
            if let Some(position) = inside {
                return Err(Error::Null {
                    column: name.to_owned(),
                    row: first_row + position / width.max(1),
                });
            }
            if let Some(block) = vectors(array.as_ref()) {
                let rows = ndarray::Slice::from(first_row..first_row + block.nrows());
                matrix.slice_axis_mut(ndarray::Axis(0), rows).assign(&block);
            }
            Ok(())
        })?;
        Ok(matrix)
    }

    /// Rejects lists of different lengths where vectors are needed.
    pub(crate) fn check_lists(&self, name: &str) -> Result<()> {
        if self.schema.require(name)?.column_type() != ColumnType::Opaque(Opaque::UnequalLists) {
            return Ok(());
        }
        let index = self.schema.require_index(name)?;
        let (mut first_row, mut width) = (0, None);
        for partition in self.partitions.iter() {
            for batch in partition.batches(Some(&[index]))? {
                let batch = batch?;
                let lists = batch.column(0).as_ref();
                width = width.or_else(|| list_width(lists));
                let Some(expected) = width else { continue };
                if let Some((row, found)) = first_unequal(lists, expected) {
                    let (column, row) = (name.to_owned(), first_row + row);
                    return Err(Error::Ragged { column, row, expected, found });
                }
                first_row += batch.num_rows();
            }
        }
        Ok(())
    }

    /// The Arrow type of a column, if all its arrays have the same; `None` if there are no rows.
    pub(crate) fn arrow_type(&self, position: usize) -> Option<DataType> {
        let parts = self.partitions.iter().flat_map(Partition::parts);
        let mut types = parts.map(|part| part.arrow_type(position));
        let first = types.next()??;
        types.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    /// The column's type, if it is accepted.
    fn expect(&self, name: &str, expected: &str, accept: impl Fn(ColumnType) -> bool) -> Result<ColumnType> {
        let found = self.schema.require(name)?.column_type();
        if !accept(found) {
            let expected = expected.to_owned();
            return Err(Error::ColumnType { column: name.to_owned(), expected, found });
        }
        Ok(found)
    }

    /// Visits the arrays of a column, each with the row at which it begins; a null is an error.
    fn for_each_array(
        &self,
        name: &str,
        mut visit: impl FnMut(&ArrayRef, usize) -> Result<()>,
    ) -> Result<()> {
        let mut row = 0;
        self.for_each_chunk_of(name, |array| {
            if let Some(position) = first_null(array.as_ref()) {
                return Err(Error::Null { column: name.to_owned(), row: row + position });
            }
            visit(array, row)?;
            row += array.len();
            Ok(())
        })
    }

    /// Visits the arrays of a column in the order of the rows.
    fn for_each_chunk_of(&self, name: &str, mut visit: impl FnMut(&ArrayRef) -> Result<()>) -> Result<()> {
        let index = self.schema.require_index(name)?;
        for partition in self.partitions.iter() {
            for batch in partition.batches(Some(&[index]))? {
                visit(batch?.column(0))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DataFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataFrame")
            .field("schema", &self.schema.to_string())
            .field("rows", &self.rows)
            .field("partitions", &self.partitions.len())
            .finish()
    }
}

/// An integer array as `Int64`.
pub(crate) fn to_i64(name: &str, array: &ArrayRef, first_row: usize) -> Result<ArrayRef> {
    if let Some(unsigned) = array.as_primitive_opt::<UInt64Type>() {
        let too_large =
            |(_, value): &(usize, Option<u64>)| value.is_some_and(|value| i64::try_from(value).is_err());
        if let Some((row, Some(found))) = unsigned.iter().enumerate().find(too_large) {
            return Err(Error::IntegerRange { column: name.to_owned(), row: first_row + row, found });
        }
    }
    Ok(arrow_cast::cast(array, &DataType::Int64)?)
}

pub(crate) fn first_null(array: &dyn Array) -> Option<usize> {
    array.nulls().filter(|nulls| nulls.null_count() > 0)?.iter().position(|valid| !valid)
}

/// The field of a column in all batches together.
fn common_field(name: &str, index: usize, batches: &[&RecordBatch]) -> Result<Field> {
    let arrays = || batches.iter().filter_map(|batch| batch.columns().get(index));
    let mut common: Option<Field> = None;
    for batch in batches {
        let Some(field) = batch.schema_ref().fields().get(index) else { continue };
        // Only the lists of all batches show whether they are vectors.
        let alike: Vec<&dyn Array> = arrays()
            .filter(|array| {
                intake(array.data_type()) == Intake::List || array.data_type() == field.data_type()
            })
            .map(|array| array.as_ref())
            .collect();
        let found = match intake(field.data_type()) {
            Intake::Keep(column_type) | Intake::Cast(_, column_type) => column_type,
            Intake::List => column_type_of(&alike),
        };
        let metadata: BTreeMap<String, String> = field.metadata().clone().into_iter().collect();
        let sparse = sparse_width(field.data_type()).is_some();
        let field = Field::new(name, found)
            .with_nullable(field.is_nullable() || *field.data_type() == DataType::Null)
            .with_metadata(metadata)
            .with_sparse(sparse);
        common = Some(match common {
            None => field,
            Some(first) if first.column_type() != found => {
                return Err(Error::SchemaMismatch { expected: first.to_string(), found: field.to_string() });
            }
            Some(first) => {
                let nullable = first.nullable() || field.nullable();
                first.with_nullable(nullable)
            }
        });
    }
    common.ok_or_else(|| Error::unknown_column(name, std::iter::empty()))
}

fn take_in(batch: &RecordBatch, schema: &Schema, first_row: usize) -> Result<RecordBatch> {
    let columns = schema.fields().iter().zip(batch.columns());
    let arrays = columns.map(|(field, array)| normalize(field.name(), array, field.column_type(), first_row));
    record_batch(schema.fields(), arrays.collect::<Result<_>>()?, batch.num_rows())
}
