use ndarray::{Array1, Array2, Axis, concatenate, s};

use super::dense::{back_substitute, cholesky_solve, lower_inverse, singular_values, triangularise};
use super::moments::{Factor, NormalEquations};
use super::ridge::{Direct, Inverse};
use super::scaling::{Deviation, Penalty, Spread};
use super::solve::{Fit, FitOptions, penalty, restore, unscale_inverse};

/// Singular values below this many times `ε · size · σmax` are zero.
const RANK_TOLERANCE: f64 = 8.0;

/// Least squares on a triangular factor in unit coordinates (see `UnitSystem`).
#[derive(Debug)]
pub(super) struct TriangularSystem {
    fit_intercept: bool,
    active: Vec<usize>,
    x_unit: Array1<f64>,
    y_unit: f64,
    /// Upper triangular in the varying features, then the label's column.
    r: Array2<f64>,
    u: Array2<f64>,
    sigma: Array1<f64>,
    v: Array2<f64>,
}

impl TriangularSystem {
    /// Makes two decompositions: of the factor in its units, and its singular values for rank and condition.
    pub(super) fn new(factor: &Factor, spread: &Spread, fit_intercept: bool) -> Option<Self> {
        let active = spread.active();
        let (k, d) = (active.len(), factor.features());
        let r = if fit_intercept { factor.r.clone() } else { factor.about_zero() };
        let root = factor.weight_sum.sqrt();
        let norm = |j: usize| r.column(j).iter().map(|v| v * v).sum::<f64>().sqrt() / root;
        let x_unit: Array1<f64> = active.iter().map(|&j| norm(j)).collect();
        let y_unit = norm(d);
        let scaled = Array2::from_shape_fn((r.nrows(), k + 1), |(i, j)| {
            if j < k { r[[i, active[j]]] / (x_unit[j] * root) } else { r[[i, d]] / (y_unit * root) }
        });
        let r = triangularise(scaled.view());
        let (u, sigma, v) = singular_values(r.slice(s![.., ..k]))?;
        Some(Self { fit_intercept, active, x_unit, y_unit, r, u, sigma, v })
    }

    fn cutoff(&self) -> f64 {
        let size = self.active.len() as f64;
        RANK_TOLERANCE * f64::EPSILON * size * self.sigma.first().copied().unwrap_or(0.0)
    }

    fn full_rank(&self) -> bool {
        self.sigma.len() == self.active.len() && self.sigma.last().is_some_and(|s| *s > self.cutoff())
    }

    fn condition(&self) -> f64 {
        match (self.full_rank(), self.sigma.first(), self.sigma.last()) {
            (true, Some(first), Some(last)) => (first / last).powi(2),
            _ => f64::INFINITY,
        }
    }

    /// One fit without an L1 penalty, and the number of decompositions it took.
    pub(super) fn fit(
        &self,
        options: &FitOptions,
        spread: &Spread,
        moments: &NormalEquations,
    ) -> (Fit, usize) {
        let deviation = Deviation::Population;
        let penalty = penalty(options, deviation, spread, &self.active, &self.x_unit, self.y_unit);
        let unit_mean =
            Array1::from_shape_fn(self.active.len(), |i| moments.x_mean[self.active[i]] / self.x_unit[i]);
        let direct = self.solve(&penalty, &unit_mean);
        let mean = (&moments.x_mean, moments.y_mean);
        let (coefficients, intercept) =
            restore(&self.active, &self.x_unit, self.y_unit, mean, self.fit_intercept, direct.t.view());
        let (weight_sum, features) = (moments.weight_sum, moments.features());
        let inverse_diagonal =
            unscale_inverse(&direct, &self.active, &self.x_unit, weight_sum, self.fit_intercept, features);
        let fit = Fit {
            coefficients,
            intercept,
            objective_history: vec![0.0],
            iterations: 0,
            condition: Some(self.condition()),
            inverse_diagonal,
        };
        (fit, usize::from(penalty.l2 > 0.0))
    }

    fn solve(&self, penalty: &Penalty, mean: &Array1<f64>) -> Direct {
        let k = self.active.len();
        if penalty.l2 > 0.0 {
            let root = penalty.scale.mapv(|p| penalty.l2.sqrt() * p);
            let rows = Array2::from_shape_fn((k, k + 1), |(i, j)| if i == j { root[i] } else { 0.0 });
            if let Ok(stacked) = concatenate(Axis(0), &[self.r.view(), rows.view()]) {
                // Householder's method is stable for rows of very different size if the large ones come first.
                let size = |row: usize| stacked.row(row).iter().fold(0.0_f64, |a, v| a.max(v.abs()));
                let mut order: Vec<usize> = (0..stacked.nrows()).collect();
                order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
                let r = triangularise(stacked.select(Axis(0), &order).view());
                let mut direct = by_substitution(&r, mean);
                direct.t += &self.correction(&r, &direct.t, &penalty.diagonal());
                return direct;
            }
        }
        if self.full_rank() {
            return by_substitution(&self.r, mean);
        }
        let cutoff = self.cutoff();
        let inverse = self.sigma.mapv(|s| if s > cutoff { 1.0 / s } else { 0.0 });
        let t = self.v.dot(&(self.u.t().dot(&self.r.column(k)) * inverse));
        Direct { t, inverse: None }
    }
}

impl TriangularSystem {
    /// One step of refinement by the seminormal equations: strongly penalised coordinates regain their digits.
    fn correction(&self, r: &Array2<f64>, t: &Array1<f64>, diagonal: &Array1<f64>) -> Array1<f64> {
        let k = t.len();
        let a = self.r.slice(s![.., ..k]);
        let residual = &self.r.column(k) - &a.dot(t);
        let gradient = a.t().dot(&residual) - diagonal * t;
        cholesky_solve(&r.slice(s![..k, ..k]).t().to_owned(), gradient.view())
    }
}

/// Solves by back substitution with the last column as the right-hand side.
fn by_substitution(r: &Array2<f64>, mean: &Array1<f64>) -> Direct {
    let k = mean.len();
    let (a, b) = (r.slice(s![..k, ..k]), r.slice(s![..k, k]));
    let t = back_substitute(a, b);
    let half = lower_inverse(&a.t().to_owned());
    let entry = |j: usize| half.column(j).iter().map(|v| v * v).sum();
    let rotated = half.dot(mean);
    let inverse = Inverse { diagonal: Array1::from_shape_fn(k, entry), mean_form: rotated.dot(&rotated) };
    Direct { t, inverse: Some(inverse) }
}
