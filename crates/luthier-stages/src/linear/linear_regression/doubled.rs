//! Sums in doubled precision.

use serde::{Deserialize, Serialize};

/// The unevaluated sum of two numbers, which holds about twice the digits of one (Ogita, Rump and Oishi 2005).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Doubled {
    high: f64,
    low: f64,
}

impl Doubled {
    pub(super) fn add(&mut self, x: f64) {
        let sum = self.high + x;
        let part = sum - self.high;
        self.low += (self.high - (sum - part)) + (x - part);
        self.high = sum;
    }

    /// Adds `a · b` without rounding the product.
    pub(super) fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.add(product);
        self.low += a.mul_add(b, -product);
    }

    /// Adds `factor · other`.
    pub(super) fn add_scaled(&mut self, factor: f64, other: Self) {
        self.add_product(factor, other.high);
        self.low += factor * other.low;
    }

    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_leaves_the_small_part() {
        let mut sum = Doubled::default();
        sum.add(1e17);
        sum.add(1.0);
        sum.add(-1e17);
        assert_eq!(sum.value(), 1.0);
        let mut square = Doubled::default();
        let x = 1.0 + f64::EPSILON;
        square.add_product(x, x);
        square.add(-1.0 - 2.0 * f64::EPSILON);
        assert_eq!(square.value(), f64::EPSILON * f64::EPSILON);
        let mut scaled = Doubled::default();
        scaled.add_scaled(3.0, square);
        assert_eq!(scaled.value(), 3.0 * f64::EPSILON * f64::EPSILON);
    }
}
