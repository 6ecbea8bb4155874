//! Independent columns of a curvature, among which unknowns come and go.

use luthier_core::linalg;
use ndarray::{Array1, Array2, ArrayView1, Axis, s};

use super::curvature::{Curvature, sub_matrix};
use super::growing_factor::GrowingFactor;

/// A new pivot of a matrix below this part of its diagonal entry, for each unknown, is rounding.
const LEAST_PIVOT: f64 = 16.0 * f64::EPSILON;

/// Unknowns whose columns are independent, and the triangular factor `R` of the curvature on them.
///
/// With a factor `A` of the curvature, `A = Q R` on the members: `R` keeps the digits that products would lose.
#[derive(Debug)]
pub(super) struct Basis<'a> {
    curvature: &'a Curvature,
    members: Vec<usize>,
    /// `Rᵀ`.
    lower: GrowingFactor,
    /// `Qᵀ`, where the curvature has a factor.
    frame: Option<Array2<f64>>,
}

impl<'a> Basis<'a> {
    /// Of those of some unknowns that are independent.
    pub(super) fn new(curvature: &'a Curvature, start: &[usize]) -> Self {
        let frame = curvature.factor().map(|factor| Array2::eye(factor.nrows()));
        let mut basis = Self { curvature, members: Vec::new(), lower: GrowingFactor::default(), frame };
        // All at once is faster, where it can be done.
        if basis.frame.is_none()
            && let Some(lower) = linalg::cholesky(sub_matrix(curvature.matrix(), start).view())
        {
            let rows = lower.outer_iter().enumerate();
            rows.for_each(|(i, row)| basis.lower.push_row(row.iter().take(i + 1).copied().collect()));
            basis.members = start.to_vec();
            return basis;
        }
        start.iter().for_each(|&j| {
            basis.add(j);
        });
        basis
    }

    /// The unknowns, in the order of `R`.
    pub(super) fn members(&self) -> &[usize] {
        &self.members
    }

    /// Takes in an unknown; `false`, and no change, if its column depends on those of the members.
    pub(super) fn add(&mut self, j: usize) -> bool {
        let is_new = match (&mut self.frame, self.curvature.factor()) {
            (Some(frame), Some(factor)) => {
                let column = frame.dot(&factor.column(j));
                let (above, below) = column.view().split_at(Axis(0), self.members.len());
                let pivot = below.dot(&below).sqrt();
                let is_new = pivot > self.curvature.cutoff(j);
                if is_new {
                    reflect(frame, self.members.len(), below, pivot);
                    self.lower.push_row(above.iter().copied().chain([pivot]).collect());
                }
                is_new
            }
            _ => {
                let row = self.curvature.matrix().row(j);
                let column = self.members.iter().map(|&i| row[i]).chain([row[j]]).collect();
                self.lower.push(column, LEAST_PIVOT * (1 + self.members.len()) as f64 * row[j])
            }
        };
        if is_new {
            self.members.push(j);
        }
        is_new
    }

    /// Takes out an unknown.
    pub(super) fn remove(&mut self, j: usize) {
        let Some(at) = self.members.iter().position(|member| *member == j) else { return };
        self.members.remove(at);
        let rotations = self.lower.remove(at);
        if let Some(frame) = &mut self.frame {
            for (i, (cos, sin)) in (at..).zip(rotations) {
                let (first, second) = frame.multi_slice_mut((s![i, ..], s![i + 1, ..]));
                ndarray::Zip::from(first).and(second).for_each(|a, b| {
                    (*a, *b) = (cos * *a + sin * *b, cos * *b - sin * *a);
                });
            }
        }
    }

    /// Solves `H x = b` on the members.
    pub(super) fn solve(&self, b: &mut [f64]) {
        self.lower.solve(b);
    }

    /// What of each member makes up the column of another unknown that depends on them.
    pub(super) fn parts_of(&self, j: usize) -> Vec<f64> {
        let mut parts: Vec<f64> = match (&self.frame, self.curvature.factor()) {
            (Some(frame), Some(factor)) => {
                frame.slice(s![..self.members.len(), ..]).dot(&factor.column(j)).to_vec()
            }
            _ => {
                let row = self.curvature.matrix().row(j);
                let mut parts: Vec<f64> = self.members.iter().map(|&i| row[i]).collect();
                self.lower.solve_lower(&mut parts);
                parts
            }
        };
        self.lower.solve_upper(&mut parts);
        parts
    }
}

/// Turns the rows of `frame` from `start` on so that `below` becomes `(pivot, 0, …)` there (Householder).
fn reflect(frame: &mut Array2<f64>, start: usize, below: ArrayView1<'_, f64>, pivot: f64) {
    let mut rows = frame.slice_mut(s![start.., ..]);
    let Some(&first) = below.first() else { return };
    let is_done = below.iter().skip(1).all(|v| *v == 0.0);
    if is_done && first > 0.0 {
        return;
    }
    // v = below − pivot e₁, whose first entry is found without cancellation.
    let mut v: Array1<f64> = below.to_owned();
    let rest: f64 = below.iter().skip(1).map(|v| v * v).sum();
    v[0] = if first > 0.0 { -rest / (first + pivot) } else { first - pivot };
    let along = rows.t().dot(&v) * (2.0 / v.dot(&v));
    for (mut row, v) in rows.outer_iter_mut().zip(&v) {
        row.scaled_add(-v, &along);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn solves_whatever_came_and_went() {
        let rows = array![
            [1.0, 0.5, -0.2, 1.5, 0.3],
            [0.2, 1.0, 0.4, 1.2, -0.7],
            [0.1, -0.3, 1.0, -0.2, 0.9],
            [-0.6, 0.1, 0.8, -0.5, 1.1]
        ];
        // The fourth column is the sum of the first two.
        let forms = [
            Curvature::from_rows(&[rows.view()], &[0.0; 5], 1.0),
            Curvature::from_matrix(rows.t().dot(&rows)),
        ];
        for curvature in &forms {
            let mut basis = Basis::new(curvature, &[1, 0]);
            assert!(basis.add(2));
            assert!(!basis.add(3));
            let parts = basis.parts_of(3);
            assert!(parts.iter().zip([1.0, 1.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{parts:?}");
            basis.remove(1);
            assert!(basis.add(3) && basis.add(4));
            basis.remove(0);
            assert_eq!(basis.members(), [2, 3, 4]);
            let chosen = rows.select(Axis(1), basis.members());
            let x = array![0.3, -2.0, 1.0];
            let mut b = chosen.t().dot(&chosen.dot(&x)).to_vec();
            basis.solve(&mut b);
            assert!(b.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12), "{b:?}");
        }
    }
}
