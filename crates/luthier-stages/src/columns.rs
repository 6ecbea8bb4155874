//! Checks of columns and row-wise computation that several stages share.

use luthier_core::frame::arrow_array::{Array, cast::AsArray};
use luthier_core::frame::{ColumnType, DataFrame, Field, RecordBatch, Schema, numbers, sparse_rows, vectors};
use luthier_core::{Error, Result, linalg};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

/// Rows computed at once: few enough to stay in a cache.
const CHUNK_ROWS: usize = 1024;

/// Number of features of a numeric (1) or vector column; `None` where only fitting a stage in front will tell.
pub(crate) fn planned_width(schema: &Schema, column: &str) -> Result<Option<usize>> {
    match schema.require(column)?.column_type() {
        ColumnType::F64 | ColumnType::I64 => Ok(Some(1)),
        ColumnType::Vector { width } => Ok(Some(width)),
        ColumnType::AnyVector => Ok(None),
        other => Err(wrong_type(column, other, "a numeric or vector column")),
    }
}

/// Number of features of a numeric (1) or vector column that is there.
pub(crate) fn width(schema: &Schema, column: &str) -> Result<usize> {
    planned_width(schema, column)?
        .ok_or_else(|| wrong_type(column, ColumnType::AnyVector, "a vector column of known width"))
}

/// Checks that a fitted model sees as many features as it was fitted with.
pub(crate) fn require_width(schema: &Schema, column: &str, expected: usize) -> Result<()> {
    match width(schema, column)? {
        found if found == expected => Ok(()),
        found => Err(Error::invalid(format!(
            "column `{column}` has {found} features, but the model was fitted on {expected}"
        ))),
    }
}

/// Checks that a column holds single numbers.
pub(crate) fn require_numeric(schema: &Schema, column: &str) -> Result<()> {
    let found = schema.require(column)?.column_type();
    if found.is_numeric() { Ok(()) } else { Err(wrong_type(column, found, "a numeric column")) }
}

/// The schema with a vector column appended.
pub(crate) fn append_vector(schema: &Schema, name: &str, width: impl Into<Option<usize>>) -> Result<Schema> {
    Ok(schema.with_field(Field::new(name, ColumnType::vector(width.into())))?)
}

/// Computes an output row of `width` numbers from each row of the input columns, side by side.
///
/// `f` gets some consecutive rows at a time, as inputs and zeros to be filled. NaN is passed on.
///
/// # Errors
/// A column that is missing or neither numeric nor a vector; a null, with column and row.
pub(crate) fn compute<S: AsRef<str>>(
    data: &DataFrame,
    inputs: &[S],
    width: usize,
    mut f: impl FnMut(ArrayView2<'_, f64>, ArrayViewMut2<'_, f64>),
) -> Result<Array2<f64>> {
    let schema = data.schema();
    let positions = inputs
        .iter()
        .map(|column| Ok((column.as_ref(), schema.require_index(column.as_ref())?)))
        .collect::<Result<Vec<_>>>()?;
    let widths = inputs.iter().map(|c| self::width(schema, c.as_ref())).collect::<Result<Vec<_>>>()?;
    let mut out = Array2::zeros((data.num_rows(), width));
    let mut scratch = Array2::zeros((CHUNK_ROWS.min(data.num_rows()), widths.iter().sum()));
    let mut first_row = 0;
    for partition in data.partitions() {
        for batch in partition.batches(None)? {
            let batch = batch?;
            check_nulls(&batch, &positions, first_row)?;
            for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
                let chunk = batch.slice(start, CHUNK_ROWS.min(batch.num_rows() - start));
                let target = first_row + start..first_row + start + chunk.num_rows();
                let target = out.slice_mut(s![target, ..]);
                // One vector column is read where it lies.
                if let [(_, position)] = positions[..]
                    && let Some(rows) = vectors(chunk.column(position).as_ref())
                {
                    f(rows.view(), target);
                    continue;
                }
                let mut rows = scratch.slice_mut(s![..chunk.num_rows(), ..]);
                gather(&chunk, &positions, &widths, rows.view_mut());
                f(rows.view(), target);
            }
            first_row += batch.num_rows();
        }
    }
    Ok(out)
}

/// The products of every row of a column with the rows of `matrix`, one column each. Rows that are held sparse are read as
/// they are.
///
/// # Errors
/// Those of [`compute`].
pub(crate) fn products(data: &DataFrame, column: &str, matrix: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let position = data.schema().require_index(column)?;
    let mut sparse = None;
    for partition in data.partitions() {
        for batch in partition.batches(Some(&[position]))? {
            let held = sparse_rows(batch?.column(0).as_ref()).is_some();
            sparse = Some(held && sparse != Some(false));
        }
    }
    if sparse != Some(true) {
        return compute(data, &[column], matrix.nrows(), |x, mut out| {
            out.assign(&linalg::row_products(x, matrix));
        });
    }
    let mut out = Array2::zeros((data.num_rows(), matrix.nrows()));
    let mut first_row = 0;
    for partition in data.partitions() {
        for batch in partition.batches(Some(&[position]))? {
            let batch = batch?;
            check_nulls(&batch, &[(column, 0)], first_row)?;
            let Some(rows) = sparse_rows(batch.column(0).as_ref()) else { continue };
            for i in 0..rows.len() {
                let (positions, values) = rows.row(i);
                for (coefficients, sum) in matrix.outer_iter().zip(out.row_mut(first_row + i)) {
                    *sum = positions.iter().zip(values).map(|(j, x)| x * coefficients[*j as usize]).sum();
                }
            }
            first_row += rows.len();
        }
    }
    Ok(out)
}

/// Copies the columns side by side; types and widths are those of the schema.
fn gather(
    batch: &RecordBatch,
    columns: &[(&str, usize)],
    widths: &[usize],
    mut rows: ArrayViewMut2<'_, f64>,
) {
    let mut start = 0;
    for ((_, position), width) in columns.iter().zip(widths) {
        let mut target = rows.slice_mut(s![.., start..start + width]);
        let array = batch.column(*position).as_ref();
        if let Some(values) = vectors(array) {
            target.assign(&values);
        } else if let Some(values) = numbers(array) {
            target.column_mut(0).assign(&ndarray::aview1(&values));
        }
        start += width;
    }
}

fn check_nulls(batch: &RecordBatch, columns: &[(&str, usize)], first_row: usize) -> Result<()> {
    for (column, position) in columns {
        if let Some(row) = first_null(batch.column(*position).as_ref()) {
            return Err(Error::BadValue {
                column: (*column).to_owned(),
                row: first_row + row,
                found: "null".to_owned(),
                expected: "a value in every row: drop or fill missing values first",
            });
        }
    }
    Ok(())
}

/// The first row that is null, or a vector with a null in it.
fn first_null(array: &dyn Array) -> Option<usize> {
    let null_at = |array: &dyn Array| {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0)?;
        nulls.iter().position(|valid| !valid)
    };
    let inside = array.as_fixed_size_list_opt().and_then(|lists| {
        let width = usize::try_from(lists.value_length()).ok()?.max(1);
        null_at(lists.values().as_ref()).map(|position| position / width)
    });
    null_at(array).into_iter().chain(inside).min()
}

fn wrong_type(column: &str, found: ColumnType, expected: &str) -> Error {
    Error::ColumnType { column: column.to_owned(), found: found.to_string(), expected: expected.to_owned() }
}
