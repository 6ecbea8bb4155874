//! Rows that are hard to summarise.

use luthier::prelude::*;
use ndarray::{Array2, s};

use crate::data::Random;

/// Uniform, of mean 0 and deviation 1.
fn standard(random: &mut Random) -> f64 {
    random.uniform() * 12f64.sqrt()
}

/// Rows of features that may be far from zero, large, small or nearly the same.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) seed: u64,
    pub(super) rows: usize,
    pub(super) features: usize,
    /// How many of them, from the first on, are in the vector column too.
    pub(super) vector: usize,
    /// Mean of each feature in its deviations.
    pub(super) offset: f64,
    /// Of the features, as powers of ten; they take turns.
    pub(super) scales: Vec<i32>,
    /// How much two features differ, in their deviations; none of them does without.
    pub(super) collinear: Option<f64>,
    /// Deviation of the label that features do not explain, in that which they do.
    pub(super) noise: f64,
    pub(super) partitions: usize,
}

impl Shape {
    /// The features `c0`, `c1`, …, the first of them as the vector `features`, `label` and `weight`; a row in eight
    /// weighs nothing.
    pub(super) fn frame(&self) -> DataFrame {
        let mut random = Random::new(self.seed);
        let mut x = Array2::from_shape_fn((self.rows, self.features), |_| standard(&mut random));
        if let Some(distance) = self.collinear {
            for row in 0..self.rows {
                x[[row, 1]] = x[[row, 0]] + distance * standard(&mut random);
            }
        }
        let label: Vec<f64> =
            (0..self.rows).map(|row| x.row(row).sum() + self.noise * standard(&mut random)).collect();
        let weight = (0..self.rows).map(|_| (random.uniform() + 0.375).max(0.0)).collect();
        let scale = |j: usize| 10f64.powi(self.scales[j % self.scales.len()]);
        let x = Array2::from_shape_fn(x.dim(), |(i, j)| (x[[i, j]] + self.offset) * scale(j));
        let names: Vec<String> = (0..self.features).map(|j| format!("c{j}")).collect();
        let mut columns: Vec<(&str, Column)> =
            names.iter().zip(x.columns()).map(|(name, c)| (name.as_str(), Column::f64(c.to_vec()))).collect();
        columns.push(("features", Column::vector(x.slice(s![.., ..self.vector]).to_owned())));
        columns.push(("label", Column::f64(label)));
        columns.push(("weight", Column::f64(weight)));
        DataFrame::from_columns(columns).unwrap().repartition(self.partitions).unwrap()
    }

    /// How far the two ways may be apart. Far from zero a product `x · β` is rounded by units in the last place of
    /// the offset, whoever computes it; that is more of a residual, and of two features' difference, the smaller
    /// these are.
    pub(super) fn tolerance(&self) -> f64 {
        let rounding = 32.0 * f64::EPSILON * self.offset.abs();
        f64::max(1e-9, rounding / (self.noise * self.collinear.unwrap_or(1.0)))
    }
}
