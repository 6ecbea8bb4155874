//! Products of rows with the points of several candidates side by side: scores `X β + c` and gradients `Xᵀ r`.
//!
//! Every sum is one of fused products in the order of features or rows, in a lane of its own: its bits do not depend on
//! the width of the registers. Compilers cut these loops up in ways of their own, often for the narrowest registers, so
//! the lanes of the dense ones are named.

use pulp::Simd;

/// Sums that are kept in registers together: so many fused products are under way at once.
const TOGETHER: usize = 8;

/// The number of rows that are multiplied at once is best a multiple of this.
pub(super) const ROW_STEP: usize = TOGETHER;

/// The scores `x · β + c` of all rows. A register holds one lane or more, of `N` in all.
#[inline(always)]
pub(super) fn dense_scores<S: Simd, const N: usize>(
    simd: S,
    features: &[f64],
    point: &[[f64; N]],
    scores: &mut [[f64; N]],
) {
    let width = point.len() - 1;
    if width == 0 {
        return scores.fill(point[0]);
    }
    let mut some = features.chunks_exact(TOGETHER * width);
    let mut out = scores.chunks_exact_mut(TOGETHER);
    for (rows, out) in (&mut some).zip(&mut out) {
        score_rows::<S, TOGETHER, N>(simd, rows, point, out);
    }
    let rest = some.remainder().chunks_exact(width);
    for (row, out) in rest.zip(out.into_remainder().chunks_exact_mut(1)) {
        score_rows::<S, 1, N>(simd, row, point, out);
    }
}

#[inline(always)]
fn score_rows<S: Simd, const ROWS: usize, const N: usize>(
    simd: S,
    rows: &[f64],
    point: &[[f64; N]],
    out: &mut [[f64; N]],
) {
    let (width, registers) = (point.len() - 1, N / S::F64_LANES);
    let rows: [&[f64]; ROWS] = std::array::from_fn(|i| &rows[i * width..][..width]);
    let (slopes, intercept) = S::as_simd_f64s(point.as_flattened()).0.split_at(width * registers);
    let out = S::as_mut_simd_f64s(out.as_flattened_mut()).0;
    for part in 0..registers {
        let mut sums = [intercept[part]; ROWS];
        for (j, slope) in slopes.chunks_exact(registers).enumerate() {
            for i in 0..ROWS {
                sums[i] = simd.mul_add_f64s(simd.splat_f64s(rows[i][j]), slope[part], sums[i]);
            }
        }
        for i in 0..ROWS {
            out[i * registers + part] = sums[i];
        }
    }
}

/// Adds `Σ r x` and `Σ r` of residuals `r`.
#[inline(always)]
pub(super) fn dense_gradient<S: Simd, const N: usize>(
    simd: S,
    features: &[f64],
    residuals: &[[f64; N]],
    gradient: &mut [[f64; N]],
) {
    let width = gradient.len() - 1;
    add_sum(residuals, &mut gradient[width]);
    let mut j = 0;
    while j + TOGETHER <= width {
        features_gradient::<S, TOGETHER, N>(simd, features, residuals, j, gradient);
        j += TOGETHER;
    }
    while j + 4 <= width {
        features_gradient::<S, 4, N>(simd, features, residuals, j, gradient);
        j += 4;
    }
    while j < width {
        features_gradient::<S, 1, N>(simd, features, residuals, j, gradient);
        j += 1;
    }
}

/// The gradient of a few features from `from` on.
#[inline(always)]
fn features_gradient<S: Simd, const FEATURES: usize, const N: usize>(
    simd: S,
    features: &[f64],
    residuals: &[[f64; N]],
    from: usize,
    gradient: &mut [[f64; N]],
) {
    let (width, registers) = (gradient.len() - 1, N / S::F64_LANES);
    let residuals = S::as_simd_f64s(residuals.as_flattened()).0;
    let gradient = S::as_mut_simd_f64s(gradient[from..from + FEATURES].as_flattened_mut()).0;
    for part in 0..registers {
        let mut sums = [simd.splat_f64s(0.0); FEATURES];
        for (row, r) in features.chunks_exact(width).zip(residuals.chunks_exact(registers)) {
            let row = &row[from..from + FEATURES];
            for i in 0..FEATURES {
                sums[i] = simd.mul_add_f64s(simd.splat_f64s(row[i]), r[part], sums[i]);
            }
        }
        for i in 0..FEATURES {
            let total = &mut gradient[i * registers + part];
            *total = simd.add_f64s(*total, sums[i]);
        }
    }
}

#[inline(always)]
pub(super) fn sparse_scores<const N: usize>(
    ends: &[usize],
    indices: &[u32],
    values: &[f64],
    point: &[[f64; N]],
    scores: &mut [[f64; N]],
) {
    let (slopes, intercept) = point.split_at(point.len() - 1);
    let mut start = 0;
    for (out, &end) in scores.iter_mut().zip(ends) {
        let mut sum = intercept[0];
        for (j, x) in indices[start..end].iter().zip(&values[start..end]) {
            let slope = &slopes[*j as usize];
            for m in 0..N {
                sum[m] = x.mul_add(slope[m], sum[m]);
            }
        }
        *out = sum;
        start = end;
    }
}

#[inline(always)]
pub(super) fn sparse_gradient<const N: usize>(
    ends: &[usize],
    indices: &[u32],
    values: &[f64],
    residuals: &[[f64; N]],
    gradient: &mut [[f64; N]],
) {
    let width = gradient.len() - 1;
    add_sum(residuals, &mut gradient[width]);
    let mut start = 0;
    for (r, &end) in residuals.iter().zip(ends) {
        for (j, x) in indices[start..end].iter().zip(&values[start..end]) {
            let sum = &mut gradient[*j as usize];
            for m in 0..N {
                sum[m] = x.mul_add(r[m], sum[m]);
            }
        }
        start = end;
    }
}

#[inline(always)]
fn add_sum<const N: usize>(residuals: &[[f64; N]], sum: &mut [f64; N]) {
    let mut total = *sum;
    for r in residuals {
        for m in 0..N {
            total[m] += r[m];
        }
    }
    *sum = total;
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 8;

    struct Both<'a> {
        features: &'a [f64],
        point: &'a [[f64; N]],
        rows: usize,
    }

    impl pulp::WithSimd for Both<'_> {
        type Output = (Vec<[f64; N]>, Vec<[f64; N]>);

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut scores = vec![[0.0; N]; self.rows];
            dense_scores(simd, self.features, self.point, &mut scores);
            let mut gradient = self.point.to_vec();
            dense_gradient(simd, self.features, &scores, &mut gradient);
            (scores, gradient)
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_registers() {
        let number = |i: usize| (i as f64 * 0.7).sin() / (1.0 + (i % 5) as f64);
        for (rows, width) in [(1, 1), (7, 3), (8, 8), (9, 12), (29, 23), (64, 0)] {
            let features: Vec<f64> = (0..rows * width).map(number).collect();
            let point: Vec<[f64; N]> =
                (0..=width).map(|j| std::array::from_fn(|m| number(3 + j * N + m))).collect();
            let mut scores = vec![point[width]; rows];
            let mut gradient = vec![[0.0; N]; width + 1];
            for (i, score) in scores.iter_mut().enumerate() {
                for m in 0..N {
                    for j in 0..width {
                        score[m] = features[i * width + j].mul_add(point[j][m], score[m]);
                    }
                    for j in 0..width {
                        gradient[j][m] = features[i * width + j].mul_add(score[m], gradient[j][m]);
                    }
                }
            }
            (0..width).for_each(|j| (0..N).for_each(|m| gradient[j][m] += point[j][m]));
            gradient[width] =
                scores.iter().fold(point[width], |sum, score| std::array::from_fn(|m| sum[m] + score[m]));
            let expected = (scores, gradient);
            let both = || Both { features: &features, point: &point, rows };
            assert_eq!(pulp::Arch::new().dispatch(both()), expected, "{rows} x {width}");
            assert_eq!(pulp::WithSimd::with_simd(both(), pulp::Scalar::new()), expected);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = pulp::x86::V3::try_new() {
                assert_eq!(pulp::Simd::vectorize(simd, both()), expected);
            }
        }
    }
}
