//! Unit coordinates, in which all solvers work.

use ndarray::{Array1, Array2, ArrayView1};

use super::design::{Cells, Design};
use super::moments::{Factor, NormalEquations, Totals};
use super::options::FitOptions;
use super::scaling::{About, Deviation, Penalty, Spread};
use crate::optim::NormalSystem;

/// How to get from unit coordinates back to the data's: every column is divided by its root mean square,
/// about the mean with an intercept and about zero without.
#[derive(Debug, Clone)]
pub(super) struct Units {
    pub(super) fit_intercept: bool,
    pub(super) weight_sum: f64,
    /// Indices of the features with coefficients.
    pub(super) active: Vec<usize>,
    pub(super) x_unit: Array1<f64>,
    pub(super) y_unit: f64,
    pub(super) x_mean: Array1<f64>,
    y_mean: f64,
}

impl Units {
    pub(super) fn new(
        fit_intercept: bool,
        totals: &Totals,
        active: Vec<usize>,
        x_unit: Array1<f64>,
        y_unit: f64,
    ) -> Self {
        let (weight_sum, x_mean, y_mean) = (totals.weight_sum, totals.x_mean.clone(), totals.y_mean);
        Self { fit_intercept, weight_sum, active, x_unit, y_unit, x_mean, y_mean }
    }

    /// Coefficients and intercept from unit coordinates.
    pub(super) fn restore(&self, t: ArrayView1<'_, f64>) -> (Array1<f64>, f64) {
        let mut coefficients = Array1::zeros(self.x_mean.len());
        for (i, &j) in self.active.iter().enumerate() {
            coefficients[j] = t[i] * (self.y_unit / self.x_unit[i]);
        }
        let intercept = if self.fit_intercept { self.y_mean - coefficients.dot(&self.x_mean) } else { 0.0 };
        (coefficients, intercept)
    }

    /// Indices of the features without coefficients.
    pub(super) fn constant(&self) -> Vec<usize> {
        let mut is_active = vec![false; self.x_mean.len()];
        self.active.iter().for_each(|&j| is_active[j] = true);
        (0..is_active.len()).filter(|&j| !is_active[j]).collect()
    }

    /// Indices of features by their places among the active ones.
    pub(super) fn named(&self, places: &[usize]) -> Vec<usize> {
        places.iter().map(|&i| self.active[i]).collect()
    }

    /// Means of the active features in units of their scale.
    pub(super) fn unit_mean(&self) -> Array1<f64> {
        Array1::from_shape_fn(self.active.len(), |i| self.x_mean[self.active[i]] / self.x_unit[i])
    }

    /// The penalty of one set of options in these units.
    pub(super) fn penalty(&self, options: &FitOptions, deviation: Deviation, spread: &Spread) -> Penalty {
        let (lambda, alpha) = (options.reg_param, options.elastic_net_param);
        if lambda == 0.0 {
            // Without a penalty this is what the smallest of many solutions is measured by.
            let scale = match options.standardization {
                true => Array1::ones(self.active.len()),
                false => self.x_unit.mapv(|unit| 1.0 / unit),
            };
            return Penalty { l1: 0.0, l2: 0.0, scale };
        }
        let scale = spread.penalty(deviation, options.standardization);
        let scale = Array1::from_shape_fn(self.active.len(), |i| scale[self.active[i]] / self.x_unit[i]);
        let l2 = (1.0 - alpha) * lambda / spread.label(deviation);
        Penalty { l1: alpha * lambda / self.y_unit, l2, scale }
    }

    /// A lower bound, up to a small factor, of the Gram matrix's condition: about zero, features that are far from
    /// it look alike.
    pub(super) fn offset_condition(&self, spread: &Spread) -> f64 {
        if self.fit_intercept {
            return 1.0;
        }
        let deviation = spread.penalty(Deviation::Population, true);
        let ratio = |(i, &j): (usize, &usize)| (self.x_unit[i] / deviation[j]).powi(2);
        let (mut first, mut second) = (1.0, 1.0);
        for ratio in self.active.iter().enumerate().map(ratio) {
            if ratio > first {
                (first, second) = (ratio, first);
            } else if ratio > second {
                second = ratio;
            }
        }
        second
    }
}

/// The data in unit coordinates: the Gram matrix has a unit diagonal there, the label a unit norm.
#[derive(Debug)]
pub(super) struct UnitSystem {
    pub(super) units: Units,
    /// Empty where there is a design.
    pub(super) gram: Array2<f64>,
    pub(super) rhs: Array1<f64>,
    /// Rows, where the Gram matrix has too few digits or would be larger than they are.
    pub(super) design: Option<Design>,
}

impl UnitSystem {
    pub(super) fn new(moments: &NormalEquations, spread: &Spread, about: About) -> Self {
        let about_zero;
        let fit_intercept = about == About::Mean;
        let (xx, xy, yy) = if fit_intercept {
            (&moments.xx, &moments.xy, moments.yy)
        } else {
            about_zero = moments.about_zero();
            (&about_zero.0, &about_zero.1, about_zero.2)
        };
        let w = moments.weight_sum;
        let active = spread.active(about);
        let x_unit: Array1<f64> = active.iter().map(|&j| (xx[[j, j]] / w).sqrt()).collect();
        let y_unit = (yy / w).sqrt();
        let k = active.len();
        // By rows as slices: dividing is most of it, and is done several at a time.
        let units = x_unit.to_vec();
        let mut gram = Vec::with_capacity(k * k);
        let mut from = vec![0.0; k];
        for (i, unit) in units.iter().enumerate() {
            let row = xx.row(active[i]);
            from.iter_mut().zip(&active).for_each(|(from, &j)| *from = row[j]);
            gram.extend(from.iter().zip(&units).map(|(x, u)| x / (w * (unit * u))));
            gram[i * k + i] = 1.0;
        }
        let gram = Array2::from_shape_vec((k, k), gram).unwrap_or_default();
        let rhs = Array1::from_shape_fn(k, |i| xy[active[i]] / (w * (x_unit[i] * y_unit)));
        let units = Units::new(fit_intercept, &moments.totals(), active, x_unit, y_unit);
        Self { units, gram, rhs, design: None }
    }

    /// Of rows in these units.
    pub(super) fn of_design(units: Units, design: Design) -> Self {
        let rhs = design.correlations();
        Self { units, gram: Array2::zeros((0, 0)), rhs, design: Some(design) }
    }

    /// The same from the triangular factor, with its rows as the design.
    pub(super) fn from_factor(factor: &Factor, totals: &Totals, spread: &Spread, about: About) -> Self {
        let about_zero;
        let fit_intercept = about == About::Mean;
        let r = if fit_intercept {
            &factor.r
        } else {
            about_zero = factor.about_zero();
            &about_zero
        };
        let (active, d, w) = (spread.active(about), factor.features(), factor.weight_sum);
        let root = w.sqrt();
        let norm = |j: usize| r.column(j).dot(&r.column(j)).sqrt() / root;
        let x_unit: Array1<f64> = active.iter().map(|&j| norm(j)).collect();
        let y_unit = norm(d);
        let features =
            Array2::from_shape_fn((active.len(), r.nrows()), |(j, i)| r[[i, active[j]]] / (x_unit[j] * root));
        let label = r.column(d).mapv(|v| v / (y_unit * root));
        let units = Units::new(fit_intercept, totals, active, x_unit, y_unit);
        Self::of_design(units, Design { cells: Cells::Dense(features), label })
    }
}

impl NormalSystem for UnitSystem {
    fn residual(&self, t: &Array1<f64>) -> Array1<f64> {
        match &self.design {
            Some(design) => design.residual(t),
            None => &self.rhs - &self.gram.dot(t),
        }
    }

    fn image(&self, direction: &Array1<f64>) -> Array1<f64> {
        match &self.design {
            Some(design) => design.image(direction),
            None => self.gram.dot(direction),
        }
    }

    fn downhill(&self, residual: &Array1<f64>) -> Array1<f64> {
        self.design.as_ref().map_or_else(|| residual.clone(), |design| design.along(residual))
    }

    fn bend(&self, direction: &Array1<f64>, image: &Array1<f64>) -> f64 {
        self.design.as_ref().map_or_else(|| direction.dot(image), |design| design.square(image))
    }

    fn value(&self, t: &Array1<f64>, residual: &Array1<f64>) -> f64 {
        match &self.design {
            Some(design) => 0.5 * design.square(residual),
            None => 0.5 * (1.0 - t.dot(&(&self.rhs + residual))),
        }
    }
}
