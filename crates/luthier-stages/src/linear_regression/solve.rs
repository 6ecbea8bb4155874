use std::fmt;

use luthier_core::params::ParamEnum;
use ndarray::{Array1, Array2, ArrayView1};

use super::coordinate_descent::PenaltyPath;
use super::moments::{Factor, NormalEquations};
use super::quasi_newton;
use super::ridge::{Direct, RidgeFamily};
use super::scaling::{Deviation, Penalty, Spread};
use super::triangular::TriangularSystem;

/// Beyond this condition of the standardised Gram matrix, `auto` asks for the triangular factor.
/// A direct solution loses `ε · condition`; measured on well-known sets, 11 digits are left up to here.
pub(super) const CONDITION_LIMIT: f64 = 2e4;

/// Above this number of features `auto` iterates instead of factorising, as Spark does.
const DIRECT_FEATURES: usize = 4096;

/// How squared error is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ParamEnum)]
pub enum Solver {
    /// Normal equations, or the triangular factor where they would lose digits; L-BFGS above 4096 features.
    #[default]
    Auto,
    /// Normal equations; coordinate descent on them with an L1 penalty. Population deviations.
    Normal,
    /// The triangular factor. Population deviations.
    Qr,
    /// L-BFGS on the normal equations; coordinate descent with an L1 penalty. Sample deviations.
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
    /// One a feature; exactly 0 for a constant feature.
    pub(crate) coefficients: Array1<f64>,
    /// 0 without `fit_intercept`.
    pub(crate) intercept: f64,
    /// The objective over the label's variance at the start and after every iteration; `[0.0]` of a direct solution.
    pub(crate) objective_history: Vec<f64>,
    /// Iterations made; 0 of a direct solution.
    pub(crate) iterations: usize,
    /// Condition `λmax/λmin` of the standardised Gram matrix over the varying features, where it was decomposed.
    pub(crate) condition: Option<f64>,
    /// Diagonal of `(AᵀWA + penalty)⁻¹`, the intercept's entry last; of direct solutions of full rank.
    pub(crate) inverse_diagonal: Option<Array1<f64>>,
}

/// What became of one fit.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The model.
    Fitted(Fit),
    /// Normal equations are too ill-conditioned: call [`fit_factor`] with the same options.
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
                "nothing to fit: {rows} rows with a total weight of {weight_sum}; at least one row with a positive, finite weight is needed"
            ),
            Self::NotFinite => write!(
                f,
                "the second moments of features and label are not finite: values beyond about 1e150 overflow when squared; rescale the columns"
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

/// The data in unit coordinates: every varying column divided by its root mean square, about the mean with an
/// intercept and about zero without. The Gram matrix has a unit diagonal there, the label a unit norm.
#[derive(Debug)]
pub(super) struct UnitSystem {
    pub(super) fit_intercept: bool,
    pub(super) weight_sum: f64,
    /// Indices of the varying features.
    pub(super) active: Vec<usize>,
    pub(super) x_unit: Array1<f64>,
    pub(super) y_unit: f64,
    pub(super) gram: Array2<f64>,
    pub(super) rhs: Array1<f64>,
    x_mean: Array1<f64>,
    y_mean: f64,
}

impl UnitSystem {
    pub(super) fn new(moments: &NormalEquations, spread: &Spread, fit_intercept: bool) -> Self {
        let about_zero;
        let (xx, xy, yy) = if fit_intercept {
            (&moments.xx, &moments.xy, moments.yy)
        } else {
            about_zero = moments.about_zero();
            (&about_zero.0, &about_zero.1, about_zero.2)
        };
        let w = moments.weight_sum;
        let active = spread.active();
        let x_unit: Array1<f64> = active.iter().map(|&j| (xx[[j, j]] / w).sqrt()).collect();
        let y_unit = (yy / w).sqrt();
        let k = active.len();
        let gram = Array2::from_shape_fn((k, k), |(i, j)| {
            if i == j { 1.0 } else { xx[[active[i], active[j]]] / (w * (x_unit[i] * x_unit[j])) }
        });
        let rhs = Array1::from_shape_fn(k, |i| xy[active[i]] / (w * (x_unit[i] * y_unit)));
        let (x_mean, y_mean) = (moments.x_mean.clone(), moments.y_mean);
        Self { fit_intercept, weight_sum: w, active, x_unit, y_unit, gram, rhs, x_mean, y_mean }
    }

    /// Coefficients and intercept from unit coordinates.
    pub(super) fn restore(&self, t: ArrayView1<'_, f64>) -> (Array1<f64>, f64) {
        restore(&self.active, &self.x_unit, self.y_unit, (&self.x_mean, self.y_mean), self.fit_intercept, t)
    }

    /// Means of the varying features in units of their scale.
    pub(super) fn unit_mean(&self) -> Array1<f64> {
        Array1::from_shape_fn(self.active.len(), |i| self.x_mean[self.active[i]] / self.x_unit[i])
    }
}

/// Coefficients and intercept from unit coordinates.
pub(super) fn restore(
    active: &[usize],
    x_unit: &Array1<f64>,
    y_unit: f64,
    (x_mean, y_mean): (&Array1<f64>, f64),
    fit_intercept: bool,
    t: ArrayView1<'_, f64>,
) -> (Array1<f64>, f64) {
    let mut coefficients = Array1::zeros(x_mean.len());
    for (i, &j) in active.iter().enumerate() {
        coefficients[j] = t[i] * (y_unit / x_unit[i]);
    }
    let intercept = if fit_intercept { y_mean - coefficients.dot(x_mean) } else { 0.0 };
    (coefficients, intercept)
}

/// The penalty of one set of options in the given units.
pub(super) fn penalty(
    options: &FitOptions,
    deviation: Deviation,
    spread: &Spread,
    active: &[usize],
    x_unit: &Array1<f64>,
    y_unit: f64,
) -> Penalty {
    let scale = spread.penalty(deviation, options.standardization);
    let scale = Array1::from_shape_fn(active.len(), |i| scale[active[i]] / x_unit[i]);
    let (lambda, alpha) = (options.reg_param, options.elastic_net_param);
    if lambda == 0.0 {
        return Penalty { l1: 0.0, l2: 0.0, scale };
    }
    Penalty { l1: alpha * lambda / y_unit, l2: (1.0 - alpha) * lambda / spread.label(deviation), scale }
}

pub(super) fn spread(moments: &NormalEquations) -> Spread {
    let weights = (moments.weight_sum, moments.weight_sq_sum);
    Spread::new(weights, (moments.xx.diag(), moments.x_mean.view()), (moments.yy, moments.y_mean))
}

/// The answers that need no solver: errors, a constant label, and a model without varying features.
pub(super) fn degenerate(
    options: &FitOptions,
    spread: &Spread,
    moments: &NormalEquations,
) -> Option<Result<Fit, FitError>> {
    let (rows, weight_sum, y_mean) = (moments.rows, moments.weight_sum, moments.y_mean);
    if !(weight_sum > 0.0 && weight_sum.is_finite()) {
        return Some(Err(FitError::NoWeight { rows, weight_sum }));
    }
    if !moments.is_finite() {
        return Some(Err(FitError::NotFinite));
    }
    let constant_label = spread.label(Deviation::Population) == 0.0;
    if constant_label && !options.fit_intercept && y_mean != 0.0 && options.reg_param > 0.0 {
        return Some(Err(FitError::ConstantLabel { label: y_mean, reg_param: options.reg_param }));
    }
    let trivial = constant_label && (options.fit_intercept || y_mean == 0.0);
    (trivial || spread.active().is_empty()).then(|| {
        Ok(Fit {
            coefficients: Array1::zeros(moments.features()),
            intercept: if options.fit_intercept { y_mean } else { 0.0 },
            objective_history: vec![0.0],
            iterations: 0,
            condition: None,
            inverse_diagonal: None,
        })
    })
}

/// Fits every set of options to the same moments. A fit gives the same bits alone and among others.
///
/// Ridge regressions share one eigendecomposition of the standardised Gram matrix (and one more for penalties
/// that are not isotropic there: `standardization = false`, or no intercept); elastic nets share the warm starts
/// of a penalty ladder. [`Solver::Qr`] and an ill-conditioned [`Solver::Auto`] answer [`Outcome::NeedsFactor`].
pub(crate) fn fit_normal_equations(moments: &NormalEquations, options: &[FitOptions]) -> Batch {
    let spread = spread(moments);
    let mut with_intercept = None;
    let mut without = None;
    let mut factorisations = 0;
    let outcomes = options
        .iter()
        .map(|o| {
            if let Some(fit) = degenerate(o, &spread, moments) {
                return fit.map(Outcome::Fitted);
            }
            let shared = if o.fit_intercept { &mut with_intercept } else { &mut without };
            let shared = shared.get_or_insert_with(|| Shared::new(moments, &spread, o.fit_intercept));
            shared.fit(o, &spread)
        })
        .collect();
    for shared in [with_intercept, without].into_iter().flatten() {
        factorisations += shared.ridge.factorisations();
    }
    Batch { outcomes, factorisations }
}

/// Work that fits with the same kind of intercept share.
struct Shared {
    system: UnitSystem,
    ridge: RidgeFamily,
    paths: Vec<PenaltyPath>,
}

impl Shared {
    fn new(moments: &NormalEquations, spread: &Spread, fit_intercept: bool) -> Self {
        let system = UnitSystem::new(moments, spread, fit_intercept);
        Self { system, ridge: RidgeFamily::default(), paths: Vec::new() }
    }

    fn fit(&mut self, options: &FitOptions, spread: &Spread) -> Result<Outcome, FitError> {
        let system = &self.system;
        let solver = options.solver_for(system.x_mean.len());
        let deviation = if solver == Solver::LBfgs { Deviation::Sample } else { Deviation::Population };
        let penalty = penalty(options, deviation, spread, &system.active, &system.x_unit, system.y_unit);
        // Spark's objective divides by the label's variance.
        let unit = match spread.label(deviation) {
            0.0 => 1.0,
            s => (system.y_unit / s).powi(2),
        };
        if options.has_l1() {
            let alpha = options.elastic_net_param;
            let ratio = (1.0 - alpha) / alpha * (system.y_unit / spread.label(deviation));
            let start = PenaltyPath::new(system, &penalty.scale, ratio);
            let at = self.paths.iter().position(|p| p.same(&start)).unwrap_or_else(|| {
                self.paths.push(start);
                self.paths.len() - 1
            });
            let solution = self.paths[at].solve(system, &penalty, options.tol, options.max_iter);
            return Ok(Outcome::Fitted(iterated(system, solution, unit)));
        }
        if solver == Solver::LBfgs {
            let solution = quasi_newton::minimise(system, &penalty, options.tol, options.max_iter);
            return Ok(Outcome::Fitted(iterated(system, solution, unit)));
        }
        let condition = self.ridge.condition(system, &penalty).ok_or(FitError::NotFinite)?;
        if solver == Solver::Qr || (solver == Solver::Auto && condition.regularised > CONDITION_LIMIT) {
            return Ok(Outcome::NeedsFactor { condition: condition.plain });
        }
        let direct = self.ridge.solve(system, &penalty).ok_or(FitError::NotFinite)?;
        let (coefficients, intercept) = system.restore(direct.t.view());
        let inverse_diagonal = unscale_inverse(
            &direct,
            &system.active,
            &system.x_unit,
            system.weight_sum,
            options.fit_intercept,
            system.x_mean.len(),
        );
        Ok(Outcome::Fitted(Fit {
            coefficients,
            intercept,
            objective_history: vec![0.0],
            iterations: 0,
            condition: Some(condition.plain),
            inverse_diagonal,
        }))
    }
}

/// What an iterative solver answers, in unit coordinates.
#[derive(Debug, Clone)]
pub(super) struct Iterated {
    pub(super) t: Array1<f64>,
    /// Objectives over the label's mean square.
    pub(super) history: Vec<f64>,
    pub(super) iterations: usize,
}

fn iterated(system: &UnitSystem, solution: Iterated, unit: f64) -> Fit {
    let (coefficients, intercept) = system.restore(solution.t.view());
    Fit {
        coefficients,
        intercept,
        objective_history: solution.history.iter().map(|v| v * unit).collect(),
        iterations: solution.iterations,
        condition: None,
        inverse_diagonal: None,
    }
}

/// The diagonal of the inverse in the data's own units; not defined while a feature is constant.
pub(super) fn unscale_inverse(
    direct: &Direct,
    active: &[usize],
    x_unit: &Array1<f64>,
    weight_sum: f64,
    fit_intercept: bool,
    features: usize,
) -> Option<Array1<f64>> {
    let inverse = direct.inverse.as_ref()?;
    if active.len() != features {
        return None;
    }
    let slopes = inverse.diagonal.iter().zip(x_unit).map(|(v, u)| v / (weight_sum * u * u));
    let intercept = fit_intercept.then_some((1.0 + inverse.mean_form) / weight_sum);
    Some(slopes.chain(intercept).collect())
}

/// Fits every set of options to the same triangular factor: half the digits of the condition are lost, not all.
/// Elastic nets and [`Solver::LBfgs`] work on the moments that the factor stands for.
pub(crate) fn fit_factor(factor: &Factor, options: &[FitOptions]) -> Batch {
    let moments = factor.normal_equations();
    let spread = spread(&moments);
    let mut factorisations = 0;
    let mut systems: [Option<TriangularSystem>; 2] = [None, None];
    let outcomes = options
        .iter()
        .map(|o| {
            if o.has_l1() || o.solver_for(factor.features()) == Solver::LBfgs {
                let mut batch = fit_normal_equations(&moments, std::slice::from_ref(o));
                factorisations += batch.factorisations;
                return batch.outcomes.pop().unwrap_or(Err(FitError::NotFinite));
            }
            if let Some(fit) = degenerate(o, &spread, &moments) {
                return fit.map(Outcome::Fitted);
            }
            let system = match &mut systems[usize::from(o.fit_intercept)] {
                Some(system) => system,
                empty => {
                    let system = TriangularSystem::new(factor, &spread, o.fit_intercept);
                    factorisations += 2;
                    empty.insert(system.ok_or(FitError::NotFinite)?)
                }
            };
            let (fit, made) = system.fit(o, &spread, &moments);
            factorisations += made;
            Ok(Outcome::Fitted(fit))
        })
        .collect();
    Batch { outcomes, factorisations }
}
