//! Exponential and logarithm of eight numbers side by side, without branches, so that they compile to wide registers.

/// Candidates that are evaluated side by side.
pub(super) const LANES: usize = 8;

/// `1.5 · 2⁵²`: adding it rounds to an integer, which is then in the low bits.
const ROUNDING: f64 = 6_755_399_441_055_744.0;

/// `ln 2` in two parts: products of the first with integers up to 2¹¹ are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Below this the exponential is 0: it would be subnormal.
const SMALLEST_EXPONENT: f64 = -708.0;

/// `1/k!` for `k = 13, 12, …, 2`: with `|r| ≤ ½ ln 2` what is left out is below 5e-18.
const EXPONENTIAL: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];

/// `2/(2k+1)` for `k = 11, 10, …, 1`: the series of `2 artanh s − 2 s` in `s²`, with `|s| ≤ 3 − 2√2`.
const LOGARITHM: [f64; 11] = [
    2.0 / 23.0,
    2.0 / 21.0,
    2.0 / 19.0,
    2.0 / 17.0,
    2.0 / 15.0,
    2.0 / 13.0,
    2.0 / 11.0,
    2.0 / 9.0,
    2.0 / 7.0,
    2.0 / 5.0,
    2.0 / 3.0,
];

/// `eˣ` for `x ≤ 0`; NaN stays NaN.
#[inline(always)]
pub(super) fn exp_lane(x: f64) -> f64 {
    let bounded = if x < SMALLEST_EXPONENT { SMALLEST_EXPONENT } else { x };
    let shifted = bounded.mul_add(std::f64::consts::LOG2_E, ROUNDING);
    let n = shifted - ROUNDING;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, bounded));
    let mut sum = EXPONENTIAL[0];
    for coefficient in &EXPONENTIAL[1..] {
        sum = sum.mul_add(r, *coefficient);
    }
    let value = (r * r).mul_add(sum, r) + 1.0;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < SMALLEST_EXPONENT { 0.0 } else { value * power }
}

/// `ln(1 + x)` for finite `x ≥ 0`, of full relative accuracy also near 0; `inverse` is `1 / (1 + x)`.
#[inline(always)]
pub(super) fn log1p_lane(x: f64, inverse: f64) -> f64 {
    const HALF_ROOT: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let u = 1.0 + x;
    // What rounding has taken from the sum.
    let lost = x - (u - 1.0);
    let exponent = (u.to_bits() - HALF_ROOT) >> 52;
    let mantissa = f64::from_bits(u.to_bits() - (exponent << 52));
    let n = f64::from_bits(ROUNDING.to_bits() + exponent) - ROUNDING;
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let mut sum = LOGARITHM[0];
    for coefficient in &LOGARITHM[1..] {
        sum = sum.mul_add(square, *coefficient);
    }
    // 2 artanh s = f − s (f − s² sum), which keeps the digits of f.
    let log = f - s * (-square).mul_add(sum, f);
    let small = n.mul_add(LN_2_LOW, lost.mul_add(inverse, log));
    n.mul_add(LN_2_HIGH, small)
}

/// [`exp_lane`] of each.
#[inline(always)]
pub(super) fn exp<const N: usize>(x: [f64; N]) -> [f64; N] {
    let mut out = [0.0; N];
    for m in 0..N {
        out[m] = exp_lane(x[m]);
    }
    out
}

/// [`log1p_lane`] of each.
#[inline(always)]
pub(super) fn log1p<const N: usize>(x: [f64; N], inverse: [f64; N]) -> [f64; N] {
    let mut out = [0.0; N];
    for m in 0..N {
        out[m] = log1p_lane(x[m], inverse[m]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(found: f64, expected: f64) -> f64 {
        let ulp = f64::from_bits(expected.abs().to_bits() + 1) - expected.abs();
        (found - expected).abs() / ulp
    }

    #[test]
    fn exponentials_are_right_to_an_ulp() {
        for i in 0..2_000_000 {
            let x = -708.0 * (f64::from(i) / 2e6).powi(3);
            assert!(ulps(exp_lane(x), x.exp()) <= 1.5, "{x}: {} is not {}", exp_lane(x), x.exp());
        }
        assert_eq!(exp_lane(0.0), 1.0);
        assert_eq!(exp_lane(-1e300), 0.0);
        assert_eq!(exp_lane(f64::NEG_INFINITY), 0.0);
        assert!(exp_lane(f64::NAN).is_nan());
    }

    #[test]
    fn logarithms_are_right_to_an_ulp() {
        for i in 0..2_000_000 {
            let x = 2.0_f64.powf(-200.0 + f64::from(i) * 1.1e-4);
            let log = log1p_lane(x, 1.0 / (1.0 + x));
            assert!(ulps(log, x.ln_1p()) <= 1.5, "{x}: {log} is not {}", x.ln_1p());
        }
        assert_eq!(log1p_lane(0.0, 1.0), 0.0);
        assert_eq!(log1p_lane(1e-300, 1.0), 1e-300);
    }
}
