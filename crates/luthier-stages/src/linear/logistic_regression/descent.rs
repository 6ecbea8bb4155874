//! The proximal Newton or quasi-Newton descent of one candidate.

use ndarray::{Array1, Array2};

use super::limited_memory::LimitedMemory;
use super::loss::{LossAt, Shape};
use super::quadratic::{Quadratic, Region};
use super::rows::Rows;

/// A decrease this small, as a part of `tol` and of the loss without features, is the last where the Hessian is dear: there
/// are many rows for every unknown, or many unknowns.
const DECREASE_OF_MANY: f64 = 1e-5;

/// The part of the predicted decrease that a step must bring.
const ARMIJO: f64 = 1e-4;

/// Rounding of the objective, relative.
const NOISE: f64 = 64.0 * f64::EPSILON;

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
}

#[derive(Debug)]
pub(super) struct Descent<'a> {
    shape: Shape,
    pub(super) problem: &'a Problem,
    /// Relative decrease that is the last.
    pub(super) enough: f64,
    pub(super) point: Vec<f64>,
    at: Option<LossAt>,
    objective: f64,
    violation: f64,
    /// That of the loss, or what gradients tell of it.
    pub(super) hessian: Option<Array2<f64>>,
    /// In place of a Hessian.
    pub(super) memory: Option<LimitedMemory>,
    /// Times that the Hessian was updated since it was taken.
    pub(super) updates: usize,
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
    /// Derivatives towards which the objective falls.
    downhill: Vec<f64>,
    pub(super) history: Vec<f64>,
    pub(super) done: bool,
    converged: bool,
}

impl<'a> Descent<'a> {
    pub(super) fn new(shape: Shape, problem: &'a Problem, hessian: Option<Array2<f64>>) -> Self {
        Self {
            shape,
            problem,
            enough: DECREASE_OF_MANY * problem.tol,
            point: problem.start.clone(),
            at: None,
            objective: f64::NAN,
            violation: f64::NAN,
            hessian,
            memory: None,
            updates: 0,
            target: Vec::new(),
            step: 1.0,
            trial: None,
            decrease: 0.0,
            decrease_before: f64::NEG_INFINITY,
            expected: 0.0,
            downhill: Vec::new(),
            history: Vec::new(),
            done: false,
            converged: false,
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

    /// Whether updates of the Hessian no longer help.
    pub(super) fn is_stuck(&self) -> bool {
        self.updates >= PATIENCE && self.decrease < LITTLE * self.decrease_before
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
        let invisible = -expected <= NOISE * self.objective.abs();
        let better = match invisible {
            true => violation < self.violation,
            false => objective <= self.objective + ARMIJO * expected,
        };
        if better && objective.is_finite() {
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
            self.stop(true);
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
        if self.history.len() > self.problem.max_iter {
            return self.stop(self.violation == 0.0);
        }
        self.decrease_before = self.decrease;
        match self.memory {
            Some(_) => self.aim_along_gradients(),
            None => self.aim_by_hessian(),
        }
        // A quadratic model's own decrease is at least half of the slope's.
        if !self.decrease.is_finite() {
            return self.stop(false);
        }
        if -0.5 * self.decrease <= self.enough * scale {
            return self.stop(true);
        }
        self.step = 1.0;
        self.ask();
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
    fn aim_by_hessian(&mut self) {
        self.decrease = f64::NAN;
        let (Some(at), Some(hessian)) = (&self.at, &self.hessian) else { return };
        let mut model = hessian.clone();
        model.diag_mut().iter_mut().zip(&self.problem.l2).for_each(|(h, l2)| *h += l2);
        self.anchor(&mut model);
        let slope = self.slope(&self.point, at);
        let here = ndarray::aview1(&self.point);
        let linear = &slope - &luthier_core::linalg::matvec(model.view(), here);
        let region = &self.problem.region;
        let target = Quadratic { hessian: &model, linear, region }.minimise(&self.point);
        let direction = &target - &here;
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
                ways.enumerate().map(|(j, (t, to))| region.until(j, *t, step * (to - t))).collect()
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

    /// A shift that all classes share leaves the loss alone. Where no L2 penalty holds it, it is given some curvature:
    /// as gradients have nothing of it, without an L1 penalty it stays as it is.
    fn anchor(&self, model: &mut Array2<f64>) {
        let (sets, q) = (self.shape.sets, self.shape.width + 1);
        if sets == 1 {
            return;
        }
        for j in 0..q {
            let places: Vec<usize> = (0..sets).map(|k| k * q + j).collect();
            if places.iter().any(|&at| self.problem.l2[at] > 0.0) {
                continue;
            }
            let mean = places.iter().map(|&at| model[[at, at]]).sum::<f64>() / sets as f64;
            let part = if self.problem.region.l1[j] > 0.0 { 1e-6 } else { 1.0 };
            for &a in &places {
                for &b in &places {
                    model[[a, b]] += part * mean / sets as f64;
                }
            }
        }
    }

    /// Learns from the step to `point` (BFGS).
    fn learn(&mut self, point: &[f64], at: &LossAt) {
        self.updates += 1;
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
        }
    }
}
