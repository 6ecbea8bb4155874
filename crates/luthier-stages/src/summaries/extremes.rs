//! The smallest and the largest value.

use serde::{Deserialize, Serialize};

use super::FeatureStatistic;

/// The smallest and the largest of some numbers; merging is exact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    count: u64,
    min: f64,
    max: f64,
}

impl Extremes {
    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest value; NaN if there are none.
    pub fn min(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.min }
    }

    /// The largest value; NaN if there are none.
    pub fn max(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.max }
    }

    /// The largest absolute value; NaN if there are none.
    pub fn max_abs(&self) -> f64 {
        self.min().abs().max(self.max().abs())
    }
}

impl FeatureStatistic for Extremes {
    type Options = ();
    const NAME: &'static str = "extremes";

    fn empty(_options: &()) -> Self {
        Self { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }

    fn take_in(&mut self, values: &[f64]) {
        self.count += values.len() as u64;
        // Adding zero turns -0 into 0, so that the result does not depend on which of the two came first.
        self.min = values.iter().fold(self.min, |least, &x| if x < least { x + 0.0 } else { least });
        self.max = values.iter().fold(self.max, |largest, &x| if x > largest { x + 0.0 } else { largest });
    }

    fn take_in_zeros(&mut self, count: u64) {
        if count > 0 {
            self.take_in(&[0.0]);
            self.count += count - 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}
