use std::fmt;

use luthier_core::params::ParamEnum;
use ndarray::Array1;

use super::conjugate_gradient;
use super::coordinate_descent::PenaltyPath;
use super::moments::{Factor, NormalEquations, Totals};
use super::quasi_newton;
use super::ridge::{Direct, RidgeFamily};
use super::scaling::{About, Deviation, Spread};
use super::seminormal::Seminormal;
use super::sparse_rows::SparseRows;
use super::triangular::TriangularSystem;
use super::unit::{UnitSystem, Units};
use super::wide::WideSystem;

/// Beyond this condition of the standardised Gram matrix, `auto` asks for the triangular factor.
/// A direct solution loses `ε · condition`; measured on well-known sets, 11 digits are left up to here.
pub(super) const CONDITION_LIMIT: f64 = 2e4;

/// An elastic net on an active set whose smallest pivot is below this has less than eleven digits left, and `auto`
/// asks for the triangular factor.
const PIVOT_LIMIT: f64 = 1e-5;

/// Above this number of features `auto` iterates instead of factorising, as Spark does.
const DIRECT_FEATURES: usize = 4096;

/// The algorithm that minimises the squared error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
#[non_exhaustive]
pub enum Solver {
    /// Normal equations, or the triangular factor if they would lose too many digits; L-BFGS above 4096 features;
    /// coordinate descent with an L1 penalty.
    #[default]
    Auto,
    /// Normal equations; coordinate descent on them with an L1 penalty. Population standard deviations.
    Normal,
    /// The triangular factor; coordinate descent on its rows with an L1 penalty. Population standard deviations.
    Qr,
    /// L-BFGS, or coordinate descent with an L1 penalty, on the normal equations or the factor as for `auto`. Sample
    /// standard deviations.
    LBfgs,
}

/// The parameters of one fit by squared error.
#[derive(Debug, Clone)]
pub(crate) struct FitOptions {
    /// `λ ≥ 0`.
    pub(crate) reg_param: f64,
    /// `α` in 0..=1: the share of the L1 penalty.
    pub(crate) elastic_net_param: f64,
    /// Whether an intercept is fitted; it is never penalised.
    pub(crate) fit_intercept: bool,
    /// Whether the penalty counts a coefficient in standard deviations of its feature.
    pub(crate) standardization: bool,
    /// How to solve.
    pub(crate) solver: Solver,
    /// Tolerance of the iterative solvers.
    pub(crate) tol: f64,
    /// Limit of their iterations; 0 answers with the start. Direct solutions ignore it.
    pub(crate) max_iter: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            reg_param: 0.0,
            elastic_net_param: 0.0,
            fit_intercept: true,
            standardization: true,
            solver: Solver::Auto,
            tol: 1e-6,
            max_iter: 100,
        }
    }
}

impl FitOptions {
    fn has_l1(&self) -> bool {
        self.reg_param > 0.0 && self.elastic_net_param > 0.0
    }

    /// What the columns are taken about.
    pub(super) fn about(&self) -> About {
        match self.fit_intercept {
            true => About::Mean,
            false if self.reg_param > 0.0 && self.standardization => About::Zero,
            false => About::ZeroWithConstants,
        }
    }

    /// Whether an iterative solver makes this fit.
    fn iterates(&self, features: usize) -> bool {
        self.has_l1() || self.solver_for(features) == Solver::LBfgs
    }

    fn deviation(&self, features: usize) -> Deviation {
        match self.solver_for(features) {
            Solver::LBfgs => Deviation::Sample,
            _ => Deviation::Population,
        }
    }

    fn solver_for(&self, features: usize) -> Solver {
        match self.solver {
            Solver::Auto if features > DIRECT_FEATURES => Solver::LBfgs,
            solver => solver,
        }
    }
}

/// A fitted linear model and what the solver knows about it.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    /// One a feature; exactly 0 for a constant feature that gets none.
    pub(crate) coefficients: Array1<f64>,
    /// 0 without `fit_intercept`.
    pub(crate) intercept: f64,
    /// Coefficients that the rows tell apart.
    pub(crate) rank: usize,
    /// Features that are constant and have no coefficient.
    pub(crate) constant: Vec<usize>,
    /// Features that others explain, where there is no penalty that decides between them.
    pub(crate) dependent: Vec<usize>,
    /// The objective over the label's variance at the start and after every iteration; `[0.0]` of a direct solution.
    pub(crate) objective_history: Vec<f64>,
    /// Iterations made; 0 of a direct solution.
    pub(crate) iterations: usize,
    /// Whether the tolerance was met within the limit of iterations; true of a direct solution.
    pub(crate) converged: bool,
    /// Condition `λmax/λmin` of the standardised Gram matrix over the varying features, where it was decomposed.
    pub(crate) condition: Option<f64>,
    /// Diagonal of `(AᵀWA + penalty)⁻¹`, the intercept's entry last; of direct solutions of full rank. NaN for a
    /// feature that has no coefficient.
    pub(crate) inverse_diagonal: Option<Array1<f64>>,
    /// How to win back the digits that an ill-conditioned factor has lost.
    pub(crate) seminormal: Option<Box<Seminormal>>,
}

/// What became of one fit.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for each fit, and it is moved once")]
pub(crate) enum Outcome {
    /// The model.
    Fitted(Fit),
    /// The normal equations are too ill-conditioned: call [`fit_factor`] with the same options.
    NeedsFactor {
        /// Condition of the standardised Gram matrix.
        condition: f64,
    },
}

/// Why a fit is impossible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FitError {
    /// There is no row, or none with a positive weight.
    NoWeight {
        /// Number of rows.
        rows: u64,
        /// Sum of their weights.
        weight_sum: f64,
    },
    /// A second moment of the data is not finite.
    NotFinite,
    /// The label is constant, there is no intercept, and a penalty is asked for.
    ConstantLabel {
        /// The label of every row.
        label: f64,
        /// The penalty asked for.
        reg_param: f64,
    },
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWeight { rows, weight_sum } => write!(
                f,
                "nothing to fit: {rows} rows with a total weight of {weight_sum}, expected at least one row with a positive, finite weight"
            ),
            Self::NotFinite => write!(
                f,
                "the second moments of features and label are not finite, because values beyond about 1e150 overflow when squared; rescale the columns"
            ),
            Self::ConstantLabel { label, reg_param } => write!(
                f,
                "the label is {label} in every row, so its standard deviation is 0 and reg_param = {reg_param} cannot be scaled by it: set reg_param to 0 or fit_intercept to true"
            ),
        }
    }
}

impl std::error::Error for FitError {}

/// The outcomes of several fits to the same data, in the order of their options.
#[derive(Debug)]
pub(crate) struct Batch {
    /// One a set of options.
    pub(crate) outcomes: Vec<Result<Outcome, FitError>>,
    /// Matrix decompositions made for all of them.
    pub(crate) factorisations: usize,
}

pub(super) fn spread(totals: &Totals) -> Spread {
    let weights = (totals.weight_sum, totals.weight_sq_sum);
    Spread::new(weights, (totals.xx.view(), totals.x_mean.view()), (totals.yy, totals.y_mean))
}

/// The answers that need no solver: errors, a constant label, and a model without varying features. `finite` says
/// whether the moments are.
pub(super) fn degenerate(
    options: &FitOptions,
    spread: &Spread,
    totals: &Totals,
    finite: bool,
) -> Option<Result<Fit, FitError>> {
    let (rows, weight_sum, y_mean) = (totals.rows, totals.weight_sum, totals.y_mean);
    if !(weight_sum > 0.0 && weight_sum.is_finite()) {
        return Some(Err(FitError::NoWeight { rows, weight_sum }));
    }
    if !finite {
        return Some(Err(FitError::NotFinite));
    }
    let constant_label = spread.label(Deviation::Population) == 0.0;
    if constant_label && !options.fit_intercept && y_mean != 0.0 && options.reg_param > 0.0 {
        return Some(Err(FitError::ConstantLabel { label: y_mean, reg_param: options.reg_param }));
    }
    let trivial = constant_label && (options.fit_intercept || y_mean == 0.0);
    let active = spread.active(options.about());
    (trivial || active.is_empty()).then(|| {
        Ok(Fit {
            coefficients: Array1::zeros(totals.x_mean.len()),
            intercept: if options.fit_intercept { y_mean } else { 0.0 },
            rank: active.len(),
            constant: (0..totals.x_mean.len()).filter(|j| active.binary_search(j).is_err()).collect(),
            dependent: Vec::new(),
            objective_history: vec![0.0],
            iterations: 0,
            converged: true,
            condition: None,
            inverse_diagonal: None,
            seminormal: None,
        })
    })
}

/// Fits every set of options to the same moments. A fit gives the same bits alone and among others.
///
/// Ridge regressions share one eigendecomposition of the standardised Gram matrix (and one more for penalties
/// that are not isotropic there: `standardization = false`, or no intercept); lassos share the path of their
/// solutions, other elastic nets the warm starts of a penalty ladder. [`Solver::Qr`], and any other but [`Solver::Normal`] where the Gram matrix has too few
/// digits, answer [`Outcome::NeedsFactor`].
pub(crate) fn fit_normal_equations(moments: &NormalEquations, options: &[FitOptions]) -> Batch {
    let totals = moments.totals();
    let spread = spread(&totals);
    let finite = moments.is_finite();
    let mut shared = ByAbout::default();
    let outcomes = from_strong_to_weak(options, |o| {
        if let Some(fit) = degenerate(o, &spread, &totals, finite) {
            return fit.map(Outcome::Fitted);
        }
        let system = || Some(Shared::new(UnitSystem::new(moments, &spread, o.about())));
        shared.of(o.about(), system).ok_or(FitError::NotFinite)?.fit(o, &spread)
    });
    let factorisations = shared.all().map(|shared| shared.ridge.factorisations()).sum();
    Batch { outcomes, factorisations }
}

/// Calls `fit` for strong L1 penalties first, so that paths are walked once and downwards; the results are in the
/// order of the options.
fn from_strong_to_weak<T>(options: &[FitOptions], mut fit: impl FnMut(&FitOptions) -> T) -> Vec<T> {
    let l1 = |i: usize| options[i].reg_param * options[i].elastic_net_param;
    let mut order: Vec<usize> = (0..options.len()).collect();
    order.sort_by(|&a, &b| l1(b).total_cmp(&l1(a)));
    let mut results: Vec<(usize, T)> = order.into_iter().map(|i| (i, fit(&options[i]))).collect();
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Something for each way to take columns, made when it is first needed.
struct ByAbout<T>(Vec<(About, T)>);

impl<T> Default for ByAbout<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByAbout<T> {
    fn of(&mut self, about: About, make: impl FnOnce() -> Option<T>) -> Option<&mut T> {
        if !self.0.iter().any(|(known, _)| *known == about) {
            self.0.push((about, make()?));
        }
        self.0.iter_mut().find(|(known, _)| *known == about).map(|(_, it)| it)
    }

    fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, it)| it)
    }
}

/// Work that fits with the same kind of intercept share.
struct Shared {
    system: UnitSystem,
    ridge: RidgeFamily,
    paths: Vec<PenaltyPath>,
    is_sparse: bool,
}

impl Shared {
    fn new(system: UnitSystem) -> Self {
        let is_sparse = system.design.as_ref().is_some_and(|design| design.dense().is_none());
        Self { system, is_sparse, ridge: RidgeFamily::default(), paths: Vec::new() }
    }

    fn fit(&mut self, options: &FitOptions, spread: &Spread) -> Result<Outcome, FitError> {
        let units = &self.system.units;
        let solver = options.solver_for(units.x_mean.len());
        if options.iterates(units.x_mean.len()) {
            let guarded = solver != Solver::Normal;
            let condition = units.offset_condition(spread);
            if guarded && condition > CONDITION_LIMIT {
                return Ok(Outcome::NeedsFactor { condition });
            }
            let (fit, pivot) = self.iterate(options, spread);
            return Ok(match guarded && pivot < PIVOT_LIMIT {
                true => Outcome::NeedsFactor { condition: 1.0 / pivot },
                false => Outcome::Fitted(fit),
            });
        }
        let system = &self.system;
        let penalty = units.penalty(options, Deviation::Population, spread);
        let condition = self.ridge.condition(system, &penalty).ok_or(FitError::NotFinite)?;
        if solver == Solver::Qr || (solver == Solver::Auto && condition.regularised > CONDITION_LIMIT) {
            return Ok(Outcome::NeedsFactor { condition: condition.plain });
        }
        let direct = self.ridge.solve(system, &penalty).ok_or(FitError::NotFinite)?;
        let (coefficients, intercept) = units.restore(direct.t.view());
        Ok(Outcome::Fitted(Fit {
            coefficients,
            intercept,
            rank: direct.rank,
            constant: units.constant(),
            dependent: units.named(&direct.dependent),
            objective_history: vec![0.0],
            iterations: 0,
            converged: true,
            condition: Some(condition.plain),
            inverse_diagonal: unscale_inverse(&direct, units),
            seminormal: None,
        }))
    }

    /// A fit by coordinate descent or L-BFGS, and the smallest pivot it met.
    fn iterate(&mut self, options: &FitOptions, spread: &Spread) -> (Fit, f64) {
        let system = &self.system;
        let units = &system.units;
        let deviation = options.deviation(units.x_mean.len());
        let penalty = units.penalty(options, deviation, spread);
        let solution = if options.has_l1() {
            let alpha = options.elastic_net_param;
            let ratio = (1.0 - alpha) / alpha * (units.y_unit / spread.label(deviation));
            let start = PenaltyPath::new(system, &penalty.scale, ratio);
            let at = self.paths.iter().position(|p| p.same(&start)).unwrap_or_else(|| {
                self.paths.push(start);
                self.paths.len() - 1
            });
            self.paths[at].solve(system, &penalty, options.tol, options.max_iter)
        } else if options.solver == Solver::Auto && self.is_sparse {
            let found = conjugate_gradient::minimise(system, &penalty, options.tol);
            found.unwrap_or_else(|| quasi_newton::minimise(system, &penalty, options.tol, options.max_iter))
        } else {
            quasi_newton::minimise(system, &penalty, options.tol, options.max_iter)
        };
        // Spark's objective divides by the label's variance.
        let unit = match spread.label(deviation) {
            0.0 => 1.0,
            s => (units.y_unit / s).powi(2),
        };
        let (coefficients, intercept) = units.restore(solution.t.view());
        let fit = Fit {
            coefficients,
            intercept,
            rank: units.active.len(),
            constant: units.constant(),
            dependent: Vec::new(),
            objective_history: solution.history.iter().map(|v| v * unit).collect(),
            iterations: solution.iterations,
            converged: solution.converged,
            condition: None,
            inverse_diagonal: None,
            seminormal: None,
        };
        (fit, solution.pivot)
    }
}

/// What an iterative solver answers, in unit coordinates.
#[derive(Debug, Clone)]
pub(super) struct Iterated {
    pub(super) t: Array1<f64>,
    /// Objectives over the label's mean square.
    pub(super) history: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) converged: bool,
    /// The smallest pivot of the Gram matrix of the active set, where that is known: about one over its condition.
    pub(super) pivot: f64,
}

/// The diagonal of the inverse in the data's own units; NaN for features without coefficients.
pub(super) fn unscale_inverse(direct: &Direct, units: &Units) -> Option<Array1<f64>> {
    let inverse = direct.inverse.as_ref()?;
    let w = units.weight_sum;
    let mut slopes = vec![f64::NAN; units.x_mean.len()];
    for ((&j, v), u) in units.active.iter().zip(&inverse.diagonal).zip(&units.x_unit) {
        slopes[j] = v / (w * u * u);
    }
    let intercept = units.fit_intercept.then_some((1.0 + inverse.mean_form) / w);
    Some(slopes.into_iter().chain(intercept).collect())
}

/// Fits every set of options to the same triangular factor, which loses half the digits that the moments lose, or to
/// rows that are fewer than their features.
pub(crate) fn fit_factor(factor: &Factor, options: &[FitOptions]) -> Batch {
    let totals = factor.totals();
    let spread = spread(&totals);
    let mut factorisations = 0;
    let finite = totals.is_finite();
    let (mut iterated, mut triangular, mut wide) =
        (ByAbout::default(), ByAbout::default(), ByAbout::default());
    let outcomes = from_strong_to_weak(options, |o| {
        if let Some(fit) = degenerate(o, &spread, &totals, finite) {
            return fit.map(Outcome::Fitted);
        }
        let about = o.about();
        let system = || UnitSystem::from_factor(factor, &totals, &spread, about);
        if factor.is_wide() && !o.has_l1() {
            let wide = wide.of(about, || Some(WideSystem::new(system()))).ok_or(FitError::NotFinite)?;
            if wide.is_small() || o.solver_for(factor.features()) != Solver::LBfgs {
                let deviation = o.deviation(factor.features());
                let (fit, made) = wide.fit(o, deviation, &spread).ok_or(FitError::NotFinite)?;
                factorisations += made;
                return Ok(Outcome::Fitted(fit));
            }
        }
        if o.iterates(factor.features()) {
            let shared = iterated.of(about, || Some(Shared::new(system()))).ok_or(FitError::NotFinite)?;
            return Ok(Outcome::Fitted(shared.iterate(o, &spread).0));
        }
        let made = triangular.all().count();
        let system = triangular.of(about, || TriangularSystem::new(system())).ok_or(FitError::NotFinite)?;
        let (fit, more) = system.fit(o, &spread);
        factorisations += 2 * (triangular.all().count() - made) + more;
        Ok(Outcome::Fitted(fit))
    });
    Batch { outcomes, factorisations }
}

/// Fits every set of options to the same sparse rows, which are not multiplied out.
pub(crate) fn fit_sparse_rows(rows: &SparseRows, options: &[FitOptions]) -> Vec<Result<Fit, FitError>> {
    let totals = rows.totals();
    let spread = spread(totals);
    let finite = totals.is_finite();
    let mut shared = ByAbout::default();
    from_strong_to_weak(options, |o| {
        if let Some(fit) = degenerate(o, &spread, totals, finite) {
            return fit;
        }
        let system = || Some(Shared::new(rows.system(&spread, o.about())));
        let shared = shared.of(o.about(), system).ok_or(FitError::NotFinite)?;
        Ok(shared.iterate(o, &spread).0)
    })
}
