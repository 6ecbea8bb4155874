//! The evaluation of a linear model on some rows.

use luthier_core::frame::DataFrame;
use luthier_core::{Error, Result};

/// Errors of a linear model's predictions, weighted if the model has a weight column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Number of rows.
    pub num_instances: u64,
    /// Rows − coefficients − intercept.
    pub degrees_of_freedom: i64,
    /// `Σ w (y − ŷ)² / W`.
    pub mse: f64,
    /// Square root of `mse`.
    pub rmse: f64,
    /// `Σ w |y − ŷ| / W`.
    pub mae: f64,
    /// `1 − Σ w (y − ŷ)² / Σ w (y − ȳ)²`; without intercept about zero. NaN for a constant label.
    pub r2: f64,
    /// `r2` with both sums divided by their degrees of freedom.
    pub adjusted_r2: f64,
    /// `Σ w (ŷ − ȳ)² / W`, as Spark defines it.
    pub explained_variance: f64,
    /// Minimum, quartiles and maximum of the residuals `y − ŷ`, unweighted, by linear interpolation.
    pub residual_quantiles: [f64; 5],
    /// Smallest and largest of `√w (y − ŷ)`.
    pub deviance_residuals: [f64; 2],
    /// `y − ŷ`, row by row.
    pub residuals: Vec<f64>,
    /// `ŷ`, row by row.
    pub predictions: Vec<f64>,
}

impl Evaluation {
    pub(super) fn new(
        data: &DataFrame,
        label_col: &str,
        weight_col: Option<&str>,
        predictions: Vec<f64>,
        features: usize,
        intercepts: i64,
    ) -> Result<Self> {
        let labels = finite(data, label_col, "a finite label", f64::is_finite)?;
        let weights = match weight_col {
            Some(column) => {
                finite(data, column, "a finite weight of at least 0", |w| w.is_finite() && w >= 0.0)?
            }
            None => vec![1.0; labels.len()],
        };
        let weight_sum: f64 = weights.iter().sum();
        if weight_sum <= 0.0 {
            return Err(Error::invalid("nothing to evaluate: no row has a positive weight"));
        }
        let rows = || labels.iter().zip(&predictions).zip(&weights).map(|((&y, &p), &w)| (y, p, w));
        let mean_of =
            |f: &dyn Fn(f64, f64) -> f64| rows().map(|(y, p, w)| w * f(y, p)).sum::<f64>() / weight_sum;
        let first = labels.first().copied().unwrap_or(0.0);
        let label_mean = first + mean_of(&|y, _| y - first);
        let origin = if intercepts > 0 { label_mean } else { 0.0 };
        let mse = mean_of(&|y, p| (y - p).powi(2));
        let r2 = match mean_of(&|y, _| (y - origin).powi(2)) {
            0.0 => f64::NAN,
            total => 1.0 - mse / total,
        };
        let residuals: Vec<f64> = labels.iter().zip(&predictions).map(|(y, p)| y - p).collect();
        let n = labels.len() as i64;
        let degrees_of_freedom = n - features as i64 - intercepts;
        let scaled = residuals.iter().zip(&weights).map(|(r, w)| r * w.sqrt());
        let deviance_residuals =
            scaled.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], r| [low.min(r), high.max(r)]);
        Ok(Self {
            num_instances: labels.len() as u64,
            degrees_of_freedom,
            mse,
            rmse: mse.sqrt(),
            mae: mean_of(&|y, p| (y - p).abs()),
            r2,
            adjusted_r2: 1.0 - (1.0 - r2) * (n - intercepts) as f64 / degrees_of_freedom as f64,
            explained_variance: mean_of(&|_, p| (p - label_mean).powi(2)),
            residual_quantiles: quartiles(&residuals),
            deviance_residuals,
            residuals,
            predictions,
        })
    }
}

fn finite(
    data: &DataFrame,
    column: &str,
    expected: &'static str,
    ok: impl Fn(f64) -> bool,
) -> Result<Vec<f64>> {
    let values = data.column_f64(column)?;
    match values.iter().position(|&value| !ok(value)) {
        Some(row) => Err(Error::bad_value(column, row, values[row].to_string(), expected)),
        None => Ok(values),
    }
}

fn quartiles(values: &[f64]) -> [f64; 5] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let place = share * sorted.len().saturating_sub(1) as f64;
        let at = |i: f64| sorted.get(i as usize).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(place.floor()), at(place.ceil()));
        if low == high { low } else { low + (high - low) * place.fract() }
    })
}
