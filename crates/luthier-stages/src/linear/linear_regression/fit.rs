//! What a fit answers, and the answers that need no solver.

use std::fmt;

use ndarray::{Array1, ArrayView1};

use super::moments::Totals;
use super::options::FitOptions;
use super::ridge::Direct;
use super::scaling::{Deviation, Spread};
use super::seminormal::Seminormal;
use super::unit::Units;

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

impl Fit {
    /// A direct solution in unit coordinates, of full rank and without standard errors.
    pub(super) fn new(units: &Units, t: ArrayView1<'_, f64>) -> Self {
        let (coefficients, intercept) = units.restore(t);
        Self { rank: units.active.len(), constant: units.constant(), ..Self::plain(coefficients, intercept) }
    }

    /// Of coefficients that need no solver.
    pub(super) fn plain(coefficients: Array1<f64>, intercept: f64) -> Self {
        Self {
            coefficients,
            intercept,
            rank: 0,
            constant: Vec::new(),
            dependent: Vec::new(),
            objective_history: vec![0.0],
            iterations: 0,
            converged: true,
            condition: None,
            inverse_diagonal: None,
            seminormal: None,
        }
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
    /// It was cancelled: whoever has the token says why.
    Cancelled,
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
            Self::Cancelled => f.write_str("cancelled"),
            Self::ConstantLabel { label, reg_param } => write!(
                f,
                "the label is {label} in every row, so its standard deviation is 0 and reg_param = {reg_param} cannot be scaled by it: set reg_param to 0 or fit_intercept to true"
            ),
        }
    }
}

impl std::error::Error for FitError {}

pub(super) fn spread(totals: &Totals) -> Spread {
    let weights = (totals.weight_sum, totals.weight_sq_sum);
    Spread::new(weights, (totals.xx.view(), totals.x_mean.view()), (totals.yy, totals.y_mean))
}

/// The answers that need no solver: errors, also that the fit was cancelled, a constant label, and a model without varying features. `finite` says
/// whether the moments are.
pub(super) fn degenerate(
    options: &FitOptions,
    spread: &Spread,
    totals: &Totals,
    finite: bool,
) -> Option<Result<Fit, FitError>> {
    if options.cancel.is_cancelled() {
        return Some(Err(FitError::Cancelled));
    }
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
        let intercept = if options.fit_intercept { y_mean } else { 0.0 };
        Ok(Fit {
            rank: active.len(),
            constant: (0..totals.x_mean.len()).filter(|j| active.binary_search(j).is_err()).collect(),
            ..Fit::plain(Array1::zeros(totals.x_mean.len()), intercept)
        })
    })
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
