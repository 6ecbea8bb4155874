//! Random problems, and the optimality conditions written down once more, from the rows.

use luthier_core::frame::DataFrame;
use luthier_stages::LogisticRegressionModel;
use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;

use crate::draw::Draw;
use crate::frames::frame;

#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) x: Array2<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) w: Vec<f64>,
}

impl Rows {
    pub(crate) fn frame(&self) -> DataFrame {
        frame(self.x.clone(), self.y.clone(), Some(self.w.clone()))
    }
}

/// Rows of so many classes, all of which occur, that features do not separate; features have other means and units.
pub(crate) fn rows(classes: usize) -> impl Strategy<Value = Rows> {
    (30..90_usize, 1..6_usize, any::<u64>()).prop_map(move |(n, d, seed)| {
        let mut draw = Draw(seed);
        let x = Array2::from_shape_fn((n, d), |(_, j)| {
            (1 << j) as f64 * draw.normal() + 10.0 * j as f64 * (if j % 2 == 0 { 1.0 } else { -1.0 })
        });
        let beta = Array2::from_shape_fn((classes, d), |(_, j)| draw.normal() / (1 << j) as f64);
        let mean = x.mean_axis(Axis(0)).unwrap();
        let y = (0..n)
            .map(|i| {
                let score = |k: usize| beta.row(k).dot(&(&x.row(i) - &mean)) + 2.0 * draw_at(seed, i, k);
                let best = (0..classes).max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap();
                // Some labels are wrong whatever the features say.
                if i % 5 == 0 { (i / 5 % classes) as f64 } else { best as f64 }
            })
            .collect();
        let w = (0..n).map(|i| 0.25 + (i % 4) as f64 * 0.5).collect();
        Rows { x, y, w }
    })
}

fn draw_at(seed: u64, i: usize, k: usize) -> f64 {
    Draw(seed ^ ((i as u64) << 20) ^ ((k as u64) << 8)).normal()
}

/// What a model should be the minimum of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objective {
    pub(crate) reg_param: f64,
    pub(crate) alpha: f64,
    pub(crate) standardization: bool,
    pub(crate) fit_intercept: bool,
}

impl Objective {
    /// The sample's deviations with reliability weights, or ones.
    fn scales(&self, rows: &Rows) -> Vec<f64> {
        if !self.standardization {
            return vec![1.0; rows.x.ncols()];
        }
        let w = Array1::from(rows.w.clone());
        let total = w.sum();
        let divisor = total - w.mapv(|w| w * w).sum() / total;
        let columns = rows.x.columns().into_iter();
        columns
            .map(|x| {
                let mean = x.dot(&w) / total;
                (x.iter().zip(&w).map(|(x, w)| w * (x - mean).powi(2)).sum::<f64>() / divisor).sqrt()
            })
            .collect()
    }

    /// Value, and by class (one of a binomial model) derivatives of the smooth part for coefficients, then intercept.
    pub(crate) fn evaluate(&self, rows: &Rows, model: &LogisticRegressionModel) -> (f64, Array2<f64>) {
        let beta = model.coefficient_matrix();
        let (sets, d) = beta.dim();
        let s = self.scales(rows);
        let total: f64 = rows.w.iter().sum();
        let (mut value, mut slope) = (0.0, Array2::<f64>::zeros((sets, d + 1)));
        for ((x, y), w) in rows.x.outer_iter().zip(&rows.y).zip(&rows.w) {
            let mut z: Vec<f64> = (0..sets).map(|k| beta.row(k).dot(&x) + model.intercepts()[k]).collect();
            if sets == 1 {
                z.insert(0, 0.0);
            }
            let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = z.iter().map(|z| (z - most).exp()).sum();
            value += w / total * (most + sum.ln() - z[*y as usize]);
            for k in 0..sets {
                let class = if sets == 1 { 1 } else { k };
                let p = (z[class] - most).exp() / sum;
                let r = w / total * (p - f64::from(u8::from(*y == class as f64)));
                for j in 0..d {
                    slope[[k, j]] += r * x[j];
                }
                slope[[k, d]] += r;
            }
        }
        for k in 0..sets {
            for j in 0..d {
                let scaled = s[j] * beta[[k, j]];
                value +=
                    self.reg_param * ((1.0 - self.alpha) / 2.0 * scaled * scaled + self.alpha * scaled.abs());
                slope[[k, j]] += self.reg_param * (1.0 - self.alpha) * s[j] * scaled;
            }
        }
        (value, slope)
    }

    /// The largest distance from an optimality condition, in units of the features' deviations.
    pub(crate) fn violation(
        &self,
        rows: &Rows,
        model: &LogisticRegressionModel,
        bounds: Option<(f64, f64)>,
    ) -> f64 {
        let (_, slope) = self.evaluate(rows, model);
        let beta = model.coefficient_matrix();
        let unit = Self { standardization: true, ..*self }.scales(rows);
        let s = self.scales(rows);
        let mut worst: f64 = 0.0;
        for ((k, j), b) in beta.indexed_iter() {
            let l1 = self.reg_param * self.alpha * s[j];
            let g = slope[[k, j]];
            let (mut left, mut right) = match *b {
                0.0 => (g - l1, g + l1),
                b => (g + l1 * b.signum(), g + l1 * b.signum()),
            };
            if let Some((low, high)) = bounds {
                assert!((low..=high).contains(b), "{b} is out of bounds");
                left = if *b == low { 0.0 } else { left };
                right = if *b == high { 0.0 } else { right };
            }
            // A constant feature has no say.
            if unit[j] > 0.0 {
                worst = worst.max(left.max(-right) / unit[j]);
            }
        }
        if self.fit_intercept {
            // With large means the intercept's condition and the coefficients' are the same one.
            worst = slope.column(beta.ncols()).iter().fold(worst, |a, b| a.max(b.abs()));
        }
        worst
    }
}
