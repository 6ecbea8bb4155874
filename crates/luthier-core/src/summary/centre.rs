//! Tiles of several concatenated columns, relative to a row near their mean.

use std::cell::RefCell;

use luthier_frame::{ColumnType, Schema};
use ndarray::{Array1, ArrayViewMut2};
use serde::{Deserialize, Serialize};

use crate::rows::{Positioned, Tile};
use crate::{Error, Result};

const BLOCK_ROWS: usize = 64;

/// A sum of squares below this has lost digits to underflow.
pub(super) const FAINT: f64 = 1e-290;

/// The position of the features of one column in a matrix of several concatenated columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSpan {
    /// Name of the column.
    pub name: String,
    /// Its first feature.
    pub start: usize,
    /// Number of features; 1 for a numeric column.
    pub width: usize,
}

/// The positions of concatenated numeric and vector columns.
pub(super) fn lay_out(columns: &[String], schema: &Schema) -> Result<Vec<ColumnSpan>> {
    let mut start = 0;
    columns
        .iter()
        .map(|name| {
            let width = match schema.require(name)?.column_type() {
                found if found.is_numeric() => 1,
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

/// A tile's rows as `sqrt(w) · (x − reference)`, and their sums.
pub(super) struct Shifted<'a> {
    pub(super) rows: ArrayViewMut2<'a, f64>,
    pub(super) weights: Option<&'a [f64]>,
    pub(super) reference: Array1<f64>,
    /// The weighted mean of the rows, relative to the reference.
    pub(super) drift: Array1<f64>,
    pub(super) weight_sum: f64,
    pub(super) weight_sq_sum: f64,
}

impl Shifted<'_> {
    /// Shifts the rows to their own mean, and the reference with them.
    pub(super) fn centre(&mut self) {
        let drift = std::mem::replace(&mut self.drift, Array1::zeros(self.reference.len()));
        match self.weights {
            None => self.rows.rows_mut().into_iter().for_each(|mut row| row -= &drift),
            Some(weights) => {
                for (mut row, w) in self.rows.rows_mut().into_iter().zip(weights) {
                    row.scaled_add(-w.sqrt(), &drift);
                }
            }
        }
        self.reference += &drift;
    }
}

thread_local! {
    // A tile is as large as a cache: a new allocation each time would cost more than the copy into it.
    static SCRATCH: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

/// Copies the tile, checks it, subtracts the reference and passes it to `f`; `None` when its weights sum to zero.
///
/// Without a reference, the first row with a positive weight is used, so a constant column is shifted to exact zeros.
pub(super) fn with_shifted<T>(
    tile: &Tile<'_>,
    spans: &[ColumnSpan],
    weight_col: Option<&str>,
    reference: Option<&Array1<f64>>,
    f: impl FnOnce(Shifted<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let (n, width) = (tile.len(), total_width(spans));
    let weights = tile.weights(weight_col).map_err(|e| first_bad(tile, spans, Some(e)))?;
    let weights = weights.as_deref();
    let columns =
        spans.iter().map(|span| tile.positioned(&span.name, span.width)).collect::<Result<Vec<_>>>()?;
    let first = (0..n).find(|&i| weights.is_none_or(|weights| weights.get(i).is_some_and(|&w| w > 0.0)));
    let reference = match (reference, first.or((n > 0).then_some(0))) {
        (_, None) => return Ok(None),
        (Some(reference), _) => reference.clone(),
        (None, Some(row)) => columns.iter().flat_map(|column| column.row(row)).copied().collect(),
    };
    let mut buffer = SCRATCH.take();
    buffer.resize((n * width).max(buffer.len()), 0.0);
    let drift = shift(&columns, spans, weights, &reference, &mut buffer[..n * width]);
    let (weight_sum, weight_sq_sum) = match weights {
        None => (n as f64, n as f64),
        Some(weights) => (weights.iter().sum(), weights.iter().map(|w| w * w).sum()),
    };
    if !drift.iter().chain([&weight_sum, &weight_sq_sum]).all(|x| x.is_finite()) {
        return Err(first_bad(tile, spans, None));
    }
    if first.is_none() {
        return Ok(None);
    }
    let drift = drift / weight_sum;
    let rows = ArrayViewMut2::from_shape((n, width), &mut buffer[..n * width])
        .map_err(|e| Error::invalid(e.to_string()))?;
    let result = f(Shifted { rows, weights, reference, drift, weight_sum, weight_sq_sum });
    SCRATCH.set(buffer);
    result.map(Some)
}

/// Copies the rows relative to the reference and returns their weighted sum. Columns are processed in blocks of rows that
/// fit in the first-level cache.
fn shift(
    columns: &[Positioned<'_>],
    spans: &[ColumnSpan],
    weights: Option<&[f64]>,
    reference: &Array1<f64>,
    rows: &mut [f64],
) -> Array1<f64> {
    let width = total_width(spans);
    let mut sum = vec![0.0; width];
    let reference = reference.to_vec();
    for (block, rows) in rows.chunks_mut((BLOCK_ROWS * width).max(1)).enumerate() {
        let start = block * BLOCK_ROWS;
        let block = start..start + rows.len() / width.max(1);
        for (column, span) in columns.iter().zip(spans) {
            let at = span.start..span.start + span.width;
            column.shift(
                block.clone(),
                weights,
                &reference[at.clone()],
                &mut rows[span.start..],
                width,
                &mut sum[at],
            );
        }
    }
    sum.into()
}

/// Names the first row of the tile that holds a value that is not finite, or a bad weight.
fn first_bad(tile: &Tile<'_>, spans: &[ColumnSpan], bad_weight: Option<Error>) -> Error {
    let values = spans.iter().map(|span| tile.first_not_finite(&span.name));
    values.fold(bad_weight, Error::earlier).unwrap_or_else(|| too_large(spans))
}

pub(super) fn too_large(spans: &[ColumnSpan]) -> Error {
    let names: Vec<_> = spans.iter().map(|span| format!("`{}`", span.name)).collect();
    Error::invalid(format!(
        "the values or weights of {} are too large to be summed and squared in f64; scale them first",
        names.join(", ")
    ))
}

pub(super) fn too_small(column: &str, position: Option<usize>) -> Error {
    let place = position.map_or_else(String::new, |j| format!(" at position {j} of the vector"));
    Error::invalid(format!(
        "the values of `{column}`{place} differ, but by too little to be squared in f64: multiply them by a constant \
         first"
    ))
}
