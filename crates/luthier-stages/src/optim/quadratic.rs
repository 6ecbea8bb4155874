//! Quadratic functions with an L1 penalty in a box.

use luthier_core::CancelToken;
use ndarray::{Array1, ArrayView1};

use super::basis::Basis;
use super::curvature::Curvature;
use super::region::Region;

/// Steps at most, for each unknown and besides.
const STEPS: (usize, usize) = (10, 100);

/// The optimality conditions hold to this part of what they were off at the start.
const ACCURACY: f64 = 1e-10;

/// What rounding leaves of a derivative, as a part of the terms that it adds up.
const NOISE: f64 = 16.0 * f64::EPSILON;

/// Unknowns that are off their conditions by this part of the worst one are freed with it.
const NEARLY_WORST: f64 = 0.5;

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
    /// Ends the search for the minimum early.
    pub(crate) cancel: &'a CancelToken,
}

impl Quadratic<'_> {
    /// The minimum. Without kinks and walls it is one step, of many the shortest; or else a primal active-set method goes
    /// from face to face (Nocedal and Wright 2006, section 16.5).
    pub(crate) fn minimise(&self) -> Array1<f64> {
        let mut u: Array1<f64> =
            self.point.iter().enumerate().map(|(j, v)| self.region.clip(j, *v)).collect();
        if !self.region.is_smooth() {
            return Face::new(self, u).minimise();
        }
        let free: Vec<usize> = (0..u.len()).filter(|&j| self.region.is_free(j, u[j])).collect();
        let downhill = -self.slope(&u).select(ndarray::Axis(0), &free);
        if let Some(step) = self.curvature.solve(&free, &downhill) {
            free.iter().zip(&step).for_each(|(&j, step)| u[j] += step);
        }
        u
    }

    /// Derivatives of the smooth part.
    fn slope(&self, u: &Array1<f64>) -> Array1<f64> {
        let step = u - &ndarray::aview1(self.point);
        self.curvature.times(step.view()) + self.slope
    }
}

/// A point on a face of the box and of the orthants: the members of the basis move, all others stay.
#[derive(Debug)]
struct Face<'a, 'b> {
    problem: &'a Quadratic<'b>,
    u: Array1<f64>,
    /// Derivatives of the smooth part at `u`.
    slope: Array1<f64>,
    /// What rounding may have made of them.
    noise: f64,
    /// `l1` with the sign that an unknown has, or is about to get.
    pull: Vec<f64>,
    basis: Basis<'a>,
    /// Unknowns that were freed and could not move.
    stuck: Vec<bool>,
}

impl<'a, 'b> Face<'a, 'b> {
    fn new(problem: &'a Quadratic<'b>, u: Array1<f64>) -> Self {
        let region = problem.region;
        let signed = |(l1, u): (&f64, &f64)| if *u == 0.0 { 0.0 } else { l1.copysign(*u) };
        let free: Vec<usize> = (0..u.len()).filter(|&j| region.is_free(j, u[j])).collect();
        let mut face = Self {
            problem,
            slope: Array1::zeros(0),
            noise: 0.0,
            pull: region.l1.iter().zip(&u).map(signed).collect(),
            basis: Basis::new(problem.curvature, &free),
            stuck: vec![false; u.len()],
            u,
        };
        face.refresh();
        face
    }

    fn minimise(mut self) -> Array1<f64> {
        let region = self.problem.region;
        let violations = self.u.iter().zip(&self.slope).enumerate();
        let worst = violations.map(|(j, (u, g))| region.violation(j, *u, *g)).fold(0.0, f64::max);
        for _ in 0..STEPS.0 * self.u.len() + STEPS.1 {
            if self.problem.cancel.is_cancelled() || (!self.descend() && !self.widen(ACCURACY * worst)) {
                break;
            }
        }
        self.u
    }

    fn refresh(&mut self) {
        let step = &self.u - &ndarray::aview1(self.problem.point);
        let bent = self.problem.curvature.times(step.view());
        let largest = |v: ArrayView1<'_, f64>| v.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
        self.noise = NOISE * (largest(bent.view()) + largest(self.problem.slope));
        self.slope = bent + self.problem.slope;
    }

    /// The value nearest to `to` that an unknown can move to on this face.
    fn stop(&self, j: usize, to: f64) -> f64 {
        let to = match self.pull[j] {
            pull if pull > 0.0 => to.max(0.0),
            pull if pull < 0.0 => to.min(0.0),
            _ => to,
        };
        self.problem.region.clip(j, to)
    }

    /// Goes to the minimum over the members; says whether a kink or a wall was in the way. Those that ran into one leave
    /// the basis.
    fn descend(&mut self) -> bool {
        let members = self.basis.members().to_vec();
        let mut step: Vec<f64> = members.iter().map(|&j| -self.slope[j] - self.pull[j]).collect();
        self.basis.solve(&mut step);
        let ways: Vec<(usize, f64, f64)> =
            members.iter().zip(&step).map(|(&j, s)| (j, *s, self.stop(j, self.u[j] + s))).collect();
        let reach = |&(j, s, stop): &(usize, f64, f64)| {
            if stop == self.u[j] + s { f64::INFINITY } else { (stop - self.u[j]) / s }
        };
        let first = ways.iter().map(reach).fold(f64::INFINITY, f64::min);
        if first == f64::INFINITY {
            ways.iter().for_each(|(j, _, stop)| self.u[*j] = *stop);
            self.refresh();
            return false;
        }
        // To the first obstacle, or to where all of them hold what runs into them, if that is lower.
        let mut to_first = self.u.clone();
        let mut to_all = self.u.clone();
        for way @ (j, s, stop) in &ways {
            to_first[*j] = if reach(way) <= first { *stop } else { self.u[*j] + first * s };
            to_all[*j] = *stop;
        }
        let all = first > 0.0 && self.change(&to_all) < self.change(&to_first);
        let held: Vec<usize> =
            ways.iter().filter(|way| reach(way) <= if all { 1.0 } else { first }).map(|way| way.0).collect();
        for j in held {
            self.basis.remove(j);
            self.stuck[j] = first <= 0.0;
        }
        if first > 0.0 {
            self.stuck.fill(false);
        }
        self.u = if all { to_all } else { to_first };
        self.refresh();
        true
    }

    /// What moving to a point of this face adds to the function.
    fn change(&self, to: &Array1<f64>) -> f64 {
        let step = to - &self.u;
        let pull: f64 = step.iter().zip(&self.pull).map(|(s, pull)| s * pull).sum();
        self.slope.dot(&step) + 0.5 * self.problem.curvature.times(step.view()).dot(&step) + pull
    }

    /// At the minimum over the members, frees those others that are off their conditions; says whether there were any.
    fn widen(&mut self, enough: f64) -> bool {
        let region = self.problem.region;
        let mut is_member = vec![false; self.u.len()];
        self.basis.members().iter().for_each(|&j| is_member[j] = true);
        let mut off: Vec<(f64, usize)> = (0..self.u.len())
            .filter(|&j| !is_member[j] && !self.stuck[j])
            .map(|j| (region.violation(j, self.u[j], self.slope[j]), j))
            .filter(|(violation, _)| *violation > enough + self.noise)
            .collect();
        off.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some(&(worst, first)) = off.first() else { return false };
        for (_, j) in off.into_iter().take_while(|(violation, _)| *violation >= NEARLY_WORST * worst) {
            let direction = -region.downhill_slope(j, self.u[j], self.slope[j]).signum();
            let sign = if self.u[j] == 0.0 { direction } else { self.u[j] };
            self.pull[j] = if region.l1[j] > 0.0 { region.l1[j].copysign(sign) } else { 0.0 };
            if !self.basis.add(j) && j == first {
                self.go_along(j, direction, worst);
                break;
            }
        }
        true
    }

    /// The column of an unknown depends on those of the members, so that the function is linear along a line: goes along it
    /// to the first kink or wall.
    fn go_along(&mut self, j: usize, direction: f64, fall: f64) {
        let l1 = self.problem.region.l1.iter().fold(0.0_f64, |a, l1| a.max(*l1));
        let parts = self.basis.parts_of(j);
        let others = self.basis.members().iter().zip(parts).map(|(&i, part)| (i, -direction * part));
        let line: Vec<(usize, f64)> = others.chain([(j, direction)]).collect();
        let reach = |&(i, z): &(usize, f64)| {
            let stop = self.stop(i, f64::INFINITY.copysign(z));
            if z == 0.0 || stop.is_infinite() {
                (f64::INFINITY, stop)
            } else {
                ((stop - self.u[i]) / z, stop)
            }
        };
        let stops: Vec<(f64, f64)> = line.iter().map(reach).collect();
        let first = stops.iter().map(|(reach, _)| *reach).fold(f64::INFINITY, f64::min);
        if fall <= RAY * l1 || l1 == 0.0 || first == f64::INFINITY {
            self.stuck[j] = true;
            return;
        }
        let mut is_held = false;
        for ((i, z), (reach, stop)) in line.into_iter().zip(stops) {
            if reach <= first {
                self.u[i] = stop;
                self.basis.remove(i);
                is_held |= i == j;
            } else {
                self.u[i] += first * z;
            }
        }
        if !is_held {
            self.basis.add(j);
        }
        self.refresh();
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
        let problem =
            Quadratic { curvature, point: start, slope: slope.view(), region, cancel: &CancelToken::never() };
        let u = problem.minimise();
        let at = problem.slope(&u);
        let each = u.iter().zip(&at).enumerate();
        let violation = each.map(|(j, (u, g))| region.violation(j, *u, *g)).fold(0.0, f64::max);
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
            let (one, other) = if u[0] == 0.0 { (u[1], u[0]) } else { (u[0], u[1]) };
            assert!((one - (2.0 - l1)).abs() < 1e-9 && other == 0.0, "{u}");
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
