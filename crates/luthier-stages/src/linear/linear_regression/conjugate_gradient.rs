//! Least squares and ridge regression on rows that are not multiplied out.

use ndarray::{Array1, Zip};

use super::design::{Design, is_uniform};
use super::scaling::Penalty;
use super::solve::Iterated;
use super::unit::UnitSystem;

/// Steps between two computations of the residual anew.
const REFRESHED_AFTER: usize = 50;

/// Steps without progress after which there are no more digits.
const PATIENCE: usize = 100;

/// Steps at most, for each feature: in exact arithmetic one would be enough.
const STEPS: usize = 10;

/// Conjugate gradients on `½ ‖z − A t‖² + ½ l2 Σ (p t)²` from zero (Hestenes and Stiefel 1952; the form that keeps the
/// residual, Björck 1996).
///
/// Ends where no entry of the gradient, in unit coordinates, exceeds `tol²`, at most 1e-12 and at least 1e-14, or what
/// rounding leaves of it. Of many minima without penalty it finds the smallest in the penalty's measure.
pub(super) fn minimise(system: &UnitSystem, penalty: &Penalty, tol: f64) -> Option<Iterated> {
    let design = system.design.as_ref()?;
    let diagonal = penalty.diagonal();
    let found = steps(design, &system.rhs, &diagonal, &diagonal.mapv(|d| 1.0 / (1.0 + d)), tol);
    if penalty.l2 > 0.0 || is_uniform(penalty.scale.view()) {
        return Some(found);
    }
    // The same minimum in the measure in which it is to be the smallest, if that can be found as well.
    let smallest = steps(design, &system.rhs, &diagonal, &penalty.scale.mapv(|p| 1.0 / (p * p)), tol);
    Some(if smallest.converged { smallest } else { found })
}

/// Steps from zero, with a diagonal that the inverse of the Hessian is like.
fn steps(
    design: &Design,
    rhs: &Array1<f64>,
    diagonal: &Array1<f64>,
    inverse: &Array1<f64>,
    tol: f64,
) -> Iterated {
    let tolerance = (tol * tol).clamp(1e-14, 1e-12);
    let limit = STEPS * rhs.len() + PATIENCE;
    let mut t = Array1::<f64>::zeros(rhs.len());
    let mut residual = design.residual(&t);
    let mut descent = rhs.clone();
    let mut direction = &descent * inverse;
    let mut slope = descent.dot(&direction);
    let largest = |v: &Array1<f64>| v.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    let rounding = |t: &Array1<f64>| 8.0 * f64::EPSILON * t.iter().map(|v| v.abs()).sum::<f64>();
    let (mut best, mut best_t, mut since) = (largest(&descent), t.clone(), 0);
    let mut iterations = 0;
    while best > tolerance + rounding(&best_t) && iterations < limit && since < PATIENCE {
        let image = design.image(&direction);
        let pull = diagonal * &direction;
        let bend = design.square(&image) + direction.dot(&pull);
        let length = slope / bend;
        if !(bend > 0.0 && length.is_finite()) {
            break;
        }
        t.scaled_add(length, &direction);
        iterations += 1;
        if iterations.is_multiple_of(REFRESHED_AFTER) {
            residual = design.residual(&t);
        } else {
            residual.scaled_add(-length, &image);
        }
        descent = design.along(&residual) - diagonal * &t;
        let scaled = &descent * inverse;
        let next = descent.dot(&scaled);
        let size = largest(&descent);
        if size < 0.5 * best {
            since = 0;
        } else {
            since += 1;
        }
        if size < best {
            (best, best_t) = (size, t.clone());
        }
        let turn = next / slope;
        Zip::from(&mut direction).and(&scaled).for_each(|d, s| *d = s + turn * *d);
        slope = next;
    }
    // The residual that was carried along may have drifted: what counts is the true one.
    let exact = design.residual(&best_t);
    let gradient = largest(&(design.along(&exact) - diagonal * &best_t));
    let converged = gradient <= 4.0 * (tolerance + rounding(&best_t));
    let value = |t: &Array1<f64>, rows: &Array1<f64>| 0.5 * (design.square(rows) + (diagonal * t).dot(t));
    let history = vec![0.5, value(&best_t, &exact)];
    Iterated { t: best_t, history, iterations, converged, pivot: 1.0 }
}
