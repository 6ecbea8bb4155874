//! Random numbers that are the same everywhere, and frames of them.

use std::f64::consts::TAU;

use luthier::core::scramble;
use luthier::frame::{Column, DataFrame};
use ndarray::Array2;

/// A stream of random numbers: SplitMix64.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Streams of different numbers are independent.
    pub(crate) fn new(experiment: u64, stream: u64) -> Self {
        Self(scramble(scramble(experiment) ^ stream))
    }

    /// Between 0 and 1, and neither of them.
    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        ((scramble(self.0) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
    }

    /// The first `count` numbers of a shuffled `0..of`.
    pub(crate) fn some(&mut self, count: usize, of: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..of).collect();
        for place in 0..count.min(of) {
            let other = place + (self.uniform() * (of - place) as f64) as usize;
            all.swap(place, other);
        }
        all.truncate(count);
        all
    }
}

/// Standard normal `features`, and a `label` that is made of each row.
pub(crate) fn frame(
    rows: usize,
    width: usize,
    random: &mut Random,
    mut label: impl FnMut(&[f64], &mut Random) -> f64,
) -> anyhow::Result<DataFrame> {
    let features = Array2::from_shape_fn((rows, width), |_| random.normal());
    let rows = features.as_slice().unwrap_or_default().chunks(width);
    let labels = rows.map(|row| label(row, random)).collect();
    Ok(DataFrame::from_columns(vec![("features", Column::vector(features)), ("label", Column::f64(labels))])?)
}
