//! The residuals of some models, summed over the rows in doubled precision.

use luthier_core::frame::Schema;
use luthier_core::{Result, Summary, Tile};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::doubled::Doubled;
use crate::columns;

/// The columns, and coefficients and intercept of every model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ResidualSpec {
    pub(super) features_col: String,
    pub(super) label_col: String,
    pub(super) weight_col: Option<String>,
    pub(super) models: Vec<(Array1<f64>, f64)>,
}

/// What the rows say of each model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ResidualSums {
    pub(super) models: Vec<Residuals>,
}

/// Sums over the residuals `r = y − xβ − c` of one model.
///
/// The residuals of a good fit are small differences of large numbers, so each is formed in doubled precision.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Residuals {
    /// `Σ w x r`, one a feature.
    pub(super) along: Vec<Doubled>,
    /// `Σ w r`.
    pub(super) sum: Doubled,
    /// `Σ w r²`.
    pub(super) square: f64,
}

impl Residuals {
    fn add(&mut self, (coefficients, intercept): &(Array1<f64>, f64), x: &[f64], y: f64, w: f64) {
        let mut residual = Doubled::default();
        residual.add(y);
        residual.add(-intercept);
        for (x, b) in x.iter().zip(coefficients) {
            residual.add_product(-x, *b);
        }
        let mut weighted = Doubled::default();
        weighted.add_scaled(w, residual);
        self.sum.add_scaled(1.0, weighted);
        self.square += residual.value() * weighted.value();
        for (along, x) in self.along.iter_mut().zip(x) {
            along.add_scaled(*x, weighted);
        }
    }
}

impl Summary for ResidualSums {
    type Spec = ResidualSpec;
    const NAME: &'static str = "residual_sums";

    fn columns(spec: &ResidualSpec) -> Vec<String> {
        [&spec.features_col, &spec.label_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &ResidualSpec, schema: &Schema) -> Result<Self> {
        let along = vec![Doubled::default(); columns::width(schema, &spec.features_col)?];
        let none = Residuals { along, sum: Doubled::default(), square: 0.0 };
        Ok(Self { models: vec![none; spec.models.len()] })
    }

    fn update(&mut self, spec: &ResidualSpec, tile: &Tile<'_>) -> Result<()> {
        let features = tile.vectors(&spec.features_col)?;
        let features = features.as_standard_layout();
        let label = tile.numbers(&spec.label_col)?;
        let weights = tile.weights(spec.weight_col.as_deref())?;
        for (i, (x, y)) in features.rows().into_iter().zip(label.iter()).enumerate() {
            let w = weights.as_ref().map_or(1.0, |weights| weights[i]);
            if let Some(x) = x.as_slice().filter(|_| w > 0.0) {
                for (model, residuals) in spec.models.iter().zip(&mut self.models) {
                    residuals.add(model, x, *y, w);
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        for (mine, theirs) in self.models.iter_mut().zip(&other.models) {
            mine.sum.add_scaled(1.0, theirs.sum);
            mine.square += theirs.square;
            for (mine, theirs) in mine.along.iter_mut().zip(&theirs.along) {
                mine.add_scaled(1.0, *theirs);
            }
        }
        Ok(())
    }
}
