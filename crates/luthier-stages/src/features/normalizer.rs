//! Scales rows to unit norm.

use luthier_core::frame::{Field, Schema};
use luthier_core::{Outputs, Params, PureTransformer, Tile, Transformer};
use ndarray::{Array1, ArrayViewMut1};

use crate::columns;

/// Divides each row by its `p`-norm: `out = x / (Σ|x_j|^p)^(1/p)`, or by `max|x_j|` for infinite `p`.
///
/// A row of zeros does not change. A row with NaN becomes NaN, and so does an infinite entry of a row; a null is an
/// error that names column and row. Sparse vectors stay sparse.
///
/// ```
/// use luthier_core::Transformer;
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_stages::Normalizer;
///
/// let rows = ndarray::array![[3.0, 4.0], [0.0, 0.0]];
/// let data = DataFrame::from_columns(vec![("features", Column::vector(rows))])?;
/// let out = Normalizer::new().transform(&data)?;
/// assert_eq!(out.vectors("normalized_features")?, ndarray::array![[0.6, 0.8], [0.0, 0.0]]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
pub struct Normalizer {
    /// The vector column to normalize.
    #[param(default = "features", column = input)]
    input_col: String,
    /// The vector column to append.
    #[param(default = "normalized_features", column = output)]
    output_col: String,
    /// The norm: 1 for the sum of absolute values, 2 for the Euclidean length, `"Inf"` for the largest absolute value.
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
            // `max` would ignore NaN.
            row.iter().fold(0.0, |most, x| if x.abs() > most || x.is_nan() { x.abs() } else { most })
        } else {
            row.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(p.recip())
        }
    }

    fn normalize(&self, mut row: ArrayViewMut1<'_, f64>) {
        let norm = self.norm(&row);
        // Powers of very small or very large numbers are outside the range of f64, so they are scaled to about 1 first.
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
    fn inputs(&self) -> Vec<String> {
        vec![self.input_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::rescaled(schema, &self.input_col, &self.output_col, true)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        if let Some(sparse) = rows.sparse(&self.input_col) {
            columns::write_sparse(&sparse, sparse.width(), out, |positions, values, out| {
                let mut values = Array1::from(values.to_vec());
                self.normalize(values.view_mut());
                positions.iter().zip(values).for_each(|(&j, x)| out.push(j as usize, x));
            });
            return Ok(());
        }
        let mut values = rows.vectors(&self.input_col)?.into_owned();
        values.rows_mut().into_iter().for_each(|row| self.normalize(row));
        out.vectors(values);
        Ok(())
    }
}

impl PureTransformer for Normalizer {
    const NAME: &'static str = "normalizer";
}

luthier_core::register_transformer!(Normalizer: "Divides each row by its norm.");
