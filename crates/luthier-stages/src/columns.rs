//! Checks of columns and row-wise computation that several stages share.

use luthier_core::frame::arrow_array::{Array, cast::AsArray};
use luthier_core::frame::{
    ArrayRef, Column, ColumnType, DataFrame, Field, RecordBatch, Schema, SparseBuilder, lists, numbers,
    sparse_rows, vectors,
};
use luthier_core::{Error, Result, Tile};
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, s};

/// Rows computed at once: few enough to stay in a cache.
const CHUNK_ROWS: usize = 1024;

/// Number of features of a numeric (1) or vector column; `None` where only fitting a stage in front will tell.
pub(crate) fn planned_width(schema: &Schema, column: &str) -> Result<Option<usize>> {
    match schema.require(column)?.column_type() {
        found if found.is_numeric() => Ok(Some(1)),
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
    match schema.require(column)?.column_type() {
        found if found.is_numeric() => Ok(()),
        ColumnType::Utf8 => {
            Err(wrong_type(column, ColumnType::Utf8, "a numeric column, as a `string_indexer` makes of text"))
        }
        found => Err(wrong_type(column, found, "a numeric column")),
    }
}

/// The field of a vector column with a feature for each of an input's, named as these.
pub(crate) fn vector_like(schema: &Schema, input: &str, output: &str) -> Result<Field> {
    let column_type = ColumnType::vector(planned_width(schema, input)?);
    Ok(Field::new(output, column_type).with_feature_names_of(schema.require(input)?))
}

/// The same, numeric where the input is, for stages that take both.
pub(crate) fn field_like(schema: &Schema, input: &str, output: &str) -> Result<Field> {
    let field = schema.require(input)?;
    if field.column_type().is_vector() {
        return vector_like(schema, input, output);
    }
    require_numeric(schema, input)?;
    Ok(Field::new(output, ColumnType::F64).with_feature_names_of(field))
}

/// Whether a column is held sparse.
pub(crate) fn is_sparse(schema: &Schema, column: &str) -> bool {
    schema.field(column).is_some_and(Field::is_sparse)
}

/// Calls `f` with the positions and numbers held of each row of a sparse column.
///
/// # Errors
/// As [`compute`].
pub(crate) fn for_each_sparse_row(
    data: &DataFrame,
    input: &str,
    mut f: impl FnMut(&[u32], &[f64]),
) -> Result<()> {
    let position = data.schema().require_index(input)?;
    let mut first_row = 0;
    for partition in data.partitions() {
        for batch in partition.batches(None)? {
            let batch = batch?;
            check_nulls(&batch, &[(input, position)], first_row)?;
            if let Some(rows) = sparse_rows(batch.column(position).as_ref()) {
                for i in 0..rows.len() {
                    let (indices, values) = rows.row(i);
                    f(indices, values);
                }
            }
            first_row += batch.num_rows();
        }
    }
    Ok(())
}

/// Computes a sparse output row from the positions and numbers held of each row of a sparse column.
///
/// # Errors
/// As [`compute`].
pub(crate) fn compute_sparse(
    data: &DataFrame,
    input: &str,
    width: usize,
    mut f: impl FnMut(&[u32], &[f64], &mut SparseBuilder),
) -> Result<Column> {
    let mut out = SparseBuilder::new(width);
    for_each_sparse_row(data, input, |indices, values| {
        f(indices, values, &mut out);
        out.end_row();
    })?;
    Ok(Column::sparse(out))
}

/// Each feature times its factor, sparse where the input is.
pub(crate) fn scale(data: &DataFrame, input: &str, factors: ArrayView1<'_, f64>) -> Result<Column> {
    with_each_feature(data, input, factors, |x, factor| x * factor)
}

/// Each feature divided by its divisor, sparse where the input is.
pub(crate) fn divide(data: &DataFrame, input: &str, divisors: ArrayView1<'_, f64>) -> Result<Column> {
    with_each_feature(data, input, divisors, |x, divisor| x / divisor)
}

/// Zero must become zero.
fn with_each_feature(
    data: &DataFrame,
    input: &str,
    factors: ArrayView1<'_, f64>,
    f: impl Fn(f64, f64) -> f64,
) -> Result<Column> {
    if is_sparse(data.schema(), input) {
        return compute_sparse(data, input, factors.len(), |indices, values, out| {
            let scaled = indices.iter().zip(values).map(|(&j, x)| (j as usize, f(*x, factors[j as usize])));
            scaled.for_each(|(j, x)| out.push(j, x));
        });
    }
    let rows = compute(data, &[input], factors.len(), |rows, mut out| {
        ndarray::Zip::from(&mut out)
            .and(&rows)
            .and_broadcast(&factors)
            .for_each(|out, x, factor| *out = f(*x, *factor));
    })?;
    Ok(Column::vector(rows))
}

/// Some features, by position, sparse where the input is.
pub(crate) fn select(data: &DataFrame, input: &str, positions: &[usize]) -> Result<Column> {
    if !is_sparse(data.schema(), input) {
        let rows = compute(data, &[input], positions.len(), |rows, mut out| {
            out.assign(&rows.select(ndarray::Axis(1), positions));
        })?;
        return Ok(Column::vector(rows));
    }
    let mut place = vec![None; width(data.schema(), input)?];
    positions.iter().enumerate().for_each(|(to, &from)| place[from] = Some(to));
    let mut row: Vec<(usize, f64)> = Vec::new();
    compute_sparse(data, input, positions.len(), |indices, values, out| {
        let placed = indices.iter().zip(values).filter_map(|(&j, &x)| Some((place[j as usize]?, x)));
        row.clear();
        row.extend(placed);
        row.sort_unstable_by_key(|(to, _)| *to);
        row.iter().for_each(|&(to, x)| out.push(to, x));
    })
}

/// The field of some features, by position, named as they are.
pub(crate) fn selected_field(
    schema: &Schema,
    input: &str,
    output: &str,
    positions: &[usize],
) -> Result<Field> {
    let source = schema.require(input)?;
    let field =
        Field::new(output, ColumnType::Vector { width: positions.len() }).with_sparse(source.is_sparse());
    if !source.has_feature_names() {
        return Ok(field);
    }
    let names = source.feature_names().unwrap_or_default();
    let selected: Option<Vec<&String>> = positions.iter().map(|&i| names.get(i)).collect();
    Ok(match selected {
        Some(selected) => field.with_feature_names(selected),
        None => field,
    })
}

/// Checks that a column holds lists.
pub(crate) fn require_list(schema: &Schema, column: &str) -> Result<()> {
    match schema.require(column)?.column_type() {
        ColumnType::List => Ok(()),
        found => Err(wrong_type(column, found, "a column of lists of integers")),
    }
}

/// The lists of a tile's rows in an array of one of its columns.
pub(crate) fn lists_of<'a>(tile: &Tile<'_>, column: &str, array: &'a ArrayRef) -> Result<Vec<&'a [i64]>> {
    let lists = lists(array.as_ref())
        .ok_or_else(|| wrong_type(column, ColumnType::List, "a column of lists of integers"))?;
    let whole = |(i, list): (usize, Option<&'a [i64]>)| {
        list.ok_or_else(|| tile.bad_value(column, i, "a list of integers without nulls"))
    };
    lists.into_iter().enumerate().map(whole).collect()
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
pub(crate) fn first_null(array: &dyn Array) -> Option<usize> {
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

/// Checks numbers that features are to be divided by. Zero is of a constant feature, NaN of one without values.
pub(crate) fn check_divisors(column: &str, what: &str, divisors: &[f64]) -> Result<()> {
    let unusable = |x: &f64| x.is_infinite() || (*x != 0.0 && x.recip().is_infinite());
    match divisors.iter().position(unusable) {
        None => Ok(()),
        Some(j) => Err(Error::invalid(format!(
            "the {what} of feature {j} of column `{column}` is {:e}, which f64 cannot divide by with a usable result: \
             scale the column first",
            divisors[j]
        ))),
    }
}

/// Checks that lists which a model holds side by side have one length.
pub(crate) fn same_lengths<const N: usize>(lists: [(&str, usize); N]) -> anyhow::Result<()> {
    if lists.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return Ok(());
    }
    let each: Vec<String> = lists.iter().map(|(name, len)| format!("`{name}` has {len}")).collect();
    Err(anyhow::anyhow!("lists that belong together differ in length: {}", each.join(", ")))
}

/// The first texts of a list, and how many more there are.
pub(crate) fn some_of(texts: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = texts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match texts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, … {more} more"),
    }
}

/// The numbers of a column, with NaN for null.
pub(crate) fn numbers_or_nan(data: &DataFrame, column: &str) -> Result<Vec<f64>> {
    Ok(rows_and_nulls(data, column, 1)?.0.into_raw_vec_and_offset().0)
}

/// The rows of a numeric or vector column of this width, with NaN for null, and where nulls are.
pub(crate) fn rows_and_nulls(
    data: &DataFrame,
    column: &str,
    width: usize,
) -> Result<(Array2<f64>, Array2<bool>)> {
    let position = data.schema().require_index(column)?;
    let shape = (data.num_rows(), width);
    let (mut rows, mut nulls) = (Array2::zeros(shape), Array2::from_elem(shape, false));
    let mut first_row = 0;
    for partition in data.partitions() {
        for batch in partition.batches(None)? {
            let batch = batch?;
            let array = batch.column(position).as_ref();
            let target = s![first_row..first_row + batch.num_rows(), ..];
            gather(&batch, &[(column, position)], &[width], rows.slice_mut(target));
            let mut nulls = nulls.slice_mut(target);
            if let Some(valid) = array.nulls() {
                nulls.outer_iter_mut().zip(valid).for_each(|(mut row, valid)| row.fill(!valid));
            }
            // Nulls inside of vectors.
            let inside = array.as_fixed_size_list_opt().and_then(|lists| lists.values().nulls());
            if let Some(inside) = inside {
                nulls.iter_mut().zip(inside).for_each(|(null, valid)| *null |= !valid);
            }
            first_row += batch.num_rows();
        }
    }
    Ok((rows, nulls))
}
