//! The sums over rows from which regression metrics are computed.

use std::borrow::Cow;

use luthier_core::frame::Schema;
use luthier_core::{Error, Result, Summary, Tile};
use serde::{Deserialize, Serialize};

use crate::columns;

/// The columns of [`RegressionSums`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegressionSumsSpec {
    /// The numeric column of true values.
    pub label_col: String,
    /// The numeric column of predicted values.
    pub prediction_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    pub weight_col: Option<String>,
}

/// Weighted sums of residuals `r = y − ŷ`, with labels and predictions centred.
///
/// Residuals are computed row by row and sums of squares are centred tile by tile (Chan, Golub and LeVeque 1979),
/// so neither a large offset nor a small residual costs digits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RegressionSums {
    undefined: bool,
    weight_sum: f64,
    residual_sum: f64,
    residual_sq_sum: f64,
    residual_abs_sum: f64,
    label: Spread,
    prediction: Spread,
}

impl RegressionSums {
    /// Whether a prediction is null, NaN or infinite, so that no metric is defined.
    pub fn is_undefined(&self) -> bool {
        self.undefined
    }

    /// `Σw`.
    pub fn weight_sum(&self) -> f64 {
        self.weight_sum
    }

    /// `Σw(y−ŷ)² / Σw`.
    pub fn mean_squared_error(&self) -> f64 {
        self.residual_sq_sum / self.weight_sum
    }

    /// `Σw|y−ŷ| / Σw`.
    pub fn mean_absolute_error(&self) -> f64 {
        self.residual_abs_sum / self.weight_sum
    }

    /// `Σw(y−ȳ)² / Σw` with `ȳ = Σwy / Σw`.
    pub fn label_variance(&self) -> f64 {
        self.label.scatter / self.weight_sum
    }

    /// `Σwy² / Σw`.
    pub fn label_mean_square(&self) -> f64 {
        self.label_variance() + self.label.mean * self.label.mean
    }

    /// `Σw(ŷ−ȳ)² / Σw` with `ȳ = Σwy / Σw`.
    pub fn explained_variance(&self) -> f64 {
        let shift = self.residual_sum / self.weight_sum;
        self.prediction.scatter / self.weight_sum + shift * shift
    }

    /// Adds the predictions of some rows.
    pub(crate) fn add(&mut self, labels: &Labels<'_>, predictions: &[f64]) -> Result<()> {
        self.undefined |= predictions.iter().any(|p| !p.is_finite());
        if self.undefined || labels.weight_sum == 0.0 {
            return Ok(());
        }
        let weight = |i| labels.weight(i);
        for (i, (y, p)) in labels.values.iter().zip(predictions).enumerate() {
            let (w, r) = (weight(i), y - p);
            self.residual_sum += w * r;
            self.residual_sq_sum += w * r * r;
            self.residual_abs_sum += w * r.abs();
        }
        let prediction = Spread::of(predictions, weight, labels.weight_sum);
        self.label.merge(self.weight_sum, &labels.spread, labels.weight_sum);
        self.prediction.merge(self.weight_sum, &prediction, labels.weight_sum);
        self.weight_sum += labels.weight_sum;
        if self.label.scatter.is_finite() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the values of `{}` are too large to be squared in f64; scale them first",
            labels.column
        )))
    }
}

/// The true values and weights of a tile's rows.
#[derive(Debug)]
pub(crate) struct Labels<'a> {
    column: &'a str,
    values: Cow<'a, [f64]>,
    weights: Option<Cow<'a, [f64]>>,
    weight_sum: f64,
    spread: Spread,
}

impl<'a> Labels<'a> {
    /// Errs at a label that is not finite and a bad weight.
    pub(crate) fn of(tile: &'a Tile<'_>, column: &'a str, weight_col: Option<&str>) -> Result<Self> {
        if let Some(error) = tile.first_not_finite(column) {
            return Err(error);
        }
        let (values, weights) = (tile.numbers(column)?, tile.weights(weight_col)?);
        let weight_sum = weights.as_ref().map_or(values.len() as f64, |weights| weights.iter().sum());
        let mut labels = Self { column, values, weights, weight_sum, spread: Spread::default() };
        if weight_sum != 0.0 {
            labels.spread = Spread::of(&labels.values, |i| labels.weight(i), weight_sum);
        }
        Ok(labels)
    }

    fn weight(&self, i: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[i])
    }
}

/// Mean and centred sum of squares; the weights are those of the rows.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Spread {
    mean: f64,
    scatter: f64,
}

impl Spread {
    /// Of values whose weights sum to more than zero.
    fn of(values: &[f64], weight: impl Fn(usize) -> f64, weight_sum: f64) -> Self {
        // Relative to a value that counts: a constant is centred to exact zeros.
        let first = (0..values.len()).find(|&i| weight(i) > 0.0);
        let reference = first.map_or(0.0, |i| values[i]);
        let sum: f64 = values.iter().enumerate().map(|(i, x)| weight(i) * (x - reference)).sum();
        let shift = sum / weight_sum;
        let square = |(i, x): (usize, &f64)| weight(i) * ((x - reference) - shift).powi(2);
        Self { mean: reference + shift, scatter: values.iter().enumerate().map(square).sum() }
    }

    fn merge(&mut self, weight_sum: f64, other: &Self, other_weight_sum: f64) {
        let total = weight_sum + other_weight_sum;
        if weight_sum == 0.0 {
            *self = *other;
        } else if other_weight_sum > 0.0 {
            let step = other.mean - self.mean;
            self.scatter += other.scatter + weight_sum * (other_weight_sum / total) * step * step;
            self.mean += other_weight_sum / total * step;
        }
    }
}

impl Summary for RegressionSums {
    type Spec = RegressionSumsSpec;
    const NAME: &'static str = "regression_sums";

    fn columns(spec: &RegressionSumsSpec) -> Vec<String> {
        [&spec.label_col, &spec.prediction_col].into_iter().chain(&spec.weight_col).cloned().collect()
    }

    fn empty(spec: &RegressionSumsSpec, schema: &Schema) -> Result<Self> {
        for column in Self::columns(spec) {
            columns::require_numeric(schema, &column)?;
        }
        Ok(Self::default())
    }

    fn update(&mut self, spec: &RegressionSumsSpec, tile: &Tile<'_>) -> Result<()> {
        let labels = Labels::of(tile, &spec.label_col, spec.weight_col.as_deref())?;
        self.add(&labels, &tile.numbers(&spec.prediction_col)?)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.undefined |= other.undefined;
        self.residual_sum += other.residual_sum;
        self.residual_sq_sum += other.residual_sq_sum;
        self.residual_abs_sum += other.residual_abs_sum;
        self.label.merge(self.weight_sum, &other.label, other.weight_sum);
        self.prediction.merge(self.weight_sum, &other.prediction, other.weight_sum);
        self.weight_sum += other.weight_sum;
        Ok(())
    }
}
