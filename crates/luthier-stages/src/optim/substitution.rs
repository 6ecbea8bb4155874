//! Solving with triangular matrices.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

/// Solves `L Lᵀ x = b`.
pub(crate) fn cholesky_solve(l: &Array2<f64>, b: ArrayView1<'_, f64>) -> Array1<f64> {
    let n = b.len();
    let mut x = b.to_owned();
    for i in 0..n {
        let done: f64 = (0..i).map(|j| l[[i, j]] * x[j]).sum();
        x[i] = (x[i] - done) / l[[i, i]];
    }
    for i in (0..n).rev() {
        let done: f64 = (i + 1..n).map(|j| l[[j, i]] * x[j]).sum();
        x[i] = (x[i] - done) / l[[i, i]];
    }
    x
}

/// The inverse of a lower-triangular matrix with non-zero diagonal.
pub(crate) fn lower_inverse(l: &Array2<f64>) -> Array2<f64> {
    let n = l.nrows();
    let mut inverse = Array2::<f64>::zeros((n, n));
    for j in 0..n {
        inverse[[j, j]] = 1.0 / l[[j, j]];
        for i in j + 1..n {
            let done: f64 = (j..i).map(|k| l[[i, k]] * inverse[[k, j]]).sum();
            inverse[[i, j]] = -done / l[[i, i]];
        }
    }
    inverse
}

/// Solves `R x = b` for an upper-triangular `R` with non-zero diagonal.
pub(crate) fn back_substitute(r: ArrayView2<'_, f64>, b: ArrayView1<'_, f64>) -> Array1<f64> {
    let n = r.ncols();
    let mut x = Array1::<f64>::zeros(n);
    for i in (0..n).rev() {
        let done: f64 = (i + 1..n).map(|j| r[[i, j]] * x[j]).sum();
        x[i] = (b[i] - done) / r[[i, i]];
    }
    x
}
