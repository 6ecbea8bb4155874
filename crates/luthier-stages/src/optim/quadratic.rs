//! Quadratic functions with an L1 penalty in a box.

use ndarray::{Array1, ArrayView1};

use super::curvature::Curvature;
use super::region::Region;

/// Newton steps on the free unknowns, each followed by sweeps.
const ROUNDS: usize = 60;

/// Sweeps over all coordinates between two Newton steps.
const SWEEPS: usize = 4;

/// The optimality conditions hold to this part of what they were off at the start.
const ACCURACY: f64 = 1e-10;

/// A direction without curvature along which the penalty changes by more than this part of it is gone along.
const RAY: f64 = 1e-6;

/// `gᵀd + ½ dᵀHd + Σ l1 |u|` in a box, where `d = u − point`: the model of a function around a point.
#[derive(Debug)]
pub(crate) struct Quadratic<'a> {
    pub(crate) curvature: &'a Curvature,
    pub(crate) point: &'a [f64],
    /// `g`.
    pub(crate) slope: ArrayView1<'a, f64>,
    pub(crate) region: &'a Region,
}

impl Quadratic<'_> {
    /// The minimum, by Newton steps on the unknowns that are free to move and coordinate descent that frees and binds
    /// them.
    pub(crate) fn minimise(&self) -> Array1<f64> {
        let clipped = self.point.iter().enumerate().map(|(j, v)| self.region.clip(j, *v));
        let mut u: Array1<f64> = clipped.collect();
        let mut slope = self.slope(&u);
        let enough = ACCURACY * self.violation(&u, &slope, &[]);
        for _ in 0..ROUNDS {
            let settled = self.newton(&mut u, &mut slope);
            if self.violation(&u, &slope, &settled) <= enough {
                break;
            }
            for _ in 0..SWEEPS {
                self.sweep(&mut u, &mut slope);
            }
            slope = self.slope(&u);
            if self.violation(&u, &slope, &[]) <= enough {
                break;
            }
        }
        u
    }

    /// Derivatives of the smooth part.
    fn slope(&self, u: &Array1<f64>) -> Array1<f64> {
        let step = u - &ndarray::aview1(self.point);
        self.curvature.times(step.view()) + self.slope
    }

    /// How far the unknowns are from their conditions, those in `settled` left out.
    fn violation(&self, u: &Array1<f64>, slope: &Array1<f64>, settled: &[usize]) -> f64 {
        let mut settled = settled.iter().peekable();
        let mut worst = 0.0_f64;
        for (j, (u, g)) in u.iter().zip(slope).enumerate() {
            if settled.next_if(|place| **place == j).is_none() {
                worst = worst.max(self.region.violation(j, *u, *g));
            }
        }
        worst
    }

    fn sweep(&self, u: &mut Array1<f64>, slope: &mut Array1<f64>) {
        let hessian = self.curvature.matrix();
        for j in 0..u.len() {
            let curvature = hessian[[j, j]];
            if curvature <= 0.0 {
                continue;
            }
            let target = curvature * u[j] - slope[j];
            let shrunk = (target.abs() - self.region.l1[j]).max(0.0).copysign(target) / curvature;
            let value = self.region.clip(j, if shrunk == 0.0 { 0.0 } else { shrunk });
            let step = value - u[j];
            if step != 0.0 {
                u[j] = value;
                slope.scaled_add(step, &hessian.row(j));
            }
        }
    }

    /// A step to the minimum over the free unknowns, as far as no kink or wall is in the way. The unknowns, ascending,
    /// that are at their minimum afterwards whatever rounding says of their slopes.
    fn newton(&self, u: &mut Array1<f64>, slope: &mut Array1<f64>) -> Vec<usize> {
        let free: Vec<usize> = (0..u.len()).filter(|&j| self.region.is_free(j, u[j])).collect();
        if free.is_empty() {
            return free;
        }
        let downhill: Array1<f64> = free
            .iter()
            .map(|&j| {
                let l1 = self.region.l1[j];
                -slope[j] - if l1 > 0.0 { l1.copysign(u[j]) } else { 0.0 }
            })
            .collect();
        let Some(solved) = self.curvature.solve(&free, &downhill) else { return Vec::new() };
        if let Some(ray) = solved.ray.filter(|ray| self.falls(&free, ray)) {
            self.go_to_kink(u, &free, &ray);
            *slope = self.slope(u);
            return Vec::new();
        }
        let step = &solved.x;
        let mut whole = Array1::zeros(u.len());
        let mut first = 1.0_f64;
        for (&j, s) in free.iter().zip(step) {
            let to = u[j] + s;
            let stop = self.region.until_kink(j, u[j], to);
            if stop != to {
                first = first.min((stop - u[j]) / s);
            }
            whole[j] = stop - u[j];
        }
        if first < 1.0 && self.change(u, slope, &whole) >= 0.0 {
            for (&j, s) in free.iter().zip(step) {
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
        *slope = self.slope(u);
        if first < 1.0 || !solved.is_exact { Vec::new() } else { free }
    }

    /// Whether the L1 penalty makes the function fall along a direction without curvature.
    fn falls(&self, free: &[usize], ray: &Array1<f64>) -> bool {
        let l1 = free.iter().map(|&j| self.region.l1[j]).fold(0.0, f64::max);
        ray.iter().any(|r| r.abs() > RAY * l1) && l1 > 0.0
    }

    /// Goes along a direction to the first kink or wall.
    fn go_to_kink(&self, u: &mut Array1<f64>, free: &[usize], ray: &Array1<f64>) {
        let reach = |(&j, r): (&usize, &f64)| {
            let far = u[j] + r.signum() * 2.0 * (u[j].abs() + 1.0) / f64::EPSILON;
            let stop = self.region.until_kink(j, u[j], far);
            if stop == far || *r == 0.0 { f64::INFINITY } else { (stop - u[j]) / r }
        };
        let first = free.iter().zip(ray).map(reach).fold(f64::INFINITY, f64::min);
        if !first.is_finite() {
            return;
        }
        let stops: Vec<bool> = free.iter().zip(ray).map(|pair| reach(pair) <= first).collect();
        for ((&j, r), stops) in free.iter().zip(ray).zip(stops) {
            let to = self.region.clip(j, u[j] + first * r);
            let at_zero = stops && self.region.l1[j] > 0.0 && to.abs() <= 1e-9 * u[j].abs();
            u[j] = if at_zero { 0.0 } else { to };
        }
    }

    /// What a step adds to the function.
    fn change(&self, u: &Array1<f64>, slope: &Array1<f64>, step: &Array1<f64>) -> f64 {
        let curved = self.curvature.times(step.view()).dot(step);
        let l1: f64 =
            u.iter().zip(step).zip(&self.region.l1).map(|((u, s), l1)| l1 * ((u + s).abs() - u.abs())).sum();
        slope.dot(step) + 0.5 * curved + l1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use luthier_core::linalg;
    use ndarray::{Array2, array};

    fn region(l1: f64, lower: f64, upper: f64, n: usize) -> Region {
        Region { l1: vec![l1; n], lower: vec![lower; n], upper: vec![upper; n] }
    }

    /// `b + H start` is the slope of `½ uᵀHu + bᵀu` at the start.
    fn minimise(
        curvature: &Curvature,
        b: &Array1<f64>,
        region: &Region,
        start: &[f64],
    ) -> (Array1<f64>, f64) {
        let slope = curvature.times(ndarray::aview1(start)) + b;
        let problem = Quadratic { curvature, point: start, slope: slope.view(), region };
        let u = problem.minimise();
        let at = problem.slope(&u);
        let violation = problem.violation(&u, &at, &[]);
        (u, violation)
    }

    #[test]
    fn minima_meet_their_conditions() {
        let hessian = array![[2.0, 0.9, -0.3], [0.9, 1.0, 0.2], [-0.3, 0.2, 0.5]];
        let lower = linalg::cholesky(hessian.view()).unwrap();
        let forms = [Curvature::from_matrix(hessian), Curvature::from_rows(&[lower.t()], &[0.0; 3], 1.0)];
        let b = array![1.0, -2.0, 0.5];
        for (l1, lower, upper) in
            [(0.0, -9.0, 9.0), (0.3, -9.0, 9.0), (5.0, -9.0, 9.0), (0.0, -0.1, 0.2), (0.1, 0.0, 0.3)]
        {
            let region = region(l1, lower, upper, 3);
            for start in [[0.0; 3], [1.0, -1.0, 1.0]] {
                for curvature in &forms {
                    let (u, violation) = minimise(curvature, &b, &region, &start);
                    assert!(violation < 1e-9, "{l1} {lower} {upper}: {u}");
                    assert!(u.iter().all(|u| (lower..=upper).contains(u)));
                }
            }
        }
    }

    #[test]
    fn a_direction_without_curvature_is_left_alone() {
        let b = array![1.0, -1.0];
        let free = region(0.0, f64::NEG_INFINITY, f64::INFINITY, 2);
        let matrix = Curvature::from_matrix(array![[1.0, -1.0], [-1.0, 1.0]]);
        let row = array![[1.0, -1.0]];
        let factor = Curvature::from_rows(&[row.view()], &[0.0; 2], 1.0);
        for (curvature, accuracy) in [(matrix, 1e-6), (factor, 1e-14)] {
            let (u, _) = minimise(&curvature, &b, &free, &[0.0, 0.0]);
            assert!((u[0] + 0.5).abs() < accuracy && (u[1] - 0.5).abs() < accuracy, "{u}");
        }
    }

    /// Of copies with coefficients of opposite signs one is zero at the optimum, however weak the penalty.
    #[test]
    fn copies_do_not_pull_against_each_other() {
        for l1 in [1e-12, 1e-3] {
            let row = array![[1.0, 1.0]];
            let curvature = Curvature::from_rows(&[row.view()], &[0.0; 2], 1.0);
            let region = region(l1, f64::NEG_INFINITY, f64::INFINITY, 2);
            let (u, violation) = minimise(&curvature, &array![-2.0, -2.0], &region, &[5.0, -3.0]);
            assert!(violation <= 1e-3 * l1, "{u} {violation:e}");
            assert!((u[0] - (2.0 - l1)).abs() < 1e-9 && u[1].abs() < 1e-15, "{u}");
        }
    }

    /// The matrix of these rows is singular to rounding, the rows are not.
    #[test]
    fn a_factor_has_the_digits_that_a_matrix_loses() {
        let near = 1e-9;
        let rows: Array2<f64> = array![[1.0, 1.0], [0.0, near]];
        let curvature = Curvature::from_rows(&[rows.view()], &[0.0; 2], 1.0);
        assert!(Curvature::from_matrix(rows.t().dot(&rows)).needs_factor(|_| false));
        let free = region(0.0, f64::NEG_INFINITY, f64::INFINITY, 2);
        // Of `½ |A u − (1, 1)|²` the minimum is `A u = (1, 1)`.
        let b = -rows.t().dot(&array![1.0, 1.0]);
        let (u, _) = minimise(&curvature, &b, &free, &[0.0, 0.0]);
        assert!((near * u[1] - 1.0).abs() < 1e-6 && (u[0] + u[1] - 1.0).abs() < 1e-6, "{u}");
    }
}
