//! The sums for regression metrics of several affine predictions at once.

use luthier_core::frame::Schema;
use luthier_core::{Error, Result, Summary, Tile, linalg};
use ndarray::{Array1, Array2, Axis, s};
use serde::{Deserialize, Serialize};

use super::regression_sums::{Labels, RegressionSums};
use crate::columns;

/// Models `prediction = [inputs] · coefficients + offset` of the same columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiblingSumsSpec {
    /// The numeric column of true values.
    pub label_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
    /// Numeric and vector columns, concatenated in this order.
    pub input_cols: Vec<String>,
    /// One row per model, one column per input feature.
    pub coefficients: Array2<f64>,
    /// One per model.
    pub offsets: Array1<f64>,
}

/// [`RegressionSums`] of sibling models that differ only in their coefficients: one matrix product per tile instead
/// of a pass through each model. The sums of a model do not depend on its siblings, to the last bit.
///
/// A null feature gives a prediction that is NaN, as a NaN does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SiblingSums {
    /// In the order of the models.
    pub models: Vec<RegressionSums>,
}

impl Summary for SiblingSums {
    type Spec = SiblingSumsSpec;
    const NAME: &'static str = "sibling_sums";

    fn columns(spec: &SiblingSumsSpec) -> Vec<String> {
        [&spec.label_col].into_iter().chain(&spec.weight_col).chain(&spec.input_cols).cloned().collect()
    }

    fn empty(spec: &SiblingSumsSpec, schema: &Schema) -> Result<Self> {
        for column in [&spec.label_col].into_iter().chain(&spec.weight_col) {
            columns::require_numeric(schema, column)?;
        }
        let widths = spec.input_cols.iter().map(|column| columns::width(schema, column));
        let width = widths.sum::<Result<usize>>()?;
        if spec.coefficients.dim() != (spec.offsets.len(), width) {
            return Err(Error::invalid(format!(
                "{} models of {} features need as many rows and columns of coefficients, found {:?}",
                spec.offsets.len(),
                width,
                spec.coefficients.dim()
            )));
        }
        Ok(Self { models: vec![RegressionSums::default(); spec.offsets.len()] })
    }

    fn update(&mut self, spec: &SiblingSumsSpec, tile: &Tile<'_>) -> Result<()> {
        let labels = Labels::of(tile, &spec.label_col, spec.weight_col.as_deref())?;
        let predictions = match &spec.input_cols[..] {
            [column] => linalg::row_products(tile.vectors(column)?.view(), spec.coefficients.view()),
            columns => {
                let mut rows = Array2::zeros((tile.len(), spec.coefficients.ncols()));
                let mut start = 0;
                for column in columns {
                    let values = tile.vectors(column)?;
                    let end = start + values.ncols();
                    rows.slice_mut(s![.., start..end]).assign(&values);
                    start = end;
                }
                linalg::row_products(rows.view(), spec.coefficients.view())
            }
        };
        for ((model, column), offset) in
            self.models.iter_mut().zip(predictions.axis_iter(Axis(1))).zip(&spec.offsets)
        {
            model.add(&labels, &column.iter().map(|p| p + offset).collect::<Vec<f64>>())?;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.models.iter_mut().zip(&other.models).try_for_each(|(mine, theirs)| mine.merge(theirs))
    }
}
