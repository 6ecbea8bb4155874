use std::collections::VecDeque;

use luthier_core::linalg::triangular_factor;
use ndarray::{Array1, Array2, Axis, concatenate};

use super::design::Design;
use super::scaling::Penalty;
use super::solve::Iterated;
use super::unit::UnitSystem;
use crate::linear::substitution::cholesky_solve;

/// Corrections kept, as in Spark.
const MEMORY: usize = 10;

/// L-BFGS on `½ tᵀ(G + l2 P²)t − bᵀt` from zero. The objective is quadratic, so the line search is exact.
///
/// Ends where no gradient entry, in unit coordinates, exceeds `tol²` (at most 1e-10, at least 1e-14): a gradient
/// of that size leaves an error of that order in the coefficients, while stopping on a relative change of the
/// objective would leave `√tol`.
pub(super) fn minimise(system: &UnitSystem, penalty: &Penalty, tol: f64, max_iter: usize) -> Iterated {
    let objective = Quadratic::new(system, penalty);
    let tolerance = (tol * tol).clamp(1e-14, 1e-10);

    let mut t = Array1::<f64>::zeros(system.rhs.len());
    let mut gradient = -&system.rhs;
    let mut history = vec![0.5];
    let mut corrections = VecDeque::<Correction>::with_capacity(MEMORY);
    let mut iterations = 0;
    let is_steep =
        |gradient: &Array1<f64>, t: &Array1<f64>| gradient.iter().any(|g| g.abs() > tolerance + rounding(t));
    while iterations < max_iter && is_steep(&gradient, &t) {
        let direction = descend(&corrections, &objective, &gradient);
        let bend = direction.dot(&objective.bend(&direction));
        let length = -gradient.dot(&direction) / bend;
        if !(bend > 0.0 && length.is_finite() && length > 0.0) {
            break;
        }
        let step = direction * length;
        let moved = &t + &step;
        let (value, next) = objective.at(&moved);
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
    // A step that rounding forbids is the end, too.
    let converged = iterations < max_iter || !is_steep(&gradient, &t);
    Iterated { t, history, iterations, converged, pivot: 1.0 }
}

/// What rounding leaves of the gradient at best.
fn rounding(t: &Array1<f64>) -> f64 {
    8.0 * f64::EPSILON * t.iter().map(|v| v.abs()).sum::<f64>()
}

struct Quadratic<'a> {
    system: &'a UnitSystem,
    /// `l2 p²`.
    diagonal: Array1<f64>,
    /// `L` of the Hessian `L Lᵀ`, from a design of full rank.
    lower: Option<Array2<f64>>,
}

impl<'a> Quadratic<'a> {
    fn new(system: &'a UnitSystem, penalty: &Penalty) -> Self {
        let diagonal = penalty.diagonal();
        // A square matrix is not made where there are fewer rows than features, or sparse ones.
        let dense = system.design.as_ref().and_then(Design::dense);
        let lower = dense.filter(|features| features.ncols() >= features.nrows()).and_then(|features| {
            let root = Array2::from_diag(&diagonal.mapv(f64::sqrt));
            let stacked = concatenate(Axis(0), &[features.t(), root.view()]).ok()?;
            let r = triangular_factor(stacked.view());
            let least = 16.0 * f64::EPSILON * r.nrows() as f64;
            r.diag().iter().all(|v| v.abs() > least).then(|| r.t().to_owned())
        });
        Self { system, diagonal, lower }
    }

    /// Value and gradient.
    fn at(&self, t: &Array1<f64>) -> (f64, Array1<f64>) {
        let pull = &self.diagonal * t;
        match &self.system.design {
            Some(design) => {
                let residual = design.residual(t);
                let value = 0.5 * (design.square(&residual) + t.dot(&pull));
                (value, pull - design.along(&residual))
            }
            None => {
                let gradient = self.system.gram.dot(t) + pull - &self.system.rhs;
                (0.5 * (1.0 + t.dot(&gradient) - t.dot(&self.system.rhs)), gradient)
            }
        }
    }

    /// The Hessian times a direction.
    fn bend(&self, direction: &Array1<f64>) -> Array1<f64> {
        let squares = match &self.system.design {
            Some(design) => design.along(&design.image(direction)),
            None => self.system.gram.dot(direction),
        };
        squares + &self.diagonal * direction
    }

    /// What the corrections start from: the inverse of the Hessian where a factor gives it, or of its diagonal.
    fn precondition(&self, q: &Array1<f64>) -> Array1<f64> {
        match &self.lower {
            Some(lower) => cholesky_solve(lower, q.view()),
            None => q / &self.diagonal.mapv(|v| 1.0 + v),
        }
    }
}

struct Correction {
    step: Array1<f64>,
    change: Array1<f64>,
    along: f64,
}

/// The two-loop recursion (Nocedal & Wright, algorithm 7.4).
fn descend(
    corrections: &VecDeque<Correction>,
    objective: &Quadratic<'_>,
    gradient: &Array1<f64>,
) -> Array1<f64> {
    let mut q = -gradient;
    let mut weights = Vec::with_capacity(corrections.len());
    for c in corrections.iter().rev() {
        let weight = c.step.dot(&q) / c.along;
        q.scaled_add(-weight, &c.change);
        weights.push(weight);
    }
    q = objective.precondition(&q);
    for (c, weight) in corrections.iter().zip(weights.iter().rev()) {
        let back = c.change.dot(&q) / c.along;
        q.scaled_add(weight - back, &c.step);
    }
    q
}
