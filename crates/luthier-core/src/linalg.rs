//! The dense products and factorisations that stages need, on `ndarray` types, computed by `faer`.
//!
//! Everything here runs on the calling thread and on freshly aligned buffers: results depend neither on the
//! number of threads nor on the position of the input in memory. Stages count their factorisations through
//! [`FitContext::count_factorisations`](crate::FitContext::count_factorisations).

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::{evd, matmul as faer_matmul, qr, svd};
use faer::{Accum, Mat, MatMut, MatRef, Par};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, CowArray, Ix2, s};

use crate::{Error, Result};

const SERIAL: Par = Par::Seq;

/// Eigenvalues in descending order and eigenvectors as columns: `A = V diag(values) Vᵀ`.
#[derive(Debug, Clone)]
pub struct Eigen {
    /// The eigenvalues, largest first.
    pub values: Array1<f64>,
    /// Orthonormal eigenvectors, one per column, in the order of the values.
    pub vectors: Array2<f64>,
}

/// A thin singular value decomposition `A = U diag(values) Vᵀ`, largest value first.
#[derive(Debug, Clone)]
pub struct Svd {
    /// Left singular vectors as columns.
    pub u: Array2<f64>,
    /// The singular values, largest first.
    pub values: Array1<f64>,
    /// Right singular vectors as columns.
    pub v: Array2<f64>,
}

/// The product `a · b`.
///
/// # Panics
/// If the inner dimensions differ; callers must check widths.
pub fn matmul(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut out = Array2::zeros((a.nrows(), b.ncols()));
    let (a, b) = (a.as_standard_layout(), b.as_standard_layout());
    if let Some(out) = row_major_mut(&mut out) {
        faer_matmul::matmul(out, Accum::Replace, row_major(&a), row_major(&b), 1.0, SERIAL);
    }
    out
}

/// The products of the rows of `a` with the rows of `b`, `a · bᵀ`, with the widest registers available. The bits of
/// an entry depend only on its two rows, not on the other rows.
///
/// # Panics
/// If the rows differ in length; callers must check widths.
pub fn row_products(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Array2<f64> {
    let (a, b) = (a.as_standard_layout(), b.as_standard_layout());
    assert_eq!(a.ncols(), b.ncols(), "rows of different lengths have no products");
    let (width, columns) = (a.ncols(), b.nrows());
    let mut out = Array2::zeros((a.nrows(), columns));
    let (Some(rows), Some(others), Some(sums)) = (a.as_slice(), b.as_slice(), out.as_slice_mut()) else {
        return out;
    };
    if width > 0 && columns > 0 {
        pulp::Arch::new().dispatch(RowProducts { rows, others, width, sums });
    }
    out
}

/// The product `a · x`; see [`row_products`].
///
/// # Panics
/// If the number of entries of `x` differs from the number of columns of `a`.
pub fn matvec(a: ArrayView2<'_, f64>, x: ArrayView1<'_, f64>) -> Array1<f64> {
    row_products(a, x.insert_axis(Axis(0))).index_axis_move(Axis(1), 0)
}

/// A struct, because a closure is not always compiled for the wide registers.
struct RowProducts<'a> {
    rows: &'a [f64],
    others: &'a [f64],
    width: usize,
    sums: &'a mut [f64],
}

impl pulp::NullaryFnOnce for RowProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let columns = self.others.len() / self.width;
        for (row, sums) in self.rows.chunks_exact(self.width).zip(self.sums.chunks_exact_mut(columns)) {
            for (other, sum) in self.others.chunks_exact(self.width).zip(sums) {
                *sum = wide_dot(row, other);
            }
        }
    }
}

/// A dot product with sixteen parallel sums, whatever the width of the registers.
#[inline(always)]
fn wide_dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    for (a, b) in a.iter().zip(b) {
        for j in 0..16 {
            sums[j] += a[j] * b[j];
        }
    }
    for half in [8, 4, 2, 1] {
        for j in 0..half {
            sums[j] += sums[j + half];
        }
    }
    sums[0] + rest
}

/// Adds `aᵀ · a` to the lower triangle of `out`, which is square with as many rows as `a` has columns.
/// The strict upper triangle is not changed.
pub fn add_gram_lower(out: &mut Array2<f64>, a: ArrayView2<'_, f64>) {
    let a = a.as_standard_layout();
    let a = row_major(&a);
    if let Some(out) = row_major_mut(out) {
        triangular::matmul(
            out,
            BlockStructure::TriangularLower,
            Accum::Add,
            a.transpose(),
            BlockStructure::Rectangular,
            a,
            BlockStructure::Rectangular,
            1.0,
            SERIAL,
        );
    }
}

/// Adds `factor · v vᵀ` to the lower triangle of `out`, which is square with as many rows as `v` has entries.
pub fn add_outer_lower(out: &mut Array2<f64>, v: &Array1<f64>, factor: f64) {
    let (width, v) = (v.len(), v.to_vec());
    let Some(out) = out.as_slice_mut().filter(|_| width > 0) else { return };
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for ((i, row), x) in out.chunks_exact_mut(width).enumerate().zip(&v) {
                let scaled = factor * x;
                // Infinite entries elsewhere must not affect a constant column.
                if scaled != 0.0 {
                    row[..=i].iter_mut().zip(&v).for_each(|(out, y)| *out += scaled * y);
                }
            }
        },
    );
}

/// `vᵀ A v` of a symmetric matrix; only its lower triangle is read.
pub fn quadratic_form_lower(a: ArrayView2<'_, f64>, v: ArrayView1<'_, f64>) -> f64 {
    let rows = a.outer_iter().zip(&v).enumerate();
    rows.map(|(i, (row, x))| x * (2.0 * row.slice(s![..i]).dot(&v.slice(s![..i])) + row[i] * x)).sum()
}

/// Copies the lower triangle onto the upper one.
pub fn mirror_lower(a: &mut Array2<f64>) {
    for i in 0..a.nrows() {
        for j in 0..i {
            a[[j, i]] = a[[i, j]];
        }
    }
}

/// The eigendecomposition of a symmetric matrix; only its lower triangle is read.
///
/// # Errors
/// If an entry is not finite or the iteration does not converge.
pub fn symmetric_eigen(a: ArrayView2<'_, f64>) -> Result<Eigen> {
    let n = a.nrows();
    let mut vectors = Mat::<f64>::zeros(n, n);
    let values = eigenvalues(a, Some(vectors.as_mut()))?;
    Ok(Eigen { values, vectors: Array2::from_shape_fn((n, n), |(i, j)| vectors[(i, n - 1 - j)]) })
}

/// The eigenvalues of a symmetric matrix, largest first, at a fraction of the cost of the vectors; only its lower
/// triangle is read.
///
/// # Errors
/// If an entry is not finite or the iteration does not converge.
pub fn symmetric_eigenvalues(a: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
    eigenvalues(a, None)
}

/// The eigenvalues, largest first; the vectors are written to `vectors` in the reverse order.
fn eigenvalues(a: ArrayView2<'_, f64>, vectors: Option<MatMut<'_, f64>>) -> Result<Array1<f64>> {
    let n = a.nrows();
    if n == 0 {
        return Ok(Array1::zeros(0));
    }
    let input = Mat::from_fn(n, n, |i, j| if i >= j { a[[i, j]] } else { a[[j, i]] });
    check_finite(input.as_ref(), "the eigenvalue decomposition")?;
    let mut values = Diag::<f64>::zeros(n);
    let wanted = match vectors {
        Some(_) => evd::ComputeEigenvectors::Yes,
        None => evd::ComputeEigenvectors::No,
    };
    let scratch = evd::self_adjoint_evd_scratch::<f64>(n, wanted, SERIAL, Default::default());
    evd::self_adjoint_evd(
        input.as_ref(),
        values.as_mut(),
        vectors,
        SERIAL,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|e| Error::invalid(format!("the eigenvalue decomposition failed: {e:?}")))?;
    let values = values.column_vector();
    Ok(Array1::from_shape_fn(n, |j| values[n - 1 - j]))
}

/// The thin singular value decomposition.
///
/// # Errors
/// If an entry is not finite or the iteration does not converge.
pub fn thin_svd(a: ArrayView2<'_, f64>) -> Result<Svd> {
    let (rows, cols) = a.dim();
    let rank = rows.min(cols);
    if rank == 0 {
        return Ok(Svd {
            u: Array2::zeros((rows, 0)),
            values: Array1::zeros(0),
            v: Array2::zeros((cols, 0)),
        });
    }
    let input = Mat::from_fn(rows, cols, |i, j| a[[i, j]]);
    check_finite(input.as_ref(), "the singular value decomposition")?;
    let mut values = Diag::<f64>::zeros(rank);
    let mut u = Mat::<f64>::zeros(rows, rank);
    let mut v = Mat::<f64>::zeros(cols, rank);
    let scratch = svd::svd_scratch::<f64>(
        rows,
        cols,
        svd::ComputeSvdVectors::Thin,
        svd::ComputeSvdVectors::Thin,
        SERIAL,
        Default::default(),
    );
    svd::svd(
        input.as_ref(),
        values.as_mut(),
        Some(u.as_mut()),
        Some(v.as_mut()),
        SERIAL,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|e| Error::invalid(format!("the singular value decomposition failed: {e:?}")))?;
    let values = values.column_vector();
    Ok(Svd {
        u: Array2::from_shape_fn((rows, rank), |(i, j)| u[(i, j)]),
        values: Array1::from_shape_fn(rank, |j| values[j]),
        v: Array2::from_shape_fn((cols, rank), |(i, j)| v[(i, j)]),
    })
}

/// The upper-triangular (or upper-trapezoidal) `R` of a Householder QR factorisation, `min(rows, cols)` rows.
/// No diagonal entry is negative, which makes it unique if the columns are independent.
pub fn triangular_factor(a: ArrayView2<'_, f64>) -> Array2<f64> {
    let (rows, cols) = a.dim();
    let rank = rows.min(cols);
    if rank == 0 {
        return Array2::zeros((0, cols));
    }
    let mut work = Mat::from_fn(rows, cols, |i, j| a[[i, j]]);
    let block = qr::no_pivoting::factor::recommended_block_size::<f64>(rows, cols);
    let mut coefficients = Mat::<f64>::zeros(block, rank);
    let scratch =
        qr::no_pivoting::factor::qr_in_place_scratch::<f64>(rows, cols, block, SERIAL, Default::default());
    qr::no_pivoting::factor::qr_in_place(
        work.as_mut(),
        coefficients.as_mut(),
        SERIAL,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    );
    let sign = |i: usize| if work[(i, i)] < 0.0 { -1.0 } else { 1.0 };
    Array2::from_shape_fn((rank, cols), |(i, j)| if i <= j { sign(i) * work[(i, j)] } else { 0.0 })
}

/// The lower-triangular `L` with `L Lᵀ = A`; only the lower triangle of `A` is read.
///
/// `None` where `A` is not positive definite to working precision: a pivot falls below `16 n ε` of its diagonal
/// entry.
pub fn cholesky(a: ArrayView2<'_, f64>) -> Option<Array2<f64>> {
    let n = a.nrows();
    if n == 0 {
        return Some(Array2::zeros((0, 0)));
    }
    let mut work = Mat::from_fn(n, n, |i, j| a[[i, j]]);
    let scratch = llt::factor::cholesky_in_place_scratch::<f64>(n, SERIAL, Default::default());
    llt::factor::cholesky_in_place(
        work.as_mut(),
        Default::default(),
        SERIAL,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .ok()?;
    let smallest = 16.0 * n as f64 * f64::EPSILON;
    let regular = (0..n).all(|i| work[(i, i)] * work[(i, i)] > smallest * a[[i, i]]);
    regular.then(|| Array2::from_shape_fn((n, n), |(i, j)| if j <= i { work[(i, j)] } else { 0.0 }))
}

fn row_major<'a>(a: &'a CowArray<'_, f64, Ix2>) -> MatRef<'a, f64> {
    let (rows, cols) = a.dim();
    // A standard layout is one slice; an empty array has no other.
    MatRef::from_row_major_slice(a.as_slice().unwrap_or(&[]), rows, cols)
}

fn row_major_mut(a: &mut Array2<f64>) -> Option<MatMut<'_, f64>> {
    let (rows, cols) = a.dim();
    a.as_slice_mut().map(|slice| MatMut::from_row_major_slice_mut(slice, rows, cols))
}

fn check_finite(a: MatRef<'_, f64>, what: &str) -> Result<()> {
    if a.is_all_finite() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} met a value that is not finite: the data are too large to be squared; scale them first"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, array};

    fn close(a: &Array2<f64>, b: &Array2<f64>) {
        assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-12), "{a} differs from {b}");
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let a = array![[4.0, 1.0, -2.0], [1.0, 2.0, 0.0], [-2.0, 0.0, 3.0]];
        let eigen = symmetric_eigen(a.view()).unwrap();
        assert!(eigen.values.windows(2).into_iter().all(|w| w[0] >= w[1]));
        let scaled = &eigen.vectors * &eigen.values.view().insert_axis(Axis(0));
        close(&matmul(scaled.view(), eigen.vectors.t()), &a);
    }

    #[test]
    fn gram_leaves_the_upper_triangle_alone() {
        let a = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let mut gram = array![[1.0, 100.0], [0.0, 0.0]];
        add_gram_lower(&mut gram, a.view());
        close(&gram, &array![[36.0, 100.0], [44.0, 56.0]]);
        mirror_lower(&mut gram);
        assert_eq!(gram[[0, 1]], 44.0);
    }

    #[test]
    fn triangular_factor_keeps_the_gram_matrix() {
        let a = array![[1.0, 2.0, 0.5], [3.0, 4.0, -1.0], [5.0, 6.0, 2.0], [0.0, 1.0, 1.0]];
        let r = triangular_factor(a.view());
        close(&matmul(r.t(), r.view()), &matmul(a.t(), a.view()));
        assert_eq!(triangular_factor(a.slice(ndarray::s![..2, ..])).dim(), (2, 3));
        assert_eq!(triangular_factor(Array2::zeros((0, 3)).view()).dim(), (0, 3));
    }

    #[test]
    fn singular_values_rebuild_the_matrix() {
        let a = array![[1.0, 2.0, 0.5], [3.0, 4.0, -1.0]];
        let svd = thin_svd(a.view()).unwrap();
        let scaled = &svd.u * &svd.values.view().insert_axis(Axis(0));
        close(&matmul(scaled.view(), svd.v.t()), &a);
    }

    #[test]
    fn cholesky_rebuilds_the_matrix_or_refuses() {
        let a = array![[4.0, 100.0, 100.0], [1.0, 2.0, 100.0], [-2.0, 0.0, 3.0]];
        let mut full = a.clone();
        (0..3).for_each(|i| (0..i).for_each(|j| full[[j, i]] = a[[i, j]]));
        let l = cholesky(a.view()).unwrap();
        close(&matmul(l.view(), l.t()), &full);
        assert!(cholesky(array![[1.0, 1.0], [1.0, 1.0]].view()).is_none());
        assert!(cholesky(array![[1.0, 0.0], [0.0, -1.0]].view()).is_none());
        assert!(cholesky(array![[f64::NAN]].view()).is_none());
        assert_eq!(cholesky(Array2::zeros((0, 0)).view()).unwrap().dim(), (0, 0));
    }

    #[test]
    fn empty_matrices_have_empty_factors() {
        assert!(symmetric_eigen(Array2::zeros((0, 0)).view()).unwrap().values.is_empty());
        assert_eq!(thin_svd(Array2::zeros((3, 0)).view()).unwrap().u.dim(), (3, 0));
    }

    #[test]
    fn infinite_input_is_an_error() {
        assert!(symmetric_eigen(array![[f64::INFINITY]].view()).is_err());
        assert!(thin_svd(array![[f64::NAN]].view()).is_err());
    }
}
