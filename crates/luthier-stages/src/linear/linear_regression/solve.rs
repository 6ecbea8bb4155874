//! Which solver makes a fit, and what the fits of a grid share.

use super::coordinate_descent::PenaltyPath;
use super::fit::{Fit, FitError, degenerate, spread, unscale_inverse};
use super::iterative::least_squares;
use super::moments::{Factor, NormalEquations};
use super::options::{FitOptions, Solver};
use super::ridge::RidgeFamily;
use super::scaling::{About, Deviation, Spread};
use super::sparse_rows::SparseRows;
use super::triangular::TriangularSystem;
use super::unit::UnitSystem;
use super::wide::WideSystem;

/// Beyond this condition of the standardised Gram matrix, `auto` asks for the triangular factor.
/// A direct solution loses `ε · condition`; measured on well-known sets, 11 digits are left up to here.
pub(super) const CONDITION_LIMIT: f64 = 2e4;

/// An elastic net on an active set whose smallest pivot is below this has less than eleven digits left, and `auto`
/// asks for the triangular factor.
const PIVOT_LIMIT: f64 = 1e-5;

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

/// The outcomes of several fits to the same data, in the order of their options.
#[derive(Debug)]
pub(crate) struct Batch {
    /// One a set of options.
    pub(crate) outcomes: Vec<Result<Outcome, FitError>>,
    /// Matrix decompositions made for all of them.
    pub(crate) factorisations: usize,
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
        Ok(Outcome::Fitted(Fit {
            rank: direct.rank,
            dependent: units.named(&direct.dependent),
            condition: Some(condition.plain),
            inverse_diagonal: unscale_inverse(&direct, units),
            ..Fit::new(units, direct.t.view())
        }))
    }

    /// A fit by coordinate descent or conjugate gradients, and the smallest pivot it met.
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
            self.paths[at].solve(system, &penalty, options)
        } else {
            // Of sparse rows it is the only way, so it goes on until it is there.
            let is_only_way = options.solver == Solver::Auto && self.is_sparse;
            least_squares(
                system,
                &penalty,
                options.tol,
                if is_only_way { None } else { Some(options.max_iter) },
                &options.cancel,
            )
        };
        // Spark's objective divides by the label's variance.
        let unit = match spread.label(deviation) {
            0.0 => 1.0,
            s => (units.y_unit / s).powi(2),
        };
        let fit = Fit {
            objective_history: solution.history.iter().map(|v| v * unit).collect(),
            iterations: solution.iterations,
            converged: solution.converged,
            ..Fit::new(units, solution.t.view())
        };
        (fit, solution.pivot)
    }
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
