//! The features of some rows, every number or those that are not zero.

use ndarray::ArrayView1;

/// Rows of features.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    /// Row by row, `width` numbers each.
    Dense(Vec<f64>),
    /// The numbers that are held, row by row.
    Sparse {
        /// Where each row ends.
        ends: Vec<usize>,
        /// Increasing in every row.
        indices: Vec<u32>,
        values: Vec<f64>,
    },
}

impl Cells {
    pub(super) fn dense() -> Self {
        Self::Dense(Vec::new())
    }

    pub(super) fn sparse() -> Self {
        Self::Sparse { ends: Vec::new(), indices: Vec::new(), values: Vec::new() }
    }

    /// Makes room for more rows, as far as it is known what they take.
    pub(super) fn reserve(&mut self, rows: usize, width: usize) {
        match self {
            Self::Dense(all) => all.reserve_exact(rows * width),
            Self::Sparse { ends, .. } => ends.reserve_exact(rows),
        }
    }

    /// Appends a row of a dense column.
    pub(super) fn push_dense(&mut self, row: ArrayView1<'_, f64>) {
        match self {
            Self::Dense(all) => match row.to_slice() {
                Some(row) => all.extend_from_slice(row),
                None => all.extend(row),
            },
            Self::Sparse { ends, indices, values } => {
                for (j, value) in (0..).zip(row).filter(|(_, value)| **value != 0.0) {
                    indices.push(j);
                    values.push(*value);
                }
                ends.push(values.len());
            }
        }
    }

    /// Appends a row of a sparse column of so many features.
    pub(super) fn push_sparse(&mut self, width: usize, (positions, numbers): (&[u32], &[f64])) {
        match self {
            Self::Dense(all) => {
                let start = all.len();
                all.resize(start + width, 0.0);
                positions.iter().zip(numbers).for_each(|(j, x)| all[start + *j as usize] = *x);
            }
            Self::Sparse { ends, indices, values } => {
                indices.extend(positions);
                values.extend(numbers);
                ends.push(values.len());
            }
        }
    }

    /// Appends the `i`-th row of others of so many features.
    pub(super) fn push_row_of(&mut self, other: &Self, i: usize, width: usize) {
        match other {
            Self::Dense(all) => self.push_dense(ArrayView1::from(&all[i * width..][..width])),
            Self::Sparse { ends, indices, values } => {
                let range = i.checked_sub(1).map_or(0, |before| ends[before])..ends[i];
                self.push_sparse(width, (&indices[range.clone()], &values[range]));
            }
        }
    }

    /// Replaces every number that is held by `f` of its position and value; zeros must stay zeros.
    pub(super) fn map(&mut self, width: usize, f: impl Fn(usize, f64) -> f64) {
        match self {
            Self::Dense(all) => {
                for row in all.chunks_exact_mut(width.max(1)) {
                    row.iter_mut().enumerate().for_each(|(j, x)| *x = f(j, *x));
                }
            }
            Self::Sparse { indices, values, .. } => {
                values.iter_mut().zip(indices).for_each(|(x, j)| *x = f(*j as usize, *x));
            }
        }
    }

    /// Calls `f` with the row, position and value of every number that is held.
    #[inline(always)]
    pub(super) fn for_each(&self, width: usize, mut f: impl FnMut(usize, usize, f64)) {
        match self {
            Self::Dense(all) => {
                for (i, row) in all.chunks_exact(width.max(1)).enumerate() {
                    row.iter().enumerate().for_each(|(j, x)| f(i, j, *x));
                }
            }
            Self::Sparse { ends, indices, values } => {
                let mut start = 0;
                for (i, &end) in ends.iter().enumerate() {
                    for (j, x) in indices[start..end].iter().zip(&values[start..end]) {
                        f(i, *j as usize, *x);
                    }
                    start = end;
                }
            }
        }
    }
}
