use luthier_core::linalg::{thin_svd, triangular_factor};
use ndarray::{Array1, Array2, Axis, concatenate, s};

use super::fit::{Fit, unscale_inverse};
use super::options::FitOptions;
use super::ridge::{Direct, Inverse};
use super::scaling::{Deviation, Penalty, Spread};
use super::seminormal::Seminormal;
use super::smallest_norm::{explained_by_others, of_smallest_norm};
use super::unit::{UnitSystem, Units};
use crate::optim::substitution::{back_substitute, cholesky_solve, lower_inverse};

/// Singular values below this many times `ε · size`, times the largest or the largest mean in deviations, are zero.
const RANK_TOLERANCE: f64 = 8.0;

/// Least squares on a triangular factor in unit coordinates.
#[derive(Debug)]
pub(super) struct TriangularSystem {
    units: Units,
    /// Upper triangular in the varying features, then the label's column.
    r: Array2<f64>,
    u: Array2<f64>,
    sigma: Array1<f64>,
    v: Array2<f64>,
}

impl TriangularSystem {
    /// Makes two decompositions of a system with a design: to a triangle again, and its singular values for rank
    /// and condition.
    pub(super) fn new(system: UnitSystem) -> Option<Self> {
        let design = system.design?;
        let features = design.dense()?;
        let k = system.units.active.len();
        let label = design.label.view().insert_axis(Axis(1));
        let r = triangular_factor(concatenate(Axis(1), &[features.t(), label]).ok()?.view());
        let svd = thin_svd(r.slice(s![.., ..k])).ok()?;
        Some(Self { units: system.units, r, u: svd.u, sigma: svd.values, v: svd.v })
    }

    /// Columns that lie far from zero are known to `ε · mean` only, however small their deviations.
    fn cutoff(&self) -> f64 {
        let units = &self.units;
        let largest = self.sigma.first().copied().unwrap_or(0.0);
        let offset = |(&j, unit): (&usize, &f64)| units.x_mean[j].abs() / unit;
        let farthest = units.active.iter().zip(&units.x_unit).map(offset).fold(largest, f64::max);
        RANK_TOLERANCE * f64::EPSILON * units.active.len() as f64 * farthest
    }

    fn rank(&self) -> usize {
        let cutoff = self.cutoff();
        self.sigma.iter().filter(|s| **s > cutoff).count()
    }

    fn full_rank(&self) -> bool {
        self.sigma.len() == self.units.active.len() && self.sigma.last().is_some_and(|s| *s > self.cutoff())
    }

    fn condition(&self) -> f64 {
        match (self.full_rank(), self.sigma.first(), self.sigma.last()) {
            (true, Some(first), Some(last)) => (first / last).powi(2),
            _ => f64::INFINITY,
        }
    }

    /// Condition of the Gram matrix as the penalty mends it.
    fn regularised_condition(&self, diagonal: &Array1<f64>) -> f64 {
        let weakest = diagonal.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = self.sigma.first().copied().unwrap_or(0.0);
        let smallest = if self.sigma.len() < diagonal.len() { 0.0 } else { self.sigma[self.sigma.len() - 1] };
        largest.powi(2) / (smallest.powi(2) + weakest)
    }

    /// One fit without an L1 penalty, and the number of decompositions it took.
    pub(super) fn fit(&self, options: &FitOptions, spread: &Spread) -> (Fit, usize) {
        let penalty = self.units.penalty(options, Deviation::Population, spread);
        let (direct, r) = self.solve(&penalty, &self.units.unit_mean());
        let fit = Fit {
            rank: direct.rank,
            dependent: self.units.named(&direct.dependent),
            condition: Some(self.condition()),
            inverse_diagonal: unscale_inverse(&direct, &self.units),
            seminormal: r.and_then(|r| {
                let diagonal = penalty.diagonal();
                Seminormal::new(&self.units, self.regularised_condition(&diagonal), &r, diagonal)
                    .map(Box::new)
            }),
            ..Fit::new(&self.units, direct.t.view())
        };
        (fit, usize::from(penalty.l2 > 0.0))
    }

    /// The minimum, and the triangle of the penalised system if it has full rank.
    fn solve(&self, penalty: &Penalty, mean: &Array1<f64>) -> (Direct, Option<Array2<f64>>) {
        let k = self.units.active.len();
        if penalty.l2 > 0.0 {
            let root = penalty.scale.mapv(|p| penalty.l2.sqrt() * p);
            let rows = Array2::from_shape_fn((k, k + 1), |(i, j)| if i == j { root[i] } else { 0.0 });
            if let Ok(stacked) = concatenate(Axis(0), &[self.r.view(), rows.view()]) {
                // Householder's method is stable for rows of very different size if the large ones come first.
                let size = |row: usize| stacked.row(row).iter().fold(0.0_f64, |a, v| a.max(v.abs()));
                let mut order: Vec<usize> = (0..stacked.nrows()).collect();
                order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
                let r = triangular_factor(stacked.select(Axis(0), &order).view());
                let mut direct = Direct { rank: self.rank(), ..by_substitution(&r, mean) };
                direct.t += &self.correction(&r, &direct.t, &penalty.diagonal());
                return (direct, Some(r.slice(s![..k, ..k]).to_owned()));
            }
        }
        if self.full_rank() {
            return (by_substitution(&self.r, mean), Some(self.r.slice(s![..k, ..k]).to_owned()));
        }
        let rank = self.rank();
        let along = self.u.t().dot(&self.r.column(k)).slice(s![..rank]).to_owned();
        let axes = self.v.slice(s![.., ..rank]);
        let along = along / self.sigma.slice(s![..rank]);
        let t = of_smallest_norm(axes, &along, &penalty.scale);
        (Direct { t, rank, dependent: explained_by_others(axes), inverse: None }, None)
    }

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
    Direct { rank: k, dependent: Vec::new(), t, inverse: Some(inverse) }
}
