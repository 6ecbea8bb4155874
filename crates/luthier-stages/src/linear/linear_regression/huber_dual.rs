//! Huber regression on few rows, by its dual.
//!
//! On about as many rows as features a model may go through many of them exactly. The scale then tends to zero, where the
//! objective has kinks, and Newton's method crawls. The dual is a quadratic programme in as many unknowns as there are rows:
//! with shares `ω = w/W` of the weight the objective is
//!
//! `max_u Σ ω (u r + σ (1 − u²)/2) + ½ Σ pen_j t_j²`, `|u| ≤ ε`,
//!
//! whose minimum over `t` is at `t_j = Σ ω u x_j / pen_j`, over the intercept where `Σ ω u = 0`, and over `σ` where
//! `Σ ω u² = 1`, or at zero if the sum is less there.

use luthier_core::linalg::{thin_svd, triangular_factor};
use luthier_core::{CancelToken, Dataset, Result};
use ndarray::{Array1, Array2, Axis};

use super::huber::{HuberFit, HuberPoint, HuberProblem, SMALLEST_SCALE, finish};
use crate::optim::{Curvature, Quadratic, Region};

/// Of more rows the dual costs more than it saves.
const MOST_ROWS: u64 = 512;

/// Beyond so many features a penalty this weak takes the place of none: no square matrix of the features is made.
const MANY_FEATURES: usize = 512;
const WEAK: f64 = 1e-8;

/// Penalty on a change of the intercept, and how often at most its origin is moved: every time leaves about this part of
/// what `Σ ω u` was off zero (method of multipliers).
const INTERCEPT: f64 = 1e-4;
const MOVES: usize = 6;

/// Quadratic programmes until the scale is found.
const SCALES: usize = 200;

/// Rows with a positive weight, in units, and the roots of their shares of it.
struct Rows {
    /// Rows × active features.
    x: Array2<f64>,
    y: Array1<f64>,
    root: Array1<f64>,
}

impl HuberProblem {
    /// Whether there are so few rows beside the features that the dual is the better way.
    pub(crate) fn is_of_few_rows(&self, rows: u64) -> bool {
        let is_penalised = self.active.iter().all(|&j| self.penalty[j] > 0.0);
        self.options.max_iter > 0
            && !self.active.is_empty()
            && rows <= MOST_ROWS
            && rows <= 2 * self.active.len() as u64
            && (is_penalised || self.active.len() > MANY_FEATURES)
    }

    /// The minimum on the rows of some columns: features, label, and perhaps weight.
    pub(crate) fn minimise_dual(
        mut self,
        data: &Dataset,
        (features, label, weight): (&str, &str, Option<&str>),
    ) -> Result<HuberFit> {
        if self.options.reg_param == 0.0 {
            self.penalty.fill(WEAK);
        }
        let names: Vec<&str> = [features, label].into_iter().chain(weight).collect();
        let units = &self.units;
        let held = data.gather(
            &names,
            |_| (Vec::new(), Vec::new(), Vec::new()),
            |(x, y, w), tile| {
                let weights = tile.weights(weight)?;
                let labels = tile.numbers(label)?;
                for (i, row) in tile.vectors(features)?.outer_iter().enumerate() {
                    let weight = weights.as_ref().map_or(1.0, |weights| weights[i]);
                    if weight > 0.0 {
                        let unit = |&j: &usize| (row[j] - units.x_origin[j]) * units.x_weight[j];
                        x.extend(self.active.iter().map(unit));
                        y.push((labels[i] - units.y_origin) / units.y_unit);
                        w.push((weight / self.weight_sum).sqrt());
                    }
                }
                Ok(())
            },
        )?;
        let (mut x, mut y, mut root) = (Vec::new(), Vec::new(), Vec::new());
        for (some_x, some_y, some_root) in held {
            x.extend(some_x);
            y.extend(some_y);
            root.extend(some_root);
        }
        let x = Array2::from_shape_vec((y.len(), self.active.len()), x).unwrap_or_default();
        Ok(self.minimise_rows(&Rows { x, y: y.into(), root: root.into() }))
    }

    fn minimise_rows(self, rows: &Rows) -> HuberFit {
        let mut dual = Dual::new(&self, rows);
        let (v, sigma, iterations) = dual.minimise(self.options.epsilon);
        let features = self.penalty.len();
        let mut t = Array1::zeros(features + 1);
        let along = rows.x.t().dot(&(&v * &rows.root));
        for (&j, along) in self.active.iter().zip(&along) {
            t[j] = along / self.penalty[j];
        }
        t[features] = dual.intercept;
        let mut slopes = t.select(Axis(0), &self.active);
        // A weak penalty divides what rounding has left of the sums: the inliers' residuals are known to be σu.
        let inliers: Vec<usize> =
            (0..v.len()).filter(|&i| v[i].abs() < (1.0 - 1e-9) * dual.bound[i]).collect();
        let x = rows.x.select(Axis(0), &inliers);
        let off =
            (&rows.y - &(&v / &rows.root * sigma)).select(Axis(0), &inliers) - x.dot(&slopes) - t[features];
        if let Ok(svd) = thin_svd(x.view()) {
            let least = 1e-10 * svd.values.first().copied().unwrap_or(0.0);
            let inverse = svd.values.mapv(|s| if s > least { 1.0 / s } else { 0.0 });
            slopes += &svd.v.dot(&(svd.u.t().dot(&off) * inverse));
        }
        self.active.iter().zip(&slopes).for_each(|(&j, slope)| t[j] = *slope);
        let residuals = &rows.y - &rows.x.dot(&slopes) - t[features];
        let pull: f64 = self.active.iter().map(|&j| 0.5 * self.penalty[j] * t[j] * t[j]).sum();
        let primal = loss(&residuals, &rows.root, sigma, self.options.epsilon) + pull;
        let start = loss(&rows.y, &rows.root, 1.0, self.options.epsilon);
        // The dual is nowhere above the minimum, so that the gap between the two is no smaller than what is missing.
        let dual = v.dot(&(&rows.y * &rows.root)) - pull + 0.5 * sigma * (1.0 - v.dot(&v));
        let enough = (1e-4 * self.options.tol).clamp(1e-12, 1e-8);
        let epsilon = self.options.epsilon;
        let point = HuberPoint { units: self.units, epsilon, t, sigma };
        let ended = (vec![start, primal], iterations, primal - dual <= enough * start);
        finish(&point, ended, self.options.fit_intercept)
    }
}

/// `Σ ω (σ + H_ε(r/σ) σ) / 2`.
fn loss(residuals: &Array1<f64>, root: &Array1<f64>, sigma: f64, epsilon: f64) -> f64 {
    let each = residuals.iter().zip(root).map(|(r, root)| {
        let z = (r / sigma).abs();
        let h = if z <= epsilon { z * z } else { 2.0 * epsilon * z - epsilon * epsilon };
        0.5 * root * root * (sigma + h * sigma)
    });
    each.sum()
}

/// `½ |A v|² + ½ σ |v|² − √ω (y − c) · v` in a box, for `v = √ω u`.
struct Dual<'a> {
    rows: &'a Rows,
    /// A triangle, or fewer rows.
    factor: Array2<f64>,
    has_intercept: bool,
    /// `c`.
    intercept: f64,
    /// The box's half width.
    bound: Array1<f64>,
    cancel: &'a CancelToken,
}

impl<'a> Dual<'a> {
    fn new(problem: &'a HuberProblem, rows: &'a Rows) -> Self {
        let n = rows.y.len();
        let penalties: Vec<f64> = problem.active.iter().map(|&j| problem.penalty[j].sqrt()).collect();
        let intercept = usize::from(problem.options.fit_intercept);
        let a = Array2::from_shape_fn((penalties.len() + intercept, n), |(j, i)| {
            rows.root[i] * penalties.get(j).map_or(INTERCEPT.sqrt().recip(), |root| rows.x[[i, j]] / root)
        });
        Self {
            rows,
            factor: triangular_factor(a.view()),
            has_intercept: problem.options.fit_intercept,
            intercept: 0.0,
            bound: &rows.root * problem.options.epsilon,
            cancel: &problem.options.cancel,
        }
    }

    /// The maximum for one scale, from a point near it.
    fn at(&mut self, sigma: f64, start: &Array1<f64>) -> Array1<f64> {
        let (rows, n) = (self.rows, start.len());
        let curvature = Curvature::from_rows(&[self.factor.view()], &vec![sigma; n], 1.0);
        let region = Region { l1: vec![0.0; n], lower: (-&self.bound).to_vec(), upper: self.bound.to_vec() };
        let mut v = start.clone();
        for _ in 0..MOVES {
            let point = v.to_vec();
            let slope = curvature.times(v.view()) - &rows.root * &(&rows.y - self.intercept);
            let (slope, cancel) = (slope.view(), self.cancel);
            let model = Quadratic { curvature: &curvature, point: &point, slope, region: &region, cancel };
            v = model.minimise();
            let off = v.dot(&rows.root);
            if !self.has_intercept || off.abs() <= f64::EPSILON || self.cancel.is_cancelled() {
                break;
            }
            self.intercept += off / INTERCEPT;
        }
        v
    }

    /// The maximum, its scale, and how many scales were tried.
    fn minimise(&mut self, epsilon: f64) -> (Array1<f64>, f64, usize) {
        let excess = |v: &Array1<f64>| v.dot(v) - 1.0;
        let mut v = self.at(SMALLEST_SCALE, &Array1::zeros(self.bound.len()));
        let (mut low, mut high) = ((SMALLEST_SCALE.ln(), excess(&v)), (0.0_f64, f64::NAN));
        let mut tried = 1;
        if low.1 <= 0.0 {
            return (v, SMALLEST_SCALE, tried);
        }
        // Above the bound that the label's own size sets no residual weighs more than it is.
        while tried < SCALES && !self.cancel.is_cancelled() {
            v = self.at(high.0.exp(), &v);
            high.1 = excess(&v);
            tried += 1;
            if high.1 <= 0.0 {
                break;
            }
            (low, high.0) = (high, high.0 + epsilon);
        }
        // Regula falsi in the logarithm of the scale, the end that stays halved (Illinois).
        let mut side = 0;
        while tried < SCALES
            && high.0 - low.0 > 1e-14 * low.0.abs().max(1.0)
            && excess(&v).abs() > 1e-14
            && !self.cancel.is_cancelled()
        {
            let straight = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
            let middle = 0.5 * (low.0 + high.0);
            // Far apart the logarithm is halved first.
            let at = if high.0 - low.0 > 4.0 || !straight.is_finite() { middle } else { straight };
            v = self.at(at.exp(), &v);
            tried += 1;
            let found = excess(&v);
            if found > 0.0 {
                low = (at, found);
                high.1 *= if side == 1 { 0.5 } else { 1.0 };
                side = 1;
            } else {
                high = (at, found);
                low.1 *= if side == -1 { 0.5 } else { 1.0 };
                side = -1;
            }
            if found == 0.0 {
                return (v, at.exp(), tried);
            }
        }
        let sigma = (if side == 1 { low.0 } else { high.0 }).exp();
        (v, sigma, tried)
    }
}
