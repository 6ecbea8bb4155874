use luthier_core::CancelToken;
use luthier_core::linalg::cholesky;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use super::fit::{Fit, FitError, degenerate, spread};
use super::moments::{NormalEquations, Totals};
use super::options::{FitOptions, Solver};
use super::ridge::RidgeFamily;
use super::scaling::{Deviation, Penalty, Spread};
use super::unit::UnitSystem;
use crate::optim::substitution::cholesky_solve;

/// `σ`, in units of the label, never falls below this: residuals that small are rounding.
pub(super) const SMALLEST_SCALE: f64 = 1e-13;

/// Times a step is halved before another direction is tried.
const HALVINGS: usize = 8;

/// Damping, in units of the loss's curvature, beyond which no step makes progress that rounding lets us see.
const STRONGEST_DAMPING: f64 = 1e4;

/// The parameters of a Huber regression.
#[derive(Debug, Clone)]
pub(crate) struct HuberOptions {
    /// `λ ≥ 0`, of the L2 penalty; unlike in squared error it is not divided by the label's deviation.
    pub(crate) reg_param: f64,
    /// Whether an intercept is fitted; it is never penalised.
    pub(crate) fit_intercept: bool,
    /// Whether the penalty counts a coefficient in (sample) standard deviations of its feature.
    pub(crate) standardization: bool,
    /// `ε > 1`: residuals beyond `ε σ` count linearly.
    pub(crate) epsilon: f64,
    /// The fit ends where no gradient entry, in unit coordinates, exceeds `1e-6 · tol` (at least 1e-13).
    pub(crate) tol: f64,
    /// Limit of the Newton steps; 0 answers with the least-squares start.
    pub(crate) max_iter: usize,
    /// Ends iterations early; the fit is then of no use.
    pub(crate) cancel: CancelToken,
}

impl HuberOptions {
    /// Least squares with the same penalty.
    fn squared(&self) -> FitOptions {
        FitOptions {
            reg_param: self.reg_param,
            fit_intercept: self.fit_intercept,
            standardization: self.standardization,
            solver: Solver::Normal,
            cancel: self.cancel.clone(),
            ..FitOptions::default()
        }
    }
}

/// Origin and unit of every column; a constant feature has weight 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HuberUnits {
    /// Origin of each feature.
    pub(crate) x_origin: Array1<f64>,
    /// One over the unit; 0 leaves the feature out.
    pub(crate) x_weight: Array1<f64>,
    /// Origin of the label.
    pub(crate) y_origin: f64,
    /// Unit of the label.
    pub(crate) y_unit: f64,
}

/// Where the sums over the rows are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HuberPoint {
    /// The units of everything else here.
    pub(crate) units: HuberUnits,
    /// Residuals beyond `epsilon · sigma` are outliers.
    pub(crate) epsilon: f64,
    /// Slopes in units, then the intercept at the origin.
    pub(crate) t: Array1<f64>,
    /// `σ` in units of the label.
    pub(crate) sigma: f64,
}

/// Sums over rows at one point: enough for value, gradient and (generalised) Hessian of the objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HuberSums {
    /// `Σ w z zᵀ` over inliers, `z = [x, 1, r]` in units with the residual `r`.
    pub(crate) inliers: Array2<f64>,
    /// `Σ w sign(r) [x, 1]` over outliers.
    pub(crate) signs: Array1<f64>,
    /// `Σ w |r|` over outliers.
    pub(crate) outliers_abs: f64,
    /// `Σ w` over outliers.
    pub(crate) outliers: f64,
}

impl HuberSums {
    /// No rows.
    pub(crate) fn empty(features: usize) -> Self {
        Self {
            inliers: Array2::zeros((features + 2, features + 2)),
            signs: Array1::zeros(features + 1),
            outliers_abs: 0.0,
            outliers: 0.0,
        }
    }

    /// Adds rows: features (rows × features), label and weight.
    pub(crate) fn update(
        &mut self,
        point: &HuberPoint,
        x: ArrayView2<'_, f64>,
        y: ArrayView1<'_, f64>,
        w: ArrayView1<'_, f64>,
    ) {
        let (n, d) = x.dim();
        let units = &point.units;
        let mut z = Array2::<f64>::zeros((n, d + 2));
        for (i, mut z) in z.rows_mut().into_iter().enumerate() {
            let mut r = (y[i] - units.y_origin) / units.y_unit - point.t[d];
            for j in 0..d {
                z[j] = (x[[i, j]] - units.x_origin[j]) * units.x_weight[j];
                r -= z[j] * point.t[j];
            }
            z[d] = 1.0;
            z[d + 1] = r;
            if r.abs() <= point.epsilon * point.sigma {
                z *= w[i].sqrt();
            } else {
                for j in 0..=d {
                    self.signs[j] += w[i] * z[j] * r.signum();
                }
                self.outliers += w[i];
                self.outliers_abs += w[i] * r.abs();
                z.fill(0.0);
            }
        }
        self.inliers += &z.t().dot(&z);
    }

    /// Adds the sums over other rows at the same point.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.inliers += &other.inliers;
        self.signs += &other.signs;
        self.outliers_abs += other.outliers_abs;
        self.outliers += other.outliers;
    }
}

/// A fitted Huber regression.
#[derive(Debug, Clone)]
pub(crate) struct HuberFit {
    pub(crate) fit: Fit,
    /// `σ`: the scale of the residuals that counts as ordinary; 1 for a constant label.
    pub(crate) scale: f64,
}

/// A Huber regression that is not decided yet: its units, and the penalty in them.
#[derive(Debug)]
pub(crate) struct HuberProblem {
    pub(super) units: HuberUnits,
    /// `λ v (s_j/u_j)²`.
    pub(super) penalty: Array1<f64>,
    /// Indices of the slopes that are fitted.
    pub(super) active: Vec<usize>,
    pub(super) weight_sum: f64,
    pub(super) options: HuberOptions,
    spread: Spread,
}

/// What the totals alone tell.
#[derive(Debug)]
pub(crate) enum HuberStart {
    /// The label is constant.
    Fitted(HuberFit),
    /// There is something to minimise.
    Problem(HuberProblem),
}

impl HuberProblem {
    /// From the spread of the columns; `finite` says whether all moments are.
    pub(crate) fn start(
        totals: &Totals,
        finite: bool,
        options: &HuberOptions,
    ) -> Result<HuberStart, FitError> {
        let spread = spread(totals);
        let squared = options.squared();
        let features = totals.x_mean.len();
        // Without varying features there is still a location and a scale to find.
        let constant_label = spread.label(Deviation::Population) == 0.0;
        let free_of_penalty = FitOptions { reg_param: 0.0, ..squared.clone() };
        match degenerate(&free_of_penalty, &spread, totals, finite).transpose()? {
            Some(fit) if constant_label => return Ok(HuberStart::Fitted(HuberFit { fit, scale: 1.0 })),
            _ => {}
        }
        let (w, centred) = (totals.weight_sum, options.fit_intercept);
        let unit =
            |square: f64, mean: f64| ((square + if centred { 0.0 } else { w * mean * mean }) / w).sqrt();
        let y_unit = unit(totals.yy, totals.y_mean);
        let active = spread.active(squared.about());
        let (mut x_weight, mut penalty) = (Array1::zeros(features), Array1::zeros(features));
        let scale = spread.penalty(Deviation::Sample, options.standardization);
        for &j in &active {
            x_weight[j] = 1.0 / unit(totals.xx[j], totals.x_mean[j]);
            penalty[j] = options.reg_param * y_unit * (scale[j] * x_weight[j]).powi(2);
        }
        let units = HuberUnits {
            x_origin: if centred { totals.x_mean.clone() } else { Array1::zeros(features) },
            x_weight,
            y_origin: if centred { totals.y_mean } else { 0.0 },
            y_unit,
        };
        let options = options.clone();
        Ok(HuberStart::Problem(Self { units, penalty, active, weight_sum: w, options, spread }))
    }

    /// Minimises `1/(2W) Σ w (σ + H_ε((xβ+c−y)/σ) σ) + λ/2 Σ (s_j β_j)²` over `β`, `c` and `σ > 0`, with
    /// `H_ε(z) = z²` for `|z| ≤ ε` and `2ε|z| − ε²` beyond (Huber; Owen 2007).
    ///
    /// The objective is jointly convex, so a damped semismooth Newton method started from least squares finds the
    /// minimum in some ten steps. `eval` sums over the rows at a point: once at the start and about once a step.
    pub(crate) fn minimise<E: From<FitError>>(
        self,
        moments: &NormalEquations,
        eval: impl FnMut(&HuberPoint) -> Result<HuberSums, E>,
    ) -> Result<HuberFit, E> {
        let features = self.penalty.len();
        let system = UnitSystem::new(moments, &self.spread, self.options.squared().about());
        let (start, sigma) = least_squares(&system, features)?;
        let point = HuberPoint { units: self.units, epsilon: self.options.epsilon, t: start, sigma };
        let intercept = self.options.fit_intercept.then_some(features);
        let free = self.active.into_iter().chain(intercept).collect();
        let newton = Newton { penalty: self.penalty, free, weight_sum: self.weight_sum, eval };
        newton.minimise(point, &self.options)
    }
}

/// Slopes of the least-squares fit and the root of its mean squared error, in units.
fn least_squares(system: &UnitSystem, features: usize) -> Result<(Array1<f64>, f64), FitError> {
    let none = Penalty { l1: 0.0, l2: 0.0, scale: Array1::ones(system.units.active.len()) };
    let direct = RidgeFamily::default().solve(system, &none).ok_or(FitError::NotFinite)?;
    let mut t = Array1::zeros(features + 1);
    for (i, &j) in system.units.active.iter().enumerate() {
        t[j] = direct.t[i];
    }
    Ok((t, (1.0 - direct.t.dot(&system.rhs)).max(1e-16).sqrt()))
}

struct Newton<F> {
    /// See [`HuberProblem::penalty`].
    penalty: Array1<f64>,
    /// Indices of the slopes (and of the intercept) that are fitted.
    free: Vec<usize>,
    weight_sum: f64,
    eval: F,
}

/// Value, gradient and Hessian at a point, over the free coordinates and `σ` last.
struct Model {
    value: f64,
    gradient: Array1<f64>,
    hessian: Array2<f64>,
}

impl<F> Newton<F> {
    fn model(&self, point: &HuberPoint, sums: &HuberSums) -> Model {
        let (d, w, sigma, epsilon) = (self.penalty.len(), self.weight_sum, point.sigma, point.epsilon);
        let (rr, inside) = (sums.inliers[[d + 1, d + 1]], sums.inliers[[d, d]]);
        let shrink = 1.0 - epsilon * epsilon;
        let ridge: f64 = (0..d).map(|j| 0.5 * self.penalty[j] * point.t[j] * point.t[j]).sum();
        let loss =
            inside * sigma + rr / sigma + sums.outliers * sigma * shrink + 2.0 * epsilon * sums.outliers_abs;
        let size = self.free.len();
        let mut gradient = Array1::zeros(size + 1);
        let mut hessian = Array2::zeros((size + 1, size + 1));
        let extra = |j: usize| if j < d { self.penalty[j] } else { 0.0 };
        for (a, &i) in self.free.iter().enumerate() {
            let slope = sums.inliers[[i, d + 1]] / sigma + epsilon * sums.signs[i];
            gradient[a] = extra(i) * point.t[i] - slope / w;
            for (b, &j) in self.free.iter().enumerate() {
                hessian[[a, b]] = sums.inliers[[i, j]] / (w * sigma);
            }
            hessian[[a, a]] += extra(i);
            let mixed = sums.inliers[[i, d + 1]] / (w * sigma * sigma);
            hessian[[a, size]] = mixed;
            hessian[[size, a]] = mixed;
        }
        gradient[size] = 0.5 / w * (inside - rr / (sigma * sigma) + sums.outliers * shrink);
        hessian[[size, size]] = rr / (w * sigma.powi(3));
        Model { value: 0.5 / w * loss + ridge, gradient, hessian }
    }

    fn minimise<E>(mut self, mut point: HuberPoint, options: &HuberOptions) -> Result<HuberFit, E>
    where
        F: FnMut(&HuberPoint) -> Result<HuberSums, E>,
    {
        let tolerance = (1e-6 * options.tol).max(1e-13);
        let sums = (self.eval)(&point)?;
        let mut model = self.model(&point, &sums);
        let mut history = vec![model.value];
        let (mut iterations, mut damping) = (0, 0.0);
        // A residual is known to ε times the terms it is the difference of, and enters the gradient over sigma.
        let is_steep = |model: &Model, point: &HuberPoint| {
            let size = 1.0 + point.t.iter().map(|t| t.abs()).sum::<f64>();
            violation(model, point.sigma) > tolerance + 16.0 * f64::EPSILON * size / point.sigma
        };
        while iterations < options.max_iter && is_steep(&model, &point) {
            let step = newton_step(&model, point.sigma, damping);
            let descent = step.dot(&model.gradient);
            // Sigma keeps at least a tenth of itself and grows at most tenfold.
            let growth = step[step.len() - 1] / point.sigma;
            let mut length = if growth < 0.0 { (-0.9 / growth).min(1.0) } else { (9.0 / growth).min(1.0) };
            let mut accepted = None;
            for _ in 0..HALVINGS {
                let next = self.moved(&point, &step, length);
                let sums = (self.eval)(&next)?;
                let trial = self.model(&next, &sums);
                let rounding = 1e-13 * model.value.abs();
                let lower = trial.value <= model.value + 1e-4 * length * descent;
                let flat = trial.value <= model.value + rounding
                    && violation(&trial, next.sigma) < violation(&model, point.sigma);
                if lower || flat {
                    accepted = Some((next, trial));
                    break;
                }
                length *= 0.5;
            }
            // Short steps tell that the quadratic model does not reach far: damp the next one.
            damping = if length < 0.1 { (100.0 * damping).max(1e-6) } else { 0.01 * damping };
            let Some((next, trial)) = accepted else {
                if damping > STRONGEST_DAMPING {
                    break;
                }
                continue;
            };
            (point, model) = (next, trial);
            history.push(model.value);
            iterations += 1;
        }
        let ended = (history, iterations, !is_steep(&model, &point));
        Ok(finish(&point, ended, options.fit_intercept))
    }

    fn moved(&self, point: &HuberPoint, step: &Array1<f64>, length: f64) -> HuberPoint {
        let mut next = point.clone();
        for (a, &j) in self.free.iter().enumerate() {
            next.t[j] += length * step[a];
        }
        next.sigma = (point.sigma + length * step[self.free.len()]).max(SMALLEST_SCALE);
        next
    }
}

/// The largest gradient entry; a pull of `σ` against its bound does not count.
fn violation(model: &Model, sigma: f64) -> f64 {
    let last = model.gradient.len() - 1;
    let bound = sigma <= SMALLEST_SCALE;
    let entry = |(a, g): (usize, &f64)| if a == last && bound { (-g).max(0.0) } else { g.abs() };
    model.gradient.iter().enumerate().map(entry).fold(0.0, f64::max)
}

/// The Newton step, damped at least as asked for and enough to exist. In units no curvature of the loss exceeds
/// the order of `1/σ`, which is the scale of the damping.
fn newton_step(model: &Model, sigma: f64, mut damping: f64) -> Array1<f64> {
    let size = model.gradient.len();
    while damping < 1e4 * STRONGEST_DAMPING {
        let mut h = model.hessian.clone();
        // Without inliers the loss is linear in sigma.
        h[[size - 1, size - 1]] = h[[size - 1, size - 1]].max(1e-3 / sigma);
        h.diag_mut().mapv_inplace(|v| v + damping * (v + 1.0 / sigma));
        let unit = h.diag().mapv(|v| 1.0 / v.max(f64::MIN_POSITIVE).sqrt());
        let scaled = Array2::from_shape_fn((size, size), |(i, j)| h[[i, j]] * unit[i] * unit[j]);
        if scaled.iter().all(|v| v.is_finite())
            && let Some(l) = cholesky(scaled.view())
        {
            return -cholesky_solve(&l, (&model.gradient * &unit).view()) * &unit;
        }
        damping = (100.0 * damping).max(1e-9);
    }
    -&model.gradient * sigma
}

/// The fit at a point, with the objectives, the steps, and whether the tolerance was met.
pub(super) fn finish(
    point: &HuberPoint,
    (history, iterations, converged): (Vec<f64>, usize, bool),
    fit_intercept: bool,
) -> HuberFit {
    let units = &point.units;
    let d = units.x_weight.len();
    let coefficients = Array1::from_shape_fn(d, |j| point.t[j] * units.x_weight[j] * units.y_unit);
    let intercept = if fit_intercept {
        units.y_origin + units.y_unit * point.t[d] - coefficients.dot(&units.x_origin)
    } else {
        0.0
    };
    let fit = Fit {
        rank: coefficients.iter().filter(|b| **b != 0.0).count(),
        constant: (0..d).filter(|&j| units.x_weight[j] == 0.0).collect(),
        objective_history: history.iter().map(|v| v * units.y_unit).collect(),
        iterations,
        converged,
        ..Fit::plain(coefficients, intercept)
    };
    HuberFit { fit, scale: point.sigma * units.y_unit }
}
