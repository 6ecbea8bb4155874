//! Least squares and ridge regression on fewer rows than features.

use luthier_core::linalg::{Svd, thin_svd};
use ndarray::{Array1, Array2, Axis, s};

use super::design::Design;
use super::fit::Fit;
use super::options::FitOptions;
use super::scaling::{Deviation, Spread};
use super::smallest_norm::{explained_by_others, of_smallest_norm};
use super::unit::{UnitSystem, Units};

/// Singular values below this many times `ε · size`, times the largest, are zero.
const RANK_TOLERANCE: f64 = 8.0;

/// Up to so many rows a decomposition costs little more than reading them some times.
const FEW_ROWS: usize = 2048;

/// Rows in unit coordinates, and their singular value decompositions for penalties of different shape: a
/// decomposition of `n` rows costs `n²p`, and each strength of the penalty `np`.
#[derive(Debug)]
pub(super) struct WideSystem {
    units: Units,
    design: Option<Design>,
    /// Of the rows over the scale.
    known: Vec<(Option<Array1<f64>>, Svd)>,
}

impl WideSystem {
    pub(super) fn new(system: UnitSystem) -> Self {
        Self { units: system.units, design: system.design, known: Vec::new() }
    }

    pub(super) fn is_small(&self) -> bool {
        self.design.as_ref().is_some_and(|design| design.rows() <= FEW_ROWS)
    }

    /// One fit without an L1 penalty, and the number of decompositions it took.
    pub(super) fn fit(
        &mut self,
        options: &FitOptions,
        deviation: Deviation,
        spread: &Spread,
    ) -> Option<(Fit, usize)> {
        let penalty = self.units.penalty(options, deviation, spread);
        // Without a penalty the rank is that of columns of one size, whatever their solution is measured by.
        let isotropic = penalty.l2 == 0.0 || penalty.uniform().is_some();
        let scale = (!isotropic).then(|| penalty.scale.clone());
        let before = self.known.len();
        let label = self.design.as_ref()?.label.clone();
        let svd = self.decomposed(scale.clone())?;
        let cutoff =
            RANK_TOLERANCE * f64::EPSILON * svd.v.nrows() as f64 * svd.values.first().copied().unwrap_or(0.0);
        let rank = svd.values.iter().filter(|s| **s > cutoff).count();
        let axes = svd.v.slice(s![.., ..rank]);
        let values = svd.values.slice(s![..rank]);
        let along = svd.u.slice(s![.., ..rank]).t().dot(&label);
        let (t, dependent) = match penalty.l2 {
            0.0 => (of_smallest_norm(axes, &(along / values), &penalty.scale), explained_by_others(axes)),
            l2 => {
                let uniform = penalty.uniform().unwrap_or(1.0);
                let shrunk = along * values.mapv(|s| s / (s * s + l2 * uniform * uniform));
                let t = axes.dot(&shrunk);
                (scale.map_or(t.clone(), |scale| t / scale), Vec::new())
            }
        };
        let fit = Fit {
            rank,
            dependent: self.units.named(&dependent),
            condition: Some(f64::INFINITY),
            ..Fit::new(&self.units, t.view())
        };
        Some((fit, self.known.len() - before))
    }

    fn decomposed(&mut self, scale: Option<Array1<f64>>) -> Option<&Svd> {
        let at = match self.known.iter().position(|(known, _)| *known == scale) {
            Some(at) => at,
            None => {
                let rows = self.design.as_ref()?.dense()?.t();
                let svd = match &scale {
                    None => thin_svd(rows),
                    Some(scale) => {
                        let scaled: Array2<f64> = &rows / &scale.view().insert_axis(Axis(0));
                        thin_svd(scaled.view())
                    }
                };
                self.known.push((scale, svd.ok()?));
                self.known.len() - 1
            }
        };
        self.known.get(at).map(|(_, svd)| svd)
    }
}
