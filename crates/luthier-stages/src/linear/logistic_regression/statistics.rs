//! Standard errors of a model that was fitted without penalty.

use libm::erfc;
use serde::{Deserialize, Serialize};

use super::coordinates::Coordinates;
use crate::optim::Inverse;

/// Statistics of the estimates of a model fitted without penalty: the coefficients in their order, then the intercept.
///
/// The covariance of the estimates is the inverse of `Σ w p(1−p) (x,1)(x,1)ᵀ` (Fisher information; weights count as
/// repetitions of a row). Coefficients that the rows do not determine have NaN in all three lists: those of constant features
/// and of features that depend linearly on each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Inference {
    /// Standard errors.
    pub standard_errors: Vec<f64>,
    /// Estimates divided by their standard errors.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// With 40 digits (mpmath).
    #[test]
    fn p_values_have_their_digits_far_out() {
        for (z, p) in [
            (0.1, 0.920_344_325_445_942),
            (0.5, 0.617_075_077_451_973_8),
            (1.0, 0.317_310_507_862_914_1),
            (2.0, 0.045_500_263_896_358_42),
            (3.0, 0.002_699_796_063_260_189),
            (5.0, 5.733_031_437_583_878e-7),
            (8.0, 1.244_192_114_854_356_8e-15),
            (10.0, 1.523_970_604_832_105e-23),
            (15.0, 7.341_932_398_625_502e-51),
            (20.0, 5.507_248_237_212_467e-89),
            (25.0, 6.113_393_412_765_122e-138),
            (30.0, 9.813_427_854_296_374e-198),
            (37.0, 1.145_114_244_504_915_4e-299),
        ] {
            // An argument's rounding is worth `z² ε`.
            let accuracy = 4.0 * f64::EPSILON * (1.0 + z * z);
            for z in [z, -z] {
                assert!((two_sided(z) / p - 1.0).abs() <= accuracy, "{z}: {:e} {p:e}", two_sided(z));
            }
        }
        assert_eq!(two_sided(f64::INFINITY), 0.0);
        assert!(two_sided(f64::NAN).is_nan());
    }
}
