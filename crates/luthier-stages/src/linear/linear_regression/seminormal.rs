//! Refinement of ill-conditioned fits by residuals that are exact to twice the digits.

use ndarray::{Array1, Array2};

use super::doubled::Doubled;
use super::residuals::Residuals;
use super::unit::Units;
use crate::optim::substitution::cholesky_solve;

/// Beyond this condition of the Gram matrix a fit from its triangular factor is refined.
const REFINED_CONDITION: f64 = 1e6;

/// The triangle `R` of a penalised system, for corrected seminormal equations (Björck 1987): with the residuals `r`
/// of a fit, `RᵀR δ = Aᵀr − penalty`. Residuals in doubled precision leave `κ(R) ε` of the fit's error.
#[derive(Debug, Clone)]
pub(crate) struct Seminormal {
    units: Units,
    /// `Rᵀ`.
    lower: Array2<f64>,
    /// What the penalty adds to the Gram matrix's diagonal.
    diagonal: Array1<f64>,
}

impl Seminormal {
    /// Of a system with this condition; `None` where its fit needs no refinement.
    pub(super) fn new(units: &Units, condition: f64, r: &Array2<f64>, diagonal: Array1<f64>) -> Option<Self> {
        let lower = r.t().to_owned();
        (condition > REFINED_CONDITION).then(|| Self { units: units.clone(), lower, diagonal })
    }

    /// Corrects coefficients and intercept by their residuals; the residual sum of squares afterwards.
    pub(super) fn refine(
        &self,
        coefficients: &mut Array1<f64>,
        intercept: &mut f64,
        residuals: &Residuals,
    ) -> f64 {
        let units = &self.units;
        let (w, y_unit) = (units.weight_sum, units.y_unit);
        let slope = |(i, &j): (usize, &usize)| {
            let mut along = residuals.along.get(j).copied().unwrap_or_default();
            if units.fit_intercept {
                along.add_scaled(-units.x_mean[j], residuals.sum);
            }
            along.value() / (w * (units.x_unit[i] * y_unit))
        };
        let descent: Array1<f64> = units.active.iter().enumerate().map(slope).collect();
        let t = Array1::from_shape_fn(descent.len(), |i| {
            coefficients[units.active[i]] * units.x_unit[i] / y_unit
        });
        let step = cholesky_solve(&self.lower, (&descent - &self.diagonal * &t).view());
        let mut shift = Doubled::default();
        shift.add(residuals.sum.value() / w);
        for (i, &j) in units.active.iter().enumerate() {
            let change = step[i] * y_unit / units.x_unit[i];
            coefficients[j] += change;
            shift.add_product(-change, units.x_mean[j]);
        }
        let mut square = residuals.square;
        if units.fit_intercept {
            *intercept += shift.value();
            square -= residuals.sum.value().powi(2) / w;
        }
        let bent = self.lower.t().dot(&step);
        let gained = 2.0 * step.dot(&descent) - bent.dot(&bent) + (&step * &self.diagonal).dot(&step);
        (square - w * y_unit * y_unit * gained).max(0.0)
    }
}
