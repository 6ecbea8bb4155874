//! Least squares and ridge regression by conjugate gradients.

use luthier_core::CancelToken;
use luthier_core::linalg::triangular_factor;
use ndarray::{Array1, Array2, Axis, concatenate};

use super::design::{Design, is_uniform};
use super::fit::Iterated;
use super::scaling::Penalty;
use super::unit::UnitSystem;
use crate::optim::substitution::cholesky_solve;
use crate::optim::{Found, PATIENCE, conjugate_gradient};

/// Steps at most, for each feature, where nothing else limits them: in exact arithmetic one would be enough.
const STEPS: usize = 10;

/// The minimum of `½ tᵀ(G + l2 P²)t − bᵀt`, in unit coordinates; of many minima without penalty the smallest in the penalty's
/// measure, where it can be found.
///
/// Ends where no entry of the gradient exceeds `tol²` (at most 1e-12, at least 1e-14): a gradient of that size leaves an error
/// of that order in the coefficients, while stopping on a relative change of the objective would leave `√tol`.
pub(super) fn least_squares(
    system: &UnitSystem,
    penalty: &Penalty,
    tol: f64,
    max_iter: Option<usize>,
    cancel: &CancelToken,
) -> Iterated {
    let diagonal = penalty.diagonal();
    let tolerance = (tol * tol).clamp(1e-14, 1e-12);
    let limit = max_iter.unwrap_or(STEPS * system.rhs.len() + PATIENCE);
    let lower = factor(system, &diagonal);
    let mut found = conjugate_gradient(
        system,
        &diagonal,
        |slope| match &lower {
            Some(lower) => cholesky_solve(lower, slope.view()),
            None => slope / &diagonal.mapv(|d| 1.0 + d),
        },
        tolerance,
        limit,
        cancel,
    );
    if penalty.l2 == 0.0 && lower.is_none() && !is_uniform(penalty.scale.view()) {
        let inverse = penalty.scale.mapv(|p| 1.0 / (p * p));
        let smallest =
            conjugate_gradient(system, &diagonal, |slope| slope * &inverse, tolerance, limit, cancel);
        found = if smallest.converged { smallest } else { found };
    }
    let Found { t, history, converged } = found;
    let iterations = history.len() - 1;
    Iterated { t, history, iterations, converged, pivot: 1.0 }
}

/// `L` of the Hessian `L Lᵀ`, from a design of full rank: a square matrix is not made where there are fewer rows than
/// features, or sparse ones.
fn factor(system: &UnitSystem, diagonal: &Array1<f64>) -> Option<Array2<f64>> {
    let features = system.design.as_ref().and_then(Design::dense)?;
    if features.ncols() < features.nrows() {
        return None;
    }
    let root = Array2::from_diag(&diagonal.mapv(f64::sqrt));
    let stacked = concatenate(Axis(0), &[features.t(), root.view()]).ok()?;
    let r = triangular_factor(stacked.view());
    let least = 16.0 * f64::EPSILON * r.nrows() as f64;
    r.diag().iter().all(|v| v.abs() > least).then(|| r.t().to_owned())
}
