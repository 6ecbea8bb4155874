use luthier_core::linalg::{self, cholesky, symmetric_eigen};
use ndarray::{Array1, Array2, ArrayView1, s};

use super::scaling::Penalty;
use super::smallest_norm::{explained_by_others, of_smallest_norm};
use super::unit::UnitSystem;
use crate::optim::substitution::{cholesky_solve, lower_inverse};

/// Eigenvalues below this many times `ε · size · λmax` are zero.
const RANK_TOLERANCE: f64 = 16.0;

/// A Gram matrix in unit coordinates whose rows have no more than this beside the diagonal is its own
/// eigendecomposition: what comes out of principal components.
const DIAGONAL: f64 = 1e-13;

/// Beyond this condition of a Gram matrix that is scaled by the penalty, eigenvectors have lost too many digits of
/// the weak columns, which Cholesky's method, whose error does not depend on the columns' scales, would have kept.
const SCALED_LIMIT: f64 = 1e7;

/// Beyond this condition a solution is corrected once by its residual; below it the eigenvectors leave 13 digits,
/// unless the penalty scales the columns.
const REFINED_BEYOND: f64 = 100.0;

/// A direct solution in unit coordinates.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    pub(super) t: Array1<f64>,
    /// Directions that the rows tell apart.
    pub(super) rank: usize,
    /// Places of features that others explain, where no penalty decides between them.
    pub(super) dependent: Vec<usize>,
    /// `None` where the system has not full rank.
    pub(super) inverse: Option<Inverse>,
}

/// What standard errors need of the inverse `K⁻¹` of the penalised Gram matrix.
#[derive(Debug, Clone)]
pub(super) struct Inverse {
    /// Its diagonal.
    pub(super) diagonal: Array1<f64>,
    /// `mᵀ K⁻¹ m` with the features' means `m`.
    pub(super) mean_form: f64,
}

/// `λmax/λmin` of the Gram matrix as it is, and as the penalty mends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    pub(super) plain: f64,
    pub(super) regularised: f64,
}

#[derive(Debug)]
struct Eigen {
    /// Largest first.
    values: Array1<f64>,
    vectors: Array2<f64>,
    /// The vectors as rows: products run along rows.
    transposed: Array2<f64>,
    /// Squares of the vectors' entries.
    squares: Array2<f64>,
    /// Coordinates are `q = scale ∘ t`.
    scale: Option<Array1<f64>>,
    /// The right-hand side along the vectors.
    rhs: Array1<f64>,
    /// The features' means along the vectors.
    mean: Array1<f64>,
}

impl Eigen {
    fn new(system: &UnitSystem, scale: Option<&Array1<f64>>) -> Option<Self> {
        let scaled = |(i, j): (usize, usize)| match scale {
            Some(p) => system.gram[[i, j]] / (p[i] * p[j]),
            None => system.gram[[i, j]],
        };
        let eigen = match (is_diagonal(&system.gram), scale) {
            (true, _) => sorted_diagonal((0..system.rhs.len()).map(|i| scaled((i, i))).collect()),
            (false, None) => symmetric_eigen(system.gram.view()).ok()?,
            (false, Some(_)) => {
                symmetric_eigen(Array2::from_shape_fn(system.gram.dim(), scaled).view()).ok()?
            }
        };
        let mut family = Self {
            values: eigen.values,
            squares: eigen.vectors.mapv(|v| v * v),
            transposed: eigen.vectors.t().as_standard_layout().into_owned(),
            vectors: eigen.vectors,
            scale: scale.cloned(),
            rhs: Array1::zeros(0),
            mean: Array1::zeros(0),
        };
        family.rhs = family.along(&system.rhs);
        family.mean = family.along(&system.units.unit_mean());
        Some(family)
    }

    fn largest(&self) -> f64 {
        self.values.first().copied().unwrap_or(0.0)
    }

    fn smallest(&self) -> f64 {
        self.values.last().copied().unwrap_or(0.0)
    }

    fn inverse_values(&self, shift: f64) -> Array1<f64> {
        self.values.mapv(|v| 1.0 / (v.max(0.0) + shift))
    }

    fn rank(&self) -> usize {
        rank(self.values.view())
    }

    /// Of all least-squares solutions the one of smallest `Σ (scale t)²`.
    fn smallest_solution(&self, scale: &Array1<f64>) -> Direct {
        let rank = self.rank();
        let axes = self.vectors.slice(s![.., ..rank]);
        let along = &self.rhs.slice(s![..rank]) / &self.values.slice(s![..rank]);
        Direct {
            t: of_smallest_norm(axes, &along, scale),
            rank,
            dependent: explained_by_others(axes),
            inverse: None,
        }
    }

    fn scaled(&self, v: &Array1<f64>) -> Array1<f64> {
        match &self.scale {
            Some(p) => v / p,
            None => v.clone(),
        }
    }

    fn along(&self, b: &Array1<f64>) -> Array1<f64> {
        linalg::matvec(self.transposed.view(), self.scaled(b).view())
    }

    /// Back from the coordinates of [`along`](Self::along).
    fn across(&self, q: &Array1<f64>) -> Array1<f64> {
        self.scaled(&linalg::matvec(self.vectors.view(), q.view()))
    }
}

/// Below this an eigenvalue is zero; they come largest first.
fn rank_cutoff(values: ArrayView1<'_, f64>) -> f64 {
    RANK_TOLERANCE * f64::EPSILON * values.len() as f64 * values.first().copied().unwrap_or(0.0)
}

fn rank(values: ArrayView1<'_, f64>) -> usize {
    let cutoff = rank_cutoff(values);
    values.iter().filter(|v| **v > cutoff).count()
}

/// Whether all that is not on the diagonal is rounding.
fn is_diagonal(gram: &Array2<f64>) -> bool {
    let rest = |(i, row): (usize, ArrayView1<'_, f64>)| {
        row.iter().map(|v| v.abs()).sum::<f64>() - row[i].abs() <= DIAGONAL * row[i].abs()
    };
    gram.rows().into_iter().enumerate().all(rest)
}

/// The eigendecomposition of a diagonal matrix.
fn sorted_diagonal(diagonal: Vec<f64>) -> linalg::Eigen {
    let mut order: Vec<usize> = (0..diagonal.len()).collect();
    order.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]));
    let mut vectors = Array2::zeros((order.len(), order.len()));
    order.iter().enumerate().for_each(|(place, &i)| vectors[[i, place]] = 1.0);
    linalg::Eigen { values: order.iter().map(|&i| diagonal[i]).collect(), vectors }
}

/// Ridge regressions on one Gram matrix: `t(λ) = V (Λ + λ)⁻¹ Vᵀ b` for every λ from one eigendecomposition
/// in the coordinates in which the penalty is a multiple of the identity.
#[derive(Debug, Default)]
pub(super) struct RidgeFamily {
    plain: Option<Eigen>,
    /// The eigenvalues of the Gram matrix, where nothing but its condition is asked for.
    values: Option<Array1<f64>>,
    scaled: Vec<Eigen>,
    cholesky: usize,
}

impl RidgeFamily {
    /// Matrix decompositions made so far.
    pub(super) fn factorisations(&self) -> usize {
        let plain = usize::from(self.plain.is_some()) + usize::from(self.values.is_some());
        plain + self.scaled.len() + self.cholesky
    }

    fn plain(&mut self, system: &UnitSystem) -> Option<&Eigen> {
        if self.plain.is_none() {
            self.plain = Some(Eigen::new(system, None)?);
        }
        self.plain.as_ref()
    }

    /// Conditions of the Gram matrix; infinite where it has not full rank.
    pub(super) fn condition(&mut self, system: &UnitSystem, penalty: &Penalty) -> Option<Condition> {
        // Which of the two is asked depends on the penalty alone, not on what else was.
        let values = match (penalty.l2 == 0.0 || penalty.uniform().is_some(), &self.values) {
            (true, _) => self.plain(system)?.values.view(),
            (false, Some(values)) => values.view(),
            (false, None) => {
                let diagonal = || sorted_diagonal(system.gram.diag().to_vec()).values;
                let values = match is_diagonal(&system.gram) {
                    true => diagonal(),
                    false => linalg::symmetric_eigenvalues(system.gram.view()).ok()?,
                };
                self.values.insert(values).view()
            }
        };
        let (largest, cutoff) = (values.first().copied().unwrap_or(0.0), rank_cutoff(values));
        let smallest = values.last().copied().unwrap_or(0.0);
        let weakest = penalty.diagonal().iter().copied().fold(f64::INFINITY, f64::min);
        let ratio = |v: f64| if v <= cutoff { f64::INFINITY } else { (largest / v).max(1.0) };
        Some(Condition { plain: ratio(smallest), regularised: ratio(smallest.max(0.0) + weakest) })
    }

    /// The minimum of the penalised squared error; the smallest in the penalty's measure where there are many.
    pub(super) fn solve(&mut self, system: &UnitSystem, penalty: &Penalty) -> Option<Direct> {
        if penalty.l2 == 0.0 {
            let plain = self.plain(system)?;
            if plain.rank() < plain.values.len() {
                return Some(plain.smallest_solution(&penalty.scale));
            }
        }
        // The rank is that of columns of one size, whatever the penalty makes of them.
        let of_unit_columns = self.values.as_ref().map(|values| rank(values.view()));
        let (eigen, shift) = match penalty.uniform() {
            _ if penalty.l2 == 0.0 => (self.plain(system)?, 0.0),
            Some(p) => (self.plain(system)?, penalty.l2 * p * p),
            None => {
                let known = self.scaled.iter().position(|e| e.scale.as_ref() == Some(&penalty.scale));
                let at = match known {
                    Some(at) => at,
                    None => {
                        self.scaled.push(Eigen::new(system, Some(&penalty.scale))?);
                        self.scaled.len() - 1
                    }
                };
                (&self.scaled[at], penalty.l2)
            }
        };
        let rank = if eigen.scale.is_some() { of_unit_columns } else { None }.unwrap_or(eigen.rank());
        let diagonal = penalty.diagonal();
        let smallest = eigen.smallest().max(0.0) + shift;
        if eigen.scale.is_some()
            && eigen.largest() + shift > SCALED_LIMIT * smallest
            && let Some(direct) = by_cholesky(system, &diagonal)
        {
            self.cholesky += 1;
            return Some(Direct { rank, ..direct });
        }
        let inverse = eigen.inverse_values(shift);
        let mut t = eigen.across(&(&eigen.rhs * &inverse));
        if eigen.scale.is_some() || eigen.largest() + shift > REFINED_BEYOND * smallest {
            let residual = &system.rhs - linalg::matvec(system.gram.view(), t.view()) - &diagonal * &t;
            t += &eigen.across(&(eigen.along(&residual) * &inverse));
        }
        let inverse = inverse.iter().all(|v| *v > 0.0).then(|| Inverse {
            diagonal: eigen.scaled(&eigen.scaled(&linalg::matvec(eigen.squares.view(), inverse.view()))),
            mean_form: eigen.mean.iter().zip(&inverse).map(|(m, l)| m * m * l).sum(),
        });
        Some(Direct { t, rank, dependent: Vec::new(), inverse })
    }
}

/// The same minimum from one Cholesky decomposition for this penalty alone.
fn by_cholesky(system: &UnitSystem, diagonal: &Array1<f64>) -> Option<Direct> {
    let unit = diagonal.mapv(|v| 1.0 / (1.0 + v).sqrt());
    let k = Array2::from_shape_fn(system.gram.dim(), |(i, j)| {
        if i == j { 1.0 } else { system.gram[[i, j]] * (unit[i] * unit[j]) }
    });
    let l = cholesky(k.view())?;
    let solve = |b: &Array1<f64>| cholesky_solve(&l, (b * &unit).view()) * &unit;
    let mut t = solve(&system.rhs);
    let residual = &system.rhs - &system.gram.dot(&t) - diagonal * &t;
    t += &solve(&residual);
    let inverse = lower_inverse(&l);
    let mean = system.units.unit_mean();
    let entry = |j: usize| inverse.column(j).iter().map(|v| v * v).sum::<f64>() * unit[j] * unit[j];
    let diagonal = Array1::from_shape_fn(t.len(), entry);
    let half = inverse.dot(&(&mean * &unit));
    let inverse = Some(Inverse { diagonal, mean_form: half.dot(&half) });
    Some(Direct { rank: t.len(), dependent: Vec::new(), t, inverse })
}
