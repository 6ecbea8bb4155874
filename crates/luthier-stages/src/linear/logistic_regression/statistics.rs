//! Standard errors of a model that was fitted without penalty.

use luthier_core::linalg;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

use super::coordinates::Coordinates;
use crate::optim::substitution::cholesky_solve;

/// How sure the estimates of a model fitted without penalty are: the coefficients in their order, then the intercept.
///
/// The covariance of the estimates is the inverse of `Σ w p(1−p) (x,1)(x,1)ᵀ` (Fisher's information; weights count as
/// repetitions of a row).
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
    /// `None` where the information is singular or a feature is constant.
    pub(super) fn new(
        coordinates: Coordinates<'_>,
        hessian: &Array2<f64>,
        coefficients: &[f64],
        intercept: Option<f64>,
    ) -> Option<Self> {
        let units = &coordinates.rows.units;
        let width = units.active.len();
        if width != units.features {
            return None;
        }
        let n = width + usize::from(intercept.is_some());
        let information = hessian.slice(ndarray::s![..n, ..n]).to_owned() * coordinates.rows.weight_sum;
        let lower = linalg::cholesky(information.view())?;
        // The variance of a linear form a·t is aᵀ H⁻¹ a.
        let error = |form: &ndarray::Array1<f64>| form.dot(&cholesky_solve(&lower, form.view())).sqrt();
        let mut standard_errors = Vec::with_capacity(n);
        for j in 0..width {
            let mut form = ndarray::Array1::zeros(n);
            form[j] = 1.0 / units.unit[j];
            standard_errors.push(error(&form));
        }
        if intercept.is_some() {
            let mut form = ndarray::Array1::ones(n);
            (0..width).for_each(|j| form[j] = -units.centre[j] / units.unit[j]);
            standard_errors.push(error(&form));
        }
        let estimates = coefficients.iter().copied().chain(intercept);
        let z_values: Vec<f64> = estimates.zip(&standard_errors).map(|(e, s)| e / s).collect();
        let p_values = z_values.iter().map(|z| erfc(z.abs() / std::f64::consts::SQRT_2)).collect();
        Some(Self { standard_errors, z_values, p_values })
    }
}
