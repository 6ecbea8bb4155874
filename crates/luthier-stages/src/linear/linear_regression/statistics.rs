use ndarray::{Array1, ArrayView1, s};
use statrs::function::beta::checked_beta_reg;

use super::doubled::Doubled;
use super::moments::{Factor, NormalEquations, Totals};

/// With fewer digits than this a residual sum of squares is taken from the rows.
const RESIDUAL_DIGITS: f64 = 6.0;

/// With fewer digits than this it is summed up in doubled precision, which helps where the moments are exact.
const ROUNDED_DIGITS: f64 = 12.0;

/// A number and how much of it can be believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// The number.
    pub(crate) value: f64,
    /// Decimal digits that cancellation has left, 0 to 15.95.
    pub(crate) digits: f64,
}

impl Estimate {
    /// Of a sum of terms that are not negative.
    pub(super) fn exact(value: f64) -> Self {
        Self::new(value, value)
    }

    /// With the sum of the magnitudes of the terms that were added.
    fn new(value: f64, magnitude: f64) -> Self {
        let error = f64::EPSILON * magnitude;
        let digits = if value > error { (value / error).log10() } else { 0.0 };
        Self { value: value.max(0.0), digits: digits.min(-f64::EPSILON.log10() + 0.3) }
    }
}

/// How well a linear model fits the rows it was fitted to, or any others, without seeing them.
#[derive(Debug, Clone)]
pub(crate) struct Goodness {
    /// Number of rows.
    pub(crate) rows: u64,
    /// Sum of the weights.
    pub(crate) weight_sum: f64,
    /// Coefficients that the rows tell apart.
    pub(crate) rank: usize,
    /// Whether the model has an intercept; without one `r2` is taken about zero.
    pub(crate) fit_intercept: bool,
    /// `Σ w (y − ŷ)²`.
    pub(crate) residual: Estimate,
    /// `Σ w (y − ȳ)²`, or `Σ w y²` without intercept.
    pub(crate) total: f64,
    /// `Σ w (ŷ − ȳ)²`.
    pub(crate) explained: f64,
}

impl Goodness {
    /// From the moments. The residual is a difference of sums of squares: where [`Estimate::digits`] is too low,
    /// take the factor or the rows.
    pub(crate) fn from_moments(
        moments: &NormalEquations,
        coefficients: ArrayView1<'_, f64>,
        intercept: f64,
        (rank, fit_intercept): (usize, bool),
    ) -> Self {
        let totals = moments.totals();
        let shift = Shift::new(&totals, coefficients, intercept);
        let (mut along, mut along_size, mut square, mut square_size) = (0.0, 0.0, 0.0, 0.0);
        // Below the diagonal everything counts twice: the matrix need not be read whole.
        for (i, (row, xy)) in moments.xx.rows().into_iter().zip(&moments.xy).enumerate() {
            let b = coefficients[i];
            if b != 0.0 {
                let (below, before) = (row.slice_move(s![..i]), coefficients.slice(s![..i]));
                let own = row[i] * b;
                square += b * (2.0 * below.dot(&before) + own);
                square_size += b.abs() * (2.0 * size_of_dot(below, before) + own.abs());
                along += b * xy;
                along_size += (b * xy).abs();
            }
        }
        let value = moments.yy - 2.0 * along + square + shift.square;
        let magnitude = moments.yy + 2.0 * along_size + square_size + shift.square + shift.error_terms;
        let mut residual = Estimate::new(value, magnitude);
        if residual.digits < ROUNDED_DIGITS {
            residual.value = (centred_residual(moments, coefficients) + shift.square).max(0.0);
        }
        Self::new(&totals, residual, square + shift.square, (rank, fit_intercept))
    }

    /// From the triangular factor: the residual is a sum of squares and keeps its digits.
    pub(crate) fn from_factor(
        factor: &Factor,
        coefficients: ArrayView1<'_, f64>,
        intercept: f64,
        (rank, fit_intercept): (usize, bool),
    ) -> Self {
        let totals = factor.totals();
        let shift = Shift::new(&totals, coefficients, intercept);
        let d = factor.features();
        let (mut value, mut error, mut square) = (shift.square, shift.error_terms, 0.0);
        for row in factor.r.rows() {
            let fitted: f64 = row.iter().zip(&coefficients).map(|(r, b)| r * b).sum();
            let size: f64 = row.iter().zip(&coefficients).map(|(r, b)| (r * b).abs()).sum();
            let rest = row[d] - fitted;
            value += rest * rest;
            // d(rest²) = 2 rest ε size + (ε size)², over ε.
            error += rest * rest + 2.0 * rest.abs() * size + f64::EPSILON * size * size;
            square += fitted * fitted;
        }
        Self::new(&totals, Estimate::new(value, error), square + shift.square, (rank, fit_intercept))
    }

    pub(super) fn new(
        totals: &Totals,
        residual: Estimate,
        explained: f64,
        (rank, fit_intercept): (usize, bool),
    ) -> Self {
        let about = if fit_intercept { 0.0 } else { totals.weight_sum * totals.y_mean * totals.y_mean };
        Self {
            rows: totals.rows,
            weight_sum: totals.weight_sum,
            rank,
            fit_intercept,
            residual,
            total: totals.yy + about,
            explained,
        }
    }

    /// Whether what is left of the residual is mostly rounding.
    pub(crate) fn is_noise(&self) -> bool {
        self.total > 0.0 && self.residual.digits < RESIDUAL_DIGITS
    }

    /// With `Σ w (y − ŷ)²` from the rows.
    pub(crate) fn with_residual(self, value: f64) -> Self {
        Self { residual: Estimate::exact(value), ..self }
    }

    /// `Σ w (y − ŷ)² / W`.
    pub(crate) fn mean_squared_error(&self) -> f64 {
        self.residual.value / self.weight_sum
    }

    /// The root of the mean squared error.
    pub(crate) fn root_mean_squared_error(&self) -> f64 {
        self.mean_squared_error().sqrt()
    }

    /// `1 − Σ w (y − ŷ)² / Σ w (y − ȳ)²`; NaN for a constant label. About zero without intercept.
    pub(crate) fn r2(&self) -> f64 {
        1.0 - self.residual.value / self.total
    }

    /// r2 with both sums divided by their degrees of freedom.
    pub(crate) fn adjusted_r2(&self) -> f64 {
        let rows = self.rows as f64 - f64::from(u8::from(self.fit_intercept));
        1.0 - (1.0 - self.r2()) * rows / (rows - self.rank as f64)
    }

    /// The logarithm of the likelihood of unweighted rows under normal errors of the most likely variance,
    /// `−n/2 (ln 2π + ln(RSS/n) + 1)`.
    pub(crate) fn log_likelihood(&self) -> f64 {
        let n = self.rows as f64;
        -0.5 * n * ((2.0 * std::f64::consts::PI).ln() + (self.residual.value / n).ln() + 1.0)
    }

    /// Coefficients, intercept and the variance of the errors.
    pub(crate) fn parameters(&self) -> f64 {
        (self.rank + 1 + usize::from(self.fit_intercept)) as f64
    }

    /// `Σ w (ŷ − ȳ)² / W`, Spark's definition.
    pub(crate) fn explained_variance(&self) -> f64 {
        self.explained / self.weight_sum
    }

    /// Rows less the coefficients that they tell apart, less the intercept. Weights do not count.
    pub(crate) fn degrees_of_freedom(&self) -> i64 {
        self.rows as i64 - self.rank as i64 - i64::from(self.fit_intercept)
    }
}

/// `Σ |a b|`, in several sums that do not wait for each other.
fn size_of_dot(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    let (Some(a), Some(b)) = (a.to_slice(), b.to_slice()) else {
        return a.iter().zip(&b).map(|(a, b)| (a * b).abs()).sum();
    };
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += (a[i] * b[i]).abs();
        }
    }
    a_rest.iter().zip(b_rest).fold(sums.iter().sum(), |sum: f64, (a, b)| sum + (a * b).abs())
}

/// `Σ w (y−ȳ)² − 2βᵀxy + βᵀxxβ`, rounded once.
fn centred_residual(moments: &NormalEquations, coefficients: ArrayView1<'_, f64>) -> f64 {
    let mut sum = Doubled::default();
    sum.add(moments.yy);
    let rows = moments.xx.rows().into_iter().zip(&moments.xy).zip(&coefficients);
    for ((row, xy), b) in rows.filter(|(_, b)| **b != 0.0) {
        let mut product = Doubled::default();
        product.add(-2.0 * xy);
        row.iter().zip(&coefficients).for_each(|(x, b)| product.add_product(*x, *b));
        sum.add_scaled(*b, product);
    }
    sum.value()
}

/// The mean residual `m = ȳ − c − βᵀμ`, as `W m²`.
struct Shift {
    square: f64,
    /// What rounding in `m` puts into the square, over ε.
    error_terms: f64,
}

impl Shift {
    fn new(totals: &Totals, coefficients: ArrayView1<'_, f64>, intercept: f64) -> Self {
        let mut mean = Doubled::default();
        mean.add(totals.y_mean);
        mean.add(-intercept);
        coefficients.iter().zip(&totals.x_mean).for_each(|(b, m)| mean.add_product(-b, *m));
        let mean = mean.value();
        let size = totals.y_mean.abs()
            + intercept.abs()
            + coefficients.iter().zip(&totals.x_mean).map(|(b, m)| (b * m).abs()).sum::<f64>();
        let w = totals.weight_sum;
        Self {
            square: w * mean * mean,
            error_terms: w * (2.0 * mean.abs() * size + f64::EPSILON * size * size),
        }
    }
}

/// Standard errors of the coefficients and what they say, the intercept last.
#[derive(Debug, Clone)]
pub(crate) struct Inference {
    /// Standard errors.
    pub(crate) standard_errors: Array1<f64>,
    /// Estimates over their standard errors.
    pub(crate) t_values: Array1<f64>,
}

/// Inference from `Fit::inverse_diagonal` and the residual sum of squares; `None` without degrees of freedom.
pub(crate) fn infer(
    coefficients: ArrayView1<'_, f64>,
    intercept: f64,
    inverse_diagonal: &Array1<f64>,
    goodness: &Goodness,
) -> Option<Inference> {
    let freedom = goodness.degrees_of_freedom();
    if freedom <= 0 {
        return None;
    }
    let variance = goodness.residual.value / freedom as f64;
    let standard_errors = inverse_diagonal.mapv(|d| (variance * d).sqrt());
    let estimates = coefficients.iter().copied().chain(goodness.fit_intercept.then_some(intercept));
    let t_values: Array1<f64> = estimates.zip(&standard_errors).map(|(e, s)| e / s).collect();
    Some(Inference { standard_errors, t_values })
}

/// `P(|T| ≥ |t|)` as the incomplete beta function `I_{ν/(ν+t²)}(ν/2, ½)`: no difference from 1 is taken, so small
/// probabilities keep their digits; near 1 its complement keeps those of small `t`. At least 15 digits less those of `ν`.
pub(super) fn two_sided_p(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    let square = t * t;
    let tail = match square {
        square if square < 1.0 => {
            checked_beta_reg(0.5, 0.5 * freedom, square / (freedom + square)).map(|middle| 1.0 - middle)
        }
        square if square.is_infinite() => checked_beta_reg(0.5 * freedom, 0.5, 0.0),
        square => checked_beta_reg(0.5 * freedom, 0.5, freedom / (freedom + square)),
    };
    tail.unwrap_or(f64::NAN)
}

#[cfg(test)]
#[allow(
    clippy::excessive_precision,
    clippy::unreadable_literal,
    reason = "the digits are as mpmath gave them"
)]
mod tests {
    use super::*;

    #[test]
    fn far_tails_keep_their_digits() {
        // One degree of freedom is Cauchy: P(|T| ≥ t) = 2 atan(1/t) / π; two: 1 − t/√(2+t²) ≈ 1/t².
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
        for t in [0.5, 3.0, 1e3, 1e8] {
            close(two_sided_p(t, 1.0), 2.0 * (1.0_f64 / t).atan() / std::f64::consts::PI);
            close(two_sided_p(-t, 1.0), two_sided_p(t, 1.0));
        }
        close(two_sided_p(1e8, 2.0), 1e-16);
        assert_eq!(two_sided_p(0.0, 5.0), 1.0);
        assert_eq!(two_sided_p(f64::INFINITY, 5.0), 0.0);
        assert!(two_sided_p(f64::NAN, 5.0).is_nan());
        assert!(two_sided_p(1e6, 431.0) >= 0.0);
    }

    /// Against mpmath with 60 digits.
    #[test]
    fn tails_have_all_digits() {
        let expected: [(f64, [f64; 7]); 8] = [
            (
                1.0,
                [
                    9.9999999363380228e-1,
                    9.9936338043983888e-1,
                    6.1119977557157042e-1,
                    2.422378831816868e-1,
                    7.9166848321131084e-2,
                    1.5912179824051627e-2,
                    6.3661956016111788e-4,
                ],
            ),
            (
                2.0,
                [
                    9.9999999292893219e-1,
                    9.9929289339559008e-1,
                    5.5639302463286546e-1,
                    1.2961172022151081e-1,
                    1.5268072165338138e-2,
                    6.2441467218474064e-4,
                    9.999985000025e-7,
                ],
            ),
            (
                3.0,
                [
                    9.9999999264894806e-1,
                    9.9926489496946094e-1,
                    5.3432699830476363e-1,
                    8.7706647008065547e-2,
                    4.0765775877854682e-3,
                    3.4380680789158528e-5,
                    2.2053076425765927e-9,
                ],
            ),
            (
                7.0,
                [
                    9.9999999230017098e-1,
                    9.9923001724499884e-1,
                    5.0651755219559978e-1,
                    4.0992218585752897e-2,
                    9.1149211708753624e-5,
                    1.590217998485037e-9,
                    2.6409838375211876e-19,
                ],
            ),
            (
                30.0,
                [
                    9.999999920873563e-1,
                    9.9920873576648509e-1,
                    4.8932044349967151e-1,
                    1.8115649068066694e-2,
                    6.2658224757007589e-9,
                    1.3726045194406403e-27,
                    2.0720034831117331e-69,
                ],
            ),
            (
                443.0,
                [
                    9.9999999202565585e-1,
                    9.9920256571844643e-1,
                    4.8429473260646821e-1,
                    1.2779875354710915e-2,
                    1.0978865471561609e-14,
                    3.8483951210280814e-149,
                    0.0,
                ],
            ),
            (
                10000.0,
                [
                    9.9999999202135386e-1,
                    9.992021355190525e-1,
                    4.8394358818011643e-1,
                    1.2435219550583697e-2,
                    1.3821208729065382e-15,
                    0.0,
                    0.0,
                ],
            ),
            (
                1000000.0,
                [
                    9.9999999202115639e-1,
                    9.9920211577164909e-1,
                    4.8392746728654142e-1,
                    1.2419489502163246e-2,
                    1.245506343320252e-15,
                    0.0,
                    0.0,
                ],
            ),
        ];
        for (freedom, expected) in expected {
            for (t, expected) in [1e-8, 1e-3, 0.7, 2.5, 8.0, 40.0, 1e3].into_iter().zip(expected) {
                let found = two_sided_p(t, freedom);
                let tolerance = 2e-13 + 1e-15 * freedom;
                let off = (found - expected).abs() / f64::max(expected, 1e-300);
                assert!(off <= tolerance, "{t} {freedom}: {found:e} {expected:e} {off:e}");
            }
        }
    }
}
