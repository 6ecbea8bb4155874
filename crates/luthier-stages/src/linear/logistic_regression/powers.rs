//! Scaling by powers of two, which changes no digits.

/// The exponent `e` with `2^e ≤ x < 2^(e+1)` of a positive, finite number; 0 of any other.
pub(super) fn exponent(x: f64) -> i32 {
    if !(x > 0.0 && x.is_finite()) {
        return 0;
    }
    let of_normal = |x: f64| ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    if x.is_normal() { of_normal(x) } else { of_normal(x * 2.0_f64.powi(64)) - 64 }
}

/// `x · 2^exponent`, in two steps: the power alone may be no double.
pub(super) fn scale(x: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    x * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_double_is_brought_to_one_and_back() {
        for x in [1.0, 1.9, 3e-320, 5e-324, 1e-170, 7e170, f64::MAX, f64::MIN_POSITIVE] {
            let e = exponent(x);
            let scaled = scale(x, -e);
            assert!((1.0..2.0).contains(&scaled), "{x}: {scaled}");
            assert_eq!(scale(scaled, e), x);
        }
        assert_eq!([0.0, f64::INFINITY, f64::NAN].map(exponent), [0; 3]);
    }
}
