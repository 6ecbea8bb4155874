//! The proximal Newton or quasi-Newton descent of one candidate.

use luthier_core::CancelToken;
use ndarray::{Array1, Array2};

use super::loss::{LossAt, Shape};
use super::rows::Rows;
use crate::optim::{Curvature, LimitedMemory, Quadratic, Region};

/// A decrease this small, as a part of `tol` and of the loss without features, is the last where the Hessian is dear: there
/// are many rows for every unknown, or many unknowns.
const DECREASE_OF_MANY: f64 = 1e-5;

/// The part of the predicted decrease that a step must bring.
const ARMIJO: f64 = 1e-4;

/// Rounding of the objective, relative.
const NOISE: f64 = 64.0 * f64::EPSILON;

/// Rounding of a score, relative to the sum of the magnitudes that it adds up.
const SCORE_NOISE: f64 = 4.0 * f64::EPSILON;

/// No derivative is smaller than its rounding, about.
const LEAST_TOLERANCE: f64 = 1e-12;

/// Newton steps that leave more than this part of the decrease to be had have come down to rounding: of separated classes
/// one leaves `1/e`.
const STALLED: f64 = 0.5;

/// At rounding a fit has converged if no more than this part of the objective is promised.
const ROUNDED: f64 = 1e-9;

/// A Hessian that was only updated so often is taken anew once it makes little progress.
const PATIENCE: usize = 4;

/// Little progress: the decrease to be had is still more than this part of what it was.
const LITTLE: f64 = 0.1;

/// What one candidate minimises: `loss + Σ ½ l2 t² + Σ l1 |t|` in a box.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) l2: Vec<f64>,
    pub(super) region: Region,
    pub(super) start: Vec<f64>,
    /// See [`Query::offsets`].
    pub(super) offsets: Vec<f64>,
    pub(super) tol: f64,
    pub(super) max_iter: usize,
    /// Ends the search for a step early.
    pub(super) cancel: CancelToken,
}

/// Where a descent ended.
#[derive(Debug)]
pub(super) struct Solution {
    pub(super) point: Vec<f64>,
    pub(super) at: LossAt,
    /// Objectives at the start and after every iteration.
    pub(super) history: Vec<f64>,
    /// Whether the tolerance was met.
    pub(super) converged: bool,
    /// Whether it stopped because rounding hides any further decrease.
    pub(super) at_rounding: bool,
    /// The largest distance of a derivative from its optimality condition.
    pub(super) violation: f64,
    /// Twice the decrease that the quadratic model promised at the end.
    pub(super) decrement: f64,
}

#[derive(Debug)]
pub(super) struct Descent<'a> {
    shape: Shape,
    pub(super) problem: &'a Problem,
    /// Relative decrease that is the last.
    pub(super) enough: f64,
    /// What a derivative may be off its optimality condition at the end.
    pub(super) steepest: f64,
    pub(super) point: Vec<f64>,
    at: Option<LossAt>,
    objective: f64,
    violation: f64,
    /// That of the loss, or what gradients tell of it.
    hessian: Option<Array2<f64>>,
    /// Of the loss and the L2 penalty, where it is known for this point.
    curvature: Option<Curvature>,
    /// Whether products of rows have too few digits, so that every iteration takes a factor of the rows.
    is_factored: bool,
    /// In place of a Hessian.
    pub(super) memory: Option<LimitedMemory>,
    /// Times that the Hessian was updated since it was taken.
    updates: usize,
    /// The minimum of the quadratic model.
    target: Vec<f64>,
    /// How much of the way there is tried.
    step: f64,
    /// The point that is asked for.
    pub(super) trial: Option<Vec<f64>>,
    /// First-order change of the objective on the way to the target.
    decrease: f64,
    /// The same an iteration before.
    decrease_before: f64,
    /// And to the point that is asked for.
    expected: f64,
    /// Whether the last step's decrease was too small to be seen in the objective.
    was_invisible: bool,
    /// Derivatives towards which the objective falls.
    downhill: Vec<f64>,
    pub(super) history: Vec<f64>,
    pub(super) done: bool,
    converged: bool,
    at_rounding: bool,
}

impl<'a> Descent<'a> {
    pub(super) fn new(shape: Shape, problem: &'a Problem, hessian: Option<Array2<f64>>) -> Self {
        Self {
            shape,
            problem,
            enough: DECREASE_OF_MANY * problem.tol,
            steepest: problem.tol.max(LEAST_TOLERANCE),
            point: problem.start.clone(),
            at: None,
            objective: f64::NAN,
            violation: f64::NAN,
            hessian,
            curvature: None,
            is_factored: false,
            memory: None,
            updates: 0,
            target: Vec::new(),
            step: 1.0,
            trial: None,
            decrease: 0.0,
            decrease_before: f64::NEG_INFINITY,
            expected: 0.0,
            was_invisible: false,
            downhill: Vec::new(),
            history: Vec::new(),
            done: false,
            converged: false,
            at_rounding: false,
        }
    }

    /// A descent without Hessian. Near the start its diagonal is about `p(1−p)` in standardised features.
    pub(super) fn limited(rows: &Rows, shape: Shape, problem: &'a Problem) -> Self {
        let share = |class: usize| {
            let weight = rows.class_weights.get(class).copied().unwrap_or(0.0);
            (weight / rows.weight_sum).clamp(1e-3, 0.5)
        };
        let diagonal = problem.l2.iter().enumerate().map(|(at, l2)| {
            let set = at / (shape.width + 1);
            let p = if shape.sets == 1 { share(0).min(share(1)) } else { share(set) };
            p * (1.0 - p) + l2
        });
        let memory = LimitedMemory::new(diagonal.collect());
        Self { memory: Some(memory), ..Self::new(shape, problem, None) }
    }

    fn penalty(&self, point: &[f64]) -> f64 {
        let terms = point.iter().zip(&self.problem.l2).zip(&self.problem.region.l1);
        terms.map(|((t, l2), l1)| 0.5 * l2 * t * t + l1 * t.abs()).sum()
    }

    /// Derivatives of the smooth part: loss and L2 penalty.
    fn slope(&self, point: &[f64], at: &LossAt) -> Array1<f64> {
        at.gradient.iter().zip(point).zip(&self.problem.l2).map(|((g, t), l2)| g + l2 * t).collect()
    }

    fn violation_at(&self, point: &[f64], at: &LossAt) -> f64 {
        let slope = self.slope(point, at);
        let each = point.iter().zip(&slope).enumerate();
        each.map(|(j, (t, g))| self.problem.region.violation(j, *t, *g)).fold(0.0, f64::max)
    }

    /// Whether the Hessian is to be taken at this point: there is none, or its updates no longer help.
    pub(super) fn wants_hessian(&self) -> bool {
        let is_stuck = self.updates >= PATIENCE && self.decrease < LITTLE * self.decrease_before;
        self.hessian.is_none() || self.is_factored || is_stuck
    }

    pub(super) fn set_hessian(&mut self, hessian: Array2<f64>) {
        self.hessian = Some(hessian);
        self.updates = 0;
    }

    /// Takes the quadratic model from the Hessian. A Hessian that is new and turns out to have too few digits is replaced
    /// by `hessian` and `factor`, those of the rows at this point, where the factor is known to `offset · ε`.
    pub(super) fn bend(
        &mut self,
        hessian: impl FnOnce(&[f64]) -> Array2<f64>,
        factor: impl FnOnce(&[f64]) -> Array2<f64>,
        offset: f64,
    ) {
        let mut curvature = self.curvature_of_hessian();
        let (lower, upper) = (&self.problem.region.lower, &self.problem.region.upper);
        let held = |j: usize| lower[j] == upper[j];
        if self.is_factored || (self.updates == 0 && curvature.as_ref().is_some_and(|c| c.needs_factor(held)))
        {
            if !self.is_factored {
                self.set_hessian(hessian(&self.point));
            }
            self.is_factored = true;
            let anchors = self.anchors();
            let factor = factor(&self.point);
            let rows = [factor.view(), anchors.view()];
            curvature = Some(Curvature::from_rows(&rows, &self.problem.l2, offset));
        }
        self.curvature = curvature;
    }

    fn curvature_of_hessian(&self) -> Option<Curvature> {
        let mut model = self.hessian.clone()?;
        model.diag_mut().iter_mut().zip(&self.problem.l2).for_each(|(h, l2)| *h += l2);
        let anchors = self.anchors();
        if anchors.nrows() > 0 {
            model += &anchors.t().dot(&anchors);
        }
        Some(Curvature::from_matrix(model))
    }

    /// Takes the loss at the point that was asked for; says whether the descent is there now.
    pub(super) fn receive(&mut self, at: LossAt) -> bool {
        let point = self.trial.take();
        let here = point.as_deref().unwrap_or(&self.point);
        let objective = at.loss + self.penalty(here);
        let violation = self.violation_at(here, &at);
        let Some(point) = point else {
            self.objective = objective;
            self.violation = violation;
            self.history.push(objective);
            self.at = Some(at);
            return true;
        };
        let expected = self.expected;
        let invisible = -expected <= self.noise();
        let better = match invisible {
            true => violation < self.violation || self.levels_off(&point, &at),
            false => objective <= self.objective + ARMIJO * expected,
        };
        if better && objective.is_finite() {
            self.was_invisible = invisible;
            self.learn(&point, &at);
            self.point = point;
            self.objective = objective;
            self.violation = violation;
            self.history.push(objective);
            self.at = Some(at);
            return true;
        }
        if invisible {
            // There are no more digits.
            self.stop_at_rounding();
            return false;
        }
        // The parabola through the values and the slope has its minimum there.
        let excess = objective - self.objective - expected;
        let shrink = if excess.is_finite() { (-0.5 * expected / excess).clamp(0.1, 0.5) } else { 0.1 };
        self.step *= shrink;
        if self.step < 1e-12 {
            self.stop(false);
            return false;
        }
        self.ask();
        false
    }

    /// Asks for the next point.
    pub(super) fn propose(&mut self, scale: f64) {
        self.decrease_before = self.decrease;
        match self.memory {
            Some(_) => self.aim_along_gradients(),
            None => self.aim_by_curvature(),
        }
        if !self.decrease.is_finite() {
            return self.stop(false);
        }
        // A quadratic model's own decrease is at least half of the slope's.
        let promised = -0.5 * self.decrease;
        // Of separated classes the loss has no least value to be near to but zero, if there is no penalty.
        let is_zero = self.objective <= self.enough * scale && self.penalty(&self.point) == 0.0;
        let is_enough =
            promised <= self.enough * scale && (is_zero || promised <= self.enough * self.objective);
        if is_enough && self.violation <= self.steepest {
            return self.stop(true);
        }
        if self.history.len() > self.problem.max_iter {
            return self.stop(false);
        }
        if self.memory.is_none() && self.was_invisible && self.decrease < STALLED * self.decrease_before {
            return self.stop_at_rounding();
        }
        self.step = 1.0;
        self.ask();
    }

    /// What rounding may add to the objective: scores of nearly dependent features are small sums of large numbers.
    fn noise(&self) -> f64 {
        let size: f64 = self.point.iter().map(|t| t.abs()).sum();
        NOISE * self.objective.abs() + SCORE_NOISE * size * self.objective.abs().min(1.0)
    }

    /// Whether the derivative along the step to `point` has come near zero, where values are too coarse to tell.
    fn levels_off(&self, point: &[f64], at: &LossAt) -> bool {
        if self.memory.is_some() {
            return false;
        }
        let slope = self.slope(point, at);
        let l1 = &self.problem.region.l1;
        let along: f64 = (0..point.len())
            .map(|j| (point[j] - self.point[j], l1[j].copysign(point[j]), slope[j]))
            .map(|(step, l1, slope)| step * (slope + l1))
            .sum();
        along.abs() <= (1.0 - 2.0 * ARMIJO) * -self.expected
    }

    /// A quasi-Newton step in the orthant of the signs.
    fn aim_along_gradients(&mut self) {
        let (Some(at), Some(memory)) = (&self.at, &self.memory) else { return };
        let region = &self.problem.region;
        let slope = self.slope(&self.point, at);
        let pairs = self.point.iter().zip(&slope).enumerate();
        let downhill: Vec<f64> = pairs.map(|(j, (t, g))| region.downhill_slope(j, *t, *g)).collect();
        let direction = memory.direction(&downhill);
        self.decrease = direction.iter().zip(&downhill).map(|(d, g)| d * g).sum();
        self.target = self.point.iter().zip(&direction).map(|(t, d)| t + d).collect();
        self.downhill = downhill;
    }

    /// The minimum of the quadratic model.
    fn aim_by_curvature(&mut self) {
        self.decrease = f64::NAN;
        let (Some(at), Some(curvature)) = (&self.at, &self.curvature) else { return };
        let slope = self.slope(&self.point, at);
        let region = &self.problem.region;
        let model = Quadratic {
            curvature,
            point: &self.point,
            slope: slope.view(),
            region,
            cancel: &self.problem.cancel,
        };
        let mut target = model.minimise().to_vec();
        for j in (0..self.shape.width).filter(|j| self.shape.sets > 1 && region.l1[*j] > 0.0) {
            // The anchors hold back a shift that all classes share, and the loss does not tell how far it should go.
            if self.problem.l2[j] == 0.0 {
                self.shape.centre(&mut target, region, j);
            }
        }
        let target = Array1::from(target);
        let direction = &target - &ndarray::aview1(&self.point);
        let l1: f64 = target
            .iter()
            .zip(&self.point)
            .zip(&region.l1)
            .map(|((to, from), l1)| l1 * (to.abs() - from.abs()))
            .sum();
        self.decrease = slope.dot(&direction) + l1;
        self.target = target.to_vec();
    }

    fn ask(&mut self) {
        let region = &self.problem.region;
        let ways = self.point.iter().zip(&self.target);
        let trial: Vec<f64> = match (&self.memory, self.step) {
            (Some(_), step) => {
                ways.enumerate().map(|(j, (t, to))| region.until_kink(j, *t, t + step * (to - t))).collect()
            }
            // A whole step ends on kinks and walls exactly.
            (None, 1.0) => self.target.clone(),
            (None, step) => ways.map(|(t, to)| t + step * (to - t)).collect(),
        };
        self.expected = match self.memory {
            Some(_) => {
                let moves = trial.iter().zip(&self.point).zip(&self.downhill);
                moves.map(|((to, t), g)| g * (to - t)).sum()
            }
            None => self.step * self.decrease,
        };
        self.trial = Some(trial);
    }

    fn stop(&mut self, converged: bool) {
        self.done = true;
        self.converged = converged;
    }

    /// The descent has come to where rounding hides the rest: it has converged if its derivatives and what the quadratic
    /// model still promises say so.
    fn stop_at_rounding(&mut self) {
        let is_done = -0.5 * self.decrease <= ROUNDED * self.objective.abs();
        self.stop(is_done && self.violation <= self.steepest);
        self.at_rounding = true;
    }

    /// A shift that all classes share leaves the loss alone. Where no L2 penalty holds it, these rows give it some
    /// curvature: as gradients have nothing of it, without kinks and walls it stays as it is.
    fn anchors(&self) -> Array2<f64> {
        let (sets, q) = (self.shape.sets, self.shape.width + 1);
        let unknowns = self.shape.unknowns();
        let mut rows = Vec::new();
        if let (Some(hessian), true) = (&self.hessian, sets > 1) {
            for j in 0..q {
                let places = || (0..sets).map(move |k| k * q + j);
                if places().any(|at| self.problem.l2[at] > 0.0) {
                    continue;
                }
                let mean = places().map(|at| hessian[[at, at]]).sum::<f64>() / sets as f64;
                // Towards kinks and walls the shift must be free to move.
                let region = &self.problem.region;
                let is_bounded = |at: usize| {
                    let (lower, upper) = (region.lower[at], region.upper[at]);
                    region.l1[at] > 0.0 || (lower < upper && (lower.is_finite() || upper.is_finite()))
                };
                let part = if places().any(is_bounded) { 1e-8 } else { 1.0 };
                let start = rows.len();
                rows.resize(start + unknowns, 0.0);
                places().for_each(|at| rows[start + at] = (part * mean / sets as f64).sqrt());
            }
        }
        Array2::from_shape_vec((rows.len() / unknowns.max(1), unknowns), rows)
            .unwrap_or_else(|_| Array2::zeros((0, unknowns)))
    }

    /// Learns from the step to `point` (BFGS).
    fn learn(&mut self, point: &[f64], at: &LossAt) {
        self.updates += 1;
        if self.is_factored {
            return;
        }
        if let (Some(before), true) = (&self.at, self.memory.is_some()) {
            let s: Vec<f64> = point.iter().zip(&self.point).map(|(a, b)| a - b).collect();
            let y = &self.slope(point, at) - &self.slope(&self.point, before);
            if let Some(memory) = &mut self.memory {
                memory.update(s, y.to_vec());
            }
        }
        let (Some(hessian), Some(before)) = (&mut self.hessian, &self.at) else { return };
        let s: Array1<f64> = point.iter().zip(&self.point).map(|(a, b)| a - b).collect();
        let y: Array1<f64> = at.gradient.iter().zip(&before.gradient).map(|(a, b)| a - b).collect();
        let hs = luthier_core::linalg::matvec(hessian.view(), s.view());
        let (along, curvature) = (s.dot(&y), s.dot(&hs));
        // Of differences that are mostly rounding nothing is to be learned.
        if !(along > 1e-10 * curvature && curvature > 0.0) {
            return;
        }
        for ((mut row, y_i), h_i) in hessian.rows_mut().into_iter().zip(&y).zip(&hs) {
            let (a, b) = (y_i / along, h_i / curvature);
            row.iter_mut().zip(&y).zip(&hs).for_each(|((h, y_j), h_j)| *h += a * y_j - b * h_j);
        }
    }

    pub(super) fn finish(self) -> Solution {
        let nothing = || LossAt { loss: f64::NAN, gradient: Vec::new(), accuracy: f64::NAN };
        Solution {
            at: self.at.unwrap_or_else(nothing),
            point: self.point,
            history: self.history,
            converged: self.converged,
            at_rounding: self.at_rounding,
            violation: self.violation,
            decrement: -self.decrease,
        }
    }
}
