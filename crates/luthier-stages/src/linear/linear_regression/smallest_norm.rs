//! Which of many least-squares solutions is taken.

use super::design::is_uniform;
use luthier_core::linalg::thin_svd;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

/// A feature has a part in a linear dependence if its unit vector lies so far outside of what the rows determine.
const DEPENDENT: f64 = 1e-9;

/// What is left of the rows' demands at most, as a part of them, when the solution is made smaller.
const KEPT: f64 = 1e-10;

/// The `t` of smallest `Σ (scale t)²` with `axesᵀ t = along`, for orthonormal columns `axes`.
pub(super) fn of_smallest_norm(
    axes: ArrayView2<'_, f64>,
    along: &Array1<f64>,
    scale: &Array1<f64>,
) -> Array1<f64> {
    let mut t = axes.dot(along);
    // The others are determined, whatever their scale.
    let dependent = explained_by_others(axes);
    let scale = scale.select(Axis(0), &dependent);
    if !is_uniform(scale.view())
        && let Some(smaller) = smallest_dependent(axes, &t, &dependent, &scale)
    {
        dependent.iter().zip(smaller).for_each(|(&j, smaller)| t[j] = smaller);
    }
    t
}

/// The smallest values of the dependent features; `None` if their scales are too different for them to be found.
fn smallest_dependent(
    axes: ArrayView2<'_, f64>,
    t: &Array1<f64>,
    dependent: &[usize],
    scale: &Array1<f64>,
) -> Option<Array1<f64>> {
    // What the rows determine of these features alone.
    let of_these = thin_svd(axes.select(Axis(0), dependent).view()).ok()?;
    let rank = of_these.values.iter().filter(|value| **value > 0.5).count();
    let axes = of_these.u.slice(s![.., ..rank]);
    let demand = axes.t().dot(&t.select(Axis(0), dependent));
    // With q = scale t it is the smallest solution of (axes / scale)ᵀ q = demand.
    let scaled: Array2<f64> = &axes / &scale.view().insert_axis(Axis(1));
    let svd = thin_svd(scaled.view()).ok()?;
    let inverse = svd.values.mapv(|s| if s > 0.0 { 1.0 / s } else { 0.0 });
    let solve = |demand: &Array1<f64>| svd.u.dot(&(svd.v.t().dot(demand) * &inverse)) / scale;
    let mut smallest = solve(&demand);
    smallest += &solve(&(&demand - &axes.t().dot(&smallest)));
    let left = &demand - &axes.t().dot(&smallest);
    let largest = |v: &Array1<f64>| v.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    (largest(&left) <= KEPT * largest(&demand)).then_some(smallest)
}

/// Places of the features that linear dependences involve: those whose coefficient is not determined.
pub(super) fn explained_by_others(axes: ArrayView2<'_, f64>) -> Vec<usize> {
    let outside = |row: ndarray::ArrayView1<'_, f64>| 1.0 - row.dot(&row);
    axes.outer_iter().enumerate().filter(|(_, row)| outside(*row) > DEPENDENT).map(|(i, _)| i).collect()
}
