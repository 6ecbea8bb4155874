//! Mean and variance of each feature by itself.

use serde::{Deserialize, Serialize};

use super::FeatureStatistic;

/// Count, mean and centred sum of squares of some numbers: `mean = Σx / n`, `scatter = Σ(x − mean)²`.
///
/// Each portion is centred by itself before it is squared, and portions are merged by the formula of Chan, Golub
/// and LeVeque (1979). Equal numbers have a scatter of exactly zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    count: u64,
    mean: f64,
    scatter: f64,
}

impl Spread {
    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; NaN where there are none.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// `scatter / (n − 1)`; 0 for less than two numbers.
    pub fn sample_variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.scatter / (self.count - 1) as f64 }
    }
}

impl FeatureStatistic for Spread {
    type Options = ();
    const NAME: &'static str = "spread";

    fn empty(_options: &()) -> Self {
        Self::default()
    }

    fn take_in(&mut self, values: &[f64]) {
        let Some(&reference) = values.first() else { return };
        let count = values.len() as u64;
        let shift = values.iter().map(|x| x - reference).sum::<f64>() / count as f64;
        let scatter = values.iter().map(|x| ((x - reference) - shift).powi(2)).sum();
        self.merge(&Self { count, mean: reference + shift, scatter });
    }

    fn take_in_zeros(&mut self, count: u64) {
        self.merge(&Self { count, mean: 0.0, scatter: 0.0 });
    }

    fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
        } else if other.count > 0 {
            let total = self.count + other.count;
            let share = other.count as f64 / total as f64;
            let step = other.mean - self.mean;
            self.scatter += other.scatter + self.count as f64 * share * step * step;
            self.mean += share * step;
            self.count = total;
        }
    }
}
