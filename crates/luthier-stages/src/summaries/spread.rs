//! Mean and variance of single features.

use serde::{Deserialize, Serialize};

use super::FeatureStatistic;

/// Count, mean and centred sum of squares of some numbers: `mean = Σx / n`, `scatter = Σ(x − mean)²`.
///
/// Each portion is centred separately before it is squared, and portions are merged by the formula of Chan, Golub
/// and LeVeque (1979). Equal numbers have a scatter of exactly zero. Numbers whose squares would overflow or underflow are
/// scaled by a power of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    count: u64,
    mean: f64,
    /// The scatter of `x · 2^−exponent`.
    scatter: f64,
    /// 0 for ordinary numbers.
    exponent: i32,
}

impl Spread {
    /// The number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; NaN if there are no values.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// `scatter / (n − 1)`; 0 for fewer than two numbers. It may overflow where the standard deviation does not.
    pub fn sample_variance(&self) -> f64 {
        scaled(scaled(self.scaled_variance(), self.exponent), self.exponent)
    }

    /// The sample standard deviation, the square root of the sample variance.
    pub fn sample_deviation(&self) -> f64 {
        scaled(self.scaled_variance().sqrt(), self.exponent)
    }

    fn scaled_variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.scatter / (self.count - 1) as f64 }
    }

    fn scatter_at(&self, exponent: i32) -> f64 {
        let by = self.exponent - exponent;
        scaled(scaled(self.scatter, by), by)
    }
}

/// Numbers of this size can be squared and added up as they are.
const ORDINARY: std::ops::Range<f64> = 1e-140..1e140;

/// Brings the largest of some numbers to about 1, if it has to be.
fn exponent_of(largest: f64) -> i32 {
    match largest == 0.0 || ORDINARY.contains(&largest) {
        true => 0,
        false => largest.log2().floor() as i32,
    }
}

fn scaled(x: f64, exponent: i32) -> f64 {
    if exponent == 0 || x == 0.0 { x } else { x * 2.0_f64.powi(exponent) }
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
        let deviations = || values.iter().map(|x| (x - reference) - shift);
        let largest = deviations().fold(0.0, |largest: f64, d| largest.max(d.abs()));
        let exponent = exponent_of(largest);
        let scatter = deviations().map(|d| scaled(d, -exponent).powi(2)).sum();
        self.merge(&Self { count, mean: reference + shift, scatter, exponent });
    }

    fn take_in_zeros(&mut self, count: u64) {
        self.merge(&Self { count, ..Self::default() });
    }

    fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
        } else if other.count > 0 {
            let total = self.count + other.count;
            let share = other.count as f64 / total as f64;
            let step = other.mean - self.mean;
            let size = |spread: &Self| scaled(spread.scatter.sqrt(), spread.exponent);
            let exponent = exponent_of(step.abs().max(size(self)).max(size(other)));
            let between = self.count as f64 * share * scaled(step, -exponent).powi(2);
            self.scatter = self.scatter_at(exponent) + (other.scatter_at(exponent) + between);
            self.exponent = exponent;
            self.mean += share * step;
            self.count = total;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_neither_overflow_nor_vanish() {
        let values = [1.0, 2.0, 4.0, 7.0, -3.0, 0.5];
        let of = |factor: f64| {
            let mut spread = Spread::default();
            values
                .chunks(2)
                .for_each(|some| spread.take_in(&some.iter().map(|x| x * factor).collect::<Vec<_>>()));
            spread
        };
        for factor in [1.0, 1e170, 1e-170, 1e300, 1e-300] {
            let (found, expected) = (of(factor).sample_deviation() / factor, of(1.0).sample_deviation());
            assert!((found / expected - 1.0).abs() < 1e-14, "{factor}: {found} {expected}");
            let mut mixed = of(factor);
            mixed.merge(&of(1.0));
            assert!(mixed.sample_deviation() > 0.0 && mixed.sample_deviation().is_finite());
        }
        assert_eq!(of(0.0).sample_deviation(), 0.0);
    }
}
