use luthier_core::CancelToken;
use ndarray::{Array1, Array2, Axis};

use super::design::Design;
use super::fit::Iterated;
use super::lasso_path::{LassoPath, add_rows};
use super::options::FitOptions;
use super::scaling::Penalty;
use super::ties::{flat_directions, flat_directions_of_rows, smallest_of_tied};
use super::unit::UnitSystem;
use crate::optim::{Curvature, NormalSystem, Quadratic, Region};

/// Rungs of the ladder at most: below `2⁻⁴⁰` of the largest useful penalty a fit starts from the last rung.
const RUNGS: usize = 40;

/// Sweeps over the active coordinates between two sweeps over all.
const INNER_SWEEPS: usize = 20;

/// A lasso on more features is not looked up on its path: a walk costs as their cube, too much for a single fit.
/// Measured: with 200 features 3 ms instead of 1 for one fit and 9 ms instead of 24 for 100; with 1000 features
/// 600 ms instead of 40, and 0.75 s instead of 1.3.
const PATH_FEATURES: usize = 256;

/// A step this small in units of the penalty is left to the polish.
const SETTLED: f64 = 1e-2;

/// A feature whose correlation is this close to the penalty, as a part of it, may take part in a tie.
const AS_LARGE: f64 = 1e-9;

/// Features of which less than this is their own may be tied.
const OWN_PART: f64 = 1e-5;

/// On rows that are not multiplied out an active set of more features is left to the descent.
const POLISHED_FEATURES: usize = 1024;

/// Elastic nets with one mixture `α` on one system, for any strength of the penalty.
///
/// Lassos on a Gram matrix of few features lie on a [`LassoPath`]. The others are found by coordinate descent, with covariance
/// updates on a Gram matrix and residual updates on a design, warm-started down a ladder of penalties `l1_max / 2ᵏ`.
/// Path and ladder follow from the data and `α` alone and a fit branches off them, so the other fits of a grid
/// cannot change a bit.
#[derive(Debug)]
pub(super) struct PenaltyPath {
    scale: Array1<f64>,
    /// `l2 / l1`.
    ratio: f64,
    /// The smallest `l1` for which all coefficients are zero.
    l1_max: f64,
    /// Solutions at `l1_max/2`, `l1_max/4`, …
    rungs: Vec<Array1<f64>>,
    /// Of a lasso on a Gram matrix.
    lasso: Option<LassoPath>,
}

impl PenaltyPath {
    pub(super) fn new(system: &UnitSystem, scale: &Array1<f64>, ratio: f64) -> Self {
        let l1_max = system.rhs.iter().zip(scale).map(|(b, p)| b.abs() / p).fold(0.0, f64::max);
        Self { scale: scale.clone(), ratio, l1_max, rungs: Vec::new(), lasso: None }
    }

    /// Whether the other path has the same mixture in the same units.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.ratio == other.ratio && self.scale == other.scale
    }

    /// The minimum at one penalty: the optimality conditions hold to about 1e-13 for `tol ≤ 1e-6`.
    /// Of the options it takes `tol`, `max_iter` and `cancel`: `max_iter` counts the sweeps over all coordinates at this penalty;
    /// 0 answers with zero coefficients.
    pub(super) fn solve(&mut self, system: &UnitSystem, penalty: &Penalty, options: &FitOptions) -> Iterated {
        let FitOptions { tol, max_iter, ref cancel, .. } = *options;
        let zero = Array1::zeros(system.rhs.len());
        let mut state = Descent::new(system, penalty, zero.clone(), cancel);
        let mut history = vec![state.objective()];
        let (mut iterations, mut converged) = (0, false);
        let enough = (1e-7 * tol).max(1e-13);
        if max_iter > 0 {
            if let Some((on_path, pivot)) = self.on_lasso_path(system, penalty, enough, cancel) {
                let (mut on_path, mut pivot) = (on_path, pivot);
                history.push(on_path.objective());
                on_path.settle_ties(&mut pivot, enough);
                return Iterated { t: on_path.t, history, iterations: 1, converged: true, pivot };
            }
            let start = self.start(system, penalty.l1, cancel).unwrap_or(zero);
            state = Descent::new(system, penalty, start, cancel);
        }
        while iterations < max_iter && !converged && !cancel.is_cancelled() {
            let (before, last) = (state.t.clone(), state.objective());
            iterations += 1;
            state.sweeps();
            state.polish();
            let value = state.objective();
            history.push(value.min(last));
            if value > last + state.rounding() {
                // There are no more digits.
                state.t = before;
                converged = true;
            } else {
                converged = state.violation() <= enough + state.rounding();
            }
        }
        let is_lasso = penalty.l2 == 0.0;
        let mut pivot =
            if system.design.is_none() || is_lasso { state.smallest_pivot_of(&state.active()) } else { 1.0 };
        if converged && is_lasso {
            state.settle_ties(&mut pivot, enough);
        }
        Iterated { t: state.t, history, iterations, converged, pivot }
    }

    /// The solution of a lasso and the smallest pivot of its active set, from the path of all its solutions.
    fn on_lasso_path<'a>(
        &mut self,
        system: &'a UnitSystem,
        penalty: &Penalty,
        enough: f64,
        cancel: &'a CancelToken,
    ) -> Option<(Descent<'a>, f64)> {
        if self.ratio > 0.0 || system.design.is_some() || self.scale.len() > PATH_FEATURES {
            return None;
        }
        let path = self.lasso.get_or_insert_with(|| LassoPath::new(system, &self.scale));
        let mut state = Descent::new(system, penalty, path.at(penalty.l1)?, cancel);
        if state.violation() > 0.1 * enough + state.rounding() {
            path.refine(&mut state.t, state.g.view(), penalty.l1);
            state.refresh();
        }
        (state.violation() <= enough + state.rounding()).then(|| (state, path.smallest_pivot()))
    }

    /// The solution on the rung just above a penalty.
    fn start(&mut self, system: &UnitSystem, l1: f64, cancel: &CancelToken) -> Option<Array1<f64>> {
        let rung = |k: usize| self.l1_max / 2.0_f64.powi(k as i32);
        let above = (1..=RUNGS).take_while(|&k| rung(k) > l1).count();
        for k in self.rungs.len()..above {
            let l1 = rung(k + 1);
            let penalty = Penalty { l1, l2: self.ratio * l1, scale: self.scale.clone() };
            let start = self.rungs.last().cloned().unwrap_or_else(|| Array1::zeros(system.rhs.len()));
            let mut state = Descent::new(system, &penalty, start, cancel);
            for _ in 0..INNER_SWEEPS {
                state.sweeps();
                if state.violation() <= 1e-3 * l1 || cancel.is_cancelled() {
                    break;
                }
            }
            self.rungs.push(state.t);
        }
        above.checked_sub(1).map(|k| self.rungs[k].clone())
    }
}

/// One point of the descent on `½ tᵀGt − bᵀt + ½ l2 Σ (p t)² + l1 Σ p|t|`.
struct Descent<'a> {
    system: &'a UnitSystem,
    /// `l1 p`.
    l1: Array1<f64>,
    /// `l2 p²`.
    l2: Array1<f64>,
    t: Array1<f64>,
    /// Correlations of the features with the residual, `b − G t`; kept up to date without a design.
    g: Array1<f64>,
    /// `z − A t` of a design.
    residual: Array1<f64>,
    cancel: &'a CancelToken,
}

impl<'a> Descent<'a> {
    fn new(system: &'a UnitSystem, penalty: &Penalty, t: Array1<f64>, cancel: &'a CancelToken) -> Self {
        let g = Array1::zeros(t.len());
        let l1 = penalty.scale.mapv(|p| p * penalty.l1);
        let residual = Array1::zeros(0);
        let mut state = Self { system, l1, l2: penalty.diagonal(), t, g, residual, cancel };
        state.refresh();
        state
    }

    fn active(&self) -> Vec<usize> {
        (0..self.t.len()).filter(|&j| self.t[j] != 0.0).collect()
    }

    fn correlation(&self, j: usize) -> f64 {
        match &self.system.design {
            Some(design) => design.dot(j, &self.residual),
            None => self.g[j],
        }
    }

    /// Computes the correlations or residuals anew, free of what the updates have gathered.
    fn refresh(&mut self) {
        if let Some(design) = &self.system.design {
            self.residual = design.residual(&self.t);
            return;
        }
        let active = self.active();
        let weights: Vec<f64> = active.iter().map(|&j| -self.t[j]).collect();
        self.g.assign(&self.system.rhs);
        if 2 * active.len() > self.t.len() {
            self.g -= &self.system.gram.dot(&self.t);
        } else if let Some(g) = self.g.as_slice_mut() {
            add_rows(g, &self.system.gram, 0, &active, &weights);
        }
    }

    /// Minimises over one coordinate and says whether it moved so far that others may change their signs.
    fn update(&mut self, j: usize) -> bool {
        let target = self.correlation(j) + self.t[j];
        let shrunk = (target.abs() - self.l1[j]).max(0.0).copysign(target) / (1.0 + self.l2[j]);
        let shrunk = if shrunk == 0.0 { 0.0 } else { shrunk };
        let step = shrunk - self.t[j];
        if step == 0.0 {
            return false;
        }
        self.t[j] = shrunk;
        match &self.system.design {
            Some(design) => design.subtract(j, step, &mut self.residual),
            None => self.g.scaled_add(-step, &self.system.gram.row(j)),
        }
        step.abs() > SETTLED * self.l1[j]
    }

    /// One sweep over all coordinates, then some over the active ones.
    fn sweeps(&mut self) {
        for j in 0..self.t.len() {
            self.update(j);
        }
        let active = self.active();
        for _ in 0..INNER_SWEEPS {
            let moved = active.iter().filter(|&&j| self.update(j)).count() > 0;
            if !moved || self.cancel.is_cancelled() {
                break;
            }
        }
        self.refresh();
    }

    /// The Gram matrix of some features; `None` where it would take too long to make it.
    fn gram_of(&self, chosen: &[usize]) -> Option<Array2<f64>> {
        match &self.system.design {
            Some(_) if chosen.len() > POLISHED_FEATURES => None,
            Some(design) => Some(design.gram_of(chosen)),
            None => {
                let gram = &self.system.gram;
                let entry = |(a, b): (usize, usize)| gram[[chosen[a], chosen[b]]];
                Some(Array2::from_shape_fn((chosen.len(), chosen.len()), entry))
            }
        }
    }

    /// How far coordinate `j` is from its optimality condition.
    fn violation_of(&self, j: usize) -> f64 {
        let correlation = self.correlation(j);
        match self.t[j] {
            0.0 => (correlation.abs() - self.l1[j]).max(0.0),
            t => (correlation - self.l2[j] * t - self.l1[j].copysign(t)).abs(),
        }
    }

    fn violation(&self) -> f64 {
        (0..self.t.len()).map(|j| self.violation_of(j)).fold(0.0, f64::max)
    }

    /// What rounding leaves of the optimality conditions at best.
    fn rounding(&self) -> f64 {
        16.0 * f64::EPSILON * self.t.iter().map(|t| t.abs()).sum::<f64>()
    }

    fn objective(&self) -> f64 {
        let residual = if self.system.design.is_some() { &self.residual } else { &self.g };
        let terms = self.t.iter().zip(&self.l1).zip(&self.l2);
        let penalty: f64 = terms.map(|((t, l1), l2)| l1 * t.abs() + 0.5 * l2 * t * t).sum();
        self.system.value(&self.t, residual) + penalty
    }

    /// The smallest pivot of the penalised Gram matrix of some features, in columns of unit diagonal.
    fn smallest_pivot_of(&self, features: &[usize]) -> f64 {
        self.curvature_of(features).map_or(0.0, |curvature| curvature.smallest_pivot().min(1.0))
    }

    /// Goes from a solution of a lasso to the smallest of all solutions. `pivot`, of the active set, becomes that of
    /// all features that could be in it.
    fn settle_ties(&mut self, pivot: &mut f64, enough: f64) {
        let margin = |state: &Self, j: usize| AS_LARGE * state.l1[j] + 2.0 * (enough + state.rounding());
        let could_be = |&j: &usize| self.correlation(j).abs() >= self.l1[j] - margin(self, j);
        let tied: Vec<usize> = (0..self.t.len()).filter(could_be).collect();
        if self.active() != tied {
            *pivot = pivot.min(self.smallest_pivot_of(&tied));
        }
        if *pivot >= OWN_PART {
            return;
        }
        let flat = match self.system.design.as_ref().and_then(Design::dense) {
            Some(features) => flat_directions_of_rows(features.select(Axis(0), &tied).view()),
            None => self.gram_of(&tied).and_then(|gram| flat_directions(gram.view())),
        };
        let signs = tied.iter().map(|&j| self.correlation(j).signum()).collect();
        let of_tied = |all: &Array1<f64>| all.select(Axis(0), &tied);
        let found =
            flat.and_then(|flat| smallest_of_tied(&of_tied(&self.t), &signs, &of_tied(&self.l1), &flat));
        let Some(found) = found else { return };
        let before = self.t.clone();
        tied.iter().zip(found).for_each(|(&j, t)| self.t[j] = t);
        self.refresh();
        if self.violation() > 10.0 * (enough + self.rounding()) {
            self.t = before;
            self.refresh();
        }
    }

    /// The second derivatives over some features; `None` where it would take too long to make them.
    fn curvature_of(&self, chosen: &[usize]) -> Option<Curvature> {
        let l2 = self.l2.select(Axis(0), chosen);
        if let Some(features) = self.system.design.as_ref().and_then(Design::dense) {
            let rows = features.select(Axis(0), chosen);
            return Some(Curvature::from_rows(&[rows.t()], &l2.to_vec(), 1.0));
        }
        let mut gram = self.gram_of(chosen)?;
        gram.diag_mut().iter_mut().zip(&l2).for_each(|(g, l2)| *g = 1.0 + l2);
        Some(Curvature::from_matrix(gram))
    }

    /// Goes to the minimum over the active coordinates and those that are off their conditions.
    fn polish(&mut self) {
        let least = self.rounding();
        let is_chosen = |&j: &usize| self.t[j] != 0.0 || self.violation_of(j) > least;
        let chosen: Vec<usize> = (0..self.t.len()).filter(is_chosen).collect();
        let Some(curvature) = self.curvature_of(&chosen) else { return };
        let point: Vec<f64> = chosen.iter().map(|&j| self.t[j]).collect();
        let slope: Array1<f64> =
            chosen.iter().map(|&j| self.l2[j] * self.t[j] - self.correlation(j)).collect();
        let region = Region::new(self.l1.select(Axis(0), &chosen).to_vec(), f64::NEG_INFINITY);
        let model = Quadratic {
            curvature: &curvature,
            point: &point,
            slope: slope.view(),
            region: &region,
            cancel: self.cancel,
        };
        let found = model.minimise();
        chosen.into_iter().zip(found).for_each(|(j, t)| self.t[j] = t);
        self.refresh();
    }
}
