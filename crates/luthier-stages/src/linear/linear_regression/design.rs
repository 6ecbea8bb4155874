//! Rows `A t ≈ z` in unit coordinates, dense or sparse.

use ndarray::{Array1, Array2, ArrayView1, s};

/// Rows whose Gram matrix is that of all rows, in unit coordinates: every column has norm 1.
#[derive(Debug)]
pub(super) struct Design {
    pub(super) cells: Cells,
    /// `z`.
    pub(super) label: Array1<f64>,
}

/// The columns of `A`.
#[derive(Debug)]
pub(super) enum Cells {
    /// `Aᵀ`: one row a feature.
    Dense(Array2<f64>),
    /// Only what is not zero before centring.
    Sparse(SparseColumns),
}

/// Columns `V − d mᵀ`: `V` is sparse, `d` the roots of the rows' shares of the weight and `m` the columns' means.
///
/// `Σ d²` is 1 and all of `A` and `z` is orthogonal to `d`, or `m` is zero. A residual is held as `(e, c)` and stands for
/// `e + c d`, so that a step along one column touches its own numbers alone.
#[derive(Debug)]
pub(super) struct SparseColumns {
    /// Where each column starts, and the end of the last.
    pub(super) starts: Vec<usize>,
    pub(super) rows: Vec<u32>,
    pub(super) values: Vec<f64>,
    pub(super) mean: Vec<f64>,
    pub(super) roots: Vec<f64>,
}

impl SparseColumns {
    fn column(&self, j: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[j]..self.starts[j + 1];
        self.rows[range.clone()].iter().map(|&i| i as usize).zip(self.values[range].iter().copied())
    }

    fn len(&self) -> usize {
        self.mean.len()
    }
}

impl Design {
    /// The dense rows' columns; `None` of sparse ones.
    pub(super) fn dense(&self) -> Option<&Array2<f64>> {
        match &self.cells {
            Cells::Dense(features) => Some(features),
            Cells::Sparse(_) => None,
        }
    }

    /// `z − A t`.
    pub(super) fn residual(&self, t: &Array1<f64>) -> Array1<f64> {
        match &self.cells {
            Cells::Dense(features) => &self.label - &features.t().dot(t),
            Cells::Sparse(_) => {
                let mut residual = -self.image(t);
                let mut of_rows = residual.slice_mut(s![..self.label.len()]);
                of_rows += &self.label;
                residual
            }
        }
    }

    /// `A t`.
    pub(super) fn image(&self, t: &Array1<f64>) -> Array1<f64> {
        match &self.cells {
            Cells::Dense(features) => features.t().dot(t),
            Cells::Sparse(columns) => {
                let rows = self.label.len();
                let mut image = Array1::zeros(rows + 1);
                for (j, t) in t.iter().enumerate().filter(|(_, t)| **t != 0.0) {
                    columns.column(j).for_each(|(i, v)| image[i] += v * t);
                    image[rows] -= columns.mean[j] * t;
                }
                image
            }
        }
    }

    /// The product of column `j` with a residual or an image.
    pub(super) fn dot(&self, j: usize, rows: &Array1<f64>) -> f64 {
        match &self.cells {
            Cells::Dense(features) => features.row(j).dot(rows),
            Cells::Sparse(columns) => {
                let shift = rows[self.label.len()];
                columns.column(j).map(|(i, v)| v * (rows[i] + shift * columns.roots[i])).sum()
            }
        }
    }

    /// `Aᵀ r`.
    pub(super) fn along(&self, rows: &Array1<f64>) -> Array1<f64> {
        match &self.cells {
            Cells::Dense(features) => features.dot(rows),
            Cells::Sparse(columns) => (0..columns.len()).map(|j| self.dot(j, rows)).collect(),
        }
    }

    /// Takes `step` times column `j` from a residual.
    pub(super) fn subtract(&self, j: usize, step: f64, residual: &mut Array1<f64>) {
        match &self.cells {
            Cells::Dense(features) => residual.scaled_add(-step, &features.row(j)),
            Cells::Sparse(columns) => {
                columns.column(j).for_each(|(i, v)| residual[i] -= v * step);
                residual[self.label.len()] += columns.mean[j] * step;
            }
        }
    }

    /// The square of a residual's or an image's norm.
    pub(super) fn square(&self, rows: &Array1<f64>) -> f64 {
        match &self.cells {
            Cells::Dense(_) => rows.dot(rows),
            Cells::Sparse(columns) => {
                let shift = rows[self.label.len()];
                rows.iter().zip(&columns.roots).map(|(e, root)| (e + shift * root).powi(2)).sum()
            }
        }
    }

    /// The Gram matrix of some columns, both triangles.
    pub(super) fn gram_of(&self, chosen: &[usize]) -> Array2<f64> {
        match &self.cells {
            Cells::Dense(features) => {
                let features = features.select(ndarray::Axis(0), chosen);
                features.dot(&features.t())
            }
            Cells::Sparse(columns) => {
                let mut gram = Array2::zeros((chosen.len(), chosen.len()));
                let mut spread_out = vec![0.0; self.label.len()];
                for (a, &j) in chosen.iter().enumerate() {
                    columns.column(j).for_each(|(i, v)| spread_out[i] = v);
                    for (b, &k) in chosen[..=a].iter().enumerate() {
                        let product: f64 = columns.column(k).map(|(i, v)| v * spread_out[i]).sum();
                        gram[[a, b]] = product - columns.mean[j] * columns.mean[k];
                        gram[[b, a]] = gram[[a, b]];
                    }
                    columns.column(j).for_each(|(i, _)| spread_out[i] = 0.0);
                }
                gram
            }
        }
    }

    /// `Aᵀ z`.
    pub(super) fn correlations(&self) -> Array1<f64> {
        match &self.cells {
            Cells::Dense(features) => features.dot(&self.label),
            Cells::Sparse(columns) => {
                let along = |j: usize| columns.column(j).map(|(i, v)| v * self.label[i]).sum();
                (0..columns.len()).map(along).collect()
            }
        }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.label.len()
    }
}

/// Whether all numbers are the same.
pub(super) fn is_uniform(numbers: ArrayView1<'_, f64>) -> bool {
    numbers.windows(2).into_iter().all(|pair| pair[0] == pair[1])
}
