//! Large linear systems by products alone.

use luthier_core::CancelToken;
use ndarray::{Array1, Zip};

/// Steps between two computations of the residual anew.
const REFRESHED_AFTER: usize = 50;

/// Steps without progress after which there are no more digits.
pub(crate) const PATIENCE: usize = 100;

/// A least-squares problem `½ ‖z − A t‖²`, through rows of `A` or through `AᵀA` and `Aᵀz`.
pub(crate) trait NormalSystem {
    /// `z − A t`, or `Aᵀz − AᵀA t`.
    fn residual(&self, t: &Array1<f64>) -> Array1<f64>;
    /// By how much a direction takes from the residual.
    fn image(&self, direction: &Array1<f64>) -> Array1<f64>;
    /// The downhill slope of a residual.
    fn downhill(&self, residual: &Array1<f64>) -> Array1<f64>;
    /// `‖A d‖²`.
    fn bend(&self, direction: &Array1<f64>, image: &Array1<f64>) -> f64;
    /// The value at a point.
    fn value(&self, t: &Array1<f64>, residual: &Array1<f64>) -> f64;
}

/// Where the steps ended.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) t: Array1<f64>,
    /// Values at the start and after every step.
    pub(crate) history: Vec<f64>,
    pub(crate) converged: bool,
}

/// Conjugate gradients on `½ ‖z − A t‖² + ½ Σ diagonal t²` from zero (Hestenes and Stiefel 1952; the form that keeps the
/// residual, Björck 1996): on a quadratic function the steps of L-BFGS with an exact line search.
///
/// Ends where no entry of the gradient exceeds `tolerance` and what rounding leaves of it, after `limit` steps, or when it is
/// cancelled.
/// `precondition` multiplies by something like the inverse of the Hessian; of many minima it finds the smallest in that
/// measure.
pub(crate) fn conjugate_gradient(
    system: &impl NormalSystem,
    diagonal: &Array1<f64>,
    precondition: impl Fn(&Array1<f64>) -> Array1<f64>,
    tolerance: f64,
    limit: usize,
    cancel: &CancelToken,
) -> Found {
    let mut t = Array1::<f64>::zeros(diagonal.len());
    let mut residual = system.residual(&t);
    let mut downhill = system.downhill(&residual);
    let mut direction = precondition(&downhill);
    let mut slope = downhill.dot(&direction);
    let largest = |v: &Array1<f64>| v.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    let rounding = |t: &Array1<f64>| 8.0 * f64::EPSILON * t.iter().map(|v| v.abs()).sum::<f64>();
    let value =
        |t: &Array1<f64>, residual: &Array1<f64>| system.value(t, residual) + 0.5 * (diagonal * t).dot(t);
    let mut history = vec![value(&t, &residual)];
    let (mut best, mut best_t, mut since) = (largest(&downhill), t.clone(), 0);
    while best > tolerance + rounding(&best_t)
        && history.len() <= limit
        && since < PATIENCE
        && !cancel.is_cancelled()
    {
        let image = system.image(&direction);
        let pull = diagonal * &direction;
        let length = slope / (system.bend(&direction, &image) + direction.dot(&pull));
        if !(length > 0.0 && length.is_finite()) {
            break;
        }
        t.scaled_add(length, &direction);
        if history.len().is_multiple_of(REFRESHED_AFTER) {
            residual = system.residual(&t);
        } else {
            residual.scaled_add(-length, &image);
        }
        downhill = system.downhill(&residual) - diagonal * &t;
        let last = history[history.len() - 1];
        history.push(value(&t, &residual).min(last));
        let scaled = precondition(&downhill);
        let next = downhill.dot(&scaled);
        let size = largest(&downhill);
        since = if size < 0.5 * best { 0 } else { since + 1 };
        if size < best {
            (best, best_t) = (size, t.clone());
        }
        let turn = next / slope;
        Zip::from(&mut direction).and(&scaled).for_each(|d, s| *d = s + turn * *d);
        slope = next;
    }
    // The residual that was carried along may have drifted: what counts is the true one.
    let gradient = largest(&(system.downhill(&system.residual(&best_t)) - diagonal * &best_t));
    Found { converged: gradient <= 4.0 * (tolerance + rounding(&best_t)), t: best_t, history }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `½ Σ (i + 1) t_i² − Σ t_i`.
    struct Diagonal(usize);

    impl Diagonal {
        fn times(&self, t: &Array1<f64>) -> Array1<f64> {
            (0..self.0).map(|i| (i + 1) as f64 * t[i]).collect()
        }
    }

    impl NormalSystem for Diagonal {
        fn residual(&self, t: &Array1<f64>) -> Array1<f64> {
            1.0 - self.times(t)
        }
        fn image(&self, direction: &Array1<f64>) -> Array1<f64> {
            self.times(direction)
        }
        fn downhill(&self, residual: &Array1<f64>) -> Array1<f64> {
            residual.clone()
        }
        fn bend(&self, direction: &Array1<f64>, image: &Array1<f64>) -> f64 {
            direction.dot(image)
        }
        fn value(&self, t: &Array1<f64>, _: &Array1<f64>) -> f64 {
            0.5 * t.dot(&self.times(t)) - t.sum()
        }
    }

    #[test]
    fn steps_end_when_they_are_cancelled() {
        let steps = |cancel: &CancelToken, after: usize| {
            let taken = std::cell::Cell::new(0);
            let count = |slope: &Array1<f64>| {
                taken.set(taken.get() + 1);
                if taken.get() > after {
                    cancel.cancel();
                }
                slope.clone()
            };
            let found = conjugate_gradient(&Diagonal(30), &Array1::zeros(30), count, 1e-12, 1000, cancel);
            (found.history.len() - 1, found.converged)
        };
        let (all, converged) = steps(&CancelToken::never(), 0);
        assert!(converged && (20..=40).contains(&all), "{all}");
        assert_eq!(steps(&CancelToken::new(), 3), (3, false));
        assert_eq!(steps(&CancelToken::new(), 0), (0, false));
    }
}
