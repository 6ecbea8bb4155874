//! Columns side by side as vectors.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use ndarray::{Array2, CowArray, Ix2, s};

use crate::frame::first_null;
use crate::partition::{Loaded, Part, record_batch};
use crate::{
    ColumnType, DataFrame, Error, Field, Partition, Result, SparseBuilder, SparseRows, numbers, sparse_rows,
    vector_array, vectors,
};

/// Rows that are filled column by column while they are in a cache.
const BLOCK_ROWS: usize = 64;

impl DataFrame {
    /// Appends a vector column that concatenates columns of numbers and vectors, in this order. Booleans become 0 and 1.
    ///
    /// A scanned frame stays a scan: the vectors are assembled when rows are read. A single vector column
    /// is shared, not copied. If one of the columns is sparse, so are the new vectors. The names of the features are those
    /// of the columns.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::ColumnType`] for a column of neither numbers nor vectors;
    /// [`Error::DuplicateColumn`] for the new name; [`Error::Null`] at the first missing value, for a scan when it is
    /// read, as the cause of an [`Error::InFile`].
    pub fn with_vector(&self, name: &str, columns: &[&str]) -> Result<Self> {
        let (mut positions, mut width) = (Vec::new(), 0);
        for column in columns {
            let position = self.schema().require_index(column)?;
            width += match self.schema().require(column)?.column_type() {
                ColumnType::Vector { width } => width,
                found if found.is_numeric() => 1,
                found => {
                    self.check_lists(column)?;
                    let (column, expected) = ((*column).to_owned(), "numbers or vectors".to_owned());
                    return Err(Error::ColumnType { column, expected, found });
                }
            };
            positions.push(position);
        }
        let fields = self.schema().fields();
        let sparse = positions.iter().any(|&position| fields[position].is_sparse());
        let field = Field::new(name, ColumnType::Vector { width })
            .with_sparse(sparse)
            .with_feature_names_of_all(positions.iter().map(|&position| &fields[position]));
        let schema = self.schema().with_field(field.clone())?;
        let mut row = 0;
        let mut partitions = Vec::with_capacity(self.num_partitions());
        for partition in self.partitions() {
            let mut parts = Vec::with_capacity(partition.parts().len());
            for part in partition.parts() {
                parts.push(match part {
                    Part::Scan(scan) => Part::Scan(scan.with_vector(&field, &positions)),
                    Part::View(view) => Part::View(view.with_vector(&field, &positions)),
                    Part::Csv(scan) => Part::Csv(scan.with_vector(&field, &positions)),
                    Part::Absent(absent) => Part::Absent(absent.clone()),
                    Part::Batch(Loaded { batch, origin }) => {
                        let sources: Vec<(&Field, ArrayRef)> = positions
                            .iter()
                            .map(|&position| (&fields[position], Arc::clone(batch.column(position))))
                            .collect();
                        let vectors = side_by_side(&sources, batch.num_rows(), row)?;
                        let arrays = batch.columns().iter().cloned().chain([vectors]).collect();
                        let batch = record_batch(schema.fields(), arrays, batch.num_rows())?;
                        Part::Batch(Loaded { batch, origin: origin.clone() })
                    }
                });
                row += part.num_rows();
            }
            partitions.push(Partition::new(parts));
        }
        Ok(Self::from_parts(schema, partitions))
    }
}

/// The rows of some columns as vectors, sparse if one of the columns is. `first_row` is the row of the frame at which they
/// begin, for errors.
///
/// # Errors
/// [`Error::ColumnType`] for a column of neither numbers nor vectors; [`Error::Null`] at the first missing value.
pub fn side_by_side(columns: &[(&Field, ArrayRef)], rows: usize, first_row: usize) -> Result<ArrayRef> {
    if columns.iter().any(|(_, array)| sparse_rows(array.as_ref()).is_some()) {
        return sparse_side_by_side(columns, rows, first_row);
    }
    let mut blocks: Vec<CowArray<'_, f64, Ix2>> = Vec::with_capacity(columns.len());
    for column in columns {
        blocks.push(dense(column, rows, first_row)?);
    }
    if let ([block], [(field, array)]) = (blocks.as_slice(), columns)
        && field.column_type().is_vector()
        && block.is_view()
    {
        return Ok(Arc::clone(array));
    }
    let mut matrix = Array2::zeros((rows, blocks.iter().map(|block| block.ncols()).sum()));
    for start in (0..rows).step_by(BLOCK_ROWS) {
        let end = (start + BLOCK_ROWS).min(rows);
        let mut at = 0;
        for block in &blocks {
            let next = at + block.ncols();
            matrix.slice_mut(s![start..end, at..next]).assign(&block.slice(s![start..end, ..]));
            at = next;
        }
    }
    Ok(vector_array(matrix))
}

/// A column without missing values as a matrix.
fn dense<'a>(
    (field, array): &'a (&Field, ArrayRef),
    rows: usize,
    first_row: usize,
) -> Result<CowArray<'a, f64, Ix2>> {
    if let Some(row) = first_missing(field, array) {
        return Err(Error::Null { column: field.name().to_owned(), row: first_row + row });
    }
    let block = match vectors(array.as_ref()) {
        Some(block) => Some(block),
        None => numbers(array.as_ref())
            .and_then(|values| CowArray::from(values.into_owned()).into_shape_with_order((rows, 1)).ok()),
    };
    block.ok_or_else(|| Error::ColumnType {
        column: field.name().to_owned(),
        expected: "numbers or vectors".to_owned(),
        found: field.column_type(),
    })
}

/// As [`side_by_side`] if some are sparse: the result is sparse too.
fn sparse_side_by_side(columns: &[(&Field, ArrayRef)], rows: usize, first_row: usize) -> Result<ArrayRef> {
    enum Block<'a> {
        Sparse(SparseRows<'a>),
        Dense(CowArray<'a, f64, Ix2>),
    }
    let mut blocks = Vec::with_capacity(columns.len());
    for column in columns {
        blocks.push(match sparse_rows(column.1.as_ref()) {
            Some(_) if first_null(column.1.as_ref()).is_none() && columns.len() == 1 => {
                return Ok(Arc::clone(&column.1));
            }
            Some(block) if first_null(column.1.as_ref()).is_none() => Block::Sparse(block),
            _ => Block::Dense(dense(column, rows, first_row)?),
        });
    }
    let width = |block: &Block<'_>| match block {
        Block::Sparse(block) => block.width(),
        Block::Dense(block) => block.ncols(),
    };
    let mut out = SparseBuilder::new(blocks.iter().map(width).sum());
    for i in 0..rows {
        let mut start = 0;
        for block in &blocks {
            match block {
                Block::Sparse(block) => {
                    let (indices, values) = block.row(i);
                    indices.iter().zip(values).for_each(|(&j, &x)| out.push(start + j as usize, x));
                }
                Block::Dense(block) => {
                    block.row(i).iter().enumerate().for_each(|(j, &x)| out.push(start + j, x));
                }
            }
            start += width(block);
        }
        out.end_row();
    }
    Ok(out.finish())
}

/// The first row that is null or contains a null.
fn first_missing(field: &Field, array: &ArrayRef) -> Option<usize> {
    let inside = || match field.column_type() {
        ColumnType::Vector { width } => {
            let lists = array.as_fixed_size_list_opt()?;
            Some(first_null(lists.values().as_ref())? / width.max(1))
        }
        _ => None,
    };
    first_null(array.as_ref()).into_iter().chain(inside()).min()
}
