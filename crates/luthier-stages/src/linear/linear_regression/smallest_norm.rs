//! Which of many least-squares solutions is taken.

use super::design::is_uniform;
use luthier_core::linalg::thin_svd;
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// A feature has a part in a linear dependence if its unit vector lies so far outside of what the rows determine.
const DEPENDENT: f64 = 1e-9;

/// The `t` of smallest `Σ (scale t)²` with `axesᵀ t = along`, for orthonormal columns `axes`.
pub(super) fn of_smallest_norm(
    axes: ArrayView2<'_, f64>,
    along: &Array1<f64>,
    scale: &Array1<f64>,
) -> Array1<f64> {
    if is_uniform(scale.view()) {
        return axes.dot(along);
    }
    // With q = scale t it is the smallest solution of (axes / scale)ᵀ q = along.
    let scaled: Array2<f64> = &axes / &scale.view().insert_axis(Axis(1));
    let Ok(svd) = thin_svd(scaled.view()) else { return axes.dot(along) };
    let inverse = svd.values.mapv(|s| if s > 0.0 { 1.0 / s } else { 0.0 });
    svd.u.dot(&(svd.v.t().dot(along) * inverse)) / scale
}

/// Places of the features that linear dependences involve: those whose coefficient is not determined.
pub(super) fn explained_by_others(axes: ArrayView2<'_, f64>) -> Vec<usize> {
    let outside = |row: ndarray::ArrayView1<'_, f64>| 1.0 - row.dot(&row);
    axes.outer_iter().enumerate().filter(|(_, row)| outside(*row) > DEPENDENT).map(|(i, _)| i).collect()
}
