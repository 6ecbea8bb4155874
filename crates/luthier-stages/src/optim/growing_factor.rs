//! Cholesky's factor of a matrix that gains and loses rows and columns.

/// The lower-triangular `L` with `L Lᵀ = K`, its rows one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrowingFactor {
    rows: Vec<Vec<f64>>,
}

impl GrowingFactor {
    /// The smallest pivot `L_jj²`: what is left of a variable that the ones before it do not explain.
    pub(crate) fn smallest_pivot(&self) -> f64 {
        self.rows.iter().filter_map(|row| row.last()).map(|v| v * v).fold(f64::INFINITY, f64::min)
    }

    /// Adds a row and column at the end: `column` is that of `K`, the diagonal last. `false`, and no change, if
    /// the new pivot would not exceed `least`.
    pub(crate) fn push(&mut self, mut column: Vec<f64>, least: f64) -> bool {
        let Some(diagonal) = column.pop() else { return false };
        self.solve_lower(&mut column);
        let pivot = diagonal - dot(&column, &column);
        // NaN is refused too.
        if pivot > least {
            column.push(pivot.sqrt());
            self.rows.push(column);
            return true;
        }
        false
    }

    /// Adds a row of the factor that is known already, its pivot last.
    pub(super) fn push_row(&mut self, row: Vec<f64>) {
        self.rows.push(row);
    }

    /// Takes out row and column `at`. Rotations of neighbouring columns, the first of `at` and the one behind it, make the
    /// rest triangular again: their cosines and sines.
    pub(crate) fn remove(&mut self, at: usize) -> Vec<(f64, f64)> {
        self.rows.remove(at);
        let mut rotations: Vec<(f64, f64)> = Vec::new();
        for row in self.rows.iter_mut().skip(at) {
            for (i, &(cos, sin)) in (at..).zip(&rotations) {
                (row[i], row[i + 1]) = (cos * row[i] + sin * row[i + 1], cos * row[i + 1] - sin * row[i]);
            }
            let last = at + rotations.len();
            let (a, b) = (row[last], row[last + 1]);
            let size = a.hypot(b);
            rotations.push((a / size, b / size));
            row.truncate(last);
            row.push(size);
        }
        rotations
    }

    /// Solves `K x = b` in place.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        self.solve_lower(b);
        self.solve_upper(b);
    }

    /// Solves `Lᵀ x = b` in place.
    pub(crate) fn solve_upper(&self, b: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate().rev() {
            let x = b[i] / row[i];
            b[i] = x;
            b[..i].iter_mut().zip(row).for_each(|(b, l)| *b -= x * l);
        }
    }

    /// Solves `L x = b` in place.
    pub(crate) fn solve_lower(&self, b: &mut [f64]) {
        self.solve_lower_from(0, b);
    }

    /// The same where the entries before `start` are solved already: nothing behind a row enters it.
    pub(crate) fn solve_lower_from(&self, start: usize, b: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate().skip(start) {
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    ndarray::aview1(a).dot(&ndarray::aview1(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(i: usize, j: usize) -> f64 {
        if i == j { 1.0 + 0.1 * i as f64 } else { 0.4 / (1.0 + i.abs_diff(j) as f64) }
    }

    #[test]
    fn solves_after_growing_and_shrinking() {
        let mut factor = GrowingFactor::default();
        let mut members: Vec<usize> = Vec::new();
        let push = |factor: &mut GrowingFactor, members: &mut Vec<usize>, j: usize| {
            members.push(j);
            assert!(factor.push(members.iter().map(|&i| entry(i, j)).collect(), 0.0));
        };
        (0..7).for_each(|j| push(&mut factor, &mut members, j));
        for at in [2, 0, 4] {
            factor.remove(at);
            members.remove(at);
        }
        push(&mut factor, &mut members, 9);
        let x: Vec<f64> = members.iter().map(|&j| (j as f64).cos()).collect();
        let mut b: Vec<f64> =
            members.iter().map(|&i| members.iter().zip(&x).map(|(&j, x)| entry(i, j) * x).sum()).collect();
        factor.solve(&mut b);
        assert!(b.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-14), "{b:?} {x:?}");
        assert!(factor.smallest_pivot() > 0.5);
        // A copy of a member has nothing of its own.
        let mut copy: Vec<f64> = members.iter().map(|&i| entry(i, 9)).collect();
        copy.push(entry(9, 9));
        assert!(!factor.push(copy, 1e-12));
        assert!(!factor.push(vec![0.0, 0.0, 0.0, 0.0, 0.0, f64::NAN], 0.0));
    }
}
