//! Dense factorisations, always on the calling thread so that no bit depends on the number of threads.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::{cholesky::llt::factor as llt, evd, qr::no_pivoting::factor as qr, svd};
use faer::{Mat, Par};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

fn to_faer(a: ArrayView2<'_, f64>) -> Mat<f64> {
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[[i, j]])
}

fn to_ndarray(a: &Mat<f64>) -> Array2<f64> {
    Array2::from_shape_fn((a.nrows(), a.ncols()), |(i, j)| a[(i, j)])
}

/// Eigenvalues in ascending order, and the eigenvectors as columns, of a symmetric matrix.
/// `None` where the matrix is not finite.
pub(super) fn symmetric_eigen(a: ArrayView2<'_, f64>) -> Option<(Array1<f64>, Array2<f64>)> {
    let n = a.nrows();
    if n == 0 || a.iter().any(|v| !v.is_finite()) {
        return (n == 0).then(|| (Array1::zeros(0), Array2::zeros((0, 0))));
    }
    let a = to_faer(a);
    let mut values = faer::Mat::<f64>::zeros(n, 1);
    let mut vectors = Mat::zeros(n, n);
    let params = Default::default();
    let scratch = evd::self_adjoint_evd_scratch::<f64>(n, evd::ComputeEigenvectors::Yes, Par::Seq, params);
    evd::self_adjoint_evd(
        a.as_ref(),
        values.as_mut().col_mut(0).as_diagonal_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        params,
    )
    .ok()?;
    Some((Array1::from_shape_fn(n, |i| values[(i, 0)]), to_ndarray(&vectors)))
}

/// The thin singular value decomposition `a = U diag(s) Vᵀ`, singular values descending.
/// `None` where the matrix is not finite.
pub(super) fn singular_values(a: ArrayView2<'_, f64>) -> Option<(Array2<f64>, Array1<f64>, Array2<f64>)> {
    let (m, n) = a.dim();
    let k = m.min(n);
    if a.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let a = to_faer(a);
    let mut s = Mat::<f64>::zeros(k, 1);
    let (mut u, mut v) = (Mat::zeros(m, k), Mat::zeros(n, k));
    if k > 0 {
        let params = Default::default();
        let thin = svd::ComputeSvdVectors::Thin;
        let scratch = svd::svd_scratch::<f64>(m, n, thin, thin, Par::Seq, params);
        svd::svd(
            a.as_ref(),
            s.as_mut().col_mut(0).as_diagonal_mut(),
            Some(u.as_mut()),
            Some(v.as_mut()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            params,
        )
        .ok()?;
    }
    Some((to_ndarray(&u), Array1::from_shape_fn(k, |i| s[(i, 0)]), to_ndarray(&v)))
}

/// The upper-triangular (or trapezoidal) factor of a Householder QR decomposition, `min(rows, columns)` rows.
pub(super) fn triangularise(a: ArrayView2<'_, f64>) -> Array2<f64> {
    let (m, n) = a.dim();
    let k = m.min(n);
    let mut a = to_faer(a);
    if k > 0 {
        let block = qr::recommended_block_size::<f64>(m, n);
        let params = Default::default();
        let scratch = qr::qr_in_place_scratch::<f64>(m, n, block, Par::Seq, params);
        let mut coefficients = Mat::zeros(block, k);
        let stack = &mut MemBuffer::new(scratch);
        qr::qr_in_place(a.as_mut(), coefficients.as_mut(), Par::Seq, MemStack::new(stack), params);
    }
    Array2::from_shape_fn((k, n), |(i, j)| if i <= j { a[(i, j)] } else { 0.0 })
}

/// The lower Cholesky factor of a positive definite matrix; `None` where a pivot falls below
/// `n · 16 ε` of its diagonal entry, that is where the matrix is singular to working precision.
pub(super) fn cholesky(a: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let n = a.nrows();
    if n == 0 {
        return Some(Array2::zeros((0, 0)));
    }
    let mut l = to_faer(a);
    let params = Default::default();
    let scratch = llt::cholesky_in_place_scratch::<f64>(n, Par::Seq, params);
    let stack = &mut MemBuffer::new(scratch);
    llt::cholesky_in_place(l.as_mut(), Default::default(), Par::Seq, MemStack::new(stack), params).ok()?;
    let smallest = 16.0 * n as f64 * f64::EPSILON;
    let regular = (0..n).all(|i| l[(i, i)] * l[(i, i)] > smallest * a[[i, i]]);
    regular.then(|| Array2::from_shape_fn((n, n), |(i, j)| if j <= i { l[(i, j)] } else { 0.0 }))
}

/// Solves `L Lᵀ x = b`.
pub(super) fn cholesky_solve(l: &Array2<f64>, b: ArrayView1<'_, f64>) -> Array1<f64> {
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
pub(super) fn lower_inverse(l: &Array2<f64>) -> Array2<f64> {
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
pub(super) fn back_substitute(r: ArrayView2<'_, f64>, b: ArrayView1<'_, f64>) -> Array1<f64> {
    let n = r.ncols();
    let mut x = Array1::<f64>::zeros(n);
    for i in (0..n).rev() {
        let done: f64 = (i + 1..n).map(|j| r[[i, j]] * x[j]).sum();
        x[i] = (b[i] - done) / r[[i, i]];
    }
    x
}
