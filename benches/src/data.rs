//! Frames of seeded noise.

use luthier::frame::{Column, DataFrame};
use ndarray::Array2;

/// Uniform numbers between -0.5 and 0.5, from a linear congruential generator.
#[derive(Debug)]
pub struct Uniform(u64);

impl Uniform {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }
}

/// Features whose spread grows from the first column to the last.
pub fn features(rows: usize, width: usize) -> Array2<f64> {
    let mut uniform = Uniform::new(7);
    Array2::from_shape_fn((rows, width), |(_, j)| uniform.draw() * (1.0 + j as f64 / width as f64))
}

/// Columns `features` (a vector), `label` (linear in every tenth feature, with noise) and `fold` (of `folds`), in
/// two partitions.
///
/// # Errors
/// None for sizes of at least one row and one feature.
pub fn frame(rows: usize, width: usize, folds: usize) -> anyhow::Result<DataFrame> {
    let features = features(rows, width);
    let mut uniform = Uniform::new(8);
    let signal = |row: ndarray::ArrayView1<'_, f64>| row.iter().step_by(10).sum::<f64>();
    let label = features.outer_iter().map(|row| signal(row) + 3.0 * uniform.draw()).collect();
    // Neighbours are in unlike folds, as they are after a shuffle.
    let fold = (0..rows).map(|i| (i * 7919 % rows * folds / rows) as i64).collect();
    Ok(DataFrame::from_columns(vec![
        ("features", Column::vector(features)),
        ("label", Column::f64(label)),
        ("fold", Column::i64(fold)),
    ])?
    .repartition(2)?)
}
