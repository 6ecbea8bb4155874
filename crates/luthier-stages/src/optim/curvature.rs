//! Second derivatives, as a matrix or as its triangular factor.

use luthier_core::linalg;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate, s};

use super::substitution::{back_substitute, cholesky_solve};

/// A pivot of a matrix below this part of its diagonal entry has too few digits: a factor of the rows is taken.
const LEAST_PIVOT: f64 = 1e-10;

/// Singular values below this many times `ε · size` of the largest are zero.
const RANK_TOLERANCE: f64 = 8.0;

/// What is taken for zero among the singular values of a factor whose columns are known to `offset · ε` of their norms.
fn rank_cutoff(size: usize, largest: f64, offset: f64) -> f64 {
    RANK_TOLERANCE * f64::EPSILON * size as f64 * largest * offset.max(1.0)
}

/// A positive semidefinite matrix `H`, and where products would have lost its digits a factor `A` with `AᵀA = H`.
#[derive(Debug, Clone)]
pub(crate) struct Curvature {
    matrix: Array2<f64>,
    factor: Option<Array2<f64>>,
    /// See [`rank_cutoff`].
    offset: f64,
}

impl Curvature {
    pub(crate) fn from_matrix(matrix: Array2<f64>) -> Self {
        Self { matrix, factor: None, offset: 1.0 }
    }

    /// Of the rows `A`, with the penalty `½ Σ diagonal t²`.
    pub(crate) fn from_rows(rows: &[ArrayView2<'_, f64>], diagonal: &[f64], offset: f64) -> Self {
        let root = Array2::from_diag(&diagonal.iter().map(|d| d.sqrt()).collect::<Array1<f64>>());
        let mut all: Vec<ArrayView2<'_, f64>> = rows.to_vec();
        if diagonal.iter().any(|d| *d > 0.0) {
            all.push(root.view());
        }
        let stacked = concatenate(Axis(0), &all).unwrap_or_else(|_| root.clone());
        // Householder's method is stable for rows of very different size if the large ones come first.
        let size = |row: usize| stacked.row(row).iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        let mut order: Vec<(f64, usize)> = (0..stacked.nrows()).map(|row| (size(row), row)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let order: Vec<usize> = order.into_iter().map(|(_, row)| row).collect();
        let factor = linalg::triangular_factor(stacked.select(Axis(0), &order).view());
        let matrix = linalg::matmul(factor.t(), factor.view());
        Self { matrix, factor: Some(factor), offset }
    }

    /// The matrix itself, for what needs few digits.
    pub(super) fn matrix(&self) -> &Array2<f64> {
        &self.matrix
    }

    pub(super) fn factor(&self) -> Option<&Array2<f64>> {
        self.factor.as_ref()
    }

    /// A column of the factor with no more than this outside of others depends on them.
    pub(super) fn cutoff(&self, j: usize) -> f64 {
        rank_cutoff(self.matrix.nrows(), self.matrix[[j, j]].sqrt(), self.offset)
    }

    /// Whether the matrix has lost digits that a factor of the rows would have. Unknowns in `held` do not matter.
    pub(crate) fn needs_factor(&self, held: impl Fn(usize) -> bool) -> bool {
        let free: Vec<usize> = (0..self.matrix.nrows()).filter(|&j| !held(j)).collect();
        // NaN needs it, too.
        !(free.is_empty()
            || Self::from_matrix(sub_matrix(&self.matrix, &free)).smallest_pivot() >= LEAST_PIVOT)
    }

    /// The smallest pivot as a part of its diagonal entry: what of an unknown the others before it do not explain. Infinite
    /// of none, 0 where there is no decomposition.
    pub(crate) fn smallest_pivot(&self) -> f64 {
        let lower = match &self.factor {
            Some(factor) if factor.nrows() < factor.ncols() => return 0.0,
            Some(factor) => factor.diag().to_owned(),
            None => match linalg::cholesky(self.matrix.view()) {
                Some(lower) => lower.diag().to_owned(),
                None => return 0.0,
            },
        };
        lower.iter().zip(self.matrix.diag()).map(|(l, d)| l * l / d).fold(f64::INFINITY, f64::min)
    }

    /// `H x`.
    pub(crate) fn times(&self, x: ArrayView1<'_, f64>) -> Array1<f64> {
        match &self.factor {
            Some(factor) => factor.t().dot(&factor.dot(&x)),
            None => linalg::matvec(self.matrix.view(), x),
        }
    }

    /// Solves `H x = b` on the unknowns `free`. Where `H` is singular it is the smallest solution of the factor, or that
    /// of a matrix with a little more curvature.
    pub(crate) fn solve(&self, free: &[usize], b: &Array1<f64>) -> Option<Array1<f64>> {
        match &self.factor {
            Some(factor) => {
                let r = match free.len() == factor.ncols() {
                    true => factor.clone(),
                    false => linalg::triangular_factor(factor.select(Axis(1), free).view()),
                };
                solve_factor(&r, b, self.offset)
            }
            None => solve_positive(sub_matrix(&self.matrix, free), b),
        }
    }
}

/// `H⁻¹` on the directions that `H` says something about.
#[derive(Debug)]
pub(crate) enum Inverse {
    /// An upper-triangular `R` with `RᵀR = H`.
    Triangle(Array2<f64>),
    /// `H = V Σ² Vᵀ` where `H` is singular.
    Spectrum {
        /// `Σ`, without what is zero.
        values: Array1<f64>,
        /// `V`, a column each.
        directions: Array2<f64>,
    },
}

/// A form of length 1 with more than this outside of the directions that are determined is not determined.
const OUTSIDE: f64 = 1e-6;

impl Inverse {
    /// Of the first `n` unknowns.
    pub(crate) fn new(curvature: &Curvature, n: usize) -> Option<Self> {
        let r = match &curvature.factor {
            Some(factor) => linalg::triangular_factor(factor.slice(s![.., ..n])),
            None => {
                return linalg::cholesky(curvature.matrix.slice(s![..n, ..n]))
                    .map(|lower| Self::Triangle(lower.reversed_axes()));
            }
        };
        if is_regular(&r, curvature.offset) {
            return Some(Self::Triangle(r));
        }
        let svd = linalg::thin_svd(r.view()).ok()?;
        let cutoff = rank_cutoff(n, svd.values.first().copied().unwrap_or(0.0), curvature.offset);
        let kept: Vec<usize> = (0..svd.values.len()).filter(|&i| svd.values[i] > cutoff).collect();
        Some(Self::Spectrum {
            values: svd.values.select(Axis(0), &kept),
            directions: svd.v.select(Axis(1), &kept),
        })
    }

    pub(crate) fn rank(&self) -> usize {
        match self {
            Self::Triangle(r) => r.ncols(),
            Self::Spectrum { values, .. } => values.len(),
        }
    }

    /// `√(aᵀ H⁻¹ a)`; `None` where `H` does not determine it.
    pub(crate) fn norm(&self, form: &Array1<f64>) -> Option<f64> {
        let half = match self {
            Self::Triangle(r) => forward_substitute(r, form),
            Self::Spectrum { values, directions } => {
                let along = directions.t().dot(form);
                let outside = form - &directions.dot(&along);
                if outside.dot(&outside) > OUTSIDE * OUTSIDE * form.dot(form) {
                    return None;
                }
                along / values
            }
        };
        Some(half.dot(&half).sqrt())
    }

    /// The unknowns, of so many, that the others can make up for.
    pub(crate) fn dependent(&self, n: usize) -> Vec<usize> {
        let is_dependent = |j: &usize| {
            let mut form = Array1::zeros(n);
            form[*j] = 1.0;
            self.norm(&form).is_none()
        };
        match self {
            Self::Triangle(_) => Vec::new(),
            Self::Spectrum { .. } => (0..n).filter(is_dependent).collect(),
        }
    }
}

/// Whether a triangle has full rank, whatever the sizes of its columns.
fn is_regular(r: &Array2<f64>, offset: f64) -> bool {
    let n = r.ncols();
    let norm = |j: usize| r.column(j).dot(&r.column(j)).sqrt();
    r.nrows() == n && (0..n).all(|j| r[[j, j]] > rank_cutoff(n, norm(j), offset))
}

pub(super) fn sub_matrix(matrix: &Array2<f64>, places: &[usize]) -> Array2<f64> {
    if places.len() == matrix.nrows() {
        return matrix.clone();
    }
    Array2::from_shape_fn((places.len(), places.len()), |(i, j)| matrix[[places[i], places[j]]])
}

/// The smallest solution of `RᵀR x = b`.
fn solve_factor(r: &Array2<f64>, b: &Array1<f64>, offset: f64) -> Option<Array1<f64>> {
    if is_regular(r, offset) {
        let half = forward_substitute(r, b);
        return Some(back_substitute(r.view(), half.view()));
    }
    let svd = linalg::thin_svd(r.view()).ok()?;
    let cutoff = rank_cutoff(r.ncols(), svd.values.first().copied().unwrap_or(0.0), offset);
    let inverse = svd.values.mapv(|s| if s > cutoff { 1.0 / (s * s) } else { 0.0 });
    Some(svd.v.dot(&(svd.v.t().dot(b) * inverse)))
}

/// Solves `Rᵀ x = b`.
fn forward_substitute(r: &Array2<f64>, b: &Array1<f64>) -> Array1<f64> {
    let mut x = b.clone();
    for i in 0..b.len() {
        let done: f64 = (0..i).map(|j| r[[j, i]] * x[j]).sum();
        x[i] = (x[i] - done) / r[[i, i]];
    }
    x
}

/// Solves a positive semidefinite system; directions without curvature are given a little.
fn solve_positive(mut matrix: Array2<f64>, rhs: &Array1<f64>) -> Option<Array1<f64>> {
    let largest = matrix.diag().iter().fold(0.0_f64, |a, b| a.max(*b));
    if !(largest > 0.0 && largest.is_finite()) {
        return None;
    }
    let mut ridge = 0.0;
    loop {
        if let Some(lower) = linalg::cholesky(matrix.view()) {
            return Some(cholesky_solve(&lower, rhs.view()));
        }
        let more = if ridge == 0.0 { 1e-13 * largest } else { 9.0 * ridge };
        if more > largest {
            return None;
        }
        matrix.diag_mut().iter_mut().for_each(|x| *x += more);
        ridge += more;
    }
}
