//! Reads vector columns directly from their pages. Nearly every file has lists of equal length without nulls; their levels
//! only need to be checked, which takes half the time of building offsets and validity from them.

use std::fmt;
use std::sync::Arc;

use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{ArrayRef, ArrowPrimitiveType, FixedSizeListArray, PrimitiveArray};
use arrow_schema::{DataType, FieldRef};
use parquet::basic::Type;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{DoubleType, FloatType};
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::file::CheckedFile;

/// The number of rows whose levels are checked together, while they are in a cache.
const CHECKED_VALUES: usize = 16 * 1024;

/// One column of vectors in one row group.
pub(super) struct VectorReader {
    values: Values,
    item: FieldRef,
    width: usize,
    max_definition: i16,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

enum Values {
    F64(ColumnReaderImpl<DoubleType>),
    F32(ColumnReaderImpl<FloatType>),
}

impl fmt::Debug for VectorReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VectorReader").field("width", &self.width).finish_non_exhaustive()
    }
}

impl VectorReader {
    /// A reader for the file's column at `root`, of type `data_type`; `None` if it does not hold lists of floats.
    pub(super) fn open(
        file: &Arc<CheckedFile>,
        metadata: &ParquetMetaData,
        row_group: usize,
        (root, data_type): (usize, &DataType),
        width: usize,
        first_row: usize,
    ) -> Result<Option<Self>> {
        let schema = metadata.file_metadata().schema_descr();
        let mut leaves = (0..schema.num_columns()).filter(|&leaf| schema.get_column_root_idx(leaf) == root);
        let (Some(leaf), None) = (leaves.next(), leaves.next()) else { return Ok(None) };
        let (DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item)) = data_type
        else {
            return Ok(None);
        };
        let column = schema.column(leaf);
        if column.max_rep_level() != 1 || width == 0 {
            return Ok(None);
        }
        let row_group = metadata.row_group(row_group);
        let rows = usize::try_from(row_group.num_rows()).unwrap_or(0);
        let pages = SerializedPageReader::new(Arc::clone(file), row_group.column(leaf), rows, None)?;
        let max_definition = column.max_def_level();
        let (values, skipped) = match (column.physical_type(), item.data_type()) {
            (Type::DOUBLE, DataType::Float64) => {
                let mut reader = ColumnReaderImpl::new(column, Box::new(pages));
                let skipped = reader.skip_records(first_row)?;
                (Values::F64(reader), skipped)
            }
            (Type::FLOAT, DataType::Float32) => {
                let mut reader = ColumnReaderImpl::new(column, Box::new(pages));
                let skipped = reader.skip_records(first_row)?;
                (Values::F32(reader), skipped)
            }
            _ => return Ok(None),
        };
        let (definitions, repetitions) = (Vec::new(), Vec::new());
        let reader = Self { values, item: Arc::clone(item), width, max_definition, definitions, repetitions };
        Ok((skipped == first_row).then_some(reader))
    }

    /// The next rows; `None` if one of them is null, contains a null or has another length, and if there are fewer rows.
    /// Afterwards the reader cannot be used any more.
    pub(super) fn read(&mut self, rows: usize) -> Result<Option<ArrayRef>> {
        let (width, max_definition) = (self.width, self.max_definition);
        let levels = (&mut self.definitions, &mut self.repetitions);
        let values = match &mut self.values {
            Values::F64(reader) => read(rows, width, max_definition, levels, |records, d, r, values| {
                reader.read_records(records, Some(d), Some(r), values)
            })?
            .map(array::<Float64Type>),
            Values::F32(reader) => read(rows, width, max_definition, levels, |records, d, r, values| {
                reader.read_records(records, Some(d), Some(r), values)
            })?
            .map(array::<Float32Type>),
        };
        let Some(values) = values else { return Ok(None) };
        let Ok(width) = i32::try_from(width) else { return Ok(None) };
        let lists =
            FixedSizeListArray::try_new_with_length(Arc::clone(&self.item), width, values, None, rows)?;
        Ok(Some(Arc::new(lists)))
    }
}

fn array<T: ArrowPrimitiveType>(values: Vec<T::Native>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), None))
}

/// The numbers of `rows` lists that all have length `width` and no null.
fn read<T>(
    rows: usize,
    width: usize,
    max_definition: i16,
    (definitions, repetitions): (&mut Vec<i16>, &mut Vec<i16>),
    mut read_records: impl FnMut(
        usize,
        &mut Vec<i16>,
        &mut Vec<i16>,
        &mut Vec<T>,
    ) -> Result<(usize, usize, usize)>,
) -> Result<Option<Vec<T>>> {
    let mut values = Vec::with_capacity(rows * width);
    let mut left = rows;
    while left > 0 {
        definitions.clear();
        repetitions.clear();
        let wanted = (CHECKED_VALUES / width).clamp(1, left);
        let (found, ..) = read_records(wanted, definitions, repetitions, &mut values)?;
        let regular = repetitions.len() == found * width
            && definitions.len() == repetitions.len()
            && all_are(definitions, max_definition)
            && repetitions.chunks_exact(width).all(|list| list[0] == 0 && all_are(&list[1..], 1));
        if found == 0 || !regular {
            return Ok(None);
        }
        left -= found;
    }
    Ok((values.len() == rows * width).then_some(values))
}

/// Does not stop early, so that many are compared at once.
fn all_are(levels: &[i16], expected: i16) -> bool {
    levels.iter().fold(0, |differences, level| differences | (level ^ expected)) == 0
}
