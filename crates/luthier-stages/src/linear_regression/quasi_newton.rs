use std::collections::VecDeque;

use ndarray::Array1;

use super::scaling::Penalty;
use super::solve::{Iterated, UnitSystem};

/// Corrections kept, as in Spark.
const MEMORY: usize = 10;

/// L-BFGS on `½ tᵀ(G + l2 P²)t − bᵀt` from zero. The objective is quadratic, so the line search is exact.
///
/// Ends where no gradient entry, in unit coordinates, exceeds `tol²` (at most 1e-10, at least 1e-14): a gradient
/// of that size leaves an error of that order in the coefficients, while stopping on a relative change of the
/// objective would leave `√tol`.
pub(super) fn minimise(system: &UnitSystem, penalty: &Penalty, tol: f64, max_iter: usize) -> Iterated {
    let diagonal = penalty.diagonal();
    let product = |t: &Array1<f64>| system.gram.dot(t) + &diagonal * t;
    let start = diagonal.mapv(|v| 1.0 / (1.0 + v));
    let tolerance = (tol * tol).clamp(1e-14, 1e-10);

    let mut t = Array1::<f64>::zeros(system.rhs.len());
    let mut gradient = -&system.rhs;
    let mut history = vec![0.5];
    let mut corrections = VecDeque::<Correction>::with_capacity(MEMORY);
    let mut iterations = 0;
    while iterations < max_iter && gradient.iter().any(|g| g.abs() > tolerance) {
        let direction = descend(&corrections, &start, &gradient);
        let curvature = product(&direction);
        let bend = direction.dot(&curvature);
        let length = -gradient.dot(&direction) / bend;
        if !(bend > 0.0 && length.is_finite() && length > 0.0) {
            break;
        }
        let step = direction * length;
        let moved = &t + &step;
        let next = product(&moved) - &system.rhs;
        let value = 0.5 * (1.0 + moved.dot(&next) - moved.dot(&system.rhs));
        let last = history[history.len() - 1];
        let size = 1.0 + moved.iter().map(|v| v.abs()).sum::<f64>();
        if value > last + 16.0 * f64::EPSILON * size * size {
            // The Gram matrix has no more digits.
            break;
        }
        t = moved;
        let change = &next - &gradient;
        let along = step.dot(&change);
        if along > 0.0 {
            if corrections.len() == MEMORY {
                corrections.pop_front();
            }
            corrections.push_back(Correction { step, change, along });
        }
        gradient = next;
        history.push(value.min(last));
        iterations += 1;
    }
    Iterated { t, history, iterations }
}

struct Correction {
    step: Array1<f64>,
    change: Array1<f64>,
    along: f64,
}

/// The two-loop recursion (Nocedal & Wright, algorithm 7.4) from a diagonal inverse Hessian.
fn descend(corrections: &VecDeque<Correction>, start: &Array1<f64>, gradient: &Array1<f64>) -> Array1<f64> {
    let mut q = -gradient;
    let mut weights = Vec::with_capacity(corrections.len());
    for c in corrections.iter().rev() {
        let weight = c.step.dot(&q) / c.along;
        q.scaled_add(-weight, &c.change);
        weights.push(weight);
    }
    q *= start;
    for (c, weight) in corrections.iter().zip(weights.iter().rev()) {
        let back = c.change.dot(&q) / c.along;
        q.scaled_add(weight - back, &c.step);
    }
    q
}
