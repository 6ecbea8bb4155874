//! Standard errors of a model that was fitted without penalty.

use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use super::coordinates::Coordinates;
use crate::optim::Inverse;

/// How sure the estimates of a model fitted without penalty are: the coefficients in their order, then the intercept.
///
/// The covariance of the estimates is the inverse of `Σ w p(1−p) (x,1)(x,1)ᵀ` (Fisher's information; weights count as
/// repetitions of a row). What the rows do not determine has NaN in all three lists: a constant feature, and features
/// that depend linearly on each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Inference {
    /// Standard errors.
    pub standard_errors: Vec<f64>,
    /// Estimates over their standard errors.
    pub z_values: Vec<f64>,
    /// `P(|Z| ≥ |z|)` of the normal distribution.
    pub p_values: Vec<f64>,
}

impl Inference {
    /// From the inverse of the information of the varying features and, if there is one, the intercept, for a weight of 1.
    pub(super) fn new(
        coordinates: Coordinates<'_>,
        inverse: &Inverse,
        coefficients: &[f64],
        intercept: Option<f64>,
    ) -> Self {
        let (rows, units) = (coordinates.rows, &coordinates.rows.units);
        let width = units.active.len();
        let n = width + usize::from(intercept.is_some());
        let root = rows.weight(rows.weight_sum).sqrt();
        // The variance of a linear form a·t is aᵀ H⁻¹ a.
        let error = |form: &ndarray::Array1<f64>| inverse.norm(form).map_or(f64::NAN, |norm| norm / root);
        let mut standard_errors = vec![f64::NAN; units.features];
        for (j, &feature) in units.active.iter().enumerate() {
            let mut form = ndarray::Array1::zeros(n);
            form[j] = 1.0;
            standard_errors[feature] = error(&form) / units.unit[j];
        }
        if intercept.is_some() {
            let mut form = ndarray::Array1::ones(n);
            (0..width).for_each(|j| form[j] = -units.centre[j] / units.unit[j]);
            standard_errors.push(error(&form));
        }
        let estimates = coefficients.iter().copied().chain(intercept);
        let z_values: Vec<f64> = estimates.zip(&standard_errors).map(|(e, s)| e / s).collect();
        let p_values = z_values.iter().map(|z| two_sided(*z)).collect();
        Self { standard_errors, z_values, p_values }
    }
}

/// `P(|Z| ≥ |z|)`.
fn two_sided(z: f64) -> f64 {
    if z.is_nan() { z } else { erfc(z.abs() / std::f64::consts::SQRT_2) }
}
