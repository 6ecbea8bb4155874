//! Rows of unit length.

use luthier_core::frame::{Column, DataFrame, Schema};
use luthier_core::{Params, PureTransformer, Transformer};
use ndarray::ArrayViewMut1;

use crate::columns;

/// Divides each row by its `p`-norm: `out = x / (Σ|x_j|^p)^(1/p)`, and by `max|x_j|` for infinite `p`.
///
/// A row of zeros stays as it is. A row with NaN becomes NaN, and so does the infinite entry of a row; a null is an
/// error that names column and row.
#[derive(Debug, Clone, PartialEq, Params)]
pub struct Normalizer {
    /// The vector column to normalize.
    #[param(default = "features")]
    input_col: String,
    /// The vector column to append.
    #[param(default = "normalized_features")]
    output_col: String,
    /// Which norm: 1 for the sum of absolute values, 2 for the length, `"Inf"` for the largest absolute value.
    #[param(default = 2.0, range = 1.0..)]
    p: f64,
}

impl Normalizer {
    fn norm(&self, row: &ArrayViewMut1<'_, f64>) -> f64 {
        let p = self.p;
        if p == 1.0 {
            row.iter().map(|x| x.abs()).sum()
        } else if p == 2.0 {
            row.iter().map(|x| x * x).sum::<f64>().sqrt()
        } else if p.is_infinite() {
            // `max` would pass over NaN.
            row.iter().fold(0.0, |most, x| if x.abs() > most || x.is_nan() { x.abs() } else { most })
        } else {
            row.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(p.recip())
        }
    }

    fn normalize(&self, mut row: ArrayViewMut1<'_, f64>) {
        let norm = self.norm(&row);
        // Powers of very small or very large numbers leave the range of f64: brought near 1 first, they do not.
        if !(1e-100..1e100).contains(&norm) {
            let largest = row.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            if largest == 0.0 {
                return;
            }
            row /= largest;
            let norm = self.norm(&row);
            row /= norm;
        } else {
            row /= norm;
        }
    }
}

impl Transformer for Normalizer {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let width = columns::width(data.schema(), &self.input_col)?;
        let rows = columns::compute(&data, &[&self.input_col], width, |rows, mut out| {
            out.assign(&rows);
            out.rows_mut().into_iter().for_each(|row| self.normalize(row));
        })?;
        Ok(data.with_column(&self.output_col, Column::vector(rows))?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        let width = columns::planned_width(schema, &self.input_col)?;
        Ok(columns::append_vector(schema, &self.output_col, width)?)
    }
}

impl PureTransformer for Normalizer {
    const NAME: &'static str = "normalizer";
}

luthier_core::register_transformer!(Normalizer: "Divides each row by its norm.");
