//! Tiles of several columns side by side, centred by their own weighted mean.

use std::cell::RefCell;

use luthier_frame::{ColumnType, Schema};
use ndarray::{Array1, ArrayView2, ArrayViewMut2, s};
use serde::{Deserialize, Serialize};

use crate::dataset::Tile;
use crate::{Error, Result};

/// Where the features of one column lie in a matrix of several columns side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSpan {
    /// Name of the column.
    pub name: String,
    /// Its first feature.
    pub start: usize,
    /// Number of features; 1 for a numeric column.
    pub width: usize,
}

/// Lays numeric and vector columns side by side.
pub(super) fn lay_out(columns: &[String], schema: &Schema) -> Result<Vec<ColumnSpan>> {
    let mut start = 0;
    columns
        .iter()
        .map(|name| {
            let width = match schema.require(name)?.column_type() {
                ColumnType::F64 | ColumnType::I64 => 1,
                ColumnType::Vector { width } => width,
                other => {
                    return Err(Error::ColumnType {
                        column: name.clone(),
                        found: other.to_string(),
                        expected: "a numeric or vector column".to_owned(),
                    });
                }
            };
            let span = ColumnSpan { name: name.clone(), start, width };
            start += width;
            Ok(span)
        })
        .collect()
}

pub(super) fn total_width(spans: &[ColumnSpan]) -> usize {
    spans.last().map_or(0, |last| last.start + last.width)
}

/// A tile's rows as `sqrt(w) · (x − mean)`, and what was taken out.
pub(super) struct Centred<'a> {
    pub(super) rows: ArrayView2<'a, f64>,
    pub(super) mean: Array1<f64>,
    pub(super) weight_sum: f64,
    pub(super) weight_sq_sum: f64,
}

thread_local! {
    // A tile is as large as a cache: a fresh allocation each time would cost more than the copy into it.
    static SCRATCH: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// Copies the tile, checks it, centres it and hands it on; `None` when its weights sum to zero.
///
/// The mean is taken relative to the first row that counts, so a constant column is centred to exact zeros.
pub(super) fn with_centred<T>(
    tile: &Tile<'_>,
    spans: &[ColumnSpan],
    weight_col: Option<&str>,
    f: impl FnOnce(Centred<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let (n, width) = (tile.len(), total_width(spans));
    let weights = tile.weights(weight_col).map_err(|e| first_bad(tile, spans, Some(e)))?;
    let mut buffer = SCRATCH.take();
    buffer.resize(n * width, 0.0);
    let result = ArrayViewMut2::from_shape((n, width), &mut buffer[..n * width])
        .map_err(|e| Error::invalid(e.to_string()))
        .and_then(|mut rows| {
            for span in spans {
                tile.copy_into(&span.name, rows.slice_mut(s![.., span.start..span.start + span.width]))?;
            }
            match centre(tile, spans, &mut rows, weights.as_deref())? {
                Some((mean, weight_sum, weight_sq_sum)) => {
                    f(Centred { rows: rows.view(), mean, weight_sum, weight_sq_sum }).map(Some)
                }
                None => Ok(None),
            }
        });
    SCRATCH.set(buffer);
    result
}

/// The weighted mean, Σw and Σw²; `None` when no row counts.
fn centre(
    tile: &Tile<'_>,
    spans: &[ColumnSpan],
    rows: &mut ArrayViewMut2<'_, f64>,
    weights: Option<&[f64]>,
) -> Result<Option<(Array1<f64>, f64, f64)>> {
    let (n, width) = rows.dim();
    let counts = |i: &usize| weights.is_none_or(|weights| weights[*i] > 0.0);
    let first = (0..n).find(counts);
    let reference = match first.or((n > 0).then_some(0)) {
        Some(row) => rows.row(row).to_owned(),
        None => return Ok(None),
    };
    let mut sum = Array1::<f64>::zeros(width);
    let (mut weight_sum, mut weight_sq_sum) = (n as f64, n as f64);
    match weights {
        None => {
            for mut row in rows.rows_mut() {
                row -= &reference;
                sum += &row;
            }
        }
        Some(weights) => {
            for (mut row, &w) in rows.rows_mut().into_iter().zip(weights) {
                row -= &reference;
                sum.scaled_add(w, &row);
            }
            weight_sum = weights.iter().sum();
            weight_sq_sum = weights.iter().map(|w| w * w).sum();
        }
    }
    if !sum.iter().chain([&weight_sum, &weight_sq_sum]).all(|x| x.is_finite()) {
        return Err(first_bad(tile, spans, None));
    }
    if first.is_none() {
        return Ok(None);
    }
    sum /= weight_sum;
    for (i, mut row) in rows.rows_mut().into_iter().enumerate() {
        row -= &sum;
        if let Some(&w) = weights.and_then(|weights| weights.get(i)) {
            row *= w.sqrt();
        }
    }
    Ok(Some((reference + sum, weight_sum, weight_sq_sum)))
}

/// Names the first row of the tile that holds a value that is not finite, or a bad weight.
fn first_bad(tile: &Tile<'_>, spans: &[ColumnSpan], bad_weight: Option<Error>) -> Error {
    let values = spans.iter().map(|span| tile.first_not_finite(&span.name));
    values.fold(bad_weight, Error::earlier).unwrap_or_else(|| too_large(spans))
}

pub(super) fn too_large(spans: &[ColumnSpan]) -> Error {
    let names: Vec<_> = spans.iter().map(|span| format!("`{}`", span.name)).collect();
    Error::invalid(format!(
        "the values or weights of {} are too large to be summed and squared in f64: scale them first",
        names.join(", ")
    ))
}
