//! Which of several lasso solutions is taken.
//!
//! All solutions of a lasso have the same fit and so the same correlations with the residual; they differ along
//! directions in which the features whose correlations are as large as the penalty depend on each other. The one taken
//! is the smallest, `min Σ (p t)²`: it is what the elastic net tends to as its L2 penalty goes to zero, and it follows
//! from the problem alone.

use luthier_core::CancelToken;
use luthier_core::linalg::{symmetric_eigen, thin_svd};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use crate::optim::{Curvature, Quadratic, Region};

/// Eigenvalues of a unit Gram matrix below this are zero, and so are singular values of its rows below the second.
const FLAT: (f64, f64) = (1e-11, 1e-12);

/// Orthonormal columns along which the rows `features` (one row a feature) do not change.
pub(super) fn flat_directions_of_rows(features: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let svd = thin_svd(features.t()).ok()?;
    let rank = svd.values.iter().filter(|value| **value > FLAT.1).count();
    let axes = svd.v.slice(s![.., ..rank]);
    let rest = Array2::eye(axes.nrows()) - axes.dot(&axes.t());
    let eigen = symmetric_eigen(rest.view()).ok()?;
    let nullity = axes.nrows() - rank;
    Some(eigen.vectors.slice(s![.., ..nullity]).to_owned())
}

/// The same from their Gram matrix.
pub(super) fn flat_directions(gram: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let eigen = symmetric_eigen(gram).ok()?;
    let rank = eigen.values.iter().filter(|value| **value > FLAT.0).count();
    Some(eigen.vectors.slice(s![.., rank..]).to_owned())
}

/// Of all `t + flat y` whose entries have the given signs, or are zero, the one of smallest `Σ (scale t)²`.
pub(super) fn smallest_of_tied(
    t: &Array1<f64>,
    signs: &Array1<f64>,
    scale: &Array1<f64>,
    flat: &Array2<f64>,
) -> Option<Array1<f64>> {
    if flat.ncols() == 0 {
        return Some(t.clone());
    }
    // With flat scaled = U S Wᵀ, x = S Wᵀ y + Uᵀ(scale t) is what is left to be made small: a least-distance problem.
    let scaled: Array2<f64> = flat * &scale.view().insert_axis(Axis(1));
    let axes = thin_svd(scaled.view()).ok()?.u;
    let start = axes.t().dot(&(t * scale));
    let bounds: Array2<f64> = &axes * &(signs / scale).insert_axis(Axis(1));
    let least = bounds.dot(&start) - signs * t;
    let (x, bound) = least_distance(&bounds, &least)?;
    let mut found = t + &(axes.dot(&(x - start)) / scale);
    bound.into_iter().for_each(|i| found[i] = 0.0);
    // What rounding has left on the wrong side of zero.
    found.zip_mut_with(signs, |t, sign| {
        if *t * sign < 0.0 {
            *t = 0.0
        }
    });
    Some(found)
}

/// The smallest `x` with `G x ≥ h`, and the rows of `G` that hold it (Lawson and Hanson 1974, chapter 23).
fn least_distance(g: &Array2<f64>, h: &Array1<f64>) -> Option<(Array1<f64>, Vec<usize>)> {
    let (count, size) = g.dim();
    let scale = h.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    if h.iter().all(|h| *h <= 1e-14 * scale) {
        return Some((Array1::zeros(size), Vec::new()));
    }
    // In units of the bounds, so that the last row weighs as much as the others.
    let stacked = Array2::from_shape_fn((size + 1, count), |(i, j)| match i {
        i if i < size => g[[j, i]],
        _ => h[j] / scale,
    });
    let mut target = Array1::zeros(size + 1);
    target[size] = 1.0;
    let u = non_negative(&stacked, &target);
    let passive = (0..count).filter(|&i| u[i] > 0.0).collect();
    let rest = stacked.dot(&u) - &target;
    let last = rest[size];
    // The bounds contradict each other by no more than rounding: `t` itself keeps them.
    (last < -1e-12).then(|| (rest.slice(s![..size]).mapv(|r| -r / last * scale), passive))
}

/// `min ‖A u − b‖` over `u ≥ 0`.
fn non_negative(a: &Array2<f64>, b: &Array1<f64>) -> Array1<f64> {
    let zeros = vec![0.0; a.ncols()];
    let curvature = Curvature::from_rows(&[a.view()], &zeros, 1.0);
    let slope = -a.t().dot(b);
    let region = Region::new(zeros.clone(), 0.0);
    let cancel = &CancelToken::never();
    Quadratic { curvature: &curvature, point: &zeros, slope: slope.view(), region: &region, cancel }
        .minimise()
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn copies_share_and_weighted_copies_share_by_weight() {
        let (t, signs) = (array![3.0, 0.0, 0.0], array![1.0, 1.0, 1.0]);
        let features = array![[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]];
        let flat = flat_directions_of_rows(features.view()).unwrap();
        assert_eq!(flat.dim(), (3, 2));
        let found = smallest_of_tied(&t, &signs, &array![1.0, 1.0, 1.0], &flat).unwrap();
        assert!(found.iter().all(|v| (v - 1.0).abs() < 1e-14), "{found}");
    }

    #[test]
    fn signs_bound_what_is_shared() {
        // The fit is flat along (1, 1, 1, 1); the third entry may not become positive.
        let (t, signs) = (array![2.0, 1.0, -0.25, -2.0], array![1.0, 1.0, -1.0, -1.0]);
        let flat = Array2::from_elem((4, 1), 0.5);
        let found = smallest_of_tied(&t, &signs, &Array1::ones(4), &flat).unwrap();
        // Without bounds the mean, 0.1875, would be taken off.
        let close = |found: &Array1<f64>, expected: [f64; 4]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{found} {expected:?}");
        };
        close(&found, [1.8125, 0.8125, -0.4375, -2.1875]);
        let found = smallest_of_tied(
            &array![3.0, 2.0, 1.0, 0.0],
            &array![1.0, 1.0, 1.0, -1.0],
            &Array1::ones(4),
            &flat,
        );
        close(&found.unwrap(), [2.0, 1.0, 0.0, -1.0]);
    }
}
