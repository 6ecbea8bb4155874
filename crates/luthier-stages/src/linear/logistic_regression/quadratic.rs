//! Quadratic functions with an L1 penalty in a box.

use luthier_core::linalg;
use ndarray::{Array1, Array2, ArrayView1};

use crate::linear::substitution::cholesky_solve;

/// Newton steps on the free unknowns, each followed by sweeps.
const ROUNDS: usize = 60;

/// Sweeps over all coordinates between two Newton steps.
const SWEEPS: usize = 4;

/// The optimality conditions hold to this part of what they were off at the start.
const ACCURACY: f64 = 1e-10;

/// Where the unknowns may lie and what their magnitudes cost.
#[derive(Debug, Clone)]
pub(super) struct Region {
    /// `l1 |u|` of each.
    pub(super) l1: Vec<f64>,
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
}

impl Region {
    /// How far an unknown with this derivative of the smooth part is from its optimality condition.
    pub(super) fn violation(&self, j: usize, value: f64, slope: f64) -> f64 {
        let (l1, low, high) = (self.l1[j], value <= self.lower[j], value >= self.upper[j]);
        // Derivatives towards smaller and larger values.
        let (left, right) = match value {
            0.0 => (slope - l1, slope + l1),
            v => (slope + l1.copysign(v), slope + l1.copysign(v)),
        };
        let down = if low { 0.0 } else { left.max(0.0) };
        let up = if high { 0.0 } else { (-right).max(0.0) };
        down.max(up)
    }

    fn clip(&self, j: usize, value: f64) -> f64 {
        value.max(self.lower[j]).min(self.upper[j])
    }

    /// Whether small moves both ways cost the same.
    fn is_free(&self, j: usize, value: f64) -> bool {
        (self.l1[j] == 0.0 || value != 0.0) && self.lower[j] < value && value < self.upper[j]
    }

    /// The value nearest to `to` on the way from `from` up to a kink or a wall.
    pub(super) fn until_kink(&self, j: usize, from: f64, to: f64) -> f64 {
        let crossed = self.l1[j] > 0.0 && from * to < 0.0;
        if crossed { self.clip(j, 0.0) } else { self.clip(j, to) }
    }
}

/// `½ uᵀHu + bᵀu + Σ l1 |u|` in a box.
#[derive(Debug)]
pub(super) struct Quadratic<'a> {
    /// Symmetric.
    pub(super) hessian: &'a Array2<f64>,
    pub(super) linear: Array1<f64>,
    pub(super) region: &'a Region,
}

impl Quadratic<'_> {
    /// The minimum, by Newton steps on the unknowns that are free to move and coordinate descent that frees and binds
    /// them.
    pub(super) fn minimise(&self, start: &[f64]) -> Array1<f64> {
        let mut u: Array1<f64> = start.iter().enumerate().map(|(j, v)| self.region.clip(j, *v)).collect();
        let mut slope = self.slope(u.view());
        let enough = ACCURACY * self.violation(&u, &slope);
        for _ in 0..ROUNDS {
            self.newton(&mut u, &mut slope);
            if self.violation(&u, &slope) <= enough {
                break;
            }
            for _ in 0..SWEEPS {
                self.sweep(&mut u, &mut slope);
            }
            slope = self.slope(u.view());
            if self.violation(&u, &slope) <= enough {
                break;
            }
        }
        u
    }

    fn slope(&self, u: ArrayView1<'_, f64>) -> Array1<f64> {
        linalg::matvec(self.hessian.view(), u) + &self.linear
    }

    fn violation(&self, u: &Array1<f64>, slope: &Array1<f64>) -> f64 {
        let each = u.iter().zip(slope).enumerate().map(|(j, (u, g))| self.region.violation(j, *u, *g));
        each.fold(0.0, f64::max)
    }

    fn sweep(&self, u: &mut Array1<f64>, slope: &mut Array1<f64>) {
        for j in 0..u.len() {
            let curvature = self.hessian[[j, j]];
            if curvature <= 0.0 {
                continue;
            }
            let target = curvature * u[j] - slope[j];
            let shrunk = (target.abs() - self.region.l1[j]).max(0.0).copysign(target) / curvature;
            let value = self.region.clip(j, if shrunk == 0.0 { 0.0 } else { shrunk });
            let step = value - u[j];
            if step != 0.0 {
                u[j] = value;
                slope.scaled_add(step, &self.hessian.row(j));
            }
        }
    }

    /// A step to the minimum over the free unknowns, as far as no kink or wall is in the way.
    fn newton(&self, u: &mut Array1<f64>, slope: &mut Array1<f64>) {
        let free: Vec<usize> = (0..u.len()).filter(|&j| self.region.is_free(j, u[j])).collect();
        if free.is_empty() {
            return;
        }
        let downhill: Array1<f64> = free
            .iter()
            .map(|&j| {
                let l1 = self.region.l1[j];
                -slope[j] - if l1 > 0.0 { l1.copysign(u[j]) } else { 0.0 }
            })
            .collect();
        let matrix = if free.len() == u.len() {
            self.hessian.clone()
        } else {
            Array2::from_shape_fn((free.len(), free.len()), |(i, j)| self.hessian[[free[i], free[j]]])
        };
        let Some(step) = solve_positive(matrix, &downhill) else { return };
        let mut whole = Array1::zeros(u.len());
        let mut first = 1.0_f64;
        for (&j, s) in free.iter().zip(&step) {
            let to = u[j] + s;
            let stop = self.region.until_kink(j, u[j], to);
            if stop != to {
                first = first.min((stop - u[j]) / s);
            }
            whole[j] = stop - u[j];
        }
        if first < 1.0 && self.change(u, slope, &whole) >= 0.0 {
            for (&j, s) in free.iter().zip(&step) {
                let to = u[j] + s;
                let stop = self.region.until_kink(j, u[j], to);
                let hit = stop != to && (stop - u[j]) / s <= first;
                whole[j] = if hit { stop - u[j] } else { first * s };
            }
        }
        for &j in &free {
            let to = u[j] + whole[j];
            // What was meant to be zero or at a wall is there exactly.
            u[j] = if whole[j] == -u[j] { 0.0 } else { self.region.clip(j, to) };
        }
        *slope = self.slope(u.view());
    }

    /// What a step adds to the function.
    fn change(&self, u: &Array1<f64>, slope: &Array1<f64>, step: &Array1<f64>) -> f64 {
        let curved = linalg::matvec(self.hessian.view(), step.view()).dot(step);
        let l1: f64 =
            u.iter().zip(step).zip(&self.region.l1).map(|((u, s), l1)| l1 * ((u + s).abs() - u.abs())).sum();
        slope.dot(step) + 0.5 * curved + l1
    }
}

/// Solves a positive semidefinite system; directions without curvature are given a little.
fn solve_positive(mut matrix: Array2<f64>, rhs: &Array1<f64>) -> Option<Array1<f64>> {
    let largest = matrix.diag().iter().fold(0.0_f64, |a, b| a.max(*b));
    if !(largest > 0.0 && largest.is_finite()) {
        return None;
    }
    let mut ridge = 0.0;
    loop {
        if let Some(lower) = linalg::cholesky(matrix.view()) {
            return Some(cholesky_solve(&lower, rhs.view()));
        }
        let more = if ridge == 0.0 { 1e-13 * largest } else { 9.0 * ridge };
        if more > largest {
            return None;
        }
        matrix.diag_mut().iter_mut().for_each(|x| *x += more);
        ridge += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn region(l1: f64, lower: f64, upper: f64, n: usize) -> Region {
        Region { l1: vec![l1; n], lower: vec![lower; n], upper: vec![upper; n] }
    }

    #[test]
    fn minima_meet_their_conditions() {
        let hessian = array![[2.0, 0.9, -0.3], [0.9, 1.0, 0.2], [-0.3, 0.2, 0.5]];
        for (l1, lower, upper) in
            [(0.0, -9.0, 9.0), (0.3, -9.0, 9.0), (5.0, -9.0, 9.0), (0.0, -0.1, 0.2), (0.1, 0.0, 0.3)]
        {
            let region = region(l1, lower, upper, 3);
            let problem = Quadratic { hessian: &hessian, linear: array![1.0, -2.0, 0.5], region: &region };
            for start in [[0.0; 3], [1.0, -1.0, 1.0]] {
                let u = problem.minimise(&start);
                let slope = problem.slope(u.view());
                assert!(problem.violation(&u, &slope) < 1e-9, "{l1} {lower} {upper}: {u}");
                assert!(u.iter().all(|u| (lower..=upper).contains(u)));
            }
        }
    }

    #[test]
    fn a_direction_without_curvature_is_left_alone() {
        let hessian = array![[1.0, -1.0], [-1.0, 1.0]];
        let region = region(0.0, f64::NEG_INFINITY, f64::INFINITY, 2);
        let u =
            Quadratic { hessian: &hessian, linear: array![1.0, -1.0], region: &region }.minimise(&[0.0, 0.0]);
        assert!((u[0] + 0.5).abs() < 1e-6 && (u[1] - 0.5).abs() < 1e-6, "{u}");
    }
}
