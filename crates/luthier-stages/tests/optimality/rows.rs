//! Random rows, from well to badly behaved, and sums over them with twice the digits.

use luthier_core::frame::{Column, DataFrame, SparseBuilder};
use ndarray::{Array1, Array2};

use crate::draw::Draw;

#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) x: Array2<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) w: Vec<f64>,
    pub(crate) is_sparse: bool,
}

impl Rows {
    /// Features of units from 1e-6 to 1e6, some far from zero, some nearly or wholly copies of others, some groups or
    /// counts, some constant; labels are still to be given.
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let is_sparse = draw.chance(0.1);
        let (n, d) = match is_sparse {
            true => (60 + draw.below(200), 33 + draw.below(20)),
            false => (8 + draw.below(150), 1 + draw.below(8)),
        };
        let mut x = Array2::zeros((n, d));
        for j in 0..d {
            let unit = 10_f64.powf(draw.pick(&[0.0, 0.0, 0.0, -6.0, -2.0, 2.0, 6.0]));
            let origin = unit * draw.pick(&[0.0, 0.0, 1.0, -30.0, 1e3]);
            let kind = if is_sparse { 8 } else { draw.below(8) };
            let distance = 10_f64.powi(-1 - draw.below(8) as i32);
            let other = if j > 0 { draw.below(j) } else { 0 };
            for i in 0..n {
                let z = draw.normal();
                x[[i, j]] = match kind {
                    0..=2 => origin + unit * z,
                    // Heavy tails.
                    3 => unit * z.powi(3),
                    // Groups and counts.
                    4 => f64::from(u8::from(draw.uniform() < 0.3)),
                    5 => (3.0 * z.abs()).floor(),
                    6 if j > 0 => x[[i, other]] * (1.0 + distance * z),
                    7 if j > 0 && distance < 1e-6 => x[[i, other]],
                    7 => 2.5,
                    8 if draw.chance(0.1) => unit * (1.0 + z.abs()),
                    8 => 0.0,
                    _ => z,
                };
            }
        }
        let weighted = draw.chance(0.3);
        let w = (0..n).map(|_| if weighted { draw.pick(&[0.0, 0.5, 1.0, 2.0, 7.5]) } else { 1.0 });
        let mut w: Vec<f64> = w.collect();
        w[0] = 1.0;
        Self { x, y: Vec::new(), w, is_sparse }
    }

    pub(crate) fn frame(&self) -> DataFrame {
        let weight = ("weight", Column::f64(self.w.clone()));
        if !self.is_sparse {
            let frame = DataFrame::from_ndarray(self.x.clone(), self.y.clone()).unwrap();
            return frame.with_column(weight.0, weight.1).unwrap();
        }
        let mut builder = SparseBuilder::new(self.x.ncols());
        for row in self.x.outer_iter() {
            row.iter().enumerate().for_each(|(j, x)| builder.push(j, *x));
            builder.end_row();
        }
        DataFrame::from_columns(vec![
            ("features", Column::from_array(builder.finish()).unwrap()),
            ("label", Column::f64(self.y.clone())),
            weight,
        ])
        .unwrap()
    }

    pub(crate) fn weight(&self) -> f64 {
        self.w.iter().sum()
    }

    /// Weighted means, and deviations: of the population, or with a divisor of `W − Σw²/W`.
    pub(crate) fn spread(&self, of_sample: bool) -> (Vec<f64>, Vec<f64>) {
        let total = self.weight();
        let divisor =
            if of_sample { total - self.w.iter().map(|w| w * w).sum::<f64>() / total } else { total };
        let columns = self.x.columns().into_iter().map(|x| moments(&x.to_vec(), &self.w, divisor));
        columns.unzip()
    }

    /// Scores with twice the digits, rounded once.
    pub(crate) fn scores(&self, beta: &[f64], intercept: f64) -> Vec<f64> {
        let rows = self.x.outer_iter();
        rows.map(|x| exact(x.iter().zip(beta).map(|(x, b)| (*x, *b)).chain([(intercept, 1.0)]))).collect()
    }

    /// `Σ w r (x_j − centre_j) / W`.
    pub(crate) fn slope(&self, residuals: &[f64], j: usize, centre: f64) -> f64 {
        let rows = self.x.column(j);
        let rows = rows.iter().zip(residuals).zip(&self.w);
        exact(rows.map(|((x, r), w)| (w * r, x - centre))) / self.weight()
    }

    /// How far rounding of the coefficients alone moves scores.
    pub(crate) fn rounding(&self, beta: &[f64], intercept: f64) -> f64 {
        let total = self.weight();
        let size = |j: usize| {
            let squares = self.x.column(j).iter().zip(&self.w).map(|(x, w)| w * x * x).sum::<f64>();
            (squares / total).sqrt()
        };
        let sizes: f64 = beta.iter().enumerate().map(|(j, b)| b.abs() * size(j)).sum();
        f64::EPSILON * (sizes + intercept.abs())
    }
}

/// Mean and deviation; a deviation of rounding is 0.
pub(crate) fn moments(x: &[f64], w: &[f64], divisor: f64) -> (f64, f64) {
    let total: f64 = w.iter().sum();
    let first = x[0];
    let mean = first + exact(x.iter().zip(w).map(|(x, w)| (*w, x - first))) / total;
    let squares: f64 = x.iter().zip(w).map(|(x, w)| w * (x - mean).powi(2)).sum();
    let deviation = (squares / divisor).sqrt();
    (mean, if deviation <= 8.0 * f64::EPSILON * mean.abs() { 0.0 } else { deviation })
}

/// A sum of products with twice the digits.
pub(crate) fn exact(products: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (mut high, mut low) = (0.0_f64, 0.0);
    for (a, b) in products {
        let product = a * b;
        let sum = high + product;
        let back = sum - high;
        low += (high - (sum - back)) + (product - back) + a.mul_add(b, -product);
        high = sum;
    }
    high + low
}

/// How far a coefficient is from its optimality condition, with a derivative of the smooth part and a penalty `l1 |β|`.
pub(crate) fn violation(beta: f64, slope: f64, l1: f64, (low, high): (f64, f64)) -> f64 {
    assert!((low..=high).contains(&beta), "{beta} is not in {low}..{high}");
    let (left, right) = match beta {
        0.0 => (slope - l1, slope + l1),
        b => (slope + l1 * b.signum(), slope + l1 * b.signum()),
    };
    let down = if beta == low { 0.0 } else { left.max(0.0) };
    let up = if beta == high { 0.0 } else { (-right).max(0.0) };
    down.max(up)
}

/// `½ gᵀH⁻¹g` of `H = AᵀA`, of directions in which `A` has more than rounding.
pub(crate) fn half_decrement(rows: &Array2<f64>, slope: &Array1<f64>) -> f64 {
    let svd = luthier_core::linalg::thin_svd(rows.view()).unwrap();
    let along = svd.v.t().dot(slope);
    let least = 1e-11 * svd.values.first().copied().unwrap_or(0.0);
    let terms = along.iter().zip(&svd.values).filter(|(_, s)| **s > least);
    0.5 * terms.map(|(a, s)| (a / s).powi(2)).sum::<f64>()
}
