//! Checks of columns and row-wise computation that several stages share.

use std::collections::HashSet;

use luthier_core::frame::{ArrayRef, Column, ColumnType, Field, Schema, SparseBuilder, lists};
use luthier_core::{Error, Outputs, Result, SparseTile, Tile};
use ndarray::{Array2, ArrayView1, Zip};

/// The names in their order, without duplicates.
pub(crate) fn unique<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.into_iter().map(Into::into).filter(|name| seen.insert(name.clone())).collect()
}

/// Number of features of a numeric (1) or vector column; `None` if it is only known after an earlier stage is fitted.
pub(crate) fn planned_width(schema: &Schema, column: &str) -> Result<Option<usize>> {
    match schema.require(column)?.column_type() {
        found if found.is_numeric() => Ok(Some(1)),
        ColumnType::Vector { width } => Ok(Some(width)),
        ColumnType::AnyVector => Ok(None),
        other => Err(wrong_type(column, other, "a numeric or vector column")),
    }
}

/// Number of features of a numeric (1) or vector column of known width.
pub(crate) fn width(schema: &Schema, column: &str) -> Result<usize> {
    planned_width(schema, column)?
        .ok_or_else(|| wrong_type(column, ColumnType::AnyVector, "a vector column of known width"))
}

/// Checks that the number of features is the one on which the model was fitted.
pub(crate) fn require_width(schema: &Schema, column: &str, expected: usize) -> Result<()> {
    match width(schema, column)? {
        found if found == expected => Ok(()),
        found => Err(Error::bad_column(
            column,
            format!("it has {found} features, but the model was fitted on {expected}"),
        )),
    }
}

/// Checks that a column holds single numbers.
pub(crate) fn require_numeric(schema: &Schema, column: &str) -> Result<()> {
    match schema.require(column)?.column_type() {
        found if found.is_numeric() => Ok(()),
        ColumnType::Utf8 => Err(wrong_type(
            column,
            ColumnType::Utf8,
            "a numeric column; a `string_indexer` turns text into numbers",
        )),
        found => Err(wrong_type(column, found, "a numeric column")),
    }
}

/// The field of a vector column with the same number of features as an input, and the same names.
pub(crate) fn vector_like(schema: &Schema, input: &str, output: &str) -> Result<Field> {
    let column_type = ColumnType::vector(planned_width(schema, input)?);
    Ok(Field::new(output, column_type).with_feature_names_of(schema.require(input)?))
}

/// As [`vector_like`], but numeric if the input is numeric, for stages that accept both.
pub(crate) fn field_like(schema: &Schema, input: &str, output: &str) -> Result<Field> {
    let field = schema.require(input)?;
    if field.column_type().is_vector() {
        return vector_like(schema, input, output);
    }
    require_numeric(schema, input)?;
    Ok(Field::new(output, ColumnType::F64).with_feature_names_of(field))
}

/// Whether a column is sparse.
pub(crate) fn is_sparse(schema: &Schema, column: &str) -> bool {
    schema.field(column).is_some_and(Field::is_sparse)
}

/// The vector column of a stage that changes each feature separately. Sparse vectors stay sparse if zeros stay zeros.
pub(crate) fn rescaled(
    schema: &Schema,
    input: &str,
    output: &str,
    keeps_zeros: bool,
) -> anyhow::Result<Vec<Field>> {
    let sparse = keeps_zeros && is_sparse(schema, input);
    Ok(vec![vector_like(schema, input, output)?.with_sparse(sparse)])
}

/// Writes rows of the kind that [`field_like`] declares.
pub(crate) fn write_like(rows: &Tile<'_>, input: &str, values: Array2<f64>, out: &mut Outputs) -> Result<()> {
    match rows.schema().require(input)?.column_type().is_vector() {
        true => out.vectors(values),
        false => out.numbers(values.into_raw_vec_and_offset().0),
    }
    Ok(())
}

/// Writes a sparse row for each sparse row, computed by `f` from its positions and stored numbers.
pub(crate) fn write_sparse(
    rows: &SparseTile<'_>,
    width: usize,
    out: &mut Outputs,
    mut f: impl FnMut(&[u32], &[f64], &mut SparseBuilder),
) {
    let mut sparse = SparseBuilder::new(width);
    for i in 0..rows.len() {
        let (positions, values) = rows.row(i);
        f(positions, values, &mut sparse);
        sparse.end_row();
    }
    out.column(Column::sparse(sparse));
}

/// Writes each feature transformed by its factor, sparse if the input is sparse. Zero must become zero.
pub(crate) fn write_each_feature(
    rows: &Tile<'_>,
    input: &str,
    factors: ArrayView1<'_, f64>,
    f: impl Fn(f64, f64) -> f64,
    out: &mut Outputs,
) -> Result<()> {
    if let Some(sparse) = rows.sparse(input) {
        write_sparse(&sparse, factors.len(), out, |positions, values, out| {
            for (&j, x) in positions.iter().zip(values) {
                out.push(j as usize, f(*x, factors[j as usize]));
            }
        });
        return Ok(());
    }
    let mut values = rows.vectors(input)?.into_owned();
    Zip::from(&mut values).and_broadcast(&factors).for_each(|x, factor| *x = f(*x, *factor));
    out.vectors(values);
    Ok(())
}

/// Writes some features, by position, sparse if the input is sparse.
pub(crate) fn write_selected(
    rows: &Tile<'_>,
    input: &str,
    positions: &[usize],
    out: &mut Outputs,
) -> Result<()> {
    let Some(sparse) = rows.sparse(input) else {
        out.vectors(rows.vectors(input)?.select(ndarray::Axis(1), positions));
        return Ok(());
    };
    let mut place = vec![None; sparse.width()];
    positions.iter().enumerate().for_each(|(to, &from)| place[from] = Some(to));
    let mut row: Vec<(usize, f64)> = Vec::new();
    write_sparse(&sparse, positions.len(), out, |indices, values, out| {
        let placed = indices.iter().zip(values).filter_map(|(&j, &x)| Some((place[j as usize]?, x)));
        row.clear();
        row.extend(placed);
        row.sort_unstable_by_key(|(to, _)| *to);
        row.iter().for_each(|&(to, x)| out.push(to, x));
    });
    Ok(())
}

/// The field of some features, by position, with their names.
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

fn wrong_type(column: &str, found: ColumnType, expected: &str) -> Error {
    Error::ColumnType { column: column.to_owned(), found: found.to_string(), expected: expected.to_owned() }
}

/// Checks numbers by which features will be divided. Zero belongs to a constant feature, NaN to one without values.
pub(crate) fn check_divisors(schema: &Schema, column: &str, what: &str, divisors: &[f64]) -> Result<()> {
    let unusable = |x: &f64| x.is_infinite() || (*x != 0.0 && x.recip().is_infinite());
    match divisors.iter().position(unusable) {
        None => Ok(()),
        Some(j) => {
            let found = divisors[j];
            let problem = format!(
                "its {what} is {found:e}, and division by it is not possible in f64; scale the column first"
            );
            Err(bad_feature(schema, column, j, problem))
        }
    }
}

/// The error about the values of one feature, with its name if it has one.
pub(crate) fn bad_feature(schema: &Schema, column: &str, j: usize, problem: impl Into<String>) -> Error {
    let problem = problem.into();
    let field = schema.field(column).filter(|field| field.has_feature_names());
    match field.and_then(|field| field.feature_names()?.into_iter().nth(j)) {
        Some(name) => Error::bad_column(column, problem).of_feature(name),
        None if schema.field(column).is_some_and(|field| field.column_type().is_vector()) => {
            Error::bad_column(column, format!("feature {j}: {problem}"))
        }
        None => Error::bad_column(column, problem),
    }
}

/// Checks that lists of a model that belong together have the same length.
pub(crate) fn same_lengths<const N: usize>(lists: [(&str, usize); N]) -> anyhow::Result<()> {
    if lists.windows(2).all(|pair| pair[0].1 == pair[1].1) {
        return Ok(());
    }
    let each: Vec<String> = lists.iter().map(|(name, len)| format!("`{name}` has {len}")).collect();
    Err(anyhow::anyhow!("lists that must have the same length differ: {}", each.join(", ")))
}

/// The first strings of a list, and the number of the others.
pub(crate) fn some_of(texts: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = texts.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match texts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, … {more} more"),
    }
}
